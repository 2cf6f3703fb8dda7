//! Events: what a step says, and the recorder that brings it to the API server and to `--events-addr`.
//!
//! An event is created *before* the status that records its step, under a name derived from what it says, so that a
//! repeat after a kill is a conflict and not a duplicate. A legitimate repeat raises `count` on the same Event and leaves
//! its annotations alone, as client-go's correlator does, even for another revision; what the newest occurrence said
//! stands in `action` ([`newest_metadata`]). The marker for notification-controller is a label.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Event, ObjectReference};
use kube::{Resource, ResourceExt};

use crate::Reason;

mod body;
mod memory;
mod post;
mod recorder;

pub(crate) use recorder::Batch;
pub use recorder::{Error, EventRecorder};

/// The label that marks an Event as ours and carries its severity; trace events have none.
pub const SEVERITY_LABEL: &str = "fjord.dev/severity";
/// The label that tells apart the occurrences of one Event: the newest one's hash.
pub(crate) const OCCURRENCE_LABEL: &str = "fjord.dev/occurrence";
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

impl Severity {
    /// Returns the string of the wire format and of the label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Info => "info",
            Self::Error => "error",
        }
    }

    /// Returns the type of the core/v1 Event.
    pub const fn event_type(self) -> &'static str {
        match self {
            Self::Trace | Self::Info => "Normal",
            Self::Error => "Warning",
        }
    }
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

/// Returns the metadata of the newest occurrence of an Event: its annotations, until it was repeated by us.
pub fn newest_metadata(event: &Event) -> BTreeMap<String, String> {
    let repeated = event
        .action
        .as_deref()
        .and_then(|action| serde_json::from_str(action).ok());
    repeated
        .or_else(|| event.metadata.annotations.clone())
        .unwrap_or_default()
}

/// What an event is about: a reference and the object's own event annotations.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Becomes `involvedObject`.
    pub reference: ObjectReference,
    /// Annotations of the object under [`ANNOTATION_PREFIX`].
    pub annotations: BTreeMap<String, String>,
}

impl Subject {
    /// Describes an object of a typed kind.
    pub fn of<K: Resource<DynamicType = ()>>(object: &K) -> Self {
        let annotations = object
            .annotations()
            .iter()
            .filter(|(key, _)| key.starts_with(ANNOTATION_PREFIX));
        Self {
            reference: ObjectReference {
                api_version: Some(K::api_version(&()).into_owned()),
                kind: Some(K::kind(&()).into_owned()),
                namespace: object.namespace(),
                name: object.meta().name.clone(),
                uid: object.uid(),
                resource_version: object.resource_version(),
                field_path: None,
            },
            annotations: annotations
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        }
    }

    /// Returns the API group of the object, empty for the core group.
    fn group(&self) -> &str {
        let version = self.reference.api_version.as_deref().unwrap_or_default();
        version.split_once('/').map_or("", |(group, _)| group)
    }
}
