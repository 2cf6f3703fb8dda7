//! Version ranges against what Masterminds/semver said, where the corpus is at hand
//! (`FJORD_CONFORMANCE`, by default `../shared/conformance` beside the repository).

#![allow(clippy::unwrap_used, reason = "a test may fail at any line")]

use std::path::PathBuf;

use fjord_semver::{Constraint, Version};
use serde_json::Value;

#[test]
fn ranges_and_versions_are_read_as_masterminds_reads_them() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance");
    let corpus = std::env::var("FJORD_CONFORMANCE").map_or_else(|_| beside.into(), PathBuf::from);
    let file = corpus.join("helm/semver/shared.jsonl");
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!(
            "SKIPPED: this test needs {}, which is absent",
            file.display()
        );
        return;
    };
    let mut counts = [0, 0, 0];
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| case[key].as_str().unwrap_or_default();
        match text("kind") {
            "check" => {
                let version = Version::parse(text("version"));
                let accepted = Constraint::parse(text("constraint")).ok().zip(version);
                let accepted = accepted.map(|(range, version)| range.accepts(&version));
                assert_eq!(accepted, case["result"].as_bool(), "{line}");
                counts[0] += 1;
            }
            "parse" => {
                let is_version = case.get("error").is_none();
                assert_eq!(
                    Version::parse(text("version")).is_some(),
                    is_version,
                    "{line}"
                );
                counts[1] += 1;
            }
            "sort" => {
                let list = |key: &str| -> Vec<&str> {
                    case[key]
                        .as_array()
                        .unwrap()
                        .iter()
                        .filter_map(Value::as_str)
                        .collect()
                };
                let mut versions = list("versions");
                versions.sort_by_key(|text| Version::parse(text));
                assert_eq!(versions, list("result"), "{line}");
                counts[2] += 1;
            }
            _ => {}
        }
    }
    assert!(
        counts.iter().all(|count| *count > 0),
        "cases of each kind: {counts:?}"
    );
}
