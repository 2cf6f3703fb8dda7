//! `make demo`: the main job on real input, measured, in under two minutes.
//!
//! A commit is pushed to a real Git server; our controllers bring it to a real API server; a manual
//! edit is put back; a deleted file is pruned; a webhook hears it all. Every line has the time it
//! happened at and, where something was waited for, how long it took. `--svg FILE` also draws it.

#[path = "demo/picture.rs"]
mod picture;
#[path = "demo/timeline.rs"]
mod timeline;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use fjord_sandbox::{ADMIN, Options, Repository, User};
use fjord_tests::hook::Hook;
use fjord_tests::object::Object;
use fjord_tests::stage::{PATIENCE, Setup, Stage};
use futures::TryStreamExt as _;
use kube::api::DynamicObject;
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::{Value, json};

use timeline::Timeline;

const NAMESPACE: &str = "shop";
const TOKEN: &str = "demo-webhook-token";

#[tokio::main]
async fn main() -> ExitCode {
    match demo().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo() -> Result<()> {
    let picture = picture_path()?;
    let mut time = Timeline::start();
    time.chapter("A real control plane, a real Git server, our three controllers");
    let hook = Hook::start().await?;
    let (stage, took) = timeline::measure(start()).await?;
    time.step(
        "etcd, kube-apiserver, kube-controller-manager and the controllers are ready",
        took,
    );
    let repository = Repository::create(&stage.git, "shop")?;
    push(
        &repository,
        "Sell shoes",
        &[
            ("settings.yaml", Some(&settings("blue"))),
            ("sale.yaml", Some(SALE)),
        ],
    )
    .await?;
    let settings_object = stage.object("ConfigMap", NAMESPACE, "settings")?;
    let sale = stage.object("ConfigMap", NAMESPACE, "sale")?;
    let (webhook, took) =
        timeline::measure(deploy(&stage, &repository, &hook, &settings_object)).await?;
    time.step(
        "GitRepository and Kustomization created: the first commit is applied",
        took,
    );

    time.chapter("git push");
    let mut sight = Sight::of(&settings_object);
    let pushed = push(
        &repository,
        "Paint it green",
        &[("settings.yaml", Some(&settings("green")))],
    )
    .await?;
    time.note(&format!(
        "commit {} pushed over HTTP; the Git server's webhook is called",
        &pushed.commit[..8]
    ));
    call_webhook(&webhook).await?;
    let live = sight.until(|data| data["colour"] == "green").await?;
    time.step(
        "the commit is live in the cluster (from the end of the push)",
        live - pushed.at,
    );

    time.chapter("kubectl edit, by hand");
    edit(&stage, "red").await?;
    time.note("alice: kubectl patch configmap settings --field-manager=kubectl-edit: colour=red");
    let edited = sight.until(|data| data["colour"] == "red").await?;
    let restored = sight.until(|data| data["colour"] == "green").await?;
    time.step(
        "the edit is reverted (from its arrival in the cluster, seen by a watch of our own)",
        restored - edited,
    );
    let event = drift_event(&stage).await?;
    time.note(&event);

    time.chapter("git rm");
    let pushed = push(&repository, "End the sale", &[("sale.yaml", None)]).await?;
    call_webhook(&webhook).await?;
    sale.wait_gone(PATIENCE).await?;
    time.step(
        "the deleted file's object is pruned (from the end of the push)",
        pushed.at.elapsed(),
    );

    time.chapter("A webhook heard it all");
    for heard in heard(&hook).await? {
        time.note(&heard);
    }
    drop(stage);
    time.finish();
    if let Some(path) = picture {
        std::fs::write(&path, picture::draw(&time))
            .with_context(|| format!("write {}", path.display()))?;
        println!("drawn to {}", path.display());
    }
    Ok(())
}

fn picture_path() -> Result<Option<PathBuf>> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok(None),
        (Some("--svg"), Some(path)) => Ok(Some(path.into())),
        _ => anyhow::bail!("usage: demo [--svg FILE]"),
    }
}

async fn start() -> Result<Stage> {
    let plane = Options {
        users: vec![User::master("alice")],
        ..Options::default()
    };
    let controllers = vec![
        "source-controller",
        "kustomize-controller",
        "notification-controller",
    ];
    Stage::start(Setup {
        controllers,
        plane,
        ..Setup::default()
    })
    .await
}

/// Creates the objects a user would, and returns the webhook's address.
async fn deploy(
    stage: &Stage,
    repository: &Repository,
    hook: &Hook,
    settings: &Object,
) -> Result<String> {
    stage.apply("Namespace", "", NAMESPACE, json!({})).await?;
    let provider = json!({"spec": {"type": "generic", "address": format!("{}/chat", hook.url())}});
    stage.apply("Provider", NAMESPACE, "chat", provider).await?;
    let alert = json!({"spec": {
        "providerRef": {"name": "chat"},
        "eventSources": [{"kind": "GitRepository", "name": "*"}, {"kind": "Kustomization", "name": "*"}],
    }});
    stage.apply("Alert", NAMESPACE, "all", alert).await?;
    let secret = json!({"stringData": {"token": TOKEN}});
    stage.apply("Secret", NAMESPACE, "webhook", secret).await?;
    let receiver = json!({"spec": {
        "type": "generic",
        "interval": "1h",
        "secretRef": {"name": "webhook"},
        "resources": [{"kind": "GitRepository", "name": "shop"}],
    }});
    let receiver = stage.apply("Receiver", NAMESPACE, "push", receiver).await?;
    let source =
        json!({"spec": {"interval": "1h", "url": repository.url(), "ref": {"branch": "main"}}});
    stage
        .apply("GitRepository", NAMESPACE, "shop", source)
        .await?;
    let kustomization = json!({"spec": {
        "interval": "1h",
        "path": "./",
        "prune": true,
        "targetNamespace": NAMESPACE,
        "sourceRef": {"kind": "GitRepository", "name": "shop"},
    }});
    let kustomization = stage
        .apply("Kustomization", NAMESPACE, "shop", kustomization)
        .await?;
    settings
        .wait("blue", PATIENCE, |object| {
            object["data"]["colour"] == "blue"
        })
        .await?;
    kustomization.wait_ready("True", PATIENCE).await?;
    let receiver = receiver.wait_ready("True", PATIENCE).await?;
    let path = receiver["status"]["webhookPath"]
        .as_str()
        .context("the Receiver has no path")?;
    Ok(format!("{}{path}", stage.suite.receiver_url()?))
}

async fn call_webhook(url: &str) -> Result<()> {
    let answer = reqwest::Client::new().post(url).body("{}").send().await?;
    answer
        .error_for_status()
        .context("the Receiver refused the webhook")?;
    Ok(())
}

struct Pushed {
    commit: String,
    at: Instant,
}

/// Commits and pushes over HTTP with the real git.
async fn push(
    repository: &Repository,
    message: &str,
    files: &[(&str, Option<&str>)],
) -> Result<Pushed> {
    let commit = repository.commit_only(message, files)?;
    let output = tokio::process::Command::new("git")
        .args(["push", "--quiet", repository.url(), "HEAD:refs/heads/main"])
        .current_dir(repository.tree())
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .await?;
    anyhow::ensure!(
        output.status.success(),
        "git push: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(Pushed {
        commit,
        at: Instant::now(),
    })
}

/// Changes the colour as a person with kubectl would.
async fn edit(stage: &Stage, colour: &str) -> Result<()> {
    let patch = json!({"data": {"colour": colour}}).to_string();
    let mut kubectl = tokio::process::Command::from(stage.suite.plane.kubectl_as("alice"));
    kubectl
        .args([
            "-n",
            NAMESPACE,
            "patch",
            "configmap",
            "settings",
            "--type=merge",
            "-p",
            &patch,
        ])
        .arg("--field-manager=kubectl-edit");
    let output = kubectl.output().await?;
    anyhow::ensure!(
        output.status.success(),
        "kubectl: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

async fn drift_event(stage: &Stage) -> Result<String> {
    let deadline = Instant::now() + PATIENCE;
    let mut kubectl = tokio::process::Command::from(stage.suite.plane.kubectl_as(ADMIN));
    kubectl.args([
        "-n",
        NAMESPACE,
        "get",
        "events",
        "-o",
        "json",
        "--field-selector",
        "reason=DriftCorrected",
    ]);
    loop {
        let events: Value = serde_json::from_slice(&kubectl.output().await?.stdout)?;
        if let Some(message) = events["items"][0]["message"].as_str() {
            return Ok(format!("Event DriftCorrected: {message}"));
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "no Event names who made the edit"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until the webhook has heard of the pruning, and tells what it heard.
async fn heard(hook: &Hook) -> Result<Vec<String>> {
    let is_pruning = |body: &Value| {
        body["message"]
            .as_str()
            .is_some_and(|message| message.contains("sale") && message.contains("deleted"))
    };
    hook.wait("the pruning", PATIENCE, |delivery| {
        is_pruning(&delivery.body)
    })
    .await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().replace('\n', "; ");
    Ok(hook
        .deliveries()
        .iter()
        .map(|delivery| {
            let body = &delivery.body;
            let object = &body["involvedObject"];
            format!(
                "{}/{} {}: {}",
                text(&object["kind"]),
                text(&object["name"]),
                text(&body["reason"]),
                text(&body["message"])
            )
        })
        .collect())
}

/// An independent watch on one ConfigMap: it knows nothing of the controllers.
struct Sight {
    seen: tokio::sync::mpsc::UnboundedReceiver<(Instant, Value)>,
}

impl Sight {
    fn of(object: &Object) -> Self {
        let (sender, seen) = tokio::sync::mpsc::unbounded_channel();
        let config = watcher::Config::default().fields(&format!("metadata.name={}", object.name()));
        let stream = watcher(object.api().clone(), config);
        tokio::spawn(async move {
            let mut stream = std::pin::pin!(stream.applied_objects());
            while let Ok(Some(object)) = stream.try_next().await {
                let object: DynamicObject = object;
                if sender
                    .send((Instant::now(), object.data["data"].clone()))
                    .is_err()
                {
                    return;
                }
            }
        });
        Self { seen }
    }

    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<Instant> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.seen.recv()).await;
            let (at, data) = next
                .context("waited too long")?
                .context("the watch ended")?;
            if wanted(&data) {
                return Ok(at);
            }
        }
    }
}

fn settings(colour: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  colour: {colour}\n"
    )
}

const SALE: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: sale\ndata:\n  discount: \"20\"\n";
