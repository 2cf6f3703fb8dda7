//! `fjord template` as a command: what it prints, says and exits with is what the real `helm template` does.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../libs/helm/tests/cases")
}

fn template(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fjord"))
        .arg("template")
        .args(arguments)
        .current_dir(folder)
        .env("KUBECONFIG", folder.join("none"))
        .env_remove("HELM_NAMESPACE")
        .env_remove("FLUX_SYSTEM_NAMESPACE")
        .output()
        .unwrap()
}

/// Lines without the order that Helm's warnings about several keys of a map do not have.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn own_charts_print_what_helm_prints() {
    let mut folders: Vec<PathBuf> = fs::read_dir(cases())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let mut wrong = Vec::new();
    for folder in folders {
        let folder = folder.canonicalize().unwrap();
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        let given = read("args");
        let mut arguments = vec!["rel", "chart"];
        arguments.extend(given.lines());
        let got = template(&folder, &arguments);
        let here = format!("{}/", folder.display());
        let said = String::from_utf8_lossy(&got.stderr).replace(&here, "");
        let want = read("expected_error") + &read("expected_stderr");
        let fails = folder.join("expected_error").is_file();
        // Where values come from is told after Helm's words.
        let says_so = if fails {
            said.starts_with(&want)
        } else {
            sorted(&said) == sorted(&want)
        };
        let alike = String::from_utf8_lossy(&got.stdout) == read("expected.yaml")
            && says_so
            && got.status.code() == Some(i32::from(fails));
        if !alike {
            println!("DIFFERS {}: {got:?}\n  want {want}", folder.display());
            wrong.push(folder);
        }
    }
    assert!(wrong.is_empty(), "cases differ: {wrong:?}");
}

#[test]
fn mistakes_are_told_with_the_chart_the_action_and_who_set_the_value() {
    let mut told = 0;
    for entry in fs::read_dir(cases()).unwrap() {
        let folder = entry.unwrap().path().canonicalize().unwrap();
        let Ok(more) = fs::read_to_string(folder.join("told")) else {
            continue;
        };
        told += 1;
        let given = fs::read_to_string(folder.join("args")).unwrap_or_default();
        let mut arguments = vec!["rel", "chart"];
        arguments.extend(given.lines());
        let got = template(&folder, &arguments);
        let helm = fs::read_to_string(folder.join("expected_error")).unwrap();
        let said = String::from_utf8_lossy(&got.stderr);
        assert_eq!(said, format!("{helm}\n{more}"), "{}", folder.display());
    }
    assert!(told >= 5, "only {told} mistakes are told");
}

#[test]
fn what_needs_a_network_a_cluster_or_a_program_is_refused_by_name() {
    let folder = cases().join("release_and_chart_are_told");
    for (flags, named) in [
        (
            vec!["rel", "chart", "--repo", "https://example.com"],
            "--repo",
        ),
        (vec!["rel", "oci://example.com/chart"], "oci:"),
        (
            vec!["rel", "chart", "--dependency-update"],
            "--dependency-update",
        ),
        (vec!["rel", "chart", "--validate"], "--validate"),
        (vec!["rel", "chart", "--dry-run=server"], "--dry-run=server"),
        (
            vec!["rel", "chart", "--post-renderer", "x"],
            "--post-renderer",
        ),
        (vec!["rel", "chart", "--verify"], "--verify"),
        (vec!["rel", "chart", "--enable-dns"], "--enable-dns"),
        (
            vec!["rel", "chart", "-f", "https://example.com/v.yaml"],
            "--values",
        ),
    ] {
        let got = template(&folder, &flags);
        let said = String::from_utf8_lossy(&got.stderr);
        assert!(
            said.contains("Error: ") && said.contains(named),
            "{flags:?}: {said}"
        );
        assert_eq!((got.status.code(), got.stdout.len()), (Some(1), 0));
    }
}

#[test]
fn mistakes_are_told_in_helms_words() {
    let folder = cases()
        .join("release_and_chart_are_told")
        .canonicalize()
        .unwrap();
    let yaml = folder.join("chart/Chart.yaml");
    let yaml = format!(
        "file '{}' seems to be a YAML file, but expected a gzipped archive",
        yaml.display()
    );
    for (arguments, want) in [
        (
            vec![],
            "\"helm template\" requires at least 1 argument\n\nUsage:  helm template [NAME] [CHART] [flags]",
        ),
        (
            vec!["a", "b", "c"],
            "expected at most two arguments, unexpected arguments: c",
        ),
        (vec!["./nowhere"], "path \"./nowhere\" not found"),
        (
            vec!["rel", "chart", "-g"],
            "cannot set --generate-name and also specify a name",
        ),
        (
            vec!["rel", "chart", "--name-template", "x"],
            "cannot set --name-template and also specify a name",
        ),
        (
            vec!["chart", "--name-template", "{{ .x"],
            "template: name-template:1: unclosed action",
        ),
        (
            vec!["rel", "chart", "--dry-run=foo"],
            "invalid dry-run value (\"foo\"). Must be \"none\", \"server\", or \"client\"",
        ),
        (vec!["rel", "chart/Chart.yaml"], yaml.as_str()),
    ] {
        let got = template(&folder, &arguments);
        let said = String::from_utf8_lossy(&got.stderr);
        assert_eq!(said, format!("Error: {want}\n"), "{arguments:?}");
        assert_eq!(got.status.code(), Some(1));
    }
}

#[test]
fn files_are_written_below_the_output_folder() {
    let target = tempfile::tempdir().unwrap();
    let folder = cases().join("hooks_follow_the_objects_by_weight");
    let below = target.path().to_str().unwrap();
    let arguments = [
        "rel",
        "chart",
        "--output-dir",
        below,
        "--release-name",
        "--skip-tests",
    ];
    let got = template(&folder, &arguments);
    let printed = String::from_utf8_lossy(&got.stdout);
    let written = target.path().join("rel/shop/templates");
    assert!(printed.contains(&format!("wrote {}/hooks.yaml\n", written.display())));
    let deployment = fs::read_to_string(written.join("t.yaml")).unwrap();
    assert!(deployment.starts_with("---\n# Source: shop/templates/t.yaml\napiVersion: v1\n"));
    assert!(!written.join("tests").exists());
}

#[test]
fn a_flag_may_be_switched_off_and_a_version_is_no_matter_for_a_local_chart() {
    let folder = cases().join("crds_come_first_where_asked_for");
    let asked = template(&folder, &["rel", "chart", "--include-crds"]);
    let off = template(
        &folder,
        &["rel", "chart", "--include-crds=false", "--version", "9.9.9"],
    );
    let plain = template(&folder, &["rel", "chart"]);
    assert_eq!(off.stdout, plain.stdout);
    assert_ne!(asked.stdout, plain.stdout);
}

#[test]
fn the_namespace_is_that_of_the_flag_or_of_the_kubeconfigs_context() {
    let folder = cases().join("release_and_chart_are_told");
    let target = tempfile::tempdir().unwrap();
    let kubeconfig = target.path().join("config");
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u, namespace: of-context}}]\n";
    fs::write(&kubeconfig, text).unwrap();
    let path = kubeconfig.to_str().unwrap();
    for (more, want) in [
        (vec!["--kubeconfig", path], "of-context"),
        (vec!["--kubeconfig", path, "-n", "of-flag"], "of-flag"),
        (vec![], "default"),
    ] {
        let mut arguments = vec!["rel", "chart"];
        arguments.extend(more);
        let got = template(&folder, &arguments);
        let printed = String::from_utf8_lossy(&got.stdout);
        let shown = format!("\\\"Namespace\\\":\\\"{want}\\\"");
        assert!(printed.contains(&shown), "{arguments:?}: {printed}");
    }
}
