//! `fjord dev`: a folder on this machine, applied as you edit it.
//!
//! Starts a real control plane (or uses a cluster you name), serves the folder as a Git repository
//! and runs the controllers in this process. They meet only through Kubernetes, as in a cluster.
//! Everything is gone after Ctrl-C: in a cluster of yours the objects that came from the folder too.

mod controllers;
mod folder;
mod news;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use fjord_runtime::{ObjectKey, request};
use fjord_sandbox::{
    ADMIN, ControlPlane, GitServer, GitServerOptions, Options, Programs, definitions,
};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::cluster::ClusterArgs;
use crate::command::reconcile::MANAGER;
use crate::kinds::Kind;

use folder::Folder;

/// How long a cluster of the user's may take to lose what we made there.
const CLEAN_UP: Duration = Duration::from_secs(60);
/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Tells our objects from those of a Flux that already runs in the cluster.
const SHARD: &str = "fjord.dev/dev";

/// Apply a folder of this machine as you edit it
///
/// Starts a Kubernetes control plane for it (built on first use, about seven minutes), or uses the
/// cluster that --context names. Ctrl-C ends and removes everything.
///
/// Examples:
///   fjord dev                                    this folder
///   fjord dev ~/fleet --path clusters/staging    one folder of a repository
///   fjord dev --pods                             pods become Ready, without a container runtime
///   fjord dev --context kind-test                on a cluster of yours
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct DevArgs {
    /// Folder to serve as a Git repository
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Folder below it to apply
    #[arg(long, default_value = "./")]
    path: String,
    /// Name of the GitRepository and the Kustomization
    #[arg(long, default_value = "dev")]
    name: String,
    /// Namespace for objects that have none
    #[arg(long, default_value = "default")]
    target_namespace: String,
    /// Make pods Ready (not with --context)
    #[arg(long)]
    pods: bool,
}

/// Runs `fjord dev`.
pub(crate) async fn run(args: &DevArgs, cluster: &ClusterArgs) -> Result<()> {
    let stop = CancellationToken::new();
    tokio::spawn(until_interrupted(stop.clone()));
    // A second Ctrl-C is not waited for: everything of ours dies with this process anyway.
    tokio::select! {
        ended = session(args, cluster, &stop) => ended,
        () = twice_interrupted() => anyhow::bail!("interrupted before everything was removed"),
    }
}

async fn session(args: &DevArgs, cluster: &ClusterArgs, stop: &CancellationToken) -> Result<()> {
    let folder = Folder::open(&args.folder)?;
    let (client, plane) = match &cluster.context {
        Some(_) => (Client::try_from(cluster.config().await?)?, None),
        None => {
            let Some((client, plane)) = start_plane(args, stop).await? else {
                return Ok(());
            };
            (client, Some(plane))
        }
    };
    let installed = step(
        "Flux's kinds are installed",
        install(&client, &cluster.namespace),
    )
    .await?;
    let git = GitServer::start(GitServerOptions::default()).await?;
    let mut served = step("the folder is served as Git", folder.serve(&git)).await?;
    let running = step(
        "the controllers run in this process",
        controllers::start(&client, &args.name, plane.is_some()),
    )
    .await?;
    create(args, cluster, &client, &git).await?;
    if let Some(plane) = &plane {
        let kubeconfig = plane.kubeconfig(ADMIN);
        eprintln!("\n  export KUBECONFIG={}", kubeconfig.display());
        eprintln!("  {} get configmaps -A\n", plane.kubectl().display());
    }
    eprintln!("► edit files under {}; Ctrl-C ends", args.folder.display());
    let news = tokio::spawn(news::print(client.clone(), cluster.namespace.clone()));

    let key = ObjectKey::new(&cluster.namespace, &args.name);
    let outcome = loop {
        tokio::select! {
            () = stop.cancelled() => break Ok(()),
            failed = running.failed() => break Err(failed),
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Some(commit) = served.commit_changes().await? {
            eprintln!("► commit {}", &commit[..8.min(commit.len())]);
            let token = jiff::Timestamp::now().to_string();
            let kind = kind("GitRepository")?.resource();
            request::reconcile(&client, &kind, &key, &token, MANAGER).await?;
        }
    };
    news.abort();
    if plane.is_none() {
        step(
            "what came from the folder is removed from the cluster",
            remove(args, cluster, &client, &installed),
        )
        .await?;
    }
    step("the controllers have stopped", running.stop()).await?;
    outcome
}

async fn start_plane(
    args: &DevArgs,
    stop: &CancellationToken,
) -> Result<Option<(Client, ControlPlane)>> {
    let build = tokio::task::spawn_blocking(|| Programs::ready(|line| eprintln!("  {line}")));
    let programs = tokio::select! {
        programs = build => programs??,
        () = stop.cancelled() => return Ok(None),
    };
    let options = Options {
        pods: args.pods,
        ..Options::default()
    };
    let start = async { Ok(ControlPlane::start(&programs, options).await?) };
    let plane = step("a Kubernetes control plane runs", start).await?;
    Ok(Some((plane.client(ADMIN).await?, plane)))
}

/// Runs a slow step and says when it is done.
async fn step<T>(done: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let started = Instant::now();
    let value = work.await?;
    eprintln!("✔ {done} ({:.1} s)", started.elapsed().as_secs_f64());
    Ok(value)
}

/// Installs the kinds that the cluster lacks, and returns their names.
async fn install(client: &Client, namespace: &str) -> Result<Vec<String>> {
    let mut missing = fjord_crds::manifest::definitions()?;
    let existing = api(
        client,
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        None,
    );
    let mut names = Vec::new();
    let mut index = 0;
    while index < missing.len() {
        let name = missing[index]["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if existing.get_opt(&name).await?.is_some() {
            missing.remove(index);
        } else {
            names.push(name);
            index += 1;
        }
    }
    definitions::install(client, MANAGER, &missing).await?;
    let namespaces = api(client, "", "Namespace", None);
    if namespaces.get_opt(namespace).await?.is_none() {
        let body =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        apply(&namespaces, namespace, &body).await?;
    }
    Ok(names)
}

/// Creates the GitRepository and the Kustomization of the folder.
async fn create(
    args: &DevArgs,
    cluster: &ClusterArgs,
    client: &Client,
    git: &GitServer,
) -> Result<()> {
    let source = json!({
        "interval": "1h",
        "url": git.repository_url(folder::REPOSITORY),
        "ref": {"branch": folder::BRANCH},
    });
    let kustomization = json!({
        "interval": "1h",
        "retryInterval": "5s",
        "path": args.path,
        "prune": true,
        "targetNamespace": args.target_namespace,
        "sourceRef": {"kind": "GitRepository", "name": args.name},
    });
    for (word, spec) in [("GitRepository", source), ("Kustomization", kustomization)] {
        let kind = kind(word)?.resource();
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), &cluster.namespace, &kind);
        let body = json!({
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": args.name, "labels": {SHARD: args.name}},
            "spec": spec,
        });
        apply(&api, &args.name, &body).await?;
    }
    Ok(())
}

/// Deletes our objects, so that the controllers prune what came from the folder, then the kinds
/// that were not there before.
async fn remove(
    args: &DevArgs,
    cluster: &ClusterArgs,
    client: &Client,
    installed: &[String],
) -> Result<()> {
    for word in ["Kustomization", "GitRepository"] {
        let kind = kind(word)?.resource();
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), &cluster.namespace, &kind);
        delete(&api, &args.name).await?;
    }
    let definitions = api(
        client,
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        None,
    );
    for name in installed {
        delete(&definitions, name).await?;
    }
    Ok(())
}

async fn delete(api: &Api<DynamicObject>, name: &str) -> Result<()> {
    match api.delete(name, &DeleteParams::default()).await {
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
        other => other.map(drop)?,
    }
    let deadline = Instant::now() + CLEAN_UP;
    while api.get_opt(name).await?.is_some() {
        anyhow::ensure!(
            Instant::now() < deadline,
            "{name} is not gone after {} s",
            CLEAN_UP.as_secs()
        );
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

async fn apply(api: &Api<DynamicObject>, name: &str, body: &Value) -> Result<()> {
    let params = PatchParams::apply(MANAGER).force();
    api.patch(name, &params, &Patch::Apply(body))
        .await
        .with_context(|| format!("creating {name}"))?;
    Ok(())
}

fn api(client: &Client, group: &str, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

fn kind(word: &str) -> Result<&'static Kind> {
    Kind::named(word).with_context(|| format!("unknown kind {word}"))
}

async fn until_interrupted(stop: CancellationToken) {
    // Without a signal handler Ctrl-C ends the process, and the children with it.
    if tokio::signal::ctrl_c().await.is_ok() {
        eprintln!("\n► stopping; once more to stop at once");
        stop.cancel();
    }
}

async fn twice_interrupted() {
    for _ in 0..2 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
