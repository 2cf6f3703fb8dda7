//! Generated trees, built by this engine and by the real kustomize, compared byte for byte.
//!
//! Needs the oracle (`make oracle-build`); skips loudly without it. `FJORD_TREES` says how many trees,
//! `FJORD_SEED` where to start; a failing tree is kept and its seed printed.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod differential {
    pub(crate) mod grammar;
    pub(crate) mod kinds;
}

use differential::grammar::{Random, Tree};
use fjord_kustomize::{LoadRestrictor, Options, RootedFs, build};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

struct Oracle {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Oracle {
    fn start() -> Option<Self> {
        let home = std::env::var_os("HOME")
            .map(PathBuf::from)
            .unwrap_or_default();
        let default = home.join(".cache/fjord/oracle/kustomize-oracle");
        let path = std::env::var_os("FJORD_KUSTOMIZE_ORACLE").map_or(default, PathBuf::from);
        if !path.is_file() {
            return None;
        }
        let mut child = Command::new(path)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Some(Self {
            child,
            input,
            output: BufReader::new(output),
        })
    }

    fn build(&mut self, dir: &Path) -> Result<String, String> {
        writeln!(self.input, "{}", dir.display()).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let value: Value = serde_json::from_str(&line).unwrap();
        match value["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(value["output"].as_str().unwrap_or_default().to_owned()),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ours(dir: &Path) -> Result<String, String> {
    let fs = RootedFs::new(dir.parent().unwrap()).unwrap();
    let options = Options {
        load_restrictor: LoadRestrictor::None,
        ..Options::default()
    };
    build(&fs, dir.to_str().unwrap(), &options)
        .and_then(|built| built.to_yaml())
        .map_err(|error| error.message())
}

/// Texts of our errors where kustomize builds and we refuse on purpose.
const RULES: [&str; 3] = [
    // It takes a tab after `?` for no separation, as YAML does.
    "found character that cannot start any token",
    // libyaml allows fewer characters in a tag than Go's port of an older libyaml.
    "did not find expected whitespace or line break",
    // The hash of other kinds covers kustomize's own node structure, line numbers included.
    "a name suffix hash for",
];

/// Returns the innermost part of a message, without the quotes of its outer ones.
fn leaf(message: &str) -> String {
    let line = message
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let text = line.replace(['"', '\\', '\''], "");
    text.rsplit(": ")
        .find(|part| !part.trim().is_empty())
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn generated_trees_build_as_kustomize_builds_them() {
    let Some(mut oracle) = Oracle::start() else {
        eprintln!("SKIPPED: no kustomize oracle; build it from tests/oracle/kustomize");
        return;
    };
    let (first, count) = (number("FJORD_SEED", 1), number("FJORD_TREES", 60));
    let scratch = tempfile::tempdir().unwrap();
    let (mut built, mut used) = (0, BTreeMap::<&str, usize>::new());
    let mut differences = Vec::new();
    let keep = std::env::var_os("FJORD_KEEP").map(PathBuf::from);
    for seed in first..first + count {
        let tree = Tree::generate(seed);
        let dir = scratch.path().join(seed.to_string());
        tree.write(&dir);
        let top = dir.join(&tree.top);
        let (want, got) = (oracle.build(&top), ours(&top));
        let same = match (&want, &got) {
            (Ok(want), Ok(got)) => want == got,
            (Err(want), Err(got)) => {
                let (want, got) = (leaf(want), leaf(got));
                if want != got && std::env::var_os("FJORD_ERRORS").is_some() {
                    eprintln!("seed {seed}: error {want:?} is {got:?}");
                }
                true
            }
            (Ok(_), Err(got)) if RULES.iter().any(|rule| got.contains(rule)) => true,
            _ => false,
        };
        if want.is_ok() {
            built += 1;
            tree.features
                .iter()
                .for_each(|feature| *used.entry(feature).or_default() += 1);
        }
        if let (Err(want), Some("all")) = (&want, std::env::var("FJORD_ERRORS").ok().as_deref()) {
            eprintln!("seed {seed}: fails: {}", leaf(want));
            if let Some(keep) = &keep {
                tree.write(&keep.join(seed.to_string()));
            }
        }
        if !same {
            let text =
                |r: &Result<String, String>| r.clone().unwrap_or_else(|e| format!("error: {e}"));
            if let Some(keep) = &keep {
                let at = keep.join(seed.to_string());
                tree.write(&at);
                std::fs::write(at.join("want"), text(&want)).unwrap();
                std::fs::write(at.join("got"), text(&got)).unwrap();
            }
            differences.push(seed);
            let line = text(&want)
                .lines()
                .zip(text(&got).lines())
                .find(|(a, b)| a != b)
                .map(|(a, b)| format!("{a:?} is not {b:?}"));
            eprintln!(
                "seed {seed}: {}",
                line.unwrap_or_else(|| "one is longer".to_owned())
            );
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
    eprintln!(
        "{count} trees from seed {first}: {built} build, {} differ",
        differences.len()
    );
    for (feature, times) in used {
        eprintln!("  {feature}: {times}");
    }
    assert!(
        differences.is_empty(),
        "seeds with a difference: {differences:?}"
    );
}

/// Parts from which odd scalars are made.
const PARTS: [&str; 56] = [
    "a",
    "yes",
    "no",
    "on",
    "y",
    "N",
    "true",
    "null",
    "~",
    "0",
    "00",
    "08",
    "0x1F",
    "0o17",
    "0b1",
    "1_000",
    "1.",
    ".5",
    "1e3",
    "+1",
    "-",
    "- ",
    ":",
    ": ",
    " #",
    "#",
    ",",
    "[",
    "]",
    "{",
    "}",
    "&",
    "*",
    "!",
    "|",
    ">",
    "%",
    "@",
    "`",
    "?",
    "? ",
    "=",
    "<<",
    "  ",
    " ",
    "\t",
    "é",
    "\u{1F600}",
    "2001-01-01",
    "1:30",
    ".inf",
    ".nan",
    "word word word word",
    "---",
    "...",
    "\\",
];

/// Writes a scalar in one of YAML's styles, at an indent.
fn odd_scalar(r: &mut Random, indent: usize) -> String {
    let most = if r.one_in(6) { 30 } else { 4 };
    let count = 1 + r.below(most);
    let text: String = (0..count).map(|_| *r.pick(&PARTS)).collect();
    let pad = " ".repeat(indent + 2);
    match r.below(8) {
        0 => format!("'{}'", text.replace('\'', "''")),
        1 => format!("\"{}\"", text.replace('\\', "\\\\").replace('\t', "\\t")),
        2 => {
            let chomp = r.pick::<&str>(&["", "-", "+"]);
            let more =
                r.pick::<&str>(&["", "\n", "second line\n", " more indented\n", "trailing \n"]);
            let lines = format!("{text}\n{more}");
            let body: String = lines.lines().map(|l| format!("{pad}{l}\n")).collect();
            format!(
                "|{chomp}\n{body}{}",
                r.pick::<&str>(&["", "\n", "\n\n"]).trim_end_matches(' ')
            )
        }
        3 => format!(
            ">{}\n{pad}{text}\n{pad}next\n\n{pad}{text}",
            r.pick::<&str>(&["", "-", "+"])
        ),
        4 => format!(
            "{} {text}",
            r.pick::<&str>(&["!!str", "!!int", "!!float", "!!bool", "!x"])
        ),
        _ => text,
    }
}

#[test]
fn odd_scalars_print_as_kustomize_prints_them() {
    let Some(mut oracle) = Oracle::start() else {
        eprintln!("SKIPPED: no kustomize oracle; build it from tests/oracle/kustomize");
        return;
    };
    let (first, count) = (number("FJORD_SEED", 1), number("FJORD_TREES", 60) * 10);
    let scratch = tempfile::tempdir().unwrap();
    let (mut built, mut differences) = (0, Vec::new());
    for seed in first..first + count {
        let mut r = Random::new(seed);
        let mut text = "apiVersion: v1\nkind: A\nmetadata: {name: a}\nspec:\n".to_owned();
        for i in 0..1 + r.below(3) {
            match r.below(4) {
                0 => text.push_str(&format!("  k{i}:\n  - {}\n", odd_scalar(&mut r, 2))),
                1 => text.push_str(&format!("  ? {}\n  : v{i}\n", odd_scalar(&mut r, 2))),
                _ => text.push_str(&format!("  k{i}: {}\n", odd_scalar(&mut r, 2))),
            }
        }
        let dir = scratch.path().join(seed.to_string());
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("kustomization.yaml"), "resources: [a.yaml]\n").unwrap();
        std::fs::write(dir.join("a.yaml"), &text).unwrap();
        let (want, got) = (oracle.build(&dir), ours(&dir));
        built += u64::from(want.is_ok());
        let same = match (&want, &got) {
            (Ok(want), Ok(got)) => want == got,
            (Err(_), Err(_)) => true,
            (Ok(_), Err(got)) if RULES.iter().any(|rule| got.contains(rule)) => true,
            _ => false,
        };
        if !same {
            differences.push(seed);
            if differences.len() < 20 {
                eprintln!("seed {seed}:\n{text}--- kustomize\n{want:?}\n--- ours\n{got:?}\n");
            }
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
    eprintln!(
        "{count} objects from seed {first}: {built} build, {} differ",
        differences.len()
    );
    assert!(
        differences.is_empty(),
        "seeds with a difference: {differences:?}"
    );
}
