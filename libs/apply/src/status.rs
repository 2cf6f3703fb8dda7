//! Whether an object is ready, by Flux's rules (kstatus with a Job rule of its own).
//!
//! Pure: an object and the time in, a word out. What is waited for, and for how long, is the
//! caller's business.

use std::fmt;

use jiff::Timestamp;

use crate::object::Object;

/// How far an object is; `Display` is the word Flux prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The object is on its way.
    InProgress,
    /// The object will not get there by itself.
    Failed,
    /// The object is as desired.
    Current,
    /// The object is being deleted.
    Terminating,
    /// The object does not exist.
    NotFound,
    /// The object could not be read, or was never looked at.
    Unknown,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Current => "Current",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        })
    }
}

/// Computes the status of an object (kustomize-controller spec, 3.10).
pub fn compute(object: &Object, _now: Timestamp) -> Status {
    if object.get(&["metadata", "deletionTimestamp"]).is_some() {
        return Status::Terminating;
    }
    Status::Unknown
}
