//! `spec.dependsOn`: whether what a Kustomization depends on is ready.
//!
//! Nothing is polled: a dependency's status wakes those that wait for it. Dependencies may belong to
//! other shards, so they are watched apart from the Kustomizations of this replica, with only the
//! few fields that matter here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fjord_crds::kustomize::v1::{Kustomization, KustomizationSpec, KustomizationStatus};
use fjord_crds::reference::DependencyReference;
use fjord_runtime::{
    ConditionType, EventDraft, Failure, ObjectKey, Priority, Process, Retry, Store, Waker,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::reason::Reason;
use crate::reconcile::Settings;
use crate::sources::{self, Source};

/// The dependencies of all Kustomizations, and who waits for them.
#[derive(Clone)]
pub(crate) struct Dependencies {
    store: Store<Kustomization>,
    waiting: Waiting,
}

/// Who waits, by what they wait for.
type Waiting = Arc<Mutex<HashMap<ObjectKey, Vec<ObjectKey>>>>;

impl Dependencies {
    /// Watches all Kustomizations and wakes those that wait for what changed.
    pub(crate) fn watch(
        process: &Process,
        waker: impl Fn() -> Option<Waker> + Send + Sync + 'static,
    ) -> Result<Self, fjord_runtime::process::Error> {
        let waiting = Waiting::default();
        let waiters = waiting.clone();
        let store = Store::<Kustomization>::watch()
            .strip(strip)
            .on_change(move |before, after| {
                let changed = after.or(before).filter(|_| seen(before) != seen(after));
                let Some((changed, waker)) = changed.zip(waker()) else {
                    return;
                };
                let changed = ObjectKey::of(&**changed);
                for (waiter, dependencies) in lock(&waiters).iter() {
                    if dependencies.contains(&changed) {
                        waker.wake(waiter, Priority::Dependency);
                    }
                }
            })
            .start(process)?;
        Ok(Self { store, waiting })
    }

    /// Waits until all Kustomizations are known.
    pub(crate) async fn synced(&self) {
        self.store.ready().await;
    }

    /// Fails with the first dependency that is not ready.
    pub(crate) fn ready(
        &self,
        ks: &Kustomization,
        source: &Source,
        settings: &Settings,
    ) -> Result<(), Failure> {
        let own = ObjectKey::of(ks);
        let keys: Vec<ObjectKey> = keys(ks).collect();
        if !keys.is_empty() {
            // Before the look, so that no change between it and the wait is missed.
            lock(&self.waiting).insert(own.clone(), keys.clone());
        }
        for key in &keys {
            let problem = match self.store.get(key) {
                None => {
                    let name = &key.name;
                    let resource = "kustomizations.kustomize.toolkit.fluxcd.io";
                    Some(format!(
                        "dependency '{key}' not found: {resource} \"{name}\" not found"
                    ))
                }
                Some(dependency) => problem(ks, source, key, &dependency),
            };
            if let Some(message) = problem {
                return Err(waiting(source, message, settings.requeue_dependency));
            }
        }
        self.forget(&own);
        Ok(())
    }

    /// Forgets who does not wait any more.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        lock(&self.waiting).remove(key);
    }
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, HashMap<ObjectKey, Vec<ObjectKey>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps what decides whether a dependency is ready.
fn strip(ks: &mut Kustomization) {
    ks.metadata.annotations = None;
    ks.metadata.labels = None;
    let source_ref = std::mem::take(&mut ks.spec.source_ref);
    ks.spec = KustomizationSpec {
        source_ref,
        ..KustomizationSpec::default()
    };
    if let Some(status) = &mut ks.status {
        let mut kept = KustomizationStatus {
            observed_generation: status.observed_generation,
            last_applied_revision: status.last_applied_revision.take(),
            ..KustomizationStatus::default()
        };
        kept.conditions = std::mem::take(&mut status.conditions);
        kept.conditions
            .retain(|condition| condition.type_ == ConditionType::READY.as_str());
        *status = kept;
    }
}

fn keys(ks: &Kustomization) -> impl Iterator<Item = ObjectKey> {
    let own = ks.metadata.namespace.as_deref().unwrap_or_default();
    let namespace = move |reference: &DependencyReference| {
        reference
            .namespace
            .clone()
            .unwrap_or_else(|| own.to_owned())
    };
    ks.spec
        .depends_on
        .iter()
        .map(move |one| ObjectKey::new(&namespace(one), &one.name))
}

/// What of a Kustomization can matter to those that depend on it.
fn seen(ks: Option<&Arc<Kustomization>>) -> Option<(Option<i64>, i64, bool, Option<&str>)> {
    let ks = ks?;
    let status = ks.status.as_ref();
    Some((
        ks.metadata.generation,
        status.map_or(-1, |status| status.observed_generation),
        status.is_some_and(|status| is_ready(&status.conditions)),
        status.and_then(|status| status.last_applied_revision.as_deref()),
    ))
}

fn problem(
    ks: &Kustomization,
    source: &Source,
    key: &ObjectKey,
    dependency: &Kustomization,
) -> Option<String> {
    let status = dependency.status.as_ref();
    let is_ready = status.is_some_and(|status| {
        dependency.metadata.generation == Some(status.observed_generation)
            && is_ready(&status.conditions)
    });
    if !is_ready {
        return Some(format!("dependency '{key}' is not ready"));
    }
    let applied = status.and_then(|status| status.last_applied_revision.as_deref());
    let same_source = dependency.spec.source_ref.kind == ks.spec.source_ref.kind
        && sources::key(dependency) == sources::key(ks);
    (same_source && applied != Some(source.revision()))
        .then(|| format!("dependency '{key}' revision is not up to date"))
}

fn is_ready(conditions: &[Condition]) -> bool {
    conditions
        .iter()
        .any(|c| c.type_ == ConditionType::READY.as_str() && c.status == "True")
}

fn waiting(source: &Source, message: String, requeue: Duration) -> Failure {
    let after = fjord_crds::duration::format(requeue);
    let text = format!("Dependencies do not meet ready condition, retrying in {after}");
    tracing::info!(revision = source.revision(), problem = message, "{text}");
    let event = EventDraft::info(Reason::DependencyNotReady, text)
        .meta("revision", source.revision())
        .meta("originRevision", source.origin_revision());
    Failure::new(Reason::DependencyNotReady, message)
        .retry(Retry::OnChange)
        .with_event(event)
        .silent()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn kustomization(name: &str, source: &str, status: Value) -> Kustomization {
        serde_json::from_value(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "n", "generation": 2},
            "spec": {"interval": "1m", "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": source}},
            "status": status,
        }))
        .unwrap()
    }

    fn status(ready: &str, observed: i64, applied: &str) -> Value {
        json!({"observedGeneration": observed, "lastAppliedRevision": applied, "conditions": [
            {"type": "Ready", "status": ready, "reason": "x", "message": "",
                "lastTransitionTime": "2024-01-01T00:00:00Z"}]})
    }

    #[test]
    fn a_dependency_is_ready_when_it_is_at_its_generation_and_at_our_revision() {
        let ours = kustomization("ours", "app", json!({}));
        let artifact = json!({"revision": "r2", "url": "", "path": "", "digest": "",
            "lastUpdateTime": "2024-01-01T00:00:00Z"});
        let source = Source {
            artifact: serde_json::from_value(artifact).unwrap(),
        };
        let key = ObjectKey::new("n", "dep");
        let not_ready = Some("dependency 'n/dep' is not ready".to_owned());
        let behind = Some("dependency 'n/dep' revision is not up to date".to_owned());
        let cases = [
            ("app", status("True", 2, "r2"), None),
            ("app", status("True", 2, "r1"), behind),
            ("other", status("True", 2, "r1"), None),
            ("app", status("True", 1, "r2"), not_ready.clone()),
            ("app", status("Unknown", 2, "r2"), not_ready.clone()),
            ("app", status("False", 2, "r2"), not_ready.clone()),
            ("app", json!({}), not_ready),
        ];
        for (from, status, expected) in cases {
            let dependency = kustomization("dep", from, status.clone());
            assert_eq!(
                problem(&ours, &source, &key, &dependency),
                expected,
                "{status}"
            );
        }
    }
}
