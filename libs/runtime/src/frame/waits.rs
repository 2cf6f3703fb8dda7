//! The passes that wait: what each remembers, and why it goes on.
//!
//! A wait is superseded when the spec changed, another reconcile was requested, or a new revision arrived; one of a
//! deleted or re-created object is forgotten.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::{Object, ObjectKey, ObjectStatus, Pass, Priority, Resumption, Wait, pass::annotation};

/// Bounds a wait, so that its deadline is always a point in time.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// The waiting passes of one kind.
#[derive(Default)]
pub(super) struct Waits {
    stored: Mutex<HashMap<ObjectKey, Stored>>,
}

struct Stored {
    state: Box<dyn Any + Send>,
    deadline: Instant,
    started: Timestamp,
    uid: Option<String>,
    generation: Option<i64>,
    requested: Option<String>,
}

impl Waits {
    /// Keeps what a pass waits with.
    pub(super) fn store<K: Object, S: ObjectStatus>(&self, pass: &Pass<K, S>, wait: Wait) {
        let stored = Stored {
            state: wait.state,
            deadline: Instant::now() + bounded(wait.timeout),
            started: pass.started(),
            uid: pass.object.meta().uid.clone(),
            // What the pass began with: an edit that slipped in through our own write supersedes it.
            generation: Some(pass.generation()),
            requested: pass.requested_at().map(str::to_owned),
        };
        self.lock().insert(pass.key().clone(), stored);
    }

    /// Lets a new pass go on from the wait of its object, where there is one.
    pub(super) fn resume<K: Object, S: ObjectStatus>(&self, pass: &mut Pass<K, S>) {
        let Some(wait) = self.lock().remove(pass.key()) else {
            return;
        };
        let object = pass.object.clone();
        let meta = object.meta();
        let is_edited = wait.generation != meta.generation;
        if wait.uid != meta.uid || meta.deletion_timestamp.is_some() && is_edited {
            return;
        }
        let is_asked = wait.requested.as_deref() != annotation(&*object);
        let why = if is_edited || is_asked || pass.cause() <= Priority::NewRevision {
            Resumption::Superseded
        } else if Instant::now() >= wait.deadline {
            Resumption::TimedOut
        } else {
            Resumption::Woken
        };
        pass.resume(wait.state, why, wait.started);
    }

    pub(super) fn remove(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    pub(super) fn holds(&self, key: &ObjectKey) -> bool {
        self.lock().contains_key(key)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, Stored>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns a time-out that can be added to any moment.
pub(super) fn bounded(timeout: Duration) -> Duration {
    timeout.min(LONGEST)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::{Value, json};

    use super::*;
    use crate::NoStatus;

    type TestPass = Pass<ConfigMap, NoStatus>;

    fn pass(meta: &Value, cause: Priority) -> TestPass {
        let object: ConfigMap = serde_json::from_value(json!({"metadata": meta})).unwrap();
        Pass::new(std::sync::Arc::new(object), cause, None)
    }

    fn resumed(timeout: Duration, later: &Value, cause: Priority) -> Option<Resumption> {
        let waits = Waits::default();
        let before = json!({"name": "a", "uid": "1", "generation": 1});
        waits.store(&pass(&before, Priority::Request), Wait::new(7u8, timeout));
        let mut pass = pass(later, cause);
        waits.resume(&mut pass);
        assert!(!waits.holds(pass.key()));
        pass.resumed::<u8>().map(|resumed| {
            assert_eq!(resumed.state, 7);
            resumed.why
        })
    }

    #[test]
    fn a_wait_knows_why_it_goes_on() {
        let hour = Duration::from_secs(3600);
        let same = json!({"name": "a", "uid": "1", "generation": 1});
        let asked = json!({"name": "a", "uid": "1", "generation": 1,
            "annotations": {"reconcile.fluxcd.io/requestedAt": "t"}});
        let table = [
            (
                "woken",
                hour,
                same.clone(),
                Priority::Dependency,
                Some(Resumption::Woken),
            ),
            (
                "timed out",
                Duration::ZERO,
                same.clone(),
                Priority::Interval,
                Some(Resumption::TimedOut),
            ),
            (
                "revision",
                Duration::ZERO,
                same.clone(),
                Priority::NewRevision,
                Some(Resumption::Superseded),
            ),
            (
                "asked",
                hour,
                asked,
                Priority::Dependency,
                Some(Resumption::Superseded),
            ),
            (
                "edited",
                hour,
                json!({"name": "a", "uid": "1", "generation": 2}),
                Priority::Dependency,
                Some(Resumption::Superseded),
            ),
            (
                "created anew",
                hour,
                json!({"name": "a", "uid": "2", "generation": 1}),
                Priority::Request,
                None,
            ),
            (
                "deleted",
                hour,
                json!({"name": "a", "uid": "1", "generation": 2, "deletionTimestamp": "2024-01-01T00:00:00Z"}),
                Priority::Request,
                None,
            ),
        ];
        for (name, timeout, later, cause, expected) in table {
            assert_eq!(resumed(timeout, &later, cause), expected, "{name}");
        }
    }

    #[test]
    fn the_longest_time_out_is_no_overflow() {
        let waits = Waits::default();
        let pass = pass(&json!({"name": "a"}), Priority::Request);
        waits.store(&pass, Wait::new((), Duration::MAX));
        assert!(waits.holds(pass.key()));
    }
}
