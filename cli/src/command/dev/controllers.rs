//! The controllers as tasks of this process.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use clap::Parser as _;
use fjord_sandbox::free_port;
use kube::Client;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::SHARD;

/// How long a controller may take to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// The running controllers; dropped, their files are gone.
pub(super) struct Running {
    tasks: tokio::sync::Mutex<JoinSet<(&'static str, Result<()>)>>,
    stop: CancellationToken,
    _storage: tempfile::TempDir,
}

/// Starts the controllers; in a cluster of the user's they look at our objects only.
pub(super) async fn start(client: &Client, name: &str, is_alone: bool) -> Result<Running> {
    let storage = tempfile::Builder::new().prefix("fjord-dev-").tempdir()?;
    let mut common = vec!["--health-addr=0".to_owned(), "--metrics-addr=0".to_owned()];
    if !is_alone {
        common.push(format!("--watch-label-selector={SHARD}={name}"));
    }
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let source = arguments("source-controller", &common, &artifacts(storage.path())?);
    let source = fjord_source_controller::Args::try_parse_from(source)?;
    let (own, token) = (client.clone(), stop.clone());
    tasks.spawn(async move {
        (
            "source-controller",
            fjord_source_controller::run(source, own, token).await,
        )
    });
    let kustomize = arguments("kustomize-controller", &common, &[]);
    let kustomize = fjord_kustomize_controller::args::Args::try_parse_from(kustomize)?;
    let (own, token) = (client.clone(), stop.clone());
    tasks.spawn(async move {
        (
            "kustomize-controller",
            fjord_kustomize_controller::run(kustomize, own, token).await,
        )
    });
    // It looks at all namespaces and has no selector: where a Flux may run it would tell twice.
    if is_alone {
        let own = notifications(storage.path())?;
        let arguments = arguments("notification-controller", &common, &own);
        let args = fjord_notification_controller::args::Args::try_parse_from(arguments)?;
        let (own, token) = (client.clone(), stop.clone());
        tasks.spawn(async move {
            (
                "notification-controller",
                fjord_notification_controller::run(args, own, token).await,
            )
        });
    }
    Ok(Running {
        tasks: tokio::sync::Mutex::new(tasks),
        stop,
        _storage: storage,
    })
}

fn notifications(storage: &Path) -> Result<Vec<String>> {
    Ok(vec![
        format!("--events-addr=127.0.0.1:{}", free_port()?),
        format!("--receiverAddr=127.0.0.1:{}", free_port()?),
        format!("--outbox-file={}", storage.join("outbox").display()),
    ])
}

impl Running {
    /// Waits until a controller ends by itself, which it should not.
    pub(super) async fn failed(&self) -> anyhow::Error {
        match self.tasks.lock().await.join_next().await {
            Some(Ok((name, Ok(())))) => anyhow!("{name} ended"),
            Some(Ok((name, Err(error)))) => error.context(name),
            Some(Err(error)) => anyhow!(error).context("a controller panicked"),
            None => std::future::pending().await,
        }
    }

    /// Stops the controllers and waits for them.
    pub(super) async fn stop(self) -> Result<()> {
        self.stop.cancel();
        let mut tasks = self.tasks.into_inner();
        let all = async { while tasks.join_next().await.is_some() {} };
        tokio::time::timeout(PATIENCE, all)
            .await
            .context("a controller does not stop")
    }
}

fn arguments(name: &str, common: &[String], own: &[String]) -> Vec<String> {
    [name.to_owned()]
        .into_iter()
        .chain(common.iter().cloned())
        .chain(own.iter().cloned())
        .collect()
}

fn artifacts(storage: &Path) -> Result<Vec<String>> {
    let port = free_port()?;
    Ok(vec![
        format!("--storage-path={}", storage.display()),
        format!("--storage-addr=127.0.0.1:{port}"),
        format!("--storage-adv-addr=127.0.0.1:{port}"),
    ])
}
