//! Generated trees, built by this engine and by the real kustomize, compared byte for byte.
//!
//! Needs the oracle (`make oracle` builds it); skips loudly without it. `FJORD_TREES` says how many trees,
//! `FJORD_SEED` where to start, `FJORD_KEEP` where trees that differ are kept. `FJORD_TALLY` names a file in
//! which the counts of several runs add up: a run in pieces ends with the table of all. `FJORD_ERRORS` shows
//! errors that differ in words, or with `all` why trees do not build.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "differential/mod.rs"]
mod differential;
mod features;

use differential::grammar::Tree;
use differential::random::Random;
use fjord_kustomize::{LoadRestrictor, Options, RootedFs, build};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Of this many trees ...
const RUN: u64 = 20_000;
/// ... at least so many use each field, and build.
const USES: u64 = 200;
/// How many of a hundred trees build.
const BUILD: u64 = 60;

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
            .env("GOGC", "400")
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
        version: "(devel)",
        ..Options::default()
    };
    build(&fs, dir.to_str().unwrap(), &options)
        .and_then(|built| built.to_yaml())
        .map_err(|error| error.message())
}

/// Where kustomize builds and we refuse on purpose: the rule, and what our error says.
const RULES: [(&str, &str); 3] = [
    (
        "a tab after `?` separates nothing, as in YAML",
        "found character that cannot start any token",
    ),
    (
        "a tag has the characters that libyaml allows, not those of Go's port of an older one",
        "did not find expected whitespace or line break",
    ),
    (
        "only ConfigMaps and Secrets have a hash: that of other kinds covers kustomize's own node structure, line numbers included",
        "a name suffix hash for",
    ),
];

fn ruled(error: &str) -> bool {
    RULES.iter().any(|(_, says)| error.contains(says))
}

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

/// What a run has seen, or several that add up in a file.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Tally {
    trees: u64,
    built: u64,
    differ: u64,
    by_rule: u64,
    /// Both refuse: how often in the same words.
    refused: u64,
    same_words: u64,
    /// How many trees use a field: those that build, or those alike refused where the field is refused.
    used: BTreeMap<String, u64>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.trees += other.trees;
        self.built += other.built;
        self.differ += other.differ;
        self.by_rule += other.by_rule;
        self.refused += other.refused;
        self.same_words += other.same_words;
        for (field, count) in other.used {
            *self.used.entry(field).or_default() += count;
        }
    }

    fn used(&self, field: &str) -> u64 {
        self.used.get(field).copied().unwrap_or_default()
    }

    fn print(&self) {
        for field in features::all() {
            eprintln!("{:>8}  {field}", self.used(field));
        }
        eprintln!(
            "{} trees: {} build, {} are refused by both ({} in the same words), {} fall under a rule, {} differ",
            self.trees, self.built, self.refused, self.same_words, self.by_rule, self.differ
        );
    }

    /// Says what the run does not reach, in proportion to its length.
    fn misses(&self) -> Vec<String> {
        let mut out = Vec::new();
        if self.built * 100 < self.trees * BUILD {
            out.push(format!("only {} of {} trees build", self.built, self.trees));
        }
        let least = self.trees / (RUN / USES);
        // A short run has too few trees for the law of large numbers.
        if self.trees >= RUN {
            let few = features::all().into_iter().filter(|f| self.used(f) < least);
            out.extend(few.map(|f| format!("{f} is used by {} trees", self.used(f))));
        }
        out
    }
}

/// Says whether a field makes kustomize refuse a tree.
fn is_refused(field: &str) -> bool {
    field.contains("helm") || field.contains("Helm")
}

/// Compares one tree; gives the first difference, if there is one.
fn compare(tree: &Tree, top: &Path, oracle: &mut Oracle, tally: &mut Tally) -> Option<String> {
    let (want, got) = (oracle.build(top), ours(top));
    tally.trees += 1;
    let used = features::used(&tree.files);
    let counts = |field: &&String| want.is_ok() != is_refused(field);
    for field in used.iter().filter(counts) {
        *tally.used.entry(field.clone()).or_default() += 1;
    }
    tally.built += u64::from(want.is_ok());
    match (&want, &got) {
        (Ok(want), Ok(got)) if want == got => return None,
        (Err(want), Err(got)) => {
            let same = leaf(want) == leaf(got);
            tally.refused += 1;
            tally.same_words += u64::from(same);
            match std::env::var("FJORD_ERRORS").as_deref() {
                Ok("all") => {
                    eprintln!("refused {}: {}", top.display(), leaf(want));
                    if let Some(keep) = std::env::var_os("FJORD_KEEP").map(PathBuf::from) {
                        tree.write(&keep.join(top.parent().unwrap().file_name().unwrap()));
                    }
                }
                Ok(_) if !same => eprintln!("{}: {want}\n  is {got}", top.display()),
                _ => {}
            }
            return None;
        }
        (Ok(_), Err(got)) if ruled(got) => {
            tally.by_rule += 1;
            return None;
        }
        _ => {}
    }
    tally.differ += 1;
    let text = |r: &Result<String, String>| r.clone().unwrap_or_else(|e| format!("error: {e}"));
    let (want, got) = (text(&want), text(&got));
    if let Some(keep) = std::env::var_os("FJORD_KEEP").map(PathBuf::from) {
        let at = keep.join(top.parent().unwrap().file_name().unwrap());
        tree.write(&at);
        std::fs::write(at.join("want"), &want).unwrap();
        std::fs::write(at.join("got"), &got).unwrap();
    }
    let mut lines = want.lines().zip(got.lines());
    let line = lines.find(|(a, b)| a != b);
    Some(line.map_or_else(
        || "one is longer".to_owned(),
        |(a, b)| format!("{a:?} is not {b:?}"),
    ))
}

#[test]
fn generated_trees_build_as_kustomize_builds_them() {
    let Some(mut oracle) = Oracle::start() else {
        eprintln!("SKIPPED: no kustomize oracle; build it from tests/oracle/kustomize");
        return;
    };
    let (first, count) = (number("FJORD_SEED", 1), number("FJORD_TREES", 60));
    let stop_at_first = std::env::var_os("FJORD_FIRST").is_some();
    eprintln!("{count} trees from seed {first}; the rules:");
    RULES.iter().for_each(|(rule, _)| eprintln!("  {rule}"));
    let scratch = tempfile::tempdir().unwrap();
    let mut tally = Tally::default();
    let mut differences = Vec::new();
    for seed in first..first + count {
        let tree = Tree::generate(seed);
        let dir = scratch.path().join(seed.to_string());
        tree.write(&dir);
        if let Some(what) = compare(&tree, &dir.join(&tree.top), &mut oracle, &mut tally) {
            eprintln!("seed {seed} differs: {what}");
            differences.push(seed);
            if stop_at_first {
                break;
            }
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
    if let Some(file) = std::env::var_os("FJORD_TALLY") {
        if let Ok(text) = std::fs::read_to_string(&file) {
            tally.add(serde_json::from_str(&text).unwrap());
        }
        std::fs::write(&file, serde_json::to_string(&tally).unwrap()).unwrap();
    }
    tally.print();
    assert!(
        differences.is_empty(),
        "seeds with a difference: {differences:?}"
    );
    let misses = tally.misses();
    assert!(misses.is_empty(), "{}", misses.join("\n"));
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
            (Ok(_), Err(got)) if ruled(got) => true,
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
