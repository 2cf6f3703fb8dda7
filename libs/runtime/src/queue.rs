//! The work queue: which object is looked at next.
//!
//! Ordered by [`Priority`], fair between namespaces within one priority; one object never runs twice at once, and a
//! cause that arrives while it runs makes it run again afterwards. [`core`](self::core) is the pure part with a given
//! clock; this is its lock and its alarm.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::ObjectKey;

mod core;

use self::core::{Core, Gauges};
pub(crate) use self::core::{Next, Taken};

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

impl Priority {
    pub(crate) const COUNT: usize = 5;
}

/// Wakes objects of one kind; cheap to clone, callable from any watch, never blocks.
#[derive(Clone)]
pub struct Waker {
    queue: Arc<Queue>,
}

impl Waker {
    /// Puts an object into the queue; unknown, suspended or unwanted objects are ignored when their turn comes.
    pub fn wake(&self, key: &ObjectKey, why: Priority) {
        self.queue.add(key, why);
    }

    /// Makes a waker whose queue nobody works on, for tests; `pending` tells what was woken.
    pub fn detached() -> Self {
        Self {
            queue: Arc::new(Queue::new(
                Duration::from_millis(750),
                Duration::from_secs(900),
            )),
        }
    }

    /// Takes what was woken so far out of the queue, in order; for tests.
    pub fn pending(&self) -> Vec<ObjectKey> {
        let mut core = self.queue.lock();
        std::iter::from_fn(|| core.pop(Instant::now()).map(|taken| taken.key)).collect()
    }

    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self { queue }
    }
}

/// The queue of one controller.
pub(crate) struct Queue {
    core: Mutex<Core>,
    alarm: Notify,
}

impl Queue {
    pub(crate) fn new(min_delay: Duration, max_delay: Duration) -> Self {
        Self {
            core: Mutex::new(Core::new(min_delay, max_delay)),
            alarm: Notify::new(),
        }
    }

    /// Puts an object into the queue.
    pub(crate) fn add(&self, key: &ObjectKey, why: Priority) {
        self.lock().add(key, why, Instant::now());
        self.alarm.notify_one();
    }

    /// Waits for the most urgent object that may run; for one consumer.
    pub(crate) async fn next(&self) -> Taken {
        loop {
            let now = Instant::now();
            let due = {
                let mut core = self.lock();
                if let Some(taken) = core.pop(now) {
                    return taken;
                }
                core.next_due()
            };
            match due {
                Some(due) => {
                    let _ = tokio::time::timeout_at(due.into(), self.alarm.notified()).await;
                }
                None => self.alarm.notified().await,
            }
        }
    }

    /// Ends a run: says when the object is looked at again.
    pub(crate) fn done(&self, key: &ObjectKey, next: Next) {
        self.lock().done(key, next, Instant::now());
        self.alarm.notify_one();
    }

    /// Drops an object that is gone.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.lock().forget(key);
    }

    pub(crate) fn gauges(&self) -> Gauges {
        self.lock().gauges(Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
