//! Controllers are killed with SIGKILL at random moments while commits arrive; what must hold after.
//!
//! The end state is exactly the last commit's, and every step that the final histories tell of was
//! announced to the webhook. `FJORD_KILLS` sets how many kills there are (default 6, a full run is
//! 90); the seed is printed, and `FJORD_SEED` repeats it.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fjord_tests::hook::{Delivery, Hook};
use fjord_tests::stage::{App, Setup, Stage};
use fjord_tests::suite::CONTROLLERS;
use serde_json::{Value, json};

const OWNED: &str = "kustomize.toolkit.fluxcd.io/name=app";
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_moments_lose_nothing_and_leave_nothing_over() -> Result<()> {
    let kills: usize = setting("FJORD_KILLS").unwrap_or(6);
    let seed: u64 =
        setting("FJORD_SEED").unwrap_or(std::time::UNIX_EPOCH.elapsed()?.as_nanos() as u64 | 1);
    println!("FJORD_SEED={seed} FJORD_KILLS={kills}");
    let mut random = Random(seed);

    let mut stage = Stage::start(Setup {
        controllers: CONTROLLERS.to_vec(),
        ..Setup::default()
    })
    .await?;
    let hook = Hook::start().await?;
    announce(&stage, &hook).await?;
    let mut app = stage
        .deploy(&[("0.yaml", &config_map(0, 0))], json!({}))
        .await?;
    app.applied().await?;

    let mut commits = 0;
    for _ in 0..kills {
        commits += 1;
        commit(&mut app, commits)?;
        app.source.merge("tests", &requested(commits)).await?;
        tokio::time::sleep(Duration::from_millis(random.below(1500))).await;
        let victim = CONTROLLERS[random.below(CONTROLLERS.len() as u64) as usize];
        stage.suite.kill(victim);
        tokio::time::sleep(Duration::from_millis(random.below(300))).await;
        stage.suite.start(&[victim]).await?;
    }
    commits += 1;
    commit(&mut app, commits)?;
    app.source.reconcile(PATIENCE).await?;
    let done = app
        .kustomization
        .wait("at the last commit", PATIENCE, |object| {
            object["status"]["lastAppliedRevision"] == app.revision().as_str()
        })
        .await?;

    let found: BTreeSet<_> = stage
        .object("ConfigMap", "default", "any")?
        .siblings(OWNED)
        .await?
        .into_iter()
        .collect();
    let wanted: BTreeSet<_> = names(commits).collect();
    ensure!(
        found == wanted,
        "wrongly pruned or left over: found {found:?}, wanted {wanted:?}"
    );
    for name in wanted {
        let object = stage
            .object("ConfigMap", "default", &name)?
            .get()
            .await?
            .context("gone")?;
        ensure!(
            object["data"]["commit"].as_str() == Some(&commits.to_string()),
            "{name} is not the last commit's"
        );
    }
    told(&hook, &done, &app).await
}

/// Checks that what the final histories tell of was delivered.
async fn told(hook: &Hook, kustomization: &Value, app: &App) -> Result<()> {
    let history = kustomization["status"]["history"]
        .as_array()
        .context("no history")?;
    ensure!(!history.is_empty(), "an empty history");
    for snapshot in history {
        let revision = snapshot["metadata"]["revision"]
            .as_str()
            .context("no revision")?;
        let reason = snapshot["lastReconciledStatus"]
            .as_str()
            .context("no status")?;
        hook.wait(&format!("{reason} of {revision}"), PATIENCE, |delivery| {
            is_about(delivery, "Kustomization", reason, revision)
        })
        .await?;
    }
    hook.wait("the last artifact", PATIENCE, |delivery| {
        is_about(delivery, "GitRepository", "NewArtifact", &app.revision())
    })
    .await?;
    Ok(())
}

fn is_about(delivery: &Delivery, kind: &str, reason: &str, revision: &str) -> bool {
    delivery.body["involvedObject"]["kind"] == kind
        && delivery.body["reason"] == reason
        && delivery.body["metadata"]["revision"] == revision
}

async fn announce(stage: &Stage, hook: &Hook) -> Result<()> {
    let provider = json!({"spec": {"type": "generic", "address": hook.url()}});
    stage.apply("Provider", "default", "hook", provider).await?;
    let sources =
        json!([{"kind": "Kustomization", "name": "*"}, {"kind": "GitRepository", "name": "*"}]);
    let alert = json!({"spec": {"providerRef": {"name": "hook"}, "eventSeverity": "info", "eventSources": sources}});
    stage.apply("Alert", "default", "all", alert).await?;
    Ok(())
}

/// Every commit changes all objects, adds one and removes one.
fn commit(app: &mut App, number: usize) -> Result<()> {
    let objects: Vec<_> = window(number)
        .map(|index| (format!("{index}.yaml"), config_map(index, number)))
        .collect();
    let gone = window(number - 1).find(|index| !window(number).contains(index));
    let gone = gone.map(|index| format!("{index}.yaml"));
    let mut files: Vec<(&str, Option<&str>)> = objects
        .iter()
        .map(|(path, text)| (path.as_str(), Some(text.as_str())))
        .collect();
    files.extend(gone.as_deref().map(|path| (path, None)));
    app.commit = app.repository.commit(&format!("commit {number}"), &files)?;
    Ok(())
}

fn window(number: usize) -> std::ops::RangeInclusive<usize> {
    number.saturating_sub(3)..=number
}

fn names(number: usize) -> impl Iterator<Item = String> {
    window(number).map(|index| format!("object-{index}"))
}

fn config_map(index: usize, commit: usize) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: object-{index}}}\ndata: {{commit: \"{commit}\"}}\n"
    )
}

fn requested(number: usize) -> Value {
    json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": format!("commit {number}")}}})
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// Chooses moments and victims (xorshift64), so that a seed repeats a run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
