//! Faults planted in our own code, one at a time: the differential has to find each.
//!
//! `differential/faults.jsonl` holds them as replacements of one expression by another. That each still fits its file is
//! always tested. To run them takes a build of the engine and some minutes more, and the oracle (`make oracle`):
//! `cargo test -p fjord-helm --test planted -- --ignored --nocapture`, `FJORD_FAULT=word` for some of them. All are
//! written into one copy of the sources, where `FJORD_PLANTED` switches on one; it is built once, optimised. The sound
//! copy is asked first, and what the real Helm answers then is kept for the copies with a fault.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Fault {
    what: String,
    /// The run that has to find it: of templates or of values.
    run: String,
    file: String,
    from: String,
    to: String,
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap().to_owned()
}

fn faults() -> Vec<Fault> {
    let lines = include_str!("differential/faults.jsonl").lines();
    let faults = lines.map(|line| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        Fault {
            what: text("fault"),
            run: text("run"),
            file: text("file"),
            from: text("from"),
            to: text("to"),
        }
    });
    faults.collect()
}

#[test]
fn every_planted_fault_still_fits_its_file() {
    let all = faults();
    assert!(all.len() >= 20, "there are {} faults, not 20", all.len());
    for fault in all {
        let text = fs::read_to_string(root().join(&fault.file)).unwrap();
        let count = text.matches(&fault.from).count();
        assert_eq!(
            count, 1,
            "{}: {} holds {:?} so many times; mend libs/helm/tests/differential/faults.jsonl",
            fault.what, fault.file, fault.from
        );
    }
}

#[test]
#[ignore = "builds the engine"]
fn every_planted_fault_is_found() {
    let only = std::env::var("FJORD_FAULT").unwrap_or_default();
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted");
    remove(&copy);
    copy_into(&root(), &copy);
    for (number, fault) in faults().iter().enumerate() {
        let path = copy.join(&fault.file);
        let sound = fs::read_to_string(&path).unwrap();
        let switch = if fault.file.starts_with("libs/gotemplate/") {
            "crate"
        } else {
            "fjord_gotemplate"
        };
        let (from, to) = (&fault.from, &fault.to);
        let either = format!("(if {switch}::planted({number}) {{ {to} }} else {{ {from} }})");
        fs::write(&path, sound.replacen(from, &either, 1)).unwrap();
    }
    let path = copy.join("libs/gotemplate/src/lib.rs");
    let sound = fs::read_to_string(&path).unwrap();
    fs::write(&path, sound + SWITCH).unwrap();
    let differential = build(&copy);
    for run in ["templates", "values"] {
        let seed = first_seed(&differential, &copy, run, "none");
        assert_eq!(seed, None, "there are differences already");
    }
    let mut missed = Vec::new();
    println!("| fault | the first seed that shows it |\n|---|---|");
    for (number, fault) in faults().into_iter().enumerate() {
        if !fault.what.contains(&only) {
            continue;
        }
        match first_seed(&differential, &copy, &fault.run, &number.to_string()) {
            Some(seed) => println!("| {} | {} {seed} |", fault.what, fault.run),
            None => missed.push(fault.what),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
    remove(&copy);
}

fn remove(folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
}

/// What tells the copy which fault is on.
const SWITCH: &str = r#"
/// Says whether a fault is on.
pub fn planted(number: usize) -> bool {
    static ON: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();
    let on = || std::env::var("FJORD_PLANTED").ok()?.parse().ok();
    *ON.get_or_init(on) == Some(number)
}
"#;

/// Copies the sources, without what was built.
fn copy_into(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name == "target" || name == ".git" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy_into(&entry.path(), &to.join(name));
        } else {
            fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

/// Builds the differential of a copy; gives the program.
fn build(copy: &Path) -> PathBuf {
    let target = std::env::current_exe().unwrap();
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--release", "-p", "fjord-helm"]);
    command.args([
        "--test",
        "differential",
        "--no-run",
        "--message-format=json",
    ]);
    command.env("CARGO_TARGET_DIR", target.ancestors().nth(3).unwrap());
    let built = command.current_dir(copy).output().unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "does not build: {said}");
    let messages = String::from_utf8(built.stdout).unwrap();
    let mut programs = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_it = message["target"]["name"] == "differential";
        message["executable"]
            .as_str()
            .filter(|_| is_it)
            .map(PathBuf::from)
    });
    programs.next_back().unwrap()
}

/// Runs the differential of a copy with one fault on; gives the seed that differed first.
fn first_seed(differential: &Path, copy: &Path, what: &str, fault: &str) -> Option<String> {
    let mut command = Command::new(differential);
    command.args(["--nocapture", &format!("generated_{what}")]);
    command.env("FJORD_FIRST", "1").env("FJORD_PLANTED", fault);
    command.env("FJORD_ANSWERS", copy.join(format!("answers-{what}.jsonl")));
    for (count, default) in [("FJORD_TEMPLATES", "10000"), ("FJORD_MERGES", "1000")] {
        if std::env::var_os(count).is_none() {
            command.env(count, default);
        }
    }
    let tested = command.current_dir(copy).output().unwrap();
    let printed = String::from_utf8_lossy(&tested.stdout);
    let said = String::from_utf8_lossy(&tested.stderr);
    assert!(!said.contains("SKIPPED"), "{said}");
    let seed = printed.lines().find_map(|line| line.strip_prefix("SEED "));
    if let Some((seed, _)) = seed.and_then(|line| line.split_once(':')) {
        return Some(seed.to_owned());
    }
    assert!(tested.status.success(), "fails otherwise: {printed}{said}");
    None
}
