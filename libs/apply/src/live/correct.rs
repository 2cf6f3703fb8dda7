//! Looking into suspects: is it drift, whose, and applying the object again.
//!
//! The cheap questions come first. An object that vanished is read once, because one that lost its
//! owner label looks deleted to a label-selected watch. Every correction asks the owner, so that
//! suspending it stops corrections at once.

use std::cmp::Reverse;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kube::core::Status;
use tokio::sync::mpsc;

use super::{Actor, Correction, Desired, Drift, Handled, Inner, OwnerKey};
use crate::applier::Cause;
use crate::changeset::Action;
use crate::cluster;
use crate::managed_fields::{self, Field, Managers, held, lost};
use crate::object::{Object, ObjectId};

/// How long a failed correction waits before it is tried again, at least.
const RETRY: Duration = Duration::from_secs(2);

/// How many fields of one drift are told.
const TOLD: usize = 20;

/// An object that seems to have drifted.
pub(super) struct Suspect {
    pub(super) id: ObjectId,
    /// The metadata it was last seen with; none when it vanished.
    pub(super) live: Option<Object>,
    pub(super) after: Duration,
}

/// Looks into suspects until the index is dropped.
pub(super) async fn run(index: Weak<Inner>, mut queue: mpsc::UnboundedReceiver<Suspect>) {
    while let Some(suspect) = queue.recv().await {
        let index = index.clone();
        tokio::spawn(async move {
            tokio::time::sleep(suspect.after).await;
            let Some(inner) = index.upgrade() else { return };
            let permits = inner.corrections.clone();
            if let Ok(_permit) = permits.acquire_owned().await {
                look_into(&inner, suspect).await;
            }
        });
    }
}

async fn look_into(inner: &Arc<Inner>, suspect: Suspect) {
    let Suspect { id, live, .. } = suspect;
    let Some(owner) = inner.lock().accused(&id) else {
        return;
    };
    let live = match live {
        Some(live) => Some(live),
        None => match read(inner, &id).await {
            Ok(live) => live,
            Err(error) => {
                tracing::debug!(object = %id, %error, "vanished object could not be read");
                return again(inner, &id, RETRY);
            }
        },
    };
    let taken = live
        .as_ref()
        .map(|live| inner.observation(live))
        .and_then(|seen| seen.owner);
    if taken.is_some_and(|taken| taken != owner) {
        return inner.lock().acquit(&id);
    }
    let correction = match inner.owners.desired(&owner, &id).await {
        Desired::Apply(correction) => *correction,
        Desired::Leave => return inner.lock().acquit(&id),
        Desired::Rebuild => {
            inner.lock().acquit(&id);
            return inner.owners.wake(&owner);
        }
    };
    correct(inner, &owner, &id, live.as_ref(), correction).await;
}

async fn correct(
    inner: &Arc<Inner>,
    owner: &OwnerKey,
    id: &ObjectId,
    live: Option<&Object>,
    correction: Correction,
) {
    let ignored = correction.policies.ignore.paths_for(&correction.object);
    let findings = find_out(live, &correction.object, &ignored, &inner.managers);
    let drift = findings.told(id);
    let Correction {
        object,
        policies,
        applier,
    } = correction;
    let handled = match applier.apply_one(object, &policies).await {
        Ok(change) => match change.action {
            action @ (Action::Created | Action::Configured) => Handled::Corrected(action),
            // Nothing that counts was changed, or the object says to leave it alone.
            _ => return inner.lock().acquit(id),
        },
        Err(error) if is_terminating(&error.cause) => return inner.lock().acquit(id),
        Err(error) => {
            // Its namespace may be gone too: only the owner can bring back everything in order.
            if matches!(&*error.cause, Cause::DryRun { error, .. } if error.is_not_found()) {
                inner.lock().acquit(id);
                return inner.owners.wake(owner);
            }
            Handled::Failed(error.to_string())
        }
    };
    let failed = matches!(handled, Handled::Failed(_));
    let outcome = inner.lock().corrected(id, failed, Instant::now());
    inner.owners.drifted(owner, &drift, &handled);
    if outcome.fight
        && let Some(actor) = drift.actors.first()
    {
        let rule = rule_for(id, &findings.fields);
        let fight = Handled::Fight {
            manager: actor.manager.clone(),
            rule,
        };
        inner.owners.drifted(owner, &drift, &fight);
    }
    match outcome.again {
        Some(delay) => again(inner, id, if failed { delay.max(RETRY) } else { delay }),
        None if failed => again(inner, id, RETRY),
        None => {}
    }
}

fn again(inner: &Arc<Inner>, id: &ObjectId, after: Duration) {
    // The state is asked again when the time comes; what was seen then may be out of date.
    let _ = inner.suspects.send(Suspect {
        id: id.clone(),
        live: None,
        after,
    });
}

async fn read(inner: &Inner, id: &ObjectId) -> Result<Option<Object>, cluster::Error> {
    let kind = inner.cluster.preferred_kind(&id.group_kind()).await?;
    inner.cluster.get_metadata(&kind, id).await
}

/// What was found out about a drift, with the places that an ignore rule needs.
#[derive(Default)]
struct Findings {
    deleted: bool,
    fields: Vec<Field>,
    actors: Vec<Actor>,
}

impl Findings {
    fn told(&self, id: &ObjectId) -> Drift {
        Drift {
            id: id.clone(),
            deleted: self.deleted,
            fields: paths(&self.fields),
            actors: self.actors.clone(),
        }
    }
}

fn paths(fields: &[Field]) -> Vec<String> {
    fields.iter().map(|field| field.path.clone()).collect()
}

/// Tells who changed what, from metadata alone.
fn find_out(
    live: Option<&Object>,
    desired: &Object,
    ignored: &[&str],
    managers: &Managers,
) -> Findings {
    let Some(live) = live else {
        return Findings {
            deleted: true,
            ..Findings::default()
        };
    };
    let us = managers.us();
    let minded = |field: &Field| {
        !ignored
            .iter()
            .any(|pointer| overlap(pointer, &field.pointer))
    };
    let ours = managed_fields::entries(live).find(|entry| entry.is_applied_by(us));
    let since = ours.and_then(time);
    let mut fields = lost(desired, ours.and_then(managed_fields::Entry::fields));
    fields.retain(minded);
    fields.truncate(TOLD);
    let mut others: Vec<managed_fields::Entry<'_>> = managed_fields::entries(live)
        .filter(|entry| !entry.is_applied_by(us))
        .collect();
    others.sort_by_key(|entry| Reverse(time(*entry)));
    let mut actors = Vec::new();
    for entry in others {
        let mut held = entry
            .fields()
            .map(|set| held(desired, set))
            .unwrap_or_default();
        held.retain(minded);
        actors.push((entry, held));
    }
    let holds = |held: &[Field]| {
        held.iter().any(|field| {
            fields
                .iter()
                .any(|lost| overlap(&lost.pointer, &field.pointer))
        })
    };
    if actors.iter().any(|(_, held)| holds(held)) {
        actors.retain(|(_, held)| holds(held));
    } else if fields.is_empty()
        && let Some(at) = actors
            .iter()
            .position(|(entry, held)| !held.is_empty() && time(*entry) >= since)
    {
        // A map that we own with nothing in it reads like one that we own as a whole; what
        // another manager took out of it since tells the difference.
        actors.swap(0, at);
        actors.truncate(1);
        fields = actors
            .first()
            .map(|(_, held)| held.clone())
            .unwrap_or_default();
        fields.truncate(TOLD);
    } else if fields.is_empty() {
        // Nothing of ours is lost: a manager that is taken over added something of its own.
        actors.retain(|(entry, _)| managers.take_over(*entry));
        actors.truncate(1);
        let added = actors.first().and_then(|(entry, _)| entry.fields());
        fields = added.map(managed_fields::all).unwrap_or_default();
        fields.truncate(TOLD);
    } else {
        // A removed field is held by nobody; the latest change of another manager removed it,
        // unless that was made before our own apply.
        actors.retain(|(entry, _)| time(*entry) >= since && entry.subresource() != "status");
        actors.truncate(1);
    }
    let actors = actors.into_iter().map(|(entry, held)| Actor {
        manager: entry.manager().to_owned(),
        operation: entry.operation().to_owned(),
        subresource: entry.subresource().to_owned(),
        time: time(entry),
        fields: paths(&held),
    });
    Findings {
        deleted: false,
        fields,
        actors: actors.collect(),
    }
}

fn time(entry: managed_fields::Entry<'_>) -> Option<Timestamp> {
    entry.time().parse().ok()
}

/// Tells whether one pointer leads to, into or around what the other leads to.
fn overlap(a: &str, b: &str) -> bool {
    let around = |outer: &str, inner: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    around(a, b) || around(b, a)
}

/// Returns the ignore rule that leaves these fields to the other manager.
fn rule_for(id: &ObjectId, fields: &[Field]) -> String {
    let paths: Vec<&str> = fields.iter().map(|field| field.pointer.as_str()).collect();
    format!(
        "spec.ignore: [{{paths: [{}], target: {{kind: {}, name: {}, namespace: {}}}}}]",
        paths.join(", "),
        id.kind,
        id.name,
        id.namespace
    )
}

/// Tells whether an object cannot come back because its namespace is going away.
fn is_terminating(cause: &Cause) -> bool {
    let (Cause::DryRun { error, .. } | Cause::Apply { error, .. }) = cause else {
        return false;
    };
    let says_so = |status: &Status| {
        status.details.iter().any(|details| {
            details
                .causes
                .iter()
                .any(|cause| cause.reason == "NamespaceTerminating")
        })
    };
    matches!(error, cluster::Error::Api(status) if says_so(status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn desired() -> Object {
        Object::try_from(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "n", "labels": {"x": "y"}},
            "spec": {"replicas": 2, "paused": false},
        }))
        .unwrap()
    }

    fn live(ours: &Value, others: &[Value]) -> Object {
        let mut entries = vec![json!({
            "manager": "us", "operation": "Apply", "time": "2024-01-01T00:00:10Z", "fieldsV1": ours,
        })];
        entries.extend_from_slice(others);
        Object::try_from(json!({"metadata": {"managedFields": entries}})).unwrap()
    }

    fn all() -> Value {
        json!({"f:metadata": {"f:labels": {"f:x": {}}}, "f:spec": {"f:replicas": {}, "f:paused": {}}})
    }

    fn facts(live: &Object) -> (Vec<String>, Vec<String>) {
        let drift =
            find_out(Some(live), &desired(), &[], &Managers::new("us", &[])).told(&desired().id());
        let actor = |a: &Actor| format!("{} {} {}", a.manager, a.operation, a.subresource);
        let fields = drift.fields.clone();
        (fields, drift.actors.iter().map(actor).collect())
    }

    #[test]
    fn a_scale_is_told_with_manager_operation_and_subresource() {
        let mut ours = all();
        ours["f:spec"].as_object_mut().unwrap().remove("f:replicas");
        let hpa = json!({"manager": "kube-controller-manager", "operation": "Update",
            "subresource": "scale", "time": "2024-01-01T00:01:00Z",
            "fieldsV1": {"f:spec": {"f:replicas": {}}}});
        let status = json!({"manager": "kube-controller-manager", "operation": "Update",
            "subresource": "status", "time": "2024-01-01T00:02:00Z",
            "fieldsV1": {"f:status": {"f:replicas": {}}}});
        let (fields, actors) = facts(&live(&ours, &[hpa, status]));
        assert_eq!(fields, [".spec.replicas"]);
        assert_eq!(actors, ["kube-controller-manager Update scale"]);
        let fields = [Field {
            path: ".spec.replicas".into(),
            pointer: "/spec/replicas".into(),
        }];
        assert_eq!(
            rule_for(&desired().id(), &fields),
            "spec.ignore: [{paths: [/spec/replicas], \
             target: {kind: Deployment, name: web, namespace: n}}]"
        );
    }

    #[test]
    fn a_removed_label_is_laid_to_the_latest_change_after_ours() {
        let mut ours = all();
        ours["f:metadata"] = json!({"f:labels": {".": {}}});
        let old = json!({"manager": "old", "operation": "Update", "time": "2024-01-01T00:00:00Z",
            "fieldsV1": {"f:data": {}}});
        let label = json!({"manager": "kubectl-label", "operation": "Update",
            "time": "2024-01-01T00:01:00Z", "fieldsV1": {"f:metadata": {"f:labels": {}}}});
        let (fields, actors) = facts(&live(&ours, &[old.clone(), label]));
        assert_eq!(fields, [".metadata.labels.x"]);
        assert_eq!(actors, ["kubectl-label Update "]);
        let (_, actors) = facts(&live(&ours, &[old]));
        assert!(actors.is_empty());
    }

    #[test]
    fn what_a_manager_that_is_taken_over_added_is_told() {
        let edit = json!({"manager": "kubectl-edit", "operation": "Update",
            "time": "2024-01-01T00:01:00Z", "fieldsV1": {"f:spec": {"f:extra": {}}}});
        let hpa = json!({"manager": "hpa", "operation": "Update", "time": "2024-01-01T00:02:00Z",
            "fieldsV1": {"f:spec": {"f:other": {}}}});
        let (fields, actors) = facts(&live(&all(), &[edit, hpa]));
        assert_eq!(fields, [".spec.extra"]);
        assert_eq!(actors, ["kubectl-edit Update "]);
    }

    #[test]
    fn ignored_fields_are_not_told() {
        let ours = json!({"f:metadata": {"f:labels": {"f:x": {}}}, "f:spec": {".": {}}});
        let other = json!({"manager": "hand", "operation": "Update", "time": "2024-01-01T00:01:00Z",
            "fieldsV1": {"f:spec": {"f:replicas": {}, "f:paused": {}}}});
        let managers = Managers::new("us", &[]);
        let live = live(&ours, &[other]);
        let findings = find_out(Some(&live), &desired(), &["/spec/replicas"], &managers);
        assert_eq!(paths(&findings.fields), [".spec.paused"]);
        assert_eq!(findings.actors[0].fields, [".spec.paused"]);
    }

    #[test]
    fn a_deletion_is_laid_to_nobody() {
        let drift = find_out(None, &desired(), &[], &Managers::new("us", &[]));
        assert!(drift.deleted && drift.actors.is_empty() && drift.fields.is_empty());
    }
}
