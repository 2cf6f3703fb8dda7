//! The reconcile frame: what happens to every object of every kind, in this order.
//!
//! load -> deleted? finalize -> finalizer -> suspended? -> steps -> summarize -> free the worker -> events -> one status
//! patch -> metrics -> requeue. The surprise: the object stays locked while its events and status are written, but the
//! worker does not wait for them.

use std::{
    any::Any,
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::FutureExt;
use jiff::Timestamp;
use kube::{Resource, ResourceExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::{
    End, Failure, Object, ObjectKey, Outcome, Pass, Priority, Process, Reconciler, Requeue,
    Resumption, Retry, Store,
    pass::annotation,
    process::{
        Error,
        metrics::{Ended, QueueMetrics},
    },
    queue::{Next, Queue, Taken},
    writer::{self, Writer},
};

/// Pause before a pass is repeated whose result could not be written.
const UNREACHABLE: Duration = Duration::from_secs(3);
/// Bounds a wait, so that its deadline is always a point in time.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

/// Everything the passes of one kind share.
pub(crate) struct Frame<R: Reconciler> {
    pub(crate) process: Process,
    pub(crate) store: Store<R::Kind>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) reconciler: Arc<R>,
    writer: Arc<Writer<R::Kind>>,
    waits: Mutex<HashMap<ObjectKey, Stored>>,
    timings: QueueMetrics,
    kind: String,
    group: String,
    controller: String,
}

/// A waiting pass.
struct Stored {
    state: Box<dyn Any + Send>,
    deadline: Instant,
    started: Timestamp,
    uid: Option<String>,
    generation: Option<i64>,
    requested: Option<String>,
}

/// A running pass's claim on a worker; given back before events and status are written.
struct Worker<'a, R: Reconciler> {
    frame: &'a Frame<R>,
    permit: Option<OwnedSemaphorePermit>,
}

impl<R: Reconciler> Frame<R> {
    pub(crate) fn new(
        process: &Process,
        store: &Store<R::Kind>,
        queue: &Arc<Queue>,
        reconciler: Arc<R>,
    ) -> Result<Self, Error> {
        let kind = <R::Kind as kube::Resource>::kind(&()).into_owned();
        let controller = kind.to_lowercase();
        let writer = Writer::new(
            process.client().clone(),
            store.clone(),
            process.recorder().clone(),
            process.program().field_manager,
        );
        Ok(Self {
            timings: QueueMetrics::new(process.metrics(), &controller, queue)?,
            process: process.clone(),
            store: store.clone(),
            queue: queue.clone(),
            reconciler,
            writer: Arc::new(writer),
            waits: Mutex::default(),
            group: <R::Kind as kube::Resource>::group(&()).into_owned(),
            kind,
            controller,
        })
    }

    /// Works on the queue until shutdown, then lets running passes end within the grace time.
    pub(crate) async fn work(self: Arc<Self>, grace: Duration) {
        let workers = self.process.concurrency();
        self.process.metrics().prepare(&self.controller, workers);
        tracing::info!(
            controller = self.controller,
            controllerGroup = self.group,
            controllerKind = self.kind,
            "worker count" = workers,
            "Starting workers"
        );
        let permits = Arc::new(Semaphore::new(workers));
        let running = TaskTracker::new();
        let shutdown = self.process.shutdown().clone();
        let dispatch = async {
            while let Ok(permit) = permits.clone().acquire_owned().await {
                let taken = self.queue.next().await;
                running.spawn(self.clone().run(taken, permit));
            }
        };
        shutdown.run_until_cancelled(dispatch).await;
        running.close();
        if self.process.is_deposed() || tokio::time::timeout(grace, running.wait()).await.is_err() {
            tracing::info!(
                "{} unfinished passes are left to the next process",
                running.len()
            );
        }
    }

    /// Says that the watch begins, as controller-runtime does.
    pub(crate) fn announce(&self) {
        tracing::info!(
            controller = self.controller,
            controllerGroup = self.group,
            controllerKind = self.kind,
            "Starting Controller"
        );
    }

    /// Takes in what the store heard about an object of this kind.
    pub(crate) fn changed(&self, before: Option<&Arc<R::Kind>>, after: Option<&Arc<R::Kind>>) {
        match (before, after) {
            (Some(before), None) => self.forget(&ObjectKey::of(&**before)),
            (before, Some(after)) => {
                if let Some(why) = trigger(before.map(Arc::as_ref), after, self.store.is_ready()) {
                    self.queue.add(&ObjectKey::of(&**after), why);
                }
            }
            (None, None) => {}
        }
    }

    async fn run(self: Arc<Self>, taken: Taken, permit: OwnedSemaphorePermit) {
        let span = tracing::info_span!(
            "reconcile",
            controller = %self.controller,
            controllerGroup = %self.group,
            controllerKind = %self.kind,
            namespace = %taken.key.namespace,
            name = %taken.key.name,
            reconcileID = %crate::process::new_id(),
        );
        let began = Instant::now();
        self.timings.taken(taken.waited);
        self.process.metrics().begin(&self.controller);
        let worker = Worker {
            frame: &*self,
            permit: Some(permit),
        };
        let pass = AssertUnwindSafe(self.pass(&taken, worker)).catch_unwind();
        let next = match pass.instrument(span.clone()).await {
            Ok(next) => next,
            Err(panic) => {
                let error = panic_text(&*panic);
                span.in_scope(|| tracing::error!(error, "Observed a panic"));
                self.process.metrics().panicked(&self.controller);
                self.process
                    .metrics()
                    .end(&self.controller, Ended::Error, began.elapsed());
                Next::Backoff
            }
        };
        self.timings.done(began.elapsed());
        self.queue.done(&taken.key, next);
    }

    async fn pass(&self, taken: &Taken, worker: Worker<'_, R>) -> Next {
        let began = Instant::now();
        let Some(object) = self
            .store
            .get(&taken.key)
            .filter(|object| self.reconciler.wants(object))
        else {
            self.waits().remove(&taken.key);
            return Next::Gone;
        };
        let mut pass = self.begin(object, taken);
        let (next, ended) = match self.steps(&mut pass, worker).await {
            Ok(done) => done,
            Err(writer::Error::Gone) => (Next::Gone, Ended::Success),
            Err(error) => {
                tracing::error!(error = crate::outcome::chain(&error), "Reconciler error");
                // Not the object's fault: no doubling, or a short outage would be felt for long.
                (
                    Next::After(self.process.spread(UNREACHABLE), Priority::Retry),
                    Ended::Error,
                )
            }
        };
        let is_gone = next == Next::Gone || self.store.get(&taken.key).is_none();
        let took = began.elapsed();
        self.process.metrics().end(&self.controller, ended, took);
        if is_gone {
            self.process.metrics().remove(&self.kind, &taken.key);
        } else {
            let suspended = self.reconciler.suspended(&pass.object);
            self.process
                .metrics()
                .record(&self.kind, &taken.key, &pass.conditions, suspended);
            if !self.waits().contains_key(&taken.key) {
                self.process
                    .metrics()
                    .observe(&self.kind, &taken.key, pass.elapsed());
            }
        }
        next
    }

    /// Makes the pass, going on from a wait where there is one.
    fn begin(&self, object: Arc<R::Kind>, taken: &Taken) -> Pass<R::Kind, R::Status> {
        let mut pass = Pass::new(object, taken.cause, Some(self.writer.clone()));
        let Some(wait) = self.waits().remove(&taken.key) else {
            return pass;
        };
        let meta = pass.object.meta();
        if wait.uid != meta.uid
            || meta.deletion_timestamp.is_some() && wait.generation != meta.generation
        {
            return pass;
        }
        let newer = wait.generation != meta.generation
            || wait.requested.as_deref() != annotation(&*pass.object);
        let why = if newer || taken.cause <= Priority::NewRevision {
            Resumption::Superseded
        } else if Instant::now() >= wait.deadline {
            Resumption::TimedOut
        } else {
            Resumption::Woken
        };
        pass.resume(wait.state, why, wait.started);
        pass
    }

    async fn steps(
        &self,
        pass: &mut Pass<R::Kind, R::Status>,
        worker: Worker<'_, R>,
    ) -> Result<(Next, Ended), writer::Error> {
        if pass.object.meta().deletion_timestamp.is_some() {
            return self.finalize(pass, worker).await;
        }
        if let Some(finalizer) = R::FINALIZER
            && !pass.object.finalizers().iter().any(|f| f == finalizer)
        {
            let object = self
                .writer
                .set_finalizer(pass.key(), &pass.object, finalizer, true)
                .await?;
            pass.replace(object);
        }
        if self.reconciler.suspended(&pass.object) {
            tracing::info!("reconciliation is suspended for this object");
            let verdict = self.reconciler.summarize(pass, End::Suspended);
            drop(worker);
            pass.finish(true, verdict.observe_generation).await?;
            return Ok((Next::Idle, Ended::Success));
        }
        let result = self.reconciler.reconcile(pass).await;
        self.end(pass, result, worker).await
    }

    async fn finalize(
        &self,
        pass: &mut Pass<R::Kind, R::Status>,
        worker: Worker<'_, R>,
    ) -> Result<(Next, Ended), writer::Error> {
        let ours = R::FINALIZER.filter(|ours| pass.object.finalizers().iter().any(|f| f == ours));
        let Some(finalizer) = ours else {
            return Ok((Next::Gone, Ended::Success));
        };
        match self.reconciler.finalize(pass).await {
            Ok(Outcome::Done(_)) => {
                drop(worker);
                if pass.object.finalizers().len() > 1 {
                    let verdict = self.reconciler.summarize(pass, End::Finalized);
                    pass.finish(true, verdict.observe_generation).await?;
                } else {
                    pass.flush().await?;
                }
                self.writer
                    .set_finalizer(pass.key(), &pass.object, finalizer, false)
                    .await?;
                Ok((Next::Gone, Ended::Success))
            }
            other => self.end(pass, other, worker).await,
        }
    }

    /// Summarizes, frees the worker, writes, and says what comes next.
    async fn end(
        &self,
        pass: &mut Pass<R::Kind, R::Status>,
        result: Result<Outcome, Failure>,
        worker: Worker<'_, R>,
    ) -> Result<(Next, Ended), writer::Error> {
        match result {
            Ok(Outcome::Waiting(wait)) => {
                let verdict = self.reconciler.summarize(pass, End::Waiting);
                drop(worker);
                if wait.quiet {
                    pass.flush().await?;
                } else {
                    pass.finish(false, verdict.observe_generation).await?;
                }
                let next = Next::After(wait.timeout.min(LONGEST_WAIT), Priority::Interval);
                self.store_wait(pass, wait);
                Ok((next, Ended::RequeueAfter))
            }
            Ok(Outcome::Done(requeue)) => {
                let verdict = self.reconciler.summarize(pass, End::Done(requeue));
                drop(worker);
                pass.finish(true, verdict.observe_generation).await?;
                if let Some(error) = verdict.fail {
                    tracing::error!(error, "Reconciler error");
                    return Ok((Next::Backoff, Ended::Error));
                }
                Ok(self.requeued(requeue))
            }
            Err(failure) => self.fail(pass, failure, worker).await,
        }
    }

    async fn fail(
        &self,
        pass: &mut Pass<R::Kind, R::Status>,
        mut failure: Failure,
        worker: Worker<'_, R>,
    ) -> Result<(Next, Ended), writer::Error> {
        if let Some(draft) = failure.event.take() {
            pass.event(draft);
        }
        if let Some(msg) = &failure.log {
            tracing::error!(error = failure.message, "{msg}");
        }
        let reported = failure.reported;
        let verdict = reported.then(|| self.reconciler.summarize(pass, End::Failed(&failure)));
        drop(worker);
        if let Some(verdict) = verdict {
            pass.finish(true, verdict.observe_generation).await?;
        }
        Ok(match failure.retry {
            Retry::Never => (Next::Idle, Ended::Terminal),
            Retry::OnChange => (Next::Idle, Ended::Success),
            Retry::After(after) => (Next::After(after, Priority::Retry), Ended::RequeueAfter),
            Retry::Backoff => (Next::Backoff, Ended::Error),
        })
    }

    fn requeued(&self, requeue: Requeue) -> (Next, Ended) {
        match requeue {
            Requeue::Never => (Next::Idle, Ended::Success),
            Requeue::After(after) => (Next::After(after, Priority::Interval), Ended::RequeueAfter),
            Requeue::Interval(interval) => (
                Next::After(self.process.jitter(interval), Priority::Interval),
                Ended::RequeueAfter,
            ),
            Requeue::Backoff => (Next::Backoff, Ended::Requeue),
        }
    }

    fn store_wait(&self, pass: &Pass<R::Kind, R::Status>, wait: crate::Wait) {
        let meta = pass.object.meta();
        let stored = Stored {
            state: wait.state,
            deadline: Instant::now() + wait.timeout.min(LONGEST_WAIT),
            started: pass.started(),
            uid: meta.uid.clone(),
            // What the pass began with: an edit that slipped in through our own write supersedes it.
            generation: Some(pass.generation()),
            requested: pass.requested_at().map(str::to_owned),
        };
        self.waits().insert(pass.key().clone(), stored);
    }

    fn forget(&self, key: &ObjectKey) {
        self.queue.forget(key);
        self.waits().remove(key);
        self.process.metrics().remove(&self.kind, key);
        self.reconciler.forget(key);
    }

    fn waits(&self) -> std::sync::MutexGuard<'_, HashMap<ObjectKey, Stored>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Reconciler> Drop for Worker<'_, R> {
    fn drop(&mut self) {
        self.permit = None;
        self.frame.process.metrics().free(&self.frame.controller);
    }
}

/// Tells whether a change of an object is a cause to look at it: new, edited, or asked for.
fn trigger<K: Object>(before: Option<&K>, after: &K, ready: bool) -> Option<Priority> {
    let Some(before) = before else {
        return Some(if ready {
            Priority::Request
        } else {
            Priority::Interval
        });
    };
    let (old, new) = (before.meta(), after.meta());
    let edited = old.uid != new.uid
        || old.generation != new.generation
        || old.deletion_timestamp.is_none() && new.deletion_timestamp.is_some();
    let asked = annotation(after).is_some() && annotation(after) != annotation(before);
    (edited || asked).then_some(Priority::Request)
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown panic".to_owned())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::json;

    use super::*;

    fn object(meta: serde_json::Value) -> ConfigMap {
        serde_json::from_value(json!({"metadata": meta})).unwrap()
    }

    #[test]
    fn only_a_new_an_edited_and_a_requested_object_is_looked_at() {
        let asked = |at: &str| json!({"generation": 1, "annotations": {"reconcile.fluxcd.io/requestedAt": at}});
        let table = [
            (
                "a label",
                json!({"generation": 1}),
                json!({"generation": 1, "labels": {"a": "b"}}),
                None,
            ),
            (
                "an edit",
                json!({"generation": 1}),
                json!({"generation": 2}),
                Some(Priority::Request),
            ),
            (
                "first request",
                json!({"generation": 1}),
                asked("1"),
                Some(Priority::Request),
            ),
            (
                "next request",
                asked("1"),
                asked("2"),
                Some(Priority::Request),
            ),
            ("same request", asked("1"), asked("1"), None),
            (
                "request taken off",
                asked("1"),
                json!({"generation": 1}),
                None,
            ),
            (
                "deletion",
                json!({"generation": 1}),
                json!({"generation": 1, "deletionTimestamp": "2024-01-01T00:00:00Z"}),
                Some(Priority::Request),
            ),
            (
                "another object",
                json!({"uid": "1"}),
                json!({"uid": "2"}),
                Some(Priority::Request),
            ),
        ];
        for (name, before, after, expected) in table {
            assert_eq!(
                trigger(Some(&object(before)), &object(after), true),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn an_object_of_the_first_list_is_less_urgent_than_a_created_one() {
        let new = object(json!({"generation": 1}));
        assert_eq!(trigger(None, &new, false), Some(Priority::Interval));
        assert_eq!(trigger(None, &new, true), Some(Priority::Request));
    }
}
