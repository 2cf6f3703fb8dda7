//! Faults planted in a copy of our code, each of which the differential test has to find.
//!
//! `faults.txt` holds them: `=` what goes wrong, `@` the file, `-` a line's text, `+` what takes its place,
//! where `PLANTED` says whether the fault is on. All are compiled into one copy and switched on one at a time. That each
//! still fits its file is always tested.
//!
//! To run them needs the oracle and takes minutes: `cargo test -p fjord-kustomize --test faults -- --ignored --nocapture`.
//! `FJORD_TREES` says how many trees a fault may live through, `FJORD_FAULT=word` asks for some of them.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The crates that are copied; faults may be in each.
const CRATES: [&str; 2] = ["kustomize", "yaml"];

struct Fault {
    what: String,
    file: String,
    from: String,
    to: String,
}

fn faults() -> Vec<Fault> {
    let blocks = include_str!("faults.txt").trim().split("\n\n");
    let one = |block: &str| {
        let line = |mark: &str| {
            let found = block.lines().find_map(|line| line.strip_prefix(mark));
            found.unwrap().to_owned()
        };
        Fault {
            what: line("= "),
            file: line("@ "),
            from: line("- "),
            to: line("+ "),
        }
    };
    blocks.map(one).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|e| (e.path(), e.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// Makes a workspace of the copied crates with all faults in it.
fn plant(root: &Path, to: &Path) {
    for name in ["Cargo.lock", "rust-toolchain.toml"] {
        std::fs::copy(root.join(name), to.join(name)).unwrap();
    }
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let (_, rest) = manifest.split_once("\n]\n").unwrap();
    let head = "[workspace]\nresolver = \"3\"\nmembers = [\"libs/*\"]\n";
    std::fs::write(to.join("Cargo.toml"), format!("{head}{rest}")).unwrap();
    for name in CRATES {
        let (from, to) = (root.join("libs").join(name), to.join("libs").join(name));
        for folder in ["src", "tests"] {
            if from.join(folder).is_dir() {
                copy(&from.join(folder), &to.join(folder));
            }
        }
        std::fs::copy(from.join("Cargo.toml"), to.join("Cargo.toml")).unwrap();
        let lib = to.join("src/lib.rs");
        let mut text = std::fs::read_to_string(&lib).unwrap();
        text.push_str(
            "\npub(crate) fn planted(fault: &str) -> bool {\n    static ON: std::sync::OnceLock<String> = std::sync::OnceLock::new();\n    ON.get_or_init(|| std::env::var(\"FJORD_FAULT\").unwrap_or_default()) == fault\n}\n",
        );
        std::fs::write(&lib, text).unwrap();
    }
    for (number, fault) in faults().iter().enumerate() {
        let path = to.join("libs").join(&fault.file);
        let text = std::fs::read_to_string(&path).unwrap();
        let on = format!("crate::planted(\"{}\")", number + 1);
        let text = text.replace(&fault.from, &fault.to.replace("PLANTED", &on));
        std::fs::write(&path, text).unwrap();
    }
}

/// Runs the differential in the copy with one fault on; gives the seed that differs.
fn differing_seed(copy: &Path, target: &Path, fault: usize) -> Result<Option<String>, String> {
    let trees = std::env::var("FJORD_TREES").unwrap_or_else(|_| "1000".to_owned());
    let output = Command::new(env!("CARGO"))
        .args(["test", "--offline", "-p", "fjord-kustomize"])
        .args(["--test", "differential", "generated", "--", "--nocapture"])
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", target)
        // Thousands of trees cost more than the compiler.
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
        .env("FJORD_FAULT", fault.to_string())
        .env("FJORD_TREES", trees)
        .env("FJORD_FIRST", "1")
        .env_remove("FJORD_TALLY")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let seed = text
        .lines()
        .find_map(|line| line.strip_prefix("seed ")?.split_once(" differs"));
    match (seed, output.status.success()) {
        (Some((seed, _)), false) => Ok(Some(seed.to_owned())),
        (None, true) if !text.contains("SKIPPED") => Ok(None),
        _ => Err(text),
    }
}

#[test]
fn every_planted_fault_still_fits_its_file() {
    let libraries = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let all = faults();
    assert!(all.len() >= 20, "there are {} faults, not 20", all.len());
    for fault in all {
        let text = std::fs::read_to_string(libraries.join(&fault.file)).unwrap();
        let count = text.matches(&fault.from).count();
        let (what, file, from) = (&fault.what, &fault.file, &fault.from);
        assert_eq!(
            count, 1,
            "{what}: {file} holds {from:?} so many times; mend tests/faults.txt"
        );
    }
}

#[test]
#[ignore = "compiles a copy of the engine and builds thousands of trees"]
fn the_differential_finds_every_planted_fault() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let scratch = tempfile::tempdir().unwrap();
    plant(&root, scratch.path());
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| root.join("target")).join("faults");
    let find = |fault| match differing_seed(scratch.path(), &target, fault) {
        Ok(found) => found,
        Err(text) => {
            println!("{text}");
            Some("none: the run failed".to_owned())
        }
    };
    let mut missed = Vec::new();
    let word = std::env::var("FJORD_FAULT").unwrap_or_default();
    let all = faults().into_iter().enumerate();
    for (number, fault) in all.filter(|(_, fault)| fault.what.contains(&word)) {
        let seed = find(number + 1);
        let shown = seed.as_deref().unwrap_or("none");
        println!("{:>2}  {:<60} seed {shown}", number + 1, fault.what);
        if seed.is_none_or(|seed| seed.starts_with("none")) {
            missed.push(fault.what);
        }
    }
    assert!(missed.is_empty(), "not found: {missed:#?}");
    assert_eq!(find(0), None, "without a fault there is a difference");
}
