//! The reconcile frame: what happens to every object of every kind, in this order.
//!
//! load -> deleted? finalize -> finalizer -> suspended? -> steps -> summarize -> free the worker -> events -> one status
//! patch -> metrics -> requeue. The surprise: the object stays locked while its events and status are written, but the
//! worker does not wait for them.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::FutureExt;
use kube::{Resource, ResourceExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

mod trigger;
mod waits;

use trigger::trigger;
use waits::Waits;

use crate::{
    End, Failure, ObjectKey, Outcome, Pass, Priority, Process, Reconciler, Requeue, Retry, Store,
    process::{
        Error,
        metrics::{Ended, QueueMetrics},
    },
    queue::{Next, Queue, Taken},
    writer::{self, Writer},
};

/// Pause before a pass is repeated whose result could not be written.
const UNREACHABLE: Duration = Duration::from_secs(3);

/// Everything the passes of one kind share.
pub(crate) struct Frame<R: Reconciler> {
    pub(crate) process: Process,
    pub(crate) store: Store<R::Kind>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) reconciler: Arc<R>,
    writer: Arc<Writer<R::Kind>>,
    waits: Waits,
    timings: QueueMetrics,
    kind: String,
    group: String,
    controller: String,
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
            waits: Waits::default(),
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
            self.waits.remove(&taken.key);
            return Next::Gone;
        };
        let mut pass = self.begin(object, taken);
        let (next, ended) = match self.steps(&mut pass, worker).await {
            Ok(done) => done,
            Err(writer::Error::Gone) => (Next::Gone, Ended::Success),
            Err(error) => {
                tracing::error!(error = crate::outcome::chain(&error), "Reconciler error");
                let pause = self.process.spread(UNREACHABLE);
                // An outage is not the object's fault: no doubling, or a short one would be felt for long.
                let next = if error.is_refusal() {
                    Next::Backoff
                } else {
                    Next::After(pause, Priority::Retry)
                };
                (next, Ended::Error)
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
            if !self.waits.holds(&taken.key) {
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
        self.waits.resume(&mut pass);
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
                let next = Next::After(waits::bounded(wait.timeout), Priority::Interval);
                self.waits.store(pass, wait);
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
            Retry::After(after) => (later(after, Priority::Retry), Ended::RequeueAfter),
            Retry::Backoff => (Next::Backoff, Ended::Error),
        })
    }

    fn requeued(&self, requeue: Requeue) -> (Next, Ended) {
        match requeue {
            Requeue::Never => (Next::Idle, Ended::Success),
            Requeue::After(after) => (later(after, Priority::Interval), Ended::RequeueAfter),
            Requeue::Interval(interval) => (
                later(self.process.jitter(interval), Priority::Interval),
                Ended::RequeueAfter,
            ),
            Requeue::Backoff => (Next::Backoff, Ended::Requeue),
        }
    }

    fn forget(&self, key: &ObjectKey) {
        self.queue.forget(key);
        self.waits.remove(key);
        self.process.metrics().remove(&self.kind, key);
        self.reconciler.forget(key);
    }
}

impl<R: Reconciler> Drop for Worker<'_, R> {
    fn drop(&mut self) {
        self.permit = None;
        self.frame.process.metrics().free(&self.frame.controller);
    }
}

/// Returns the next look after a time.
// Parity: an interval of zero is none, as controller-runtime's `RequeueAfter: 0` is.
fn later(after: Duration, why: Priority) -> Next {
    if after.is_zero() {
        Next::Idle
    } else {
        Next::After(after, why)
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown panic".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_of_zero_spins_nothing() {
        assert_eq!(later(Duration::ZERO, Priority::Interval), Next::Idle);
        let second = Duration::from_secs(1);
        assert_eq!(
            later(second, Priority::Retry),
            Next::After(second, Priority::Retry)
        );
    }
}
