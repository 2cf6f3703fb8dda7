//! Files changed in every class get the real sops's verdict (`tests/oracle/sops/tampered.py`), and its bytes where it accepts.

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fjord_sops::{AgeIdentities, Format, Mac, decrypt};
use serde_json::Value;

/// Where the verdicts differ on purpose: in which format (any, if empty), and whether we accept. docs/deviations.md says why.
const DELIBERATE: &[(&str, &str, bool)] = &[
    // The real tool dies of it although the checksum is not asked for.
    ("", "mac-type-bytes", true),
    // It leaves all values encrypted, which is worse than an error.
    ("binary", "regex-broken", false),
];

fn keys() -> AgeIdentities {
    let mut keys = AgeIdentities::default();
    for name in ["first", "second", "third"] {
        let path = format!("tests/sops/keys/{name}.age");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        keys.add_lines(&std::fs::read_to_string(path).unwrap())
            .unwrap();
    }
    keys
}

#[test]
fn every_class_of_tampering_is_accepted_or_refused_as_by_sops() {
    let keys = keys();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops/tampered.jsonl");
    let mut wrong = Vec::new();
    let mut classes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let (mut accepted, mut refused, mut different) = (0, 0, 0);
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| case[field].as_str().unwrap();
        let format = Format::parse(text("format")).unwrap();
        let mac = if case["ignore_mac"] == true {
            Mac::Skip
        } else {
            Mac::Verify
        };
        let class = text("name").split('-').next().unwrap();
        let formats = classes.entry(class.to_owned()).or_default();
        formats.insert(text("format").to_owned());
        let name = format!("{} {} {mac:?}", text("format"), text("name"));
        let ours = decrypt(text("encrypted").as_bytes(), format, &keys, mac)
            .and_then(|decrypted| decrypted.write(format));
        let deliberate = DELIBERATE.iter().any(|(format, name, accepts)| {
            (format.is_empty() || *format == text("format"))
                && *name == text("name")
                && *accepts == ours.is_ok()
                && mac == Mac::Skip
        });
        match (case["expected"].as_str(), ours) {
            _ if deliberate => different += 1,
            (None, Err(_)) => refused += 1,
            (Some(expected), Ok(ours)) if expected.as_bytes() == &ours[..] => accepted += 1,
            (Some(expected), ours) => wrong.push(format!(
                "{name}: sops gives\n{expected}\nbut here {}",
                ours.map_or_else(
                    |error| error.to_string(),
                    |ours| String::from_utf8_lossy(&ours).into_owned()
                )
            )),
            (None, Ok(_)) => wrong.push(format!("{name}: accepted, but sops: {}", text("error"))),
        }
    }
    println!("{accepted} are accepted by both, {refused} refused, {different} differ on purpose");
    assert_eq!(
        different, 6,
        "the list of deliberate differences is too long"
    );
    for class in [
        "value",
        "mac",
        "key",
        "date",
        "version",
        "recipient",
        "enc",
        "threshold",
    ] {
        assert_eq!(classes[class].len(), 5, "{class} lacks a format");
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
