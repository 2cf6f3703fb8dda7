//! Replays what the real Flux controllers did, and compares what ours do.
//!
//! The recordings and their runner stand outside this repository: the folder named by
//! `FJORD_CONFORMANCE`, else `../shared/conformance`. Without it the test says that it skipped. The
//! controllers are the ones that `cargo build --workspace --bins` left beside this test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use fjord_sandbox::Programs;
use fjord_tests::suite::built_programs;

/// Scenarios of parts that are not built yet; our controllers refuse those fields by name.
const NOT_YET: &[&str] = &[
    "git-github-provider",
    "git-include",
    "git-sparse-checkout",
    "git-submodules",
    "git-verify-missing-secret",
    "git-verify-tag-mode",
    "ks-decryption",
    "ks-decryption-files",
    "ks-default-service-account",
    "ks-delete-forbidden",
    "ks-depends-on",
    // Flux loses the live object here; docs/deviations.md says what ours does.
    "ks-force-invalid",
    "ks-health-exprs",
    "ks-health-exprs-bad",
    "ks-impersonation",
    "ks-substitute",
    "ks-substitute-missing",
];

/// The notification scenarios that the built provider and receiver types cover.
const NOTIFICATION: &[&str] = &[
    "nc-cross-namespace",
    "nc-cross-namespace-blocked",
    "nc-event-server",
    "nc-generic",
    "nc-receiver-filter",
    "nc-receiver-token",
    "nc-retry",
    "nc-source-events",
];

#[test]
fn our_controllers_leave_the_picture_that_flux_left() -> Result<()> {
    let Some(corpus) = corpus() else {
        eprintln!(
            "SKIPPED: no recordings; set FJORD_CONFORMANCE to the folder that holds flux/run.py"
        );
        return Ok(());
    };
    let scenarios = selected(&corpus)?;
    ensure!(
        !scenarios.is_empty(),
        "no scenario found in {}",
        corpus.display()
    );
    let failed = replay(&corpus, &scenarios)?;
    if failed.is_empty() {
        return Ok(());
    }
    // Some scenarios wait for wall-clock time, which a busy machine does not keep: once more, alone.
    println!("once more: {}", failed.join(", "));
    let failed = replay(&corpus, &failed)?;
    ensure!(failed.is_empty(), "other than Flux: {}", failed.join(", "));
    Ok(())
}

/// Replays scenarios, prints the report and returns the names of those that differ.
fn replay(corpus: &Path, scenarios: &[String]) -> Result<Vec<String>> {
    let programs = Programs::ready(|line| eprintln!("{line}"))?;
    let control_plane = programs.path(fjord_sandbox::Program::Etcd);
    let output = Command::new("python3")
        .arg(corpus.join("flux/run.py"))
        .arg("--bin")
        .arg(built_programs()?)
        .arg("--control-plane")
        .arg(
            control_plane
                .parent()
                .context("folder of the control plane")?,
        )
        // With drift watching on, ours corrects before the scenario looks.
        .args(["--flag", "kustomize-controller=--drift-watch=false"])
        .args(["--jobs", "6", "--only"])
        .arg(format!("^({})$", scenarios.join("|")))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("running python3")?;
    let report = String::from_utf8_lossy(&output.stdout);
    println!("{report}");
    let failed: Vec<String> = report
        .lines()
        .filter_map(|line| line.strip_prefix("FAIL ")?.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    ensure!(
        output.status.success() == failed.is_empty(),
        "the runner broke off: {}",
        report.lines().last().unwrap_or("no report")
    );
    Ok(failed)
}

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("FJORD_CONFORMANCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
        PathBuf::from,
    );
    folder.join("flux/run.py").is_file().then_some(folder)
}

fn selected(corpus: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(corpus.join("flux/scenarios"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let is_built = name.starts_with("git-") || name.starts_with("ks-");
        if (is_built && !NOT_YET.contains(&name.as_str())) || NOTIFICATION.contains(&name.as_str())
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
