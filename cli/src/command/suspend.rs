//! `fjord suspend` and `fjord resume`: take objects out of reconciliation and back in.

use anyhow::{Result, bail};
use clap::Args;
use fjord_crds::GoDuration;
use fjord_runtime::{ObjectKey, request};
use kube::ResourceExt as _;
use kube::api::ListParams;

use super::reconcile::{MANAGER, object, read, report, wait};
use crate::cluster::{Cluster, ClusterArgs};
use crate::kinds::Kind;
use crate::readiness::{self, Progress};

/// Stop reconciling objects, drift correction included
///
/// Examples:
///   fjord suspend ks apps
///   fjord suspend ks --all -n team-a
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct SuspendArgs {
    #[command(flatten)]
    selection: Selection,
}

/// Go on reconciling objects, and wait until they are ready
///
/// Examples:
///   fjord resume ks apps
///   fjord resume ks --all -n team-a
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    selection: Selection,
    /// How long to wait for each object
    #[arg(long, default_value = "5m")]
    timeout: GoDuration,
}

#[derive(Debug, Args)]
struct Selection {
    /// Kind and name, as two words or with a slash
    #[arg(value_name = "KIND NAME", num_args = 1..=3, required = true)]
    words: Vec<String>,
    /// All objects of the kind in the namespace
    #[arg(long)]
    all: bool,
}

/// Runs `fjord suspend`.
pub(crate) async fn suspend(args: &SuspendArgs, cluster: &ClusterArgs) -> Result<()> {
    let cluster = cluster.connect().await?;
    let (kind, names) = args.selection.objects(&cluster).await?;
    for name in names {
        set(&cluster, kind, &name, true).await?;
        eprintln!("✔ {} {name} suspended", kind.kind);
    }
    Ok(())
}

/// Runs `fjord resume`.
pub(crate) async fn resume(args: &ResumeArgs, cluster: &ClusterArgs) -> Result<()> {
    let cluster = cluster.connect().await?;
    let (kind, names) = args.selection.objects(&cluster).await?;
    for name in &names {
        set(&cluster, kind, name, false).await?;
        eprintln!("✔ {} {name} resumed", kind.kind);
    }
    for name in &names {
        if kind.is_static {
            continue;
        }
        let is_done = |object: &_| readiness::progress(kind, object) != Progress::Working;
        report(
            kind,
            &wait(&cluster, kind, name, args.timeout.as_std(), is_done).await?,
        )?;
    }
    Ok(())
}

async fn set(cluster: &Cluster, kind: &Kind, name: &str, suspend: bool) -> Result<()> {
    let key = ObjectKey::new(&cluster.namespace, name);
    Ok(request::suspend(&cluster.client, &kind.resource(), &key, suspend, MANAGER).await?)
}

impl Selection {
    async fn objects(&self, cluster: &Cluster) -> Result<(&'static Kind, Vec<String>)> {
        if !self.all {
            let (kind, name) = object(&self.words)?;
            read(cluster, kind, name).await?;
            return Ok((kind, vec![name.to_owned()]));
        }
        let [word] = self.words.as_slice() else {
            bail!("--all takes a kind and no name")
        };
        let Some(kind) = Kind::named(word) else {
            bail!("unknown kind {word:?}")
        };
        let objects = cluster
            .list(kind, false, &ListParams::default())
            .await?
            .unwrap_or_default();
        if objects.is_empty() {
            bail!("no {} in namespace {}", kind.plural, cluster.namespace);
        }
        Ok((
            kind,
            objects.iter().map(|object| object.name_any()).collect(),
        ))
    }
}
