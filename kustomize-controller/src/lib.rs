//! Artifact to build to apply to prune to health, with drift watch: the kustomize-controller.
//!
//! [`run`] sets everything up and runs until shutdown; [`reconcile`] is the story of one
//! Kustomization. The controller reads sources from the cluster and artifacts over HTTP, and writes
//! through `fjord-apply` and `fjord-runtime` only.

pub mod args;
mod build;
mod checkout;
mod closed;
mod dependencies;
mod drift;
mod generate;
mod health;
mod history;
mod journal;
pub mod local;
mod manifests;
mod policies;
mod reason;
mod reconcile;
pub mod remote;
mod run;
mod sources;
mod substitute;

use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use fjord_apply::live::Config;
use fjord_apply::{Cluster, GroupKind, LiveIndex, Options};
use fjord_artifact::{Cache, cache};
use fjord_crds::kustomize::v1::Kustomization;
use fjord_runtime::{Controller, Process, Store, Waker};
use kube::Client;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use args::{Args, PROGRAM};
use dependencies::Dependencies;
use drift::KsOwners;
use journal::Journal;
use manifests::Memory;
use reconcile::{Kustomizations, Settings};
use remote::{Hosts, Remotes};
use substitute::Strictness;

/// The API group, which prefixes owner labels and per-object controls.
const GROUP: &str = "kustomize.toolkit.fluxcd.io";
/// The field manager of what is applied.
const FIELD_MANAGER: &str = "kustomize-controller";

/// Runs the controller until shutdown.
pub async fn run(args: Args, client: Client, shutdown: CancellationToken) -> anyhow::Result<()> {
    if let Some(flag) = closed::unsupported_flag(&args) {
        anyhow::bail!("{flag} is not supported yet");
    }
    let process = Process::start(
        &PROGRAM,
        &args.common,
        Some(&args.reconcile),
        client,
        shutdown,
    )
    .await?;
    let cache = Cache::open(cache_options()).context("artifact cache")?;
    let journal = Journal::open(std::env::temp_dir().join("fjord-intents")).context("journal")?;
    process.elected().await?;

    // The watches must exist before the controller whose objects they wake.
    let own: Arc<OnceLock<(Store<Kustomization>, Waker)>> = Arc::default();
    let (users, waiters) = (own.clone(), own.clone());
    let sources = sources::watch(&process, move || users.get().cloned())?;
    let waker = move || waiters.get().map(|(_, waker)| waker.clone());
    let dependencies = Dependencies::watch(&process, waker)?;
    let cluster = Cluster::new(process.client().clone());
    let options = apply_options(&args, &process);
    let controller = Controller::indexed(&process, sources::users(), |store, waker| {
        // Nothing else sets it.
        let _ = own.set((store.clone(), waker.clone()));
        let memory = Memory::default();
        let owners = KsOwners::new(
            store.clone(),
            memory.clone(),
            waker.clone(),
            process.recorder().clone(),
            cluster.clone(),
            options.clone(),
        );
        let index = LiveIndex::new(cluster.clone(), index_config(&args), owners.clone());
        owners.attach(index.clone());
        Kustomizations {
            sources: sources.clone(),
            dependencies: dependencies.clone(),
            cache,
            cluster,
            index,
            options,
            memory,
            journal,
            builds: Arc::new(Semaphore::new(cores())),
            remotes: remotes(&args),
            settings: settings(&args, &process),
        }
    });
    sources.ready().await;
    dependencies.synced().await;
    controller.run().await?;
    process.stopped().await?;
    Ok(())
}

fn cache_options() -> cache::Options {
    let mut options = cache::Options::new(std::env::temp_dir().join("fjord-artifacts"));
    // Tried again by the frame, which holds no worker in between.
    options.retries = 0;
    options.host = std::env::var(cache::HOST_OVERRIDE)
        .ok()
        .filter(|host| !host.is_empty());
    options
}

fn apply_options(args: &Args, process: &Process) -> Options {
    let custom = args.custom_apply_stage_kinds.as_str();
    Options {
        concurrency: args.concurrent_ssa.max(1),
        override_managers: args.override_manager.clone(),
        custom_stage_kinds: GroupKind::parse_list(custom).into_iter().collect(),
        migrate_api_version: process.gate("MigrateAPIVersion"),
    }
}

fn index_config(args: &Args) -> Config {
    Config {
        group: GROUP.to_owned(),
        field_manager: FIELD_MANAGER.to_owned(),
        override_managers: args.override_manager.clone(),
        correct_drift: args.drift_watch,
    }
}

fn remotes(args: &Args) -> Option<Remotes> {
    let hosts = || Hosts::new(args.remote_base_hosts.iter().cloned());
    (!args.no_remote_bases).then(|| Remotes::new(hosts()))
}

fn settings(args: &Args, process: &Process) -> Settings {
    let is_strict = process.gate("StrictPostBuildSubstitutions");
    Settings {
        strictness: if is_strict {
            Strictness::Strict
        } else {
            Strictness::Lenient
        },
        fail_fast: !process.gate("DisableFailFastBehavior"),
        no_cross_namespace_refs: args.no_cross_namespace_refs,
        http_retry: args.http_retry,
        group_change_log: process.gate("GroupChangeLog"),
        requeue_dependency: args.reconcile.requeue_dependency,
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
