//! One pass over one object, as its kind's steps see it.
//!
//! Holds the newest known object, a working copy of its typed status and its [`Conditions`]. Steps change the copies;
//! only the frame writes them. `publish` is for steps that something slow follows: each call costs a request.

use std::{any::Any, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::{
    Conditions, EventDraft, Failure, Object, ObjectKey, ObjectStatus, Priority, Resumed, Resumption,
};

/// The annotation that requests a reconcile (fluxcd/pkg/apis/meta).
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// One pass over one object.
pub struct Pass<K, S> {
    /// The object as it was when the pass began, own writes included.
    pub object: Arc<K>,
    /// The working copy of the status; `conditions`, `lastHandledReconcileAt`, `observedGeneration` are ignored in it.
    pub status: S,
    /// The working copy of the conditions.
    pub conditions: Conditions,
    key: ObjectKey,
    started: Timestamp,
    cause: Priority,
    events: Vec<EventDraft>,
    resumed: Option<(Box<dyn Any + Send>, Resumption)>,
}

impl<K: Object, S: ObjectStatus> Pass<K, S> {
    /// Makes a pass that writes nowhere, for tests of steps.
    pub fn detached(object: K) -> Self {
        let status: serde_json::Value = serde_json::to_value(&object)
            .ok()
            .and_then(|mut v| v.get_mut("status").map(serde_json::Value::take))
            .unwrap_or_default();
        let conditions: Vec<Condition> = status
            .get("conditions")
            .and_then(|c| serde_json::from_value(c.clone()).ok())
            .unwrap_or_default();
        let generation = object.meta().generation.unwrap_or_default();
        let now = Timestamp::now();
        Self {
            key: ObjectKey::of(&object),
            object: Arc::new(object),
            status: serde_json::from_value(status).unwrap_or_default(),
            conditions: Conditions::new(conditions, generation, now),
            started: now,
            cause: Priority::Interval,
            events: Vec::new(),
            resumed: None,
        }
    }

    /// Returns namespace and name.
    pub fn key(&self) -> &ObjectKey {
        &self.key
    }

    /// Returns `metadata.generation`.
    pub fn generation(&self) -> i64 {
        self.conditions.generation()
    }

    /// Returns when the pass began (for a resumed pass: when it first began).
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// Returns the most urgent cause of this pass.
    pub fn cause(&self) -> Priority {
        self.cause
    }

    /// Returns the value of the request annotation, when there is one.
    pub fn requested_at(&self) -> Option<&str> {
        self.object
            .meta()
            .annotations
            .as_ref()?
            .get(REQUESTED_AT)
            .map(String::as_str)
    }

    /// Tells whether a reconcile was requested that no finished pass has handled.
    pub fn is_requested(&self) -> bool {
        self.requested_at().is_some()
    }

    /// Takes what the interrupted wait remembered, when this pass goes on from one with that type.
    pub fn resumed<T: Any>(&mut self) -> Option<Resumed<T>> {
        let (state, why) = self.resumed.take()?;
        match state.downcast::<T>() {
            Ok(state) => Some(Resumed { state: *state, why }),
            Err(state) => {
                self.resumed = Some((state, why));
                None
            }
        }
    }

    /// Records an event before the next status patch.
    pub fn event(&mut self, draft: EventDraft) {
        self.events.push(draft);
    }

    /// Records the events so far and patches the status now; for steps that something slow follows.
    pub async fn publish(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}
