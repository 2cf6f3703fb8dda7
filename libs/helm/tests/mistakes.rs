//! Mistakes that users make: after Helm's words stand the chart, the action and who set the value.
//!
//! The cases are those of `cases/` with a file `told`; what Helm says of them is tested with the others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use fjord_helm::capabilities::Capabilities;
use fjord_helm::origin::{Given, explain};
use fjord_helm::render::{Context, Release};
use fjord_helm::template::{Options, template};
use fjord_helm::values::Sources;
use fjord_helm::{Chart, File, Limits, Notices};
use std::fs;
use std::path::{Path, PathBuf};

mod machine;

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let paths = fs::read_dir(root).unwrap().map(|e| e.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.join("told").is_file()).collect();
    paths.sort();
    paths
}

/// The files of a chart, as an archive has them.
fn files(folder: &Path, below: &str, out: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            files(&path, &format!("{name}/"), out);
        } else {
            out.push(File::new(name, fs::read(&path).unwrap()));
        }
    }
}

fn told(case: &Path) -> String {
    let mut sources = Sources::default();
    let given = fs::read_to_string(case.join("args")).unwrap_or_default();
    let mut given = given.lines().map(str::to_owned);
    while let (Some(flag), Some(value)) = (given.next(), given.next()) {
        match flag.as_str() {
            "-f" => sources.files.push(value),
            "--set" => sources.typed.push(value),
            "--set-string" => sources.strings.push(value),
            other => panic!("the test knows no {other}"),
        }
    }
    let mut read = |file: &str| fs::read(case.join(file)).map_err(|error| error.to_string());
    let values = sources.merge(&mut read).unwrap();
    let mut all = Vec::new();
    files(&case.join("chart"), "", &mut all);
    let chart = Chart::from_files(all, &Limits::default(), &mut Notices::default()).unwrap();
    let release = Release {
        name: "rel".into(),
        namespace: "default".into(),
        revision: 1,
        is_upgrade: false,
    };
    let context = Context {
        release: &release,
        capabilities: &Capabilities::default(),
        host: &machine::Machine,
        limits: fjord_gotemplate::Limits::default(),
        strict: false,
        cache: None,
    };
    let mut notices = Notices::default();
    let mut changed = chart.clone();
    let (error, _) = template(
        &mut changed,
        &values,
        &context,
        Options::default(),
        &mut notices,
    )
    .expect_err("the case is a mistake");
    explain(
        &error,
        Given {
            chart: &chart,
            sources: &sources,
            read: &mut read,
            file: &mut |file| fs::read(case.join("chart").join(file)).ok(),
        },
    )
}

#[test]
fn mistakes_are_told_with_the_chart_the_action_and_who_set_the_value() {
    let cases = cases();
    assert!(cases.len() >= 5, "only {} mistakes are told", cases.len());
    for case in cases {
        let want = fs::read_to_string(case.join("told")).unwrap();
        assert_eq!(told(&case), want, "{}", case.display());
    }
}
