//! The project's own cases: inputs by us, expectations printed by the real kustomize (`make oracle`).
//!
//! A case is a folder of `tests/cases`: `input/`, `expected.yaml` or `expected_error`, and `case.json`
//! for what is not the default (`path`, `loadRestrictor`, `reorder`). An error passes if it ends as the
//! real one does; where ours says more, the case says so in `ours_says`.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod features;

use fjord_kustomize::{LoadRestrictor, Options, Reorder, RootedFs, build};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn run(dir: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(dir.join("case.json")).unwrap_or_else(|_| "{}".to_owned());
    let case: Value = serde_json::from_str(&text).unwrap();
    let fs = RootedFs::new(dir.join("input")).unwrap();
    let options = Options {
        load_restrictor: if case["loadRestrictor"] == "none" {
            LoadRestrictor::None
        } else {
            LoadRestrictor::RootOnly
        },
        reorder: if case["reorder"] == "legacy" {
            Reorder::Legacy
        } else {
            Reorder::None
        },
        ..Options::default()
    };
    let path = format!(
        "{}/{}",
        fs.root(),
        case["path"].as_str().unwrap_or_default()
    );
    build(&fs, path.trim_end_matches('/'), &options)
        .and_then(|built| built.to_yaml())
        .map_err(|error| error.message().replace(fs.root(), "INPUT"))
}

#[test]
fn every_case_comes_out_as_the_real_kustomize_printed_it() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut failed = Vec::new();
    let mut dirs: Vec<_> = std::fs::read_dir(cases)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    dirs.sort();
    for dir in &dirs {
        let got = run(dir);
        let read = |name: &str| std::fs::read_to_string(dir.join(name)).ok();
        let (want, ours) = (read("expected.yaml"), read("ours_says"));
        let passed = match (&want, &got) {
            (Some(want), Ok(got)) => want == got,
            (None, Err(got)) => {
                let want = ours.or_else(|| read("expected_error")).unwrap_or_default();
                got.trim_end() == want.trim_end()
            }
            _ => false,
        };
        if !passed {
            let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
            let want = want.or_else(|| read("expected_error")).unwrap_or_default();
            let got = got.unwrap_or_else(|error| error);
            eprintln!("{name}:\n--- kustomize\n{want}\n--- ours\n{got}\n");
            failed.push(name);
        }
    }
    assert!(dirs.len() > 50, "the cases are gone");
    assert!(
        failed.is_empty(),
        "{} of {} cases differ: {failed:?}",
        failed.len(),
        dirs.len()
    );
}

/// Reads the text files below a folder, by path.
fn texts(dir: &Path, prefix: &str, out: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            texts(&path, &format!("{name}/"), out);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            out.insert(name, text);
        }
    }
}

#[test]
fn the_cases_use_every_field_and_every_builtin() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for case in std::fs::read_dir(cases).unwrap() {
        let case = case.unwrap().path();
        let mut files = BTreeMap::new();
        texts(&case.join("input"), "", &mut files);
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        for field in features::used(&files) {
            used.entry(field).or_default().insert(name.clone());
        }
    }
    let mut missing = Vec::new();
    for field in features::all() {
        match used.get(field) {
            Some(cases) => eprintln!("{field}: {}", Vec::from_iter(cases.clone()).join(", ")),
            None => missing.push(field),
        }
    }
    assert!(missing.is_empty(), "no case uses these: {missing:#?}");
}
