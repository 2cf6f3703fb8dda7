//! Feature gates: known names only, and only values that are built.

use std::collections::BTreeMap;

use super::{Error, Gate, args::go_bool};

/// Reads all `--feature-gates`, later ones winning; unknown names and values that are not built stop the start.
pub(super) fn parse(
    known: &[Gate],
    flags: &[String],
) -> Result<BTreeMap<&'static str, bool>, Error> {
    let mut gates: BTreeMap<&'static str, bool> =
        known.iter().map(|gate| (gate.name, gate.default)).collect();
    for pair in flags
        .iter()
        .flat_map(|flag| flag.split(','))
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Error::Flag(format!(
                "missing bool value for feature gate {pair}"
            )));
        };
        let Some(gate) = known.iter().find(|gate| gate.name == name.trim()) else {
            return Err(Error::Flag(format!(
                "feature-gate '{}' not supported",
                name.trim()
            )));
        };
        let Ok(value) = go_bool(value.trim()) else {
            return Err(Error::Flag(format!(
                "invalid value of feature gate {}: {value}",
                gate.name
            )));
        };
        if value != gate.default && !gate.built {
            return Err(Error::Flag(format!(
                "feature gate {}={value} is not built yet",
                gate.name
            )));
        }
        gates.insert(gate.name, value);
    }
    Ok(gates)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Gate] = &[
        Gate {
            name: "Strict",
            default: true,
            built: true,
        },
        Gate {
            name: "External",
            default: false,
            built: false,
        },
    ];

    fn with(flags: &[&str]) -> Result<BTreeMap<&'static str, bool>, String> {
        let flags: Vec<String> = flags.iter().map(ToString::to_string).collect();
        parse(KNOWN, &flags).map_err(|error| error.to_string())
    }

    #[test]
    fn gates_accumulate_over_repeated_flags() {
        let gates = with(&["Strict=false", "External=false,Strict=true"]).unwrap();
        assert_eq!(
            gates,
            BTreeMap::from([("Strict", true), ("External", false)])
        );
    }

    #[test]
    fn unknown_malformed_and_unbuilt_gates_stop_the_start() {
        assert_eq!(
            with(&["Nope=true"]).unwrap_err(),
            "feature-gate 'Nope' not supported"
        );
        assert_eq!(
            with(&["Strict"]).unwrap_err(),
            "missing bool value for feature gate Strict"
        );
        assert_eq!(
            with(&["Strict=maybe"]).unwrap_err(),
            "invalid value of feature gate Strict: maybe"
        );
        assert_eq!(
            with(&["External=true"]).unwrap_err(),
            "feature gate External=true is not built yet"
        );
    }
}
