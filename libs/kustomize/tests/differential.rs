//! Generated trees, built by this engine and by the real kustomize, compared byte for byte.
//!
//! Needs the oracle (`make oracle-build`); skips loudly without it. `FJORD_TREES` says how many trees,
//! `FJORD_SEED` where to start; a failing tree is kept and its seed printed.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod differential {
    pub(crate) mod grammar;
    pub(crate) mod kinds;
}

use differential::grammar::Tree;
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
const RULES: [&str; 1] = [
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
