//! Controllers are killed with SIGKILL at random moments while commits arrive; what must hold after.
//!
//! The end state is exactly the last commit's, and every step that the final histories tell of was
//! announced to the webhook. `FJORD_KILLS` sets how many kills there are without election (default
//! 6) and `FJORD_LEADER_KILLS` how many with two replicas of each controller (default 2); `make
//! faults` does 90 and 10. The seed is printed, and `FJORD_SEED` repeats it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use fjord_tests::hook::{Delivery, Hook};
use fjord_tests::random::Random;
use fjord_tests::stage::{App, Setup, Stage};
use fjord_tests::suite::{CONTROLLERS, Replica};
use serde_json::{Value, json};

const OWNED: &str = "kustomize.toolkit.fluxcd.io/name=app";
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_moments_lose_nothing_and_leave_nothing_over() -> Result<()> {
    let kills = setting("FJORD_KILLS").unwrap_or(6);
    let mut random = chance(&format!("FJORD_KILLS={kills}"));
    let mut story = Story::start(false).await?;
    for _ in 0..kills {
        story.commit_and_request().await?;
        pause(random.below(1500)).await;
        let victim = CONTROLLERS[random.below(CONTROLLERS.len())];
        story.stage.suite.kill(victim);
        pause(random.below(300)).await;
        story.stage.suite.start(&[victim]).await?;
    }
    story.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_death_of_a_leader_loses_nothing_and_leaves_nothing_over() -> Result<()> {
    let kills = setting("FJORD_LEADER_KILLS").unwrap_or(2);
    let mut random = chance(&format!("FJORD_LEADER_KILLS={kills}"));
    let mut story = Story::start(true).await?;
    for _ in 0..kills {
        story.commit_and_request().await?;
        pause(random.below(1500)).await;
        let controller = CONTROLLERS[random.below(CONTROLLERS.len())];
        let leader = story.leader(controller).await?;
        story.stage.suite.kill_replica(leader);
        // The other one takes over while commits go on.
        story.commit_and_request().await?;
        let successor = story.leader(controller).await?;
        ensure!(successor != leader, "a dead leader of {controller} leads");
        story.stage.suite.start_replica(leader).await?;
    }
    story.end().await
}

/// One application with an Alert on all of it, and the commits so far.
struct Story {
    stage: Stage,
    hook: Hook,
    app: App,
    commits: usize,
}

impl Story {
    /// Starts one replica of each controller, or two that elect a leader.
    async fn start(elects: bool) -> Result<Self> {
        let mut stage = Stage::start(Setup {
            controllers: Vec::new(),
            ..Setup::default()
        })
        .await?;
        if elects {
            stage.suite.elect();
        }
        stage.suite.start(&CONTROLLERS).await?;
        if elects {
            for controller in CONTROLLERS {
                stage.suite.start_replica((controller, 1)).await?;
            }
        }
        let hook = Hook::start().await?;
        announce(&stage, &hook).await?;
        let app = stage
            .deploy(&[("0.yaml", &config_map(0, 0))], json!({}))
            .await?;
        app.applied().await?;
        Ok(Self {
            stage,
            hook,
            app,
            commits: 0,
        })
    }

    async fn commit_and_request(&mut self) -> Result<()> {
        self.commits += 1;
        commit(&mut self.app, self.commits)?;
        let requested = requested(self.commits);
        self.app.source.merge("tests", &requested).await?;
        Ok(())
    }

    async fn leader(&self, controller: &'static str) -> Result<Replica> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(leader) = self.stage.suite.leader(controller).await {
                return Ok(leader);
            }
            pause(100).await;
        }
        bail!("no replica of {controller} leads")
    }

    /// Commits a last time and checks the cluster and what the webhook heard.
    async fn end(mut self) -> Result<()> {
        self.commits += 1;
        commit(&mut self.app, self.commits)?;
        self.app.source.reconcile(PATIENCE).await?;
        let revision = self.app.revision();
        let done = self
            .app
            .kustomization
            .wait("at the last commit", PATIENCE, |object| {
                object["status"]["lastAppliedRevision"] == revision.as_str()
            })
            .await?;
        self.only_the_last_commit_is_there().await?;
        told(&self.hook, &done, &self.app).await
    }

    async fn only_the_last_commit_is_there(&self) -> Result<()> {
        let any = self.stage.object("ConfigMap", "default", "any")?;
        let found: BTreeSet<_> = any.siblings(OWNED).await?.into_iter().collect();
        let wanted: BTreeSet<_> = names(self.commits).collect();
        ensure!(
            found == wanted,
            "wrongly pruned or left over: found {found:?}, wanted {wanted:?}"
        );
        for name in wanted {
            let object = self.stage.object("ConfigMap", "default", &name)?;
            let object = object.get().await?.context("gone")?;
            ensure!(
                object["data"]["commit"].as_str() == Some(&self.commits.to_string()),
                "{name} is not the last commit's"
            );
        }
        Ok(())
    }
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

/// Prints how to repeat this run.
fn chance(kills: &str) -> Random {
    let seed = setting("FJORD_SEED").unwrap_or_else(Random::seed);
    println!("FJORD_SEED={seed} {kills}");
    Random::new(seed)
}

async fn pause(milliseconds: usize) {
    tokio::time::sleep(Duration::from_millis(milliseconds as u64)).await;
}
