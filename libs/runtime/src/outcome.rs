//! How a pass over an object ends: done, waiting, or failed with a reason that knows whether retrying helps.

use std::{any::Any, fmt, time::Duration};

use crate::{EventDraft, Reason};

/// Tells how the steps of a pass ended when nothing failed.
#[derive(Debug)]
pub enum Outcome {
    /// The pass is over; `lastHandledReconcileAt` is recorded.
    Done(Requeue),
    /// The pass goes on later; the worker is freed and nothing is recorded as handled yet.
    Waiting(Wait),
}

impl Outcome {
    /// Ends the pass.
    pub const fn done(requeue: Requeue) -> Self {
        Self::Done(requeue)
    }
}

/// Tells when the object is looked at next without any other cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    /// Only when something changes.
    Never,
    /// After exactly this time.
    After(Duration),
    /// After this time, jittered by `--interval-jitter-percentage`.
    Interval(Duration),
    /// At once, under the exponential back-off (controller-runtime's `Requeue: true`).
    Backoff,
}

/// A waiting pass: what it must remember and how long it waits at most.
pub struct Wait {
    pub(crate) state: Box<dyn Any + Send>,
    pub(crate) timeout: Duration,
    pub(crate) quiet: bool,
}

impl Wait {
    /// Waits for `Waker::wake`, something newer, or `timeout`; `state` comes back by `Pass::resumed`.
    pub fn new<T: Any + Send>(state: T, timeout: Duration) -> Self {
        Self {
            state: Box::new(state),
            timeout,
            quiet: false,
        }
    }

    /// Writes no status for this wait (events still go out): for waits that end within a second as a rule.
    ///
    /// The working copies end with the pass; what they held must travel in the wait's own state.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("timeout", &self.timeout)
            .field("quiet", &self.quiet)
            .finish_non_exhaustive()
    }
}

/// Says why a waiting pass was entered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// A watch said that what it waits for may have changed.
    Woken,
    /// The time-out of the wait has passed.
    TimedOut,
    /// The spec changed, a reconcile was requested, or a new revision arrived.
    Superseded,
}

/// The remembered state of a wait and why the pass was entered again.
#[derive(Debug)]
pub struct Resumed<T> {
    /// What `Wait::new` was given.
    pub state: T,
    /// Why the pass was entered again.
    pub why: Resumption,
}

/// Tells whether and when trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Only an edit of the object can help: the object is Stalled.
    Never,
    /// After exactly this time (the back-off is reset).
    After(Duration),
    /// Exponentially from `--min-retry-delay` to `--max-retry-delay`.
    Backoff,
    /// When something it depends on changes; not Stalled, and no timer runs.
    OnChange,
}

/// A failed step: what the conditions, the event, the log and the queue need to know.
#[derive(Debug)]
pub struct Failure {
    /// Becomes the reason of the conditions (and of the event, if none was given).
    pub reason: Reason,
    /// Becomes the message of the conditions, of the event and of the log line's `error`.
    pub message: String,
    /// Says whether trying again can help.
    pub retry: Retry,
    /// Is recorded before the status; `None` keeps silent.
    pub event: Option<EventDraft>,
    /// Is the log line's `msg`; `None` logs nothing.
    pub log: Option<String>,
    /// Says whether the conditions tell of it; otherwise the pass is repeated as if it had not been.
    pub reported: bool,
}

impl Failure {
    /// Makes a failure that is retried with back-off, logged, and tells nobody.
    pub fn new(reason: impl Into<Reason>, message: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            message: message.into(),
            retry: Retry::Backoff,
            event: None,
            log: Some("Reconciler error".to_owned()),
            reported: true,
        }
    }

    /// Makes a failure of an error and its causes, joined with `: `.
    pub fn of(reason: impl Into<Reason>, error: &dyn std::error::Error) -> Self {
        Self::new(reason, chain(error))
    }

    /// Says whether trying again can help.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Records a Warning event with the failure's reason and message.
    #[must_use]
    pub fn event(self) -> Self {
        let draft = EventDraft::error(self.reason.clone(), self.message.clone());
        self.with_event(draft)
    }

    /// Records this event.
    #[must_use]
    pub fn with_event(mut self, draft: EventDraft) -> Self {
        self.event = Some(draft);
        self
    }

    /// Logs under this text instead of controller-runtime's `Reconciler error`.
    #[must_use]
    pub fn log(mut self, msg: impl Into<String>) -> Self {
        self.log = Some(msg.into());
        self
    }

    /// Leaves conditions and `lastHandledReconcileAt` alone (the API server could not be reached, say).
    #[must_use]
    pub fn unreported(mut self) -> Self {
        self.reported = false;
        self
    }

    /// Logs nothing.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.log = None;
        self
    }
}

/// Joins an error and its causes with `: `, as Go's wrapped errors print.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
