//! Whether an object is ready, by Flux's rules (kstatus, with Flux's own rule for Jobs).
//!
//! Pure: an object and the time in, a word out. What is waited for, and for how long, is the
//! caller's business; [`Aggregate`] turns many words into one verdict and Flux's texts.

mod aggregate;
mod kinds;
pub(crate) mod pods;

pub use aggregate::{Aggregate, Verdict};

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::object::Object;

/// How far an object is; `Display` is the word Flux prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

/// Computes the status of an object; the first decisive rule wins.
///
/// The time decides only how long a Pod may stay unscheduled.
pub fn compute(object: &Object, now: Timestamp) -> Status {
    if object
        .get(&["metadata", "deletionTimestamp"])
        .and_then(Value::as_str)
        .is_some()
    {
        return Status::Terminating;
    }
    if let Some(generation) = int(object, &["metadata", "generation"])
        && let Some(observed) = int(object, &["status", "observedGeneration"])
        && generation != observed
    {
        return Status::InProgress;
    }
    for condition in conditions(object) {
        match (condition.kind, condition.status) {
            ("Reconciling", "True") => return Status::InProgress,
            ("Stalled", "True") => return Status::Failed,
            _ => {}
        }
    }
    kinds::status(object, now).unwrap_or_else(|| by_ready_condition(object))
}

/// Judges a kind without rules of its own by its `Ready` condition, if it has one.
fn by_ready_condition(object: &Object) -> Status {
    for condition in conditions(object).filter(|condition| condition.kind == "Ready") {
        match condition.status {
            "True" => return Status::Current,
            "False" | "Unknown" => return Status::InProgress,
            _ => {}
        }
    }
    Status::Current
}

/// The parts of a condition that rules read.
struct Condition<'a> {
    kind: &'a str,
    status: &'a str,
    reason: &'a str,
}

fn conditions(object: &Object) -> impl Iterator<Item = Condition<'_>> {
    let list = object
        .get(&["status", "conditions"])
        .and_then(Value::as_array);
    list.into_iter().flatten().map(|condition| {
        let text = |key: &str| {
            condition
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        Condition {
            kind: text("type"),
            status: text("status"),
            reason: text("reason"),
        }
    })
}

fn int(object: &Object, path: &[&str]) -> Option<i64> {
    object.get(path)?.as_i64()
}

fn text<'a>(object: &'a Object, path: &[&str]) -> &'a str {
    object.get(path).and_then(Value::as_str).unwrap_or_default()
}
