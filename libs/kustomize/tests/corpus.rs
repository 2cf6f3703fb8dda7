//! Cases of kustomize's own behaviour, kept outside the repository (`FJORD_CONFORMANCE`).
//!
//! Prints the pass rate of outputs and of errors apart, and each failing case. The thresholds are what
//! was reached; they only rise.

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use fjord_kustomize::{LoadRestrictor, MemoryFs, Options, Reorder, RootedFs, build};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Per mille of the outputs that must come out byte for byte.
const OUTPUTS: usize = 1000;
/// Per mille of the errors that must name what the real tool names.
const ERRORS: usize = 1000;

fn folder() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let root = std::env::var_os("FJORD_CONFORMANCE").map_or(default, PathBuf::from);
    let folder = root.join("kustomize");
    folder.is_dir().then_some(folder)
}

fn load(fs: &mut MemoryFs, dir: &Path, at: &str) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{at}/{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            load(fs, &entry.path(), &path);
        } else {
            fs.write(&path, std::fs::read(entry.path()).unwrap());
        }
    }
}

struct Case {
    name: String,
    dir: PathBuf,
    meta: Value,
}

fn cases(folder: &Path) -> Vec<Case> {
    let mut dirs: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    dirs.sort();
    let only = std::env::var("FJORD_CASE").unwrap_or_default();
    let mut out = Vec::new();
    for dir in dirs {
        let Ok(text) = std::fs::read_to_string(dir.join("meta.json")) else {
            continue;
        };
        let meta: Value = serde_json::from_str(&text).unwrap();
        let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
        if meta["requires"].as_array().is_none_or(Vec::is_empty) && name.contains(&only) {
            out.push(Case { name, dir, meta });
        }
    }
    out
}

/// Builds a case from disk, or in memory with the paths its messages were written for.
fn run(case: &Case, in_memory: bool) -> Result<String, String> {
    let none = case.meta["loadRestrictor"] == "LoadRestrictionsNone";
    let legacy = case.meta["reorder"] == "legacy";
    let options = Options {
        load_restrictor: if none {
            LoadRestrictor::None
        } else {
            LoadRestrictor::RootOnly
        },
        reorder: if legacy {
            Reorder::Legacy
        } else {
            Reorder::None
        },
        managed_by_label: case.meta["addManagedByLabel"] == true,
        version: "(test)",
        ..Options::default()
    };
    let path = case.meta["path"].as_str().unwrap_or(".");
    let input = case.dir.join("input");
    let built = if in_memory {
        let mut fs = MemoryFs::new();
        load(&mut fs, &input, "");
        build(&fs, &format!("/{path}"), &options)
    } else {
        let fs = RootedFs::new(&input).map_err(|e| e.to_string())?;
        build(&fs, &format!("{}/{path}", fs.root()), &options)
    };
    built
        .and_then(|built| built.to_yaml())
        .map_err(|error| error.message())
}

/// Says whether a message names what each fragment of the real one names.
fn names_the_same(message: &str, expected: &str) -> bool {
    let normal = |text: &str| {
        text.replace("\\\"", "\"")
            .replace("doesn't exist", "")
            .replace("no such file or directory", "")
    };
    let message = normal(message);
    expected.lines().filter(|line| *line != "any").all(|line| {
        let fragment = line.split_once(": ").map_or(line, |(_, fragment)| fragment);
        let fragment: String =
            serde_json::from_str(fragment).unwrap_or_else(|_| fragment.to_owned());
        message.contains(normal(&fragment).trim())
    })
}

#[test]
fn the_corpus_builds_as_kustomize_builds_it() {
    let Some(folder) = folder() else {
        eprintln!("SKIPPED: the kustomize corpus is not here; set FJORD_CONFORMANCE to its parent");
        return;
    };
    let (mut outputs, mut errors) = ((0, 0), (0, 0));
    let show = std::env::var_os("FJORD_CASE").is_some();
    for case in cases(&folder) {
        let good = std::fs::read_to_string(case.dir.join("expected.yaml"));
        let (passed, detail) = match &good {
            Ok(want) => {
                let got = run(&case, false);
                outputs.1 += 1;
                (
                    got.as_ref() == Ok(want),
                    got.unwrap_or_else(|error| format!("error: {error}")),
                )
            }
            Err(_) => {
                let want = std::fs::read_to_string(case.dir.join("expected_error")).unwrap();
                let got = run(&case, true);
                errors.1 += 1;
                let passed = got
                    .as_ref()
                    .is_err_and(|message| names_the_same(message, &want));
                let detail = got.map_or_else(|e| format!("error: {e}"), |_| "built".to_owned());
                (passed, format!("{detail}\n  wanted {want}"))
            }
        };
        let count = if good.is_ok() {
            &mut outputs.0
        } else {
            &mut errors.0
        };
        *count += usize::from(passed);
        if !passed {
            let first: String = detail
                .lines()
                .take(if show { 400 } else { 3 })
                .collect::<Vec<_>>()
                .join("\n  ");
            eprintln!(
                "FAILED {}: {}",
                case.name,
                if good.is_ok() && !show && !detail.starts_with("error") {
                    "other output"
                } else {
                    &first
                }
            );
        }
    }
    eprintln!(
        "outputs: {} of {}; errors: {} of {}",
        outputs.0, outputs.1, errors.0, errors.1
    );
    assert!(
        outputs.0 * 1000 >= OUTPUTS * outputs.1,
        "fewer outputs than before are right"
    );
    assert!(
        errors.0 * 1000 >= ERRORS * errors.1,
        "fewer errors than before are right"
    );
}
