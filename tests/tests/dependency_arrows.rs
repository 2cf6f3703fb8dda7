//! Dependencies between our crates point one way; this reads `cargo metadata` and says which do not.
//!
//! The allowed arrows are the layering of ARCHITECTURE.md. Test-only dependencies are free, except
//! that nothing may depend on a controller but the command line and the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// What each crate may depend on, without the `fjord-` prefix. A new crate is a new line.
const ALLOWED: &[(&str, &[&str])] = &[
    ("yaml", &[]),
    ("kustomize", &["yaml"]),
    ("artifact", &[]),
    ("semver", &[]),
    ("git", &["semver"]),
    ("gotemplate", &["semver", "yaml"]),
    ("helm", &["gotemplate", "semver", "yaml"]),
    // Who reads encrypted files hands it keys as plain data; controllers and the command join the two.
    ("keyservice", &[]),
    ("sandbox", &[]),
    ("sops", &["gotemplate", "yaml"]),
    // The manifests it generates are YAML, and there is one YAML layer.
    ("crds", &["yaml"]),
    ("runtime", &["crds"]),
    ("apply", &["crds", "runtime"]),
    ("source-controller", &["artifact", "crds", "git", "runtime"]),
    (
        "kustomize-controller",
        // Remote bases are Git repositories.
        &[
            "apply",
            "artifact",
            "crds",
            "git",
            "kustomize",
            "runtime",
            "yaml",
        ],
    ),
    // Headers in a provider's Secret are YAML.
    ("notification-controller", &["crds", "runtime", "yaml"]),
];

/// Crates at the top, which may use all of the above.
const FREE: &[&str] = &["fjord", "fjord-tests"];

#[test]
fn no_crate_depends_on_one_above_or_beside_it() -> Result<()> {
    let allowed: BTreeMap<_, BTreeSet<_>> = ALLOWED
        .iter()
        .map(|(name, targets)| (*name, targets.iter().copied().collect()))
        .collect();
    let mut wrong = Vec::new();
    for (name, targets) in arrows()? {
        if FREE.contains(&name.as_str()) {
            continue;
        }
        let short = name.strip_prefix("fjord-").unwrap_or(&name);
        let Some(allowed) = allowed.get(short) else {
            wrong.push(format!("{name} has no line in the table of this test"));
            continue;
        };
        for target in targets {
            let short = target.strip_prefix("fjord-").unwrap_or(&target);
            if !allowed.contains(short) {
                wrong.push(format!("{name} -> {target}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "arrows the wrong way:\n{}",
        wrong.join("\n")
    );
    Ok(())
}

/// Returns the dependencies among our crates, those of tests left out.
fn arrows() -> Result<Vec<(String, Vec<String>)>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let packages = metadata["packages"].as_array().context("packages")?;
    let ours = |name: &Value| {
        name.as_str()
            .filter(|name| name.starts_with("fjord"))
            .map(str::to_owned)
    };
    Ok(packages
        .iter()
        .filter_map(|package| {
            let targets = package["dependencies"]
                .as_array()?
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .filter_map(|dependency| ours(&dependency["name"]))
                .collect();
            Some((ours(&package["name"])?, targets))
        })
        .collect())
}
