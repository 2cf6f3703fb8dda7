//! Own charts: what the real Helm printed for them (`make oracle`) is what comes out here, byte for byte.
//!
//! The table below says which case covers which feature of charts, and by what in its files.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

mod command;
mod features;
mod machine;

use command::Printed;

fn cases() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<(String, PathBuf)> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().into(), path))
        .collect();
    cases.sort();
    cases
}

#[test]
fn own_charts_give_what_helm_gives() {
    let only = std::env::var("FJORD_CASE").unwrap_or_default();
    let (mut alike, mut all) = (0, 0);
    for (name, folder) in cases() {
        if !name.contains(&only) {
            continue;
        }
        let mut arguments = vec!["rel".to_owned(), "chart".to_owned()];
        let given = fs::read_to_string(folder.join("args")).unwrap_or_default();
        arguments.extend(given.lines().map(str::to_owned));
        let got = in_order(command::run(&folder, &arguments));
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        let want = in_order(Printed {
            output: read("expected.yaml"),
            messages: read("expected_error") + &read("expected_stderr"),
            failed: folder.join("expected_error").is_file(),
        });
        all += 1;
        if got == want {
            alike += 1;
        } else {
            println!("DIFFERS {name}\n  want {want:#?}\n   got {got:#?}");
        }
    }
    println!("own charts: {alike} of {all} as Helm");
    assert_eq!(alike, all, "cases differ; they are above");
}

/// Sorts warnings: those about several keys of a map come in no order from Helm.
fn in_order(mut printed: Printed) -> Printed {
    if !printed.failed {
        let mut lines: Vec<&str> = printed.messages.lines().collect();
        lines.sort_unstable();
        printed.messages = lines.join("\n");
    }
    printed
}

#[test]
fn every_feature_of_charts_has_a_case_and_every_case_a_feature() {
    let known: BTreeSet<String> = cases().into_iter().map(|(name, _)| name).collect();
    let mut covered = BTreeSet::new();
    for (feature, case, mark) in features::FEATURES {
        assert!(known.contains(*case), "{feature}: there is no case {case}");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
        assert!(
            holds(&folder.join(case), mark),
            "{feature}: {case} holds no {mark:?}"
        );
        covered.insert((*case).to_owned());
    }
    let missing: Vec<&String> = known.difference(&covered).collect();
    assert!(missing.is_empty(), "no feature names these: {missing:#?}");
}

/// Says whether a path or a file below a folder holds a text.
fn holds(folder: &Path, mark: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return path.to_str().unwrap().contains(mark) || holds(&path, mark);
        }
        path.to_str().unwrap().contains(mark)
            || String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(mark)
    })
}
