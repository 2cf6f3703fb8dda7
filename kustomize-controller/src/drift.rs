//! This controller's side of the live index: what an object should be, and what is said about drift.
//!
//! The index sees drift and applies one object again; it asks here for the manifest, and tells here
//! what it did. Nothing is corrected for an owner that is suspended, being deleted or opted out.

use std::sync::{Arc, LazyLock, OnceLock};

use fjord_apply::live::{Correction, Desired, Drift, Handled, OwnerKey, Owners};
use fjord_apply::{Applier, Cluster, LiveIndex, ObjectId, Options, Owner};
use fjord_crds::kustomize::v1::Kustomization;
use fjord_runtime::{EventDraft, EventRecorder, ObjectKey, Priority, Store, Waker};
use futures::FutureExt;
use futures::future::BoxFuture;
use kube::Api;
use prometheus::{IntCounterVec, register_int_counter_vec};

use crate::manifests::Memory;
use crate::policies;
use crate::reason::Reason;
use crate::{FIELD_MANAGER, GROUP};

/// Opts an owner out, as an annotation; on an applied object the index reads it itself.
const OPT_OUT: &str = "fjord.dev/drift";

static HANDLED: LazyLock<Option<IntCounterVec>> = LazyLock::new(|| {
    register_int_counter_vec!(
        "fjord_drift_total",
        "Objects that changed behind their owner's back, by what was done about it.",
        &["kind", "name", "namespace", "handled"]
    )
    .ok()
});

/// Knows the owners of applied objects: the Kustomizations.
pub(crate) struct KsOwners {
    store: Store<Kustomization>,
    memory: Memory,
    waker: Waker,
    recorder: EventRecorder,
    cluster: Cluster,
    options: Options,
    index: OnceLock<LiveIndex>,
}

impl KsOwners {
    /// Builds the owners for an index that is given later.
    pub(crate) fn new(
        store: Store<Kustomization>,
        memory: Memory,
        waker: Waker,
        recorder: EventRecorder,
        cluster: Cluster,
        options: Options,
    ) -> Arc<Self> {
        let index = OnceLock::new();
        Arc::new(Self {
            store,
            memory,
            waker,
            recorder,
            cluster,
            options,
            index,
        })
    }

    /// Gives the index that corrections are recorded in.
    pub(crate) fn attach(&self, index: LiveIndex) {
        // A second call changes nothing: there is one index.
        let _ = self.index.set(index);
    }

    async fn correction(&self, key: ObjectKey, id: ObjectId) -> Desired {
        // The store decides first, as it costs nothing, and the API server last: whoever suspends an
        // owner and then edits must never be overruled, however late the watch is.
        let Some(stored) = self.store.get(&key).filter(|ks| is_kept(ks)) else {
            return Desired::Leave;
        };
        let api: Api<Kustomization> =
            Api::namespaced(self.cluster.client().clone(), &key.namespace);
        let ks = match api.get_opt(&key.name).await {
            Ok(Some(ks)) if is_kept(&ks) => Arc::new(ks),
            Ok(_) => return Desired::Leave,
            // The correction will not get through either, and is tried again with a new look.
            Err(_) => stored,
        };
        let Some(manifests) = self.memory.get(&key).and_then(|r| r.manifests) else {
            return Desired::Rebuild;
        };
        let Some(object) = manifests.object(&id) else {
            // It left the source and is about to be pruned, or was never applied.
            return Desired::Leave;
        };
        let Ok(policies) = policies::of(&ks.spec) else {
            return Desired::Leave;
        };
        let owner = owner_of(&key);
        let mut applier = Applier::new(self.cluster.clone(), owner, self.options.clone());
        if let Some(index) = self.index.get() {
            applier = applier.with_index(index.clone());
        }
        Desired::Apply(Box::new(Correction {
            object,
            policies,
            applier,
        }))
    }
}

/// Returns in whose name the objects of a Kustomization are applied.
pub(crate) fn owner_of(key: &ObjectKey) -> Owner {
    Owner {
        group: GROUP.to_owned(),
        name: key.name.to_string(),
        namespace: key.namespace.to_string(),
        field_manager: FIELD_MANAGER.to_owned(),
    }
}

/// Returns the key under which the index knows a Kustomization.
pub(crate) fn owner_key(key: &ObjectKey) -> OwnerKey {
    OwnerKey {
        namespace: key.namespace.to_string(),
        name: key.name.to_string(),
    }
}

fn is_kept(ks: &Kustomization) -> bool {
    let opted_out = ks
        .metadata
        .annotations
        .iter()
        .flatten()
        .any(|(key, value)| key == OPT_OUT && value.eq_ignore_ascii_case("disabled"));
    !ks.spec.suspend && ks.metadata.deletion_timestamp.is_none() && !opted_out
}

impl Owners for KsOwners {
    fn desired(&self, owner: &OwnerKey, id: &ObjectId) -> BoxFuture<'_, Desired> {
        let key = ObjectKey::new(&owner.namespace, &owner.name);
        self.correction(key, id.clone()).boxed()
    }

    fn drifted(&self, owner: &OwnerKey, drift: &Drift, handled: &Handled) {
        let key = ObjectKey::new(&owner.namespace, &owner.name);
        let what = match handled {
            Handled::Corrected(_) => "corrected",
            Handled::Failed(_) => "failed",
            Handled::Fight { .. } => "fight",
        };
        if let Some(counter) = HANDLED.as_ref() {
            let labels = ["Kustomization", &owner.name, &owner.namespace, what];
            counter.with_label_values(&labels).inc();
        }
        let draft = event(drift, handled);
        tracing::info!(
            namespace = owner.namespace,
            name = owner.name,
            object = %drift.id,
            fields = drift.fields.join(" "),
            managers = actors(drift),
            handled = what,
            "{}", draft.message
        );
        if let Some(ks) = self.store.get(&key) {
            self.recorder.emit(fjord_runtime::Subject::of(&*ks), draft);
        }
    }

    fn wake(&self, owner: &OwnerKey) {
        self.waker.wake(
            &ObjectKey::new(&owner.namespace, &owner.name),
            Priority::Dependency,
        );
    }
}

/// Says what happened to an object and what was done about it.
fn event(drift: &Drift, handled: &Handled) -> EventDraft {
    let id = &drift.id;
    let fields = drift.fields.join(", ");
    let who = actors(drift);
    let happened = if drift.deleted {
        // The API server does not record who deletes.
        format!("{id} was deleted, by whom is not recorded")
    } else if who.is_empty() {
        format!("{id} was changed ({fields})")
    } else {
        format!("{id} was changed by {who} ({fields})")
    };
    let draft = match handled {
        Handled::Corrected(action) => EventDraft::info(
            Reason::DriftCorrected,
            format!("{happened}: {action} again"),
        ),
        Handled::Failed(error) => EventDraft::error(
            Reason::DriftNotCorrected,
            format!("{happened}; putting it back failed: {error}"),
        ),
        Handled::Fight { manager, rule } => EventDraft::error(
            Reason::DriftNotCorrected,
            format!(
                "{id} is changed again and again by '{manager}' ({fields}); corrections back off. \
                 To leave these fields to it add this to spec.ignore: {rule}"
            ),
        ),
    };
    let operations = drift
        .actors
        .iter()
        .map(|actor| actor.operation.clone())
        .collect::<Vec<_>>();
    let times = drift
        .actors
        .iter()
        .filter_map(|actor| actor.time)
        .map(|time| time.to_string());
    draft
        .meta("fjord.dev/object", id.to_string())
        .meta("fjord.dev/fields", drift.fields.join(" "))
        .meta("fjord.dev/manager", managers(drift))
        .meta("fjord.dev/operation", operations.join(" "))
        .meta("fjord.dev/time", times.collect::<Vec<_>>().join(" "))
}

fn managers(drift: &Drift) -> String {
    let names: Vec<&str> = drift
        .actors
        .iter()
        .map(|actor| actor.manager.as_str())
        .collect();
    names.join(" ")
}

fn actors(drift: &Drift) -> String {
    let describe = |actor: &fjord_apply::live::Actor| {
        let mut text = format!("'{}' ({}", actor.manager, actor.operation);
        if !actor.subresource.is_empty() {
            text.push_str(&format!(" of {}", actor.subresource));
        }
        if let Some(time) = actor.time {
            text.push_str(&format!(" at {time}"));
        }
        text + ")"
    };
    drift
        .actors
        .iter()
        .map(describe)
        .collect::<Vec<_>>()
        .join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use fjord_apply::Action;
    use fjord_apply::live::Actor;

    fn drift(deleted: bool, managers: &[&str]) -> Drift {
        let actor = |name: &&str| Actor {
            manager: (*name).to_owned(),
            operation: "Update".to_owned(),
            subresource: String::new(),
            time: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            fields: vec![".data.a".to_owned()],
        };
        Drift {
            id: "n_one__ConfigMap".parse().unwrap(),
            deleted,
            fields: if deleted {
                Vec::new()
            } else {
                vec![".data.a".to_owned()]
            },
            actors: managers.iter().map(actor).collect(),
        }
    }

    #[test]
    fn an_event_says_who_changed_what_and_when() {
        let draft = event(
            &drift(false, &["kubectl-edit"]),
            &Handled::Corrected(Action::Configured),
        );
        assert_eq!(
            draft.message,
            "ConfigMap/n/one was changed by 'kubectl-edit' (Update at 2026-01-02T03:04:05Z) \
             (.data.a): configured again"
        );
        assert_eq!(draft.reason.as_str(), "DriftCorrected");
        assert_eq!(draft.metadata["fjord.dev/object"], "ConfigMap/n/one");
        assert_eq!(draft.metadata["fjord.dev/fields"], ".data.a");
        assert_eq!(draft.metadata["fjord.dev/manager"], "kubectl-edit");
        assert_eq!(draft.metadata["fjord.dev/operation"], "Update");
        assert_eq!(draft.metadata["fjord.dev/time"], "2026-01-02T03:04:05Z");
    }

    #[test]
    fn a_deletion_has_no_author() {
        let draft = event(&drift(true, &[]), &Handled::Corrected(Action::Created));
        let text = "ConfigMap/n/one was deleted, by whom is not recorded: created again";
        assert_eq!(draft.message, text);
        assert!(!draft.metadata.contains_key("fjord.dev/manager"));
    }

    #[test]
    fn a_fight_names_the_other_manager_and_the_rule_that_would_end_it() {
        let fight = Handled::Fight {
            manager: "hpa".to_owned(),
            rule: "RULE".to_owned(),
        };
        let draft = event(&drift(false, &["hpa"]), &fight);
        assert!(draft.message.contains("'hpa'") && draft.message.ends_with("spec.ignore: RULE"));
        assert_eq!(draft.reason.as_str(), "DriftNotCorrected");
    }

    #[test]
    fn a_suspended_deleted_or_opted_out_owner_is_left_alone() {
        let mut ks = Kustomization::new("app", Default::default());
        assert!(is_kept(&ks));
        ks.metadata.annotations = Some([(OPT_OUT.to_owned(), "Disabled".to_owned())].into());
        assert!(!is_kept(&ks));
        ks.metadata.annotations = None;
        ks.spec.suspend = true;
        assert!(!is_kept(&ks));
    }
}
