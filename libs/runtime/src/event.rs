//! Events: what a step says, and the recorder that brings it to the API server and to `--events-addr`.
//!
//! An event is created *before* the status that records its step, under a name derived from what it says, so that a
//! repeat after a kill is a conflict and not a duplicate. A legitimate repeat raises `count` on the same Event, as
//! client-go's correlator does. The marker for notification-controller is a label, since annotations are Flux's.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::api::core::v1::ObjectReference;

use crate::Reason;

/// The label that marks an Event as ours and carries its severity; trace events have none.
pub const SEVERITY_LABEL: &str = "fjord.dev/severity";
/// The header in which a POST carries the id of its event: the Event's name, then `.N` for the Nth repeat (N >= 2).
pub const ID_HEADER: &str = "Fjord-Event-Id";
/// Object annotations with this prefix are copied to every event (notification contract).
pub const ANNOTATION_PREFIX: &str = "event.toolkit.fluxcd.io/";

/// How grave an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Is a Normal Event that nobody is notified of.
    Trace,
    /// Is a Normal Event.
    Info,
    /// Is a Warning Event.
    Error,
}

/// What a step says about its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDraft {
    /// How grave it is.
    pub severity: Severity,
    /// Why.
    pub reason: Reason,
    /// The text.
    pub message: String,
    /// Metadata; a key without `/` gets the group of the object as its prefix when recorded.
    pub metadata: BTreeMap<String, String>,
    pub(crate) identity: Option<String>,
}

impl EventDraft {
    /// Makes a Normal event.
    pub fn info(reason: impl Into<Reason>, message: impl Into<String>) -> Self {
        Self::new(Severity::Info, reason, message)
    }

    /// Makes a Warning event.
    pub fn error(reason: impl Into<Reason>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, reason, message)
    }

    /// Makes a Normal event that nobody is notified of.
    pub fn trace(reason: impl Into<Reason>, message: impl Into<String>) -> Self {
        Self::new(Severity::Trace, reason, message)
    }

    /// Makes an event.
    pub fn new(severity: Severity, reason: impl Into<Reason>, message: impl Into<String>) -> Self {
        Self {
            severity,
            reason: reason.into(),
            message: message.into(),
            metadata: BTreeMap::new(),
            identity: None,
        }
    }

    /// Adds metadata, unless the value is empty.
    #[must_use]
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.metadata.insert(key.into(), value);
        }
        self
    }

    /// Names the occurrence instead of the message, for messages that hold a duration or a time.
    ///
    /// The same occurrence after a kill must give the same text (revision and number of the attempt, say), the next
    /// legitimate one another.
    #[must_use]
    pub fn identity(mut self, occurrence: impl Into<String>) -> Self {
        self.identity = Some(occurrence.into());
        self
    }
}

/// Records events for any object; cheap to clone, never blocks.
#[derive(Clone)]
pub struct EventRecorder {
    inner: Arc<Inner>,
}

struct Inner {
    component: &'static str,
}

impl EventRecorder {
    pub(crate) fn new(component: &'static str) -> Self {
        Self {
            inner: Arc::new(Inner { component }),
        }
    }

    /// Returns the reporting controller's name.
    pub fn component(&self) -> &'static str {
        self.inner.component
    }

    /// Queues an event about an object outside a pass (drift corrections); a full queue drops it, counted and logged.
    pub fn emit(
        &self,
        _about: &ObjectReference,
        _object_annotations: &BTreeMap<String, String>,
        draft: EventDraft,
    ) {
        tracing::error!(reason = %draft.reason, "event not recorded: the recorder is not built yet");
    }
}
