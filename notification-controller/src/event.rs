//! The Flux event: what controllers post, and what providers of type `generic` receive, byte for byte.
//!
//! Owns the fields, the decoder with Go's leniency and the two sources an event can come from (a
//! POST body, a core/v1 Event). It knows nothing of alerts or providers. The surprise: the encoder
//! must write Go's bytes (field order, sorted maps, HTML escapes), because `generic-hmac` signs them.

mod decode;
mod encode;
mod from_core;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

pub use decode::Error as DecodeError;
pub use from_core::{ID_HEADER, SEVERITY_LABEL};

/// The prefix of metadata that comes from the involved object's own annotations.
pub const EVENT_GROUP: &str = "event.toolkit.fluxcd.io";

/// A Flux event (`event.toolkit.fluxcd.io/v1beta1`, notification-controller §2.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The object that the event is about.
    pub involved_object: ObjectReference,
    /// `info`, `error` or `trace`; the server does not validate it.
    pub severity: String,
    /// When it happened, in whole seconds; `None` is Go's zero time.
    pub timestamp: Option<Timestamp>,
    /// What happened, for a person.
    pub message: String,
    /// Why, in one CamelCase word.
    pub reason: String,
    /// Further facts; keys carry a group prefix until [`crate::metadata::combine`] strips it.
    pub metadata: BTreeMap<String, String>,
    /// The controller that saw it.
    pub reporting_controller: String,
    /// The host (pod) of that controller.
    pub reporting_instance: String,
}

/// A core/v1 ObjectReference; empty strings are absent fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectReference {
    /// Kind of the object.
    pub kind: String,
    /// Namespace of the object.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// Uid of the object.
    pub uid: String,
    /// Group and version of the object.
    pub api_version: String,
    /// The version of the object that the reporter had seen.
    pub resource_version: String,
    /// A part of the object.
    pub field_path: String,
}

impl ObjectReference {
    /// Returns the API group: the part of `apiVersion` before the slash, empty for core.
    pub fn group(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    /// Returns the API version without its group.
    pub fn version(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or(self.api_version.as_str(), |(_, version)| version)
    }
}

/// `Kind/namespace/name`, as messages about an event name its object.
impl fmt::Display for ObjectReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind, self.namespace, self.name)
    }
}
