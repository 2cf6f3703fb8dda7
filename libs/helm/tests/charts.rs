//! Whole charts against the real Helm: 840 runs of `helm template`, their output or their error.
//!
//! `FJORD_CASE=name` runs the cases whose names contain it and shows where they differ.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use fjord_helm::capabilities::{Capabilities, KubeVersion};
use fjord_helm::chart::{Directory, Entry, Kind};
use fjord_helm::render::{Context, Release};
use fjord_helm::template::{Options, template};
use fjord_helm::values::{Sources, Value};
use fjord_helm::{Chart, Limits, Notices};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

mod corpus;
mod machine;

/// What was reached; these only rise.
const OUTPUTS: usize = 541;
const ERRORS: usize = 296;

/// A chart's folder and the name it goes by.
struct Folder(PathBuf, String);

impl Directory for Folder {
    fn name(&self) -> String {
        self.1.clone()
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, String> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.0.join(path)).map_err(words)? {
            let entry = entry.map_err(words)?;
            let kind = fs::metadata(entry.path()).map_err(words)?;
            entries.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                kind: if kind.is_dir() {
                    Kind::Directory
                } else {
                    Kind::File(kind.len())
                },
            });
        }
        Ok(entries)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(self.0.join(path)).map_err(words)
    }
}

fn words(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        _ => error.to_string(),
    }
}

struct Case {
    name: String,
    told: Value,
    folder: PathBuf,
    root: PathBuf,
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
    let (mut outputs, mut errors, mut failures) = ((0, 0), (0, 0), (0, 0));
    for name in names {
        let folder = root.join("cases").join(&name);
        let told = fs::read_to_string(folder.join("case.json")).unwrap();
        let case = Case {
            told: serde_json::from_str(&told).unwrap(),
            name,
            folder,
            root: root.clone(),
        };
        let got = case.run();
        if case.told["exit_code"] == 0 {
            outputs.1 += 1;
            match case.compare(&got) {
                None => outputs.0 += 1,
                Some(difference) => println!("DIFFERS {}: {difference}", case.name),
            }
        } else {
            errors.1 += 1;
            failures.1 += 1;
            let want = fs::read_to_string(case.folder.join("expected-error.txt")).unwrap();
            match got {
                Err(got) => {
                    failures.0 += 1;
                    let got = format!("Error: {got}\n");
                    if want.ends_with(&got) || case.told["deterministic"] != true {
                        errors.0 += 1;
                    } else {
                        println!("ERROR {}\n  want {want}\n   got {got}", case.name);
                    }
                }
                Ok(_) => println!("ACCEPTS {}: {want}", case.name),
            }
        }
    }
    println!("outputs: {} of {}", outputs.0, outputs.1);
    println!("fail as they must: {} of {}", failures.0, failures.1);
    println!("with Helm's text: {} of {}", errors.0, errors.1);
    if only.is_empty() {
        assert!(outputs.0 >= OUTPUTS && errors.0 >= ERRORS && failures.0 == failures.1);
    }
}

impl Case {
    fn flags(&self, name: &str) -> Vec<String> {
        match &self.told["flags"][name] {
            Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().unwrap().to_owned())
                .collect(),
            Value::String(text) => vec![text.clone()],
            _ => Vec::new(),
        }
    }

    fn is_set(&self, name: &str) -> bool {
        self.told["flags"][name] == true
    }

    fn run(&self) -> Result<String, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let mut notices = Notices::default();
        let chart = self.told["chart"].as_str().unwrap();
        let path = self.root.join("charts").join(chart);
        let sources = Sources {
            files: self.values(),
            json: self.flags("set_json"),
            typed: self.flags("set"),
            strings: self.flags("set_string"),
            contents: self.flags("set_file"),
            literals: self.flags("set_literal"),
        };
        let mut read = |name: &str| {
            let folder = if name.starts_with("cases/") {
                &self.root
            } else {
                &self.folder
            };
            fs::read(folder.join(name)).map_err(|error| error.to_string())
        };
        let mut capabilities = Capabilities::default();
        if let Some(version) = self.flags("kube_version").first() {
            capabilities.kube_version = KubeVersion::parse(version)
                .map_err(|error| format!("invalid kube version '{version}': {error}"))?;
        }
        capabilities.api_versions.extend(self.flags("api_versions"));
        let values = sources.merge(&mut read).map_err(|e| text(&e))?;
        let mut chart = load(&path, &format!("charts/{chart}"), &mut notices)?;
        let release = Release {
            name: self.told["release"].as_str().unwrap().into(),
            namespace: self.told["namespace"].as_str().unwrap().into(),
            revision: 1,
            is_upgrade: self.is_set("is_upgrade"),
        };
        let context = Context {
            release: &release,
            capabilities: &capabilities,
            host: &machine::Machine,
            limits: fjord_gotemplate::Limits::default(),
            strict: false,
        };
        let options = Options {
            skip_schema_validation: self.is_set("skip_schema_validation"),
            include_crds: self.is_set("include_crds"),
            subchart_notes: false,
        };
        let rendered = template(&mut chart, &values, &context, options, &mut notices).map_err(
            |(error, _)| {
                let advice = if error.has_release() && !self.is_set("debug") {
                    "\n\nUse --debug flag to render out invalid YAML"
                } else {
                    ""
                };
                format!("{error}{advice}")
            },
        )?;
        let stream = rendered.stream(!self.is_set("no_hooks"), !self.is_set("skip_tests"));
        let only = self.flags("show_only");
        if only.is_empty() {
            return Ok(stream);
        }
        rendered.only(&stream, &only).map_err(|error| text(&error))
    }

    fn values(&self) -> Vec<String> {
        let files = self.told["values"].as_array().unwrap();
        files
            .iter()
            .map(|file| format!("cases/{}/{}", self.name, file.as_str().unwrap()))
            .collect()
    }

    /// Says how the output differs; lines that differ between runs of Helm itself do not count.
    fn compare(&self, got: &Result<String, String>) -> Option<String> {
        let want = fs::read(self.folder.join("expected.yaml")).unwrap();
        let want = String::from_utf8_lossy(&want);
        let got = match got {
            Ok(got) => got,
            Err(error) => return Some(format!("fails: {error}")),
        };
        if *got == want {
            return None;
        }
        if self.told["deterministic"].is_null() {
            return None;
        }
        let unstable: Vec<usize> = self.told["unstable_lines"]
            .as_array()
            .map(|lines| lines.iter().map(|n| n.as_u64().unwrap() as usize).collect())
            .unwrap_or_default();
        let (want_lines, got_lines): (Vec<_>, Vec<_>) =
            (want.split('\n').collect(), got.split('\n').collect());
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
        if want_lines.len() == got_lines.len() {
            return None;
        }
        Some(format!(
            "{} lines, not {}",
            got_lines.len(),
            want_lines.len()
        ))
    }
}

fn load(path: &Path, name: &str, notices: &mut Notices) -> Result<Chart, String> {
    let limits = Limits::default();
    if path.is_file() {
        return Chart::from_archive(&fs::read(path).unwrap(), &limits, notices)
            .map_err(|error| error.to_string());
    }
    Chart::from_directory(&Folder(path.to_owned(), name.to_owned()), &limits, notices)
        .map_err(|error| error.to_string())
}
