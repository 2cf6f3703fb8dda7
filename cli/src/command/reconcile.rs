//! `fjord reconcile`: asks a controller to look at an object now, and waits until it has.
//!
//! The protocol is that of `flux reconcile`: an annotation is set, and the controller answers in
//! `status.lastHandledReconcileAt`. Unlike `flux`, the answer is watched and not polled.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use fjord_crds::GoDuration;
use fjord_runtime::{ObjectKey, request};
use kube::ResourceExt as _;
use kube::core::DynamicObject;
use kube::runtime::wait::await_condition;
use serde_json::Value;

use crate::cluster::{Cluster, ClusterArgs};
use crate::kinds::Kind;
use crate::readiness::{self, Progress};

/// The field manager of what a user does through the command line.
pub(crate) const MANAGER: &str = "fjord";

/// Ask for a reconciliation now, and wait for its result
///
/// Examples:
///   fjord reconcile ks apps                  apply what the source already has
///   fjord reconcile ks apps --with-source    fetch the source first
///   fjord reconcile gitrepo/app
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ReconcileArgs {
    /// Kind and name, as two words or with a slash
    #[arg(value_name = "KIND NAME", num_args = 1..=3, required = true)]
    words: Vec<String>,
    /// Reconcile the source of a Kustomization first
    #[arg(long)]
    with_source: bool,
    /// How long to wait
    #[arg(long, default_value = "5m")]
    timeout: GoDuration,
}

/// Runs `fjord reconcile`.
pub(crate) async fn run(args: &ReconcileArgs, cluster: &ClusterArgs) -> Result<()> {
    let (kind, name) = object(&args.words)?;
    let cluster = cluster.connect().await?;
    let timeout = args.timeout.as_std();
    if args.with_source {
        let (source, at) = source_of(&cluster, kind, name).await?;
        request_and_wait(&at, source.0, &source.1, timeout).await?;
    }
    request_and_wait(&cluster, kind, name, timeout).await
}

/// Splits `ks apps`, `ks/apps` and `source git app` into a kind and a name.
pub(crate) fn object(words: &[String]) -> Result<(&'static Kind, &str)> {
    let words: Vec<&str> = words.iter().flat_map(|word| word.split('/')).collect();
    let words = match words.as_slice() {
        ["source" | "sources", rest @ ..] => rest,
        all => all,
    };
    let [word, name] = words else {
        bail!("expected a kind and a name, as in `ks apps`")
    };
    let kind = Kind::named(word).ok_or_else(|| anyhow!("unknown kind {word:?}"))?;
    Ok((kind, name))
}

async fn source_of(
    cluster: &Cluster,
    kind: &Kind,
    name: &str,
) -> Result<((&'static Kind, String), Cluster)> {
    let object = read(cluster, kind, name).await?;
    let field = |field: &str| {
        object
            .data
            .pointer(&format!("/spec/sourceRef/{field}"))
            .and_then(Value::as_str)
    };
    let (Some(word), Some(source)) = (field("kind"), field("name")) else {
        bail!(
            "{} {name} has no spec.sourceRef: --with-source is for Kustomizations",
            kind.kind
        );
    };
    let source_kind = Kind::named(word).ok_or_else(|| anyhow!("unknown source kind {word:?}"))?;
    let namespace = field("namespace").unwrap_or(&cluster.namespace).to_owned();
    Ok((
        (source_kind, source.to_owned()),
        Cluster {
            client: cluster.client.clone(),
            namespace,
        },
    ))
}

async fn request_and_wait(
    cluster: &Cluster,
    kind: &'static Kind,
    name: &str,
    timeout: Duration,
) -> Result<()> {
    let object = read(cluster, kind, name).await?;
    let is_suspended = object
        .data
        .pointer("/spec/suspend")
        .and_then(Value::as_bool);
    if is_suspended == Some(true) {
        bail!(
            "{} {name} is suspended: run `fjord resume {} {name}` first",
            kind.kind,
            kind.plural
        );
    }
    if kind.is_static {
        bail!(
            "{} objects are not reconciled: they take effect as they are",
            kind.kind
        );
    }
    let before = handled(&object).map(str::to_owned);
    let token = jiff::Timestamp::now().to_string();
    let key = ObjectKey::new(&cluster.namespace, name);
    request::reconcile(&cluster.client, &kind.resource(), &key, &token, MANAGER).await?;
    eprintln!(
        "► {} {name} in {}: reconciliation requested",
        kind.kind, cluster.namespace
    );
    let is_done = |object: &DynamicObject| {
        handled(object) != before.as_deref()
            && readiness::progress(kind, object) != Progress::Working
    };
    report(kind, &wait(cluster, kind, name, timeout, is_done).await?)
}

/// Waits until `is_done` holds; a time-out says what the object said last.
pub(crate) async fn wait(
    cluster: &Cluster,
    kind: &Kind,
    name: &str,
    timeout: Duration,
    is_done: impl Fn(&DynamicObject) -> bool,
) -> Result<DynamicObject> {
    let api = cluster.api(kind);
    let found = await_condition(api, name, |object: Option<&DynamicObject>| {
        object.is_some_and(&is_done)
    });
    match tokio::time::timeout(timeout, found).await {
        Ok(object) => object?.with_context(|| format!("{} {name} was deleted", kind.kind)),
        Err(_) => {
            let last = readiness::shown(kind, &read(cluster, kind, name).await?).message;
            bail!(
                "{} {name} not ready after {}s: {last}",
                kind.kind,
                timeout.as_secs()
            )
        }
    }
}

/// Prints what came of it; a failed object is an error.
pub(crate) fn report(kind: &Kind, object: &DynamicObject) -> Result<()> {
    let name = object.name_any();
    if let Progress::Failed(message) = readiness::progress(kind, object) {
        bail!("{} {name}: {message}", kind.kind);
    }
    let ready = readiness::shown(kind, object);
    if ready.status != "True" {
        bail!("{} {name}: {}", kind.kind, ready.message);
    }
    eprintln!("✔ {} {name}: {}", kind.kind, ready.message);
    Ok(())
}

/// Reads one object, with an error that names it.
pub(crate) async fn read(cluster: &Cluster, kind: &Kind, name: &str) -> Result<DynamicObject> {
    cluster.api(kind).get_opt(name).await?.with_context(|| {
        format!(
            "{} {name} not found in namespace {}",
            kind.kind, cluster.namespace
        )
    })
}

fn handled(object: &DynamicObject) -> Option<&str> {
    object
        .data
        .pointer("/status/lastHandledReconcileAt")
        .and_then(Value::as_str)
}
