//! One pass over one object, as its kind's steps see it.
//!
//! Holds the newest known object, a working copy of its typed status and its [`Conditions`]. Steps change the copies;
//! only the frame writes them. `publish` is for steps that something slow follows: each call costs a request.

use std::{
    any::{Any, TypeId},
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    Conditions, EventDraft, Failure, NoStatus, Object, ObjectKey, ObjectStatus, Priority, Resumed,
    Resumption,
    event::Subject,
    status::{self, Overlay},
    writer::{Error, Writer},
};

/// The annotation that requests a reconcile (fluxcd/pkg/apis/meta).
pub const REQUESTED_AT: &str = fjord_crds::metadata::REQUESTED_AT;

/// One pass over one object.
pub struct Pass<K: Object, S> {
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
    /// The status as the API server has it.
    stored: Value,
    /// The request that this pass handles: the one it began with, never a newer one.
    requested: Option<String>,
    writer: Option<Arc<Writer<K>>>,
}

impl<K: Object, S: ObjectStatus> Pass<K, S> {
    /// Makes a pass that writes nowhere, for tests of steps.
    pub fn detached(object: K) -> Self {
        Self::new(Arc::new(object), Priority::Interval, None)
    }

    pub(crate) fn new(object: Arc<K>, cause: Priority, writer: Option<Arc<Writer<K>>>) -> Self {
        let stored = status::of(&*object);
        let now = Timestamp::now();
        let meta = object.meta();
        Self {
            key: ObjectKey::of(&*object),
            status: serde_json::from_value(stored.clone()).unwrap_or_default(),
            conditions: Conditions::new(
                status::conditions(&stored),
                meta.generation.unwrap_or_default(),
                now,
            ),
            started: now,
            cause,
            events: Vec::new(),
            resumed: None,
            requested: annotation(&*object).map(str::to_owned),
            stored,
            object,
            writer,
        }
    }

    pub(crate) fn resume(
        &mut self,
        state: Box<dyn Any + Send>,
        why: Resumption,
        started: Timestamp,
    ) {
        self.resumed = Some((state, why));
        self.started = started;
    }

    /// Lets a test enter the pass as after a wait.
    #[must_use]
    pub fn resuming<T: Any + Send>(mut self, state: T, why: Resumption) -> Self {
        self.resumed = Some((Box::new(state), why));
        self
    }

    /// Returns namespace and name.
    pub fn key(&self) -> &ObjectKey {
        &self.key
    }

    /// Returns `metadata.generation`.
    pub fn generation(&self) -> i64 {
        self.conditions.generation()
    }

    /// Returns `status.observedGeneration` as stored, zero when there is none.
    pub fn observed_generation(&self) -> i64 {
        self.stored
            .get("observedGeneration")
            .and_then(Value::as_i64)
            .unwrap_or_default()
    }

    /// Returns when the pass began (for a resumed pass: when it first began).
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// Returns how long the pass takes already, waits included.
    pub fn elapsed(&self) -> std::time::Duration {
        Timestamp::now()
            .duration_since(self.started)
            .try_into()
            .unwrap_or_default()
    }

    /// Returns the most urgent cause of this pass.
    pub fn cause(&self) -> Priority {
        self.cause
    }

    /// Returns the value of the request annotation that the pass began with, when there is one.
    pub fn requested_at(&self) -> Option<&str> {
        self.requested.as_deref()
    }

    /// Tells whether a reconcile was requested that no finished pass has handled.
    pub fn is_requested(&self) -> bool {
        self.requested
            .as_deref()
            .is_some_and(|requested| requested != self.handled())
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

    /// Returns the events not yet recorded; for tests of steps.
    pub fn events(&self) -> &[EventDraft] {
        &self.events
    }

    /// Records the events so far and patches the status now; for steps that something slow follows.
    pub async fn publish(&mut self) -> Result<(), Failure> {
        self.commit(Overlay::default()).await.map_err(|error| {
            // Somebody else's reason would be a lie: the conditions stay as they are and the pass is repeated.
            Failure::of(crate::reason::FAILED, &error).unreported()
        })
    }

    /// Records the events, then patches what changed; `handled` also records the request as handled.
    pub(crate) async fn finish(&mut self, handled: bool, observed: bool) -> Result<(), Error> {
        let requested = if handled {
            self.requested.clone()
        } else {
            None
        };
        let observed = observed.then(|| self.generation());
        self.commit(Overlay {
            handled: requested.as_deref(),
            observed,
        })
        .await
    }

    /// Records the events only.
    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        if let Some(writer) = self.writer.clone() {
            let batch = writer
                .record(&Subject::of(&*self.object), &self.events)
                .await?;
            writer.settle(batch);
        }
        self.events.clear();
        Ok(())
    }

    pub(crate) fn replace(&mut self, object: Arc<K>) {
        self.object = object;
    }

    async fn commit(&mut self, overlay: Overlay<'_>) -> Result<(), Error> {
        // A kind without a status has none to write, whatever was requested of it.
        if TypeId::of::<S>() == TypeId::of::<NoStatus>() {
            return self.flush().await;
        }
        let Some(writer) = self.writer.clone() else {
            return Ok(());
        };
        let wanted = status::wanted(
            &self.stored,
            &self.status,
            self.conditions.as_slice(),
            overlay,
        )?;
        let batch = writer
            .record(&Subject::of(&*self.object), &self.events)
            .await?;
        if let Some(object) = writer
            .patch_status(&self.key, &self.object, &self.stored, &wanted)
            .await?
        {
            self.stored = status::of(&*object);
            let stored = status::conditions(&self.stored);
            self.conditions.refresh(stored);
            self.object = object;
        }
        self.events.clear();
        writer.settle(batch);
        Ok(())
    }

    fn handled(&self) -> &str {
        self.stored
            .get("lastHandledReconcileAt")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// Returns the request annotation of an object.
pub(crate) fn annotation<K: Object>(object: &K) -> Option<&str> {
    object
        .meta()
        .annotations
        .as_ref()?
        .get(REQUESTED_AT)
        .map(String::as_str)
}
