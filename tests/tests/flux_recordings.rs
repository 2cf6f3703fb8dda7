//! Replays what the real Flux controllers did, and compares what ours do.
//!
//! The recordings and their runner stand outside this repository: the folder named by
//! `FJORD_CONFORMANCE`, else `../shared/conformance`. Without it the test says that it skipped. The
//! controllers are the ones that `cargo build --workspace --bins` left beside this test.
//!
//! Flux finds drift at the interval; with that timing the pictures must be equal. With drift watched,
//! the one thing that may differ is an Event `DriftCorrected` beside, or in the place of, Flux's.

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

/// The scenarios in which somebody changes what was applied, and whether a correction must show: where
/// the scenario asks for a reconcile right after the change, either that or the watch comes first.
const DRIFT: &[(&str, bool)] = &[
    ("ks-deletion-policies", false),
    ("ks-drift-by-itself", false),
    ("ks-drift-ignore", true),
    ("ks-immutable", false),
    ("ks-override-manager", false),
    ("ks-owner-labels-in-git", false),
    ("ks-prune-disabled", false),
    ("ks-reconcile-disabled", false),
    ("ks-restart", false),
    ("ks-scaled-by-other", true),
    ("ks-ssa-annotations", false),
    ("ks-suspend", false),
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
    // With drift watching on, ours corrects before the scenario looks.
    let flag = Some("--drift-watch=false");
    let failed = names(&replay(&corpus, &scenarios, flag)?);
    if failed.is_empty() {
        return Ok(());
    }
    // Some scenarios wait for wall-clock time, which a busy machine does not keep: once more, alone.
    println!("once more: {}", failed.join(", "));
    let failed = names(&replay(&corpus, &failed, flag)?);
    ensure!(failed.is_empty(), "other than Flux: {}", failed.join(", "));
    Ok(())
}

#[test]
fn with_drift_watched_only_the_corrections_differ_from_flux() -> Result<()> {
    let Some(corpus) = corpus() else {
        eprintln!("SKIPPED: no recordings; set FJORD_CONFORMANCE");
        return Ok(());
    };
    let all: Vec<String> = DRIFT.iter().map(|(name, _)| (*name).to_owned()).collect();
    let wrong = unlike(&all, &replay(&corpus, &all, None)?);
    if wrong.is_empty() {
        return Ok(());
    }
    println!("once more: {}", wrong.join(", "));
    let wrong = unlike(&wrong, &replay(&corpus, &wrong, None)?);
    ensure!(wrong.is_empty(), "not as expected: {}", wrong.join(", "));
    Ok(())
}

/// One place where our picture differs from Flux's.
struct Difference {
    scenario: String,
    path: String,
    actual: String,
}

impl Difference {
    /// Names the Event that differs, if it is one.
    fn event(&self) -> Option<&str> {
        let start = self.path.find("/events/")? + "/events/".len();
        // An object, then the number of its Event.
        let parts = self.path[start..].match_indices('/').nth(1);
        let end = parts.map_or(self.path.len(), |(at, _)| start + at);
        Some(&self.path[..end])
    }

    fn is_correction(&self) -> bool {
        self.actual.contains("DriftCorrected")
    }
}

/// Returns the scenarios that differ in more than corrections, or lack one that must be there.
fn unlike(scenarios: &[String], found: &[Difference]) -> Vec<String> {
    let is_unlike = |name: &&String| {
        let mine: Vec<_> = found.iter().filter(|d| d.scenario == **name).collect();
        let explained = |difference: &&Difference| {
            let event = difference.event();
            event.is_some() && mine.iter().any(|d| d.event() == event && d.is_correction())
        };
        let must = DRIFT.iter().any(|(drift, must)| drift == name && *must);
        !mine.iter().all(explained) || (must && mine.is_empty())
    };
    scenarios.iter().filter(is_unlike).cloned().collect()
}

fn names(found: &[Difference]) -> Vec<String> {
    let mut names: Vec<String> = found.iter().map(|found| found.scenario.clone()).collect();
    names.dedup();
    names
}

/// Replays scenarios, prints the report and returns what differs.
fn replay(corpus: &Path, scenarios: &[String], flag: Option<&str>) -> Result<Vec<Difference>> {
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
        .args(flag.map(|flag| format!("--flag=kustomize-controller={flag}")))
        .args(["--jobs", "6", "--only"])
        .arg(format!("^({})$", scenarios.join("|")))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("running python3")?;
    let report = String::from_utf8_lossy(&output.stdout);
    println!("{report}");
    let found = differences(&report);
    ensure!(
        output.status.success() == found.is_empty(),
        "the runner broke off: {}",
        report.lines().last().unwrap_or("no report")
    );
    Ok(found)
}

/// Reads the report: a line for each scenario, three below it for each difference.
fn differences(report: &str) -> Vec<Difference> {
    let (mut scenario, mut path) = (String::new(), String::new());
    let mut found = Vec::new();
    for line in report.lines() {
        if let Some(rest) = line.strip_prefix("FAIL ") {
            scenario = rest
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned();
        } else if let Some(actual) = line.strip_prefix("      actual:   ") {
            found.push(Difference {
                scenario: scenario.clone(),
                path: std::mem::take(&mut path),
                actual: actual.to_owned(),
            });
        } else if let Some(rest) = line
            .strip_prefix("    ")
            .filter(|rest| !rest.starts_with(' '))
        {
            rest.clone_into(&mut path);
        }
    }
    found
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
