//! The ignore rules against what Flux's own library said about random rules and paths.
//!
//! `cases/sourceignore/flux.jsonl` holds one case a line: rule files by folder, `spec.ignore`, paths
//! (a slash at the end marks a folder), and those that Flux keeps (pkg/sourceignore v0.18.0).

#![allow(clippy::unwrap_used, reason = "a test may fail at any line")]

use std::collections::BTreeMap;

use fjord_artifact::sourceignore::Matcher;

#[derive(serde::Deserialize)]
struct Case {
    files: BTreeMap<String, String>,
    spec: Option<String>,
    paths: Vec<String>,
    kept: Vec<String>,
}

#[test]
fn random_rules_keep_what_flux_keeps() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/cases/sourceignore/flux.jsonl"
    );
    let text = std::fs::read_to_string(file).unwrap();
    for (number, line) in text.lines().enumerate() {
        let case: Case = serde_json::from_str(line).unwrap();
        let files = case
            .files
            .iter()
            .map(|(folder, text)| (folder.as_str(), text.as_str()));
        let matcher = Matcher::for_source(files, case.spec.as_deref());
        let is_kept =
            |path: &&String| !matcher.excludes(path.trim_end_matches('/'), path.ends_with('/'));
        let kept: Vec<String> = case.paths.iter().filter(is_kept).cloned().collect();
        assert_eq!(kept, case.kept, "case {} of {file}: {line}", number + 1);
    }
}
