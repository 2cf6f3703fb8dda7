//! What is to be done with one object, found out without writing anything.
//!
//! The order of questions is Flux's: controls on the manifest, what is live, controls on that, the
//! dry-run, and whether it differs. Two shortcuts spare requests: an object the live index knows to
//! be as we left it, and one that was never applied before.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::error::is_immutable;
use super::{Applier, Cause, Done, Policies};
use crate::changeset::{Action, Change};
use crate::cluster::{ApplyRequest, Kind};
use crate::ignore;
use crate::live::Known;
use crate::managed_fields::{self, takeover_patch};
use crate::normalise;
use crate::object::{Object, ObjectId};

/// What is to be done with one object.
pub(super) enum Step {
    /// Nothing; the change set says why.
    Settled(Box<Done>, Option<Recorded>),
    /// Apply it if there is none.
    Create { kind: Kind, object: Object },
    /// Take over fields where needed, then apply it.
    Update {
        kind: Kind,
        object: Object,
        payload: Object,
        takeover: Option<Value>,
    },
    /// Delete the live object, wait until it is gone, then create it.
    Replace {
        kind: Kind,
        object: Object,
        uid: String,
    },
}

/// A live object that was found to be as desired, for the index.
pub(super) struct Recorded {
    pub(super) object: Object,
}

impl Step {
    pub(super) fn id(&self) -> ObjectId {
        match self {
            Self::Settled(done, _) => done.change.id.clone(),
            Self::Create { object, .. }
            | Self::Update { object, .. }
            | Self::Replace { object, .. } => object.id(),
        }
    }

    fn settled(id: ObjectId, version: &str, action: Action, live: Option<Object>) -> Self {
        let change = Change::new(id, version, action);
        Self::Settled(Box::new(Done { change, live }), None)
    }

    fn unchanged(id: ObjectId, object: Object, live: Object) -> Self {
        let change = Change::new(id, object.version(), Action::Unchanged);
        let live = Some(live);
        Self::Settled(Box::new(Done { change, live }), Some(Recorded { object }))
    }
}

impl Applier {
    /// Plans one object; `guess` allows what saves requests when all goes well.
    pub(super) async fn plan(
        &self,
        mut object: Object,
        policies: &Policies,
        guess: bool,
    ) -> Result<Step, Cause> {
        if self.is_left_alone(&object) {
            // Its kind may not even exist, which is no error for what is not applied.
            if let Ok(kind) = self.cluster.kind(&object.gvk()).await
                && !kind.namespaced
            {
                object.set_namespace("");
            }
            return Ok(Step::settled(
                object.id(),
                object.version(),
                Action::Skipped,
                None,
            ));
        }
        let kind = self.resolve(&mut object).await?;
        let id = object.id();
        let known = match &self.index {
            Some(index) => index.knows(&self.owner.key(), &id, desired_hash(&object, policies)),
            None => Known::Nothing,
        };
        match known {
            Known::AsDesired if guess => {
                // Parity: what is only wanted when absent is passed over from its second apply on.
                let once = object.metadata_says(&self.control("ssa"), "IfNotPresent");
                let action = if once {
                    Action::Skipped
                } else {
                    Action::Unchanged
                };
                return Ok(Step::settled(id, object.version(), action, None));
            }
            // A manifest that does not fit its type is about to be refused: ask before other
            // objects of the stage are written.
            _ if !normalise::fits(&object) => {}
            Known::Absent => return Ok(Step::Create { kind, object }),
            _ if guess && self.is_new(&id) => {
                return Ok(Step::Create { kind, object });
            }
            _ => {}
        }
        self.plan_by_asking(kind, object, policies).await
    }

    /// Plans one object from what is live.
    pub(super) async fn plan_by_asking(
        &self,
        kind: Kind,
        object: Object,
        policies: &Policies,
    ) -> Result<Step, Cause> {
        let id = object.id();
        // Parity: an error of this read is not told; the dry-run tells its own.
        let found = self.cluster.get(&kind, &id).await;
        let Ok(live) = found else {
            let dry_run = self.dry_run(&kind, &object).await?;
            return Ok(if dry_run.resource_version().is_empty() {
                Step::Create { kind, object }
            } else {
                Step::Update {
                    kind,
                    payload: object.clone(),
                    object,
                    takeover: None,
                }
            });
        };
        let Some(mut live) = live else {
            if !normalise::fits(&object) {
                self.dry_run(&kind, &object).await?;
            }
            return Ok(Step::Create { kind, object });
        };
        if self.is_left_alone(&live) || object.metadata_says(&self.control("ssa"), "IfNotPresent") {
            let version = live.version().to_owned();
            return Ok(Step::settled(
                live.id(),
                &version,
                Action::Skipped,
                Some(live),
            ));
        }
        if self.options.migrate_api_version {
            self.migrate(&kind, &object, &mut live).await?;
        }
        let merges = |o: &Object| o.metadata_says(&self.control("ssa"), "Merge");
        let takeover = if merges(&object) || merges(&live) {
            None
        } else {
            takeover_patch(&live, &self.managers)
        };
        let us = &self.owner.field_manager;
        if takeover.is_none() && managed_fields::is_applied(&object, &live, us) {
            return Ok(Step::unchanged(id, object, live));
        }
        let dry_run = match self.dry_run(&kind, &object).await {
            Ok(dry_run) => dry_run,
            Err(Cause::DryRun { id, error }) => {
                let replace = is_immutable(&error)
                    && self.is_forced(&object, &live, policies)
                    && self.would_be_accepted(&kind, &object).await;
                if replace {
                    return Ok(Step::Replace {
                        kind,
                        uid: live.uid().to_owned(),
                        object,
                    });
                }
                return Err(Cause::DryRun { id, error });
            }
            Err(cause) => return Err(cause),
        };
        let ignored = policies.ignore.paths_for(&dry_run);
        if takeover.is_none() && !has_drifted(&live, &dry_run, &ignored) {
            return Ok(Step::unchanged(id, object, live));
        }
        let payload = self.without_ignored(&object, &live, &dry_run, &ignored);
        Ok(Step::Update {
            kind,
            object,
            payload,
            takeover,
        })
    }

    /// Tells whether the owner never applied this object, as far as it knows.
    fn is_new(&self, id: &ObjectId) -> bool {
        self.previous
            .as_ref()
            .is_some_and(|previous| !previous.contains(id))
    }

    async fn dry_run(&self, kind: &Kind, object: &Object) -> Result<Object, Cause> {
        let how = ApplyRequest {
            field_manager: &self.owner.field_manager,
            dry_run: true,
        };
        let answer = self.cluster.apply(kind, object, how).await;
        answer.map_err(|error| Cause::DryRun {
            id: object.id(),
            error,
        })
    }

    /// Asks whether the API server would accept the object in place of the live one.
    ///
    /// Deliberate deviation: Flux deletes first and asks afterwards, and loses the live object when
    /// the value was not immutable but invalid.
    async fn would_be_accepted(&self, kind: &Kind, object: &Object) -> bool {
        let mut probe = object.clone();
        // The live Service still holds its address and ports, which the new one will get.
        if kind.gvk.group.is_empty() && kind.gvk.kind == "Service" {
            for field in ["clusterIP", "clusterIPs", "healthCheckNodePort"] {
                probe.remove(&["spec", field]);
            }
            let ports = probe
                .get_mut(&["spec", "ports"])
                .and_then(Value::as_array_mut);
            for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
                port.remove("nodePort");
            }
        }
        self.cluster
            .probe_create(kind, &probe, &self.owner.field_manager)
            .await
            .is_ok()
    }

    fn is_forced(&self, object: &Object, live: &Object, policies: &Policies) -> bool {
        let force = self.control("force");
        policies.force
            || object.metadata_says(&force, "enabled")
            || live.metadata_says(&force, "enabled")
    }

    /// Tells whether an object asks not to be touched at all.
    pub(super) fn is_left_alone(&self, object: &Object) -> bool {
        object.metadata_says(&self.control("reconcile"), "disabled")
            || object.metadata_says(&self.control("ssa"), "Ignore")
    }

    async fn migrate(&self, kind: &Kind, object: &Object, live: &mut Object) -> Result<(), Cause> {
        let version = object.api_version();
        let Some(Value::Array(entries)) = live.get(&["metadata", "managedFields"]) else {
            return Ok(());
        };
        if entries.iter().all(|entry| entry["apiVersion"] == version) {
            return Ok(());
        }
        let mut entries = entries.clone();
        for entry in &mut entries {
            entry["apiVersion"] = version.into();
        }
        let patch = json!([{"op": "replace", "path": "/metadata/managedFields", "value": entries}]);
        let manager = &self.owner.field_manager;
        *live = self
            .cluster
            .json_patch(kind, &object.id(), &patch, manager)
            .await
            .map_err(|error| Cause::Migrate {
                id: object.id(),
                version: version.to_owned(),
                error,
            })?;
        Ok(())
    }

    /// Returns what is sent: the manifest, with ignored fields as others want them.
    fn without_ignored(
        &self,
        object: &Object,
        live: &Object,
        dry_run: &Object,
        ignored: &[&str],
    ) -> Object {
        let mut payload = object.clone().into_value();
        let (live_value, dry_value) = (
            live.as_map().clone().into(),
            dry_run.as_map().clone().into(),
        );
        for pointer in ignored {
            let found = ignore::lookup(&live_value, pointer);
            if found == ignore::lookup(&dry_value, pointer) {
                continue;
            }
            let us = &self.owner.field_manager;
            if managed_fields::is_owned_by_other_applier(live, pointer, us) {
                ignore::remove(&mut payload, pointer);
            } else if let Some(found) = found {
                ignore::replace(&mut payload, pointer, found.clone());
            } else {
                // Parity: a field that nobody set live is sent as null, which sets nothing.
                ignore::replace(&mut payload, pointer, Value::Null);
            }
        }
        Object::try_from(payload).unwrap_or_else(|_| object.clone())
    }
}

/// Returns a hash of all that decides how an object is applied.
pub(super) fn desired_hash(object: &Object, policies: &Policies) -> u64 {
    let mut hasher = DefaultHasher::new();
    // The map is sorted, so equal objects print alike.
    serde_json::to_vec(object.as_map())
        .unwrap_or_default()
        .hash(&mut hasher);
    policies.ignore.paths_for(object).hash(&mut hasher);
    hasher.finish()
}

/// Tells whether a dry-run differs from what is live, ignored fields, metadata and status aside
/// (but labels and annotations count).
fn has_drifted(live: &Object, dry_run: &Object, ignored: &[&str]) -> bool {
    let comparable = |object: &Object| {
        let mut value = object.clone().into_value();
        for pointer in ignored {
            ignore::remove(&mut value, pointer);
        }
        let mut object = Object::try_from(value).unwrap_or_default();
        let metadata = object.remove(&["metadata"]).unwrap_or_default();
        object.remove(&["status"]);
        tidy_metrics(&mut object);
        let part = |key: &str| match metadata.get(key) {
            Some(Value::Object(map)) => map.clone(),
            _ => serde_json::Map::new(),
        };
        (part("labels"), part("annotations"), object)
    };
    comparable(live) != comparable(dry_run)
}

/// Removes the doubled and the empty metric that API servers before 1.27 add in a dry-run.
fn tidy_metrics(object: &mut Object) {
    if object.kind() != "HorizontalPodAutoscaler" {
        return;
    }
    if let Some(Value::Array(metrics)) = object.get_mut(&["spec", "metrics"]) {
        let mut kept: Vec<Value> = Vec::new();
        for metric in metrics.drain(..) {
            let typed = metric
                .get("type")
                .and_then(Value::as_str)
                .is_some_and(|t| !t.is_empty());
            if typed && !kept.contains(&metric) {
                kept.push(metric);
            }
        }
        *metrics = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Object {
        Object::try_from(value).unwrap()
    }

    #[test]
    fn only_labels_annotations_and_content_count_as_drift() {
        let live = json!({
            "kind": "X", "metadata": {"resourceVersion": "1", "labels": {"a": "b"}},
            "spec": {"a": 1, "b": 2}, "status": {"x": 1},
        });
        let drifted = |change: &dyn Fn(&mut Value), ignored: &[&str]| {
            let mut dry_run = live.clone();
            change(&mut dry_run);
            has_drifted(&object(live.clone()), &object(dry_run), ignored)
        };
        assert!(!drifted(
            &|v| v["metadata"]["resourceVersion"] = json!("2"),
            &[]
        ));
        assert!(!drifted(&|v| v["status"] = json!({}), &[]));
        assert!(!drifted(&|v| v["metadata"]["annotations"] = json!({}), &[]));
        assert!(drifted(&|v| v["metadata"]["labels"]["a"] = json!("c"), &[]));
        assert!(drifted(
            &|v| v["metadata"]["annotations"] = json!({"a": "b"}),
            &[]
        ));
        assert!(drifted(&|v| v["spec"]["a"] = json!(2), &["/spec/b"]));
        assert!(!drifted(&|v| v["spec"]["b"] = json!(3), &["/spec/b"]));
    }

    #[test]
    fn doubled_metrics_are_no_drift() {
        let metric = json!({"type": "Resource", "resource": {"name": "cpu"}});
        let hpa = |metrics: Value| {
            object(json!({"kind": "HorizontalPodAutoscaler", "spec": {"metrics": metrics}}))
        };
        let doubled = hpa(json!([metric, metric, {"type": ""}]));
        assert!(!has_drifted(&hpa(json!([metric])), &doubled, &[]));
    }
}
