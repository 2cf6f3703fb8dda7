//! The work queue: which object is looked at next.
//!
//! Ordered by [`Priority`], fair between namespaces within one priority; one object never runs twice at once, and a
//! cause that arrives while it runs makes it run again afterwards.

use std::sync::Arc;

use crate::ObjectKey;

/// Why an object is looked at, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A user edited it or requested a reconcile.
    Request,
    /// Its source has a new revision.
    NewRevision,
    /// Something it waits for may have changed.
    Dependency,
    /// Its interval has passed, or the controller has just started.
    Interval,
    /// It failed before.
    Retry,
}

/// Wakes objects of one kind; cheap to clone, callable from any watch, never blocks.
#[derive(Clone, Default)]
pub struct Waker {
    inner: Arc<()>,
}

impl Waker {
    /// Puts an object into the queue; unknown, suspended or unwanted objects are ignored when their turn comes.
    pub fn wake(&self, key: &ObjectKey, why: Priority) {
        let _ = &self.inner;
        tracing::error!(%key, ?why, "not woken: the queue is not built yet");
    }
}
