//! Whole charts against the real Helm: 840 runs of `helm template`, what they printed and what they said.
//!
//! `FJORD_CASE=name` runs the cases whose names contain it and shows where they differ.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use fjord_helm::values::Value;
use std::fs;
use std::path::{Path, PathBuf};

mod command;
mod corpus;
mod machine;

use command::Printed;

/// What was reached; these only rise.
const OUTPUTS: usize = 541;
const ERRORS: usize = 299;
const MESSAGES: usize = 541;

struct Case {
    name: String,
    told: Value,
    folder: PathBuf,
}

#[derive(Default)]
struct Count(usize, usize);

impl Count {
    fn add(&mut self, alike: bool) {
        self.0 += usize::from(alike);
        self.1 += 1;
    }
}

#[test]
fn every_shared_chart_gives_what_helm_gives() {
    let Some(root) = corpus::folder() else {
        return;
    };
    let only = std::env::var("FJORD_CASE").unwrap_or_default();
    let mut names: Vec<String> = fs::read_dir(root.join("cases"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(&only))
        .collect();
    names.sort();
    let (mut outputs, mut messages) = (Count::default(), Count::default());
    let (mut failures, mut errors) = (Count::default(), Count::default());
    for name in names {
        let case = Case::read(&root, name);
        let got = case.run(&root);
        if case.told["exit_code"] == 0 {
            let difference = case.output(&got);
            outputs.add(difference.is_none());
            if let Some(difference) = difference {
                println!("DIFFERS {}: {difference}", case.name);
            }
            let (want, got) = (case.messages(), sorted(&got.messages));
            messages.add(want == got);
            if want != got {
                println!("SAYS {}\n  want {want:?}\n   got {got:?}", case.name);
            }
        } else {
            failures.add(got.failed);
            let want = fs::read_to_string(case.folder.join("expected-error.txt")).unwrap();
            let alike = want == got.messages || case.told["deterministic"] != true;
            errors.add(got.failed && alike);
            if !alike {
                println!(
                    "ERROR {}\n  want {want}\n   got {}",
                    case.name, got.messages
                );
            }
        }
    }
    println!("outputs: {} of {}", outputs.0, outputs.1);
    println!("with Helm's warnings: {} of {}", messages.0, messages.1);
    println!("fail as they must: {} of {}", failures.0, failures.1);
    println!("with Helm's text: {} of {}", errors.0, errors.1);
    if only.is_empty() {
        assert!(outputs.0 >= OUTPUTS && errors.0 >= ERRORS && failures.0 == failures.1);
        assert!(messages.0 >= MESSAGES);
    }
}

/// Lines without their order, which Helm's warnings about several keys of a map do not have.
fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

impl Case {
    fn read(root: &Path, name: String) -> Self {
        let folder = root.join("cases").join(&name);
        let told = fs::read_to_string(folder.join("case.json")).unwrap();
        Self {
            told: serde_json::from_str(&told).unwrap(),
            name,
            folder,
        }
    }

    fn texts(&self, key: &str) -> Vec<String> {
        let list = self.told[key].as_array();
        list.into_iter()
            .flatten()
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    }

    fn run(&self, root: &Path) -> Printed {
        command::run(root, &self.texts("args")[1..])
    }

    fn messages(&self) -> Vec<String> {
        sorted(&self.texts("stderr").join("\n"))
    }

    /// Says how the output differs; lines that differ between runs of Helm itself do not count.
    fn output(&self, got: &Printed) -> Option<String> {
        let want = fs::read(self.folder.join("expected.yaml")).unwrap();
        let want = String::from_utf8_lossy(&want);
        if got.failed {
            return Some(format!("fails: {}", got.messages));
        }
        if got.output == want || self.told["deterministic"].is_null() {
            return None;
        }
        let unstable: Vec<usize> = self.told["unstable_lines"]
            .as_array()
            .map(|lines| lines.iter().map(|n| n.as_u64().unwrap() as usize).collect())
            .unwrap_or_default();
        let want_lines: Vec<_> = want.split('\n').collect();
        let got_lines: Vec<_> = got.output.split('\n').collect();
        for (index, line) in want_lines.iter().enumerate() {
            if unstable.contains(&(index + 1)) {
                continue;
            }
            if got_lines.get(index) != Some(line) {
                return Some(format!(
                    "line {}\n    want {line:?}\n     got {:?}",
                    index + 1,
                    got_lines.get(index).unwrap_or(&"(nothing)")
                ));
            }
        }
        let same_length = want_lines.len() == got_lines.len();
        (!same_length).then(|| format!("{} lines, not {}", got_lines.len(), want_lines.len()))
    }
}
