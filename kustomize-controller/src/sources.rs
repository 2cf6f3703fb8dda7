//! The source of a Kustomization: may it be read, is it there, has it an artifact.
//!
//! Sources are watched, never asked for; a new revision wakes the Kustomizations that use it.

use std::sync::Arc;

use fjord_crds::Artifact;
use fjord_crds::kustomize::v1::Kustomization;
use fjord_crds::source::v1::GitRepository;
use fjord_runtime::{
    ConditionType, Failure, ObjectKey, Priority, Process, Retry, Store, Waker, store,
};

use crate::reason::Reason;
use crate::reconcile::Settings;

/// The key under which an artifact names the revision it was made from.
const ORIGIN_REVISION: &str = "org.opencontainers.image.revision";

/// The index of Kustomizations by the source that they name.
const BY_SOURCE: &str = "source";

/// What a build starts from.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The artifact.
    pub(crate) artifact: Artifact,
}

impl Source {
    /// Returns the revision.
    pub(crate) fn revision(&self) -> &str {
        &self.artifact.revision
    }

    /// Returns the revision the artifact was made from, or an empty string.
    pub(crate) fn origin_revision(&self) -> &str {
        self.artifact
            .metadata
            .get(ORIGIN_REVISION)
            .map_or("", String::as_str)
    }
}

/// Returns the key of the source that a Kustomization names.
pub(crate) fn key(ks: &Kustomization) -> ObjectKey {
    let own = ks.metadata.namespace.as_deref().unwrap_or_default();
    let source = &ks.spec.source_ref;
    ObjectKey::new(source.namespace.as_deref().unwrap_or(own), &source.name)
}

/// Looks up the source of a Kustomization.
///
/// A missing source or artifact is waited for without a timer: the watch tells when it comes.
pub(crate) fn resolve(
    sources: &Store<GitRepository>,
    ks: &Kustomization,
    settings: &Settings,
) -> Result<Source, Failure> {
    let key = key(ks);
    let own = ks.metadata.namespace.as_deref().unwrap_or_default();
    if settings.no_cross_namespace_refs && *key.namespace != *own {
        let message = format!(
            "can't access '{}/{key}', cross-namespace references have been blocked",
            ks.spec.source_ref.kind
        );
        return Err(Failure::new(Reason::AccessDenied, message)
            .retry(Retry::Never)
            .event());
    }
    let waiting = |message: String| {
        tracing::info!("{message}");
        Failure::new(Reason::ArtifactFailed, message)
            .retry(Retry::OnChange)
            .silent()
    };
    let Some(source) = sources.get(&key) else {
        // Parity: the plain text of the API machinery, without an event.
        let group = "source.toolkit.fluxcd.io";
        let name = &key.name;
        let kind = &ks.spec.source_ref.kind;
        return Err(waiting(format!("{kind}.{group} \"{name}\" not found")));
    };
    let artifact = source
        .status
        .as_ref()
        .and_then(|status| status.artifact.clone());
    artifact.map(|artifact| Source { artifact }).ok_or_else(|| {
        let after = fjord_crds::duration::format(settings.requeue_dependency);
        waiting(format!("Source artifact not found, retrying in {after}"))
    })
}

/// Returns the watch on Kustomizations that finds those of a source without looking at all.
pub(crate) fn users() -> store::Builder<Kustomization> {
    Store::watch().index(BY_SOURCE, |ks: &Kustomization| vec![key(ks).to_string()])
}

/// Watches sources and wakes what uses them.
///
/// `own` gives the store that [`users`] describes.
pub(crate) fn watch(
    process: &Process,
    own: impl Fn() -> Option<(Store<Kustomization>, Waker)> + Send + Sync + 'static,
) -> Result<Store<GitRepository>, fjord_runtime::process::Error> {
    Store::<GitRepository>::watch()
        .on_change(move |before, after| {
            let Some(source) = after.or(before) else {
                return;
            };
            let changed =
                before.is_some() != after.is_some() || revision(before) != revision(after);
            if let Some((kustomizations, waker)) = own().filter(|_| changed) {
                wake_users(&kustomizations, &waker, source, revision(after));
            }
        })
        .start(process)
}

fn revision(source: Option<&Arc<GitRepository>>) -> Option<&str> {
    let status = source?.status.as_ref()?;
    status
        .artifact
        .as_ref()
        .map(|artifact| artifact.revision.as_str())
}

fn wake_users(
    kustomizations: &Store<Kustomization>,
    waker: &Waker,
    source: &GitRepository,
    revision: Option<&str>,
) {
    let source = ObjectKey::of(source);
    for ks in kustomizations.by_index(BY_SOURCE, &source.to_string()) {
        if !has_seen(&ks, revision) {
            waker.wake(&ObjectKey::of(&*ks), Priority::NewRevision);
        }
    }
}

/// Whether a Kustomization has this revision already, or is at it.
fn has_seen(ks: &Kustomization, revision: Option<&str>) -> bool {
    let Some(status) = &ks.status else {
        return false;
    };
    let is_true = |kind: ConditionType| {
        status
            .conditions
            .iter()
            .any(|c| c.type_ == kind.as_str() && c.status == "True")
    };
    revision.is_some()
        && status.last_attempted_revision.as_deref() == revision
        && (is_true(ConditionType::READY) || is_true(ConditionType::RECONCILING))
}
