//! What a kind tells the frame ([`Reconciler`]), and the handle that runs it ([`Controller`]).

use std::{fmt::Debug, future::Future, sync::Arc, time::Duration};

use kube::{Resource, core::NamespaceResourceScope};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Failure, ObjectKey, Outcome, Pass, Process, Requeue, Store, Waker, frame::Frame,
    process::Error, queue::Queue, store,
};

/// How long running passes may take after shutdown was asked for (the shortest termination grace of Flux's pods is 10 s).
const GRACE: Duration = Duration::from_secs(5);

/// Any namespaced kind that a store can hold; implemented for all that qualify.
pub trait Object:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
}

impl<T> Object for T where
    T: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static
{
}

/// The typed status of a kind; implemented for all types that qualify.
pub trait ObjectStatus:
    Clone + Debug + Default + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

impl<T> ObjectStatus for T where
    T: Clone + Debug + Default + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

/// The status of a kind that has none (Alert, Provider); nothing is ever patched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoStatus {}

/// One kind's own part of the reconcile frame.
///
/// `conditions`, `lastHandledReconcileAt` and `observedGeneration` of the status belong to the frame: set them
/// through [`Pass::conditions`] and [`Verdict`], never on the typed copy.
pub trait Reconciler: Send + Sync + 'static {
    /// The kind.
    type Kind: Object;
    /// Its status.
    type Status: ObjectStatus;

    /// The finalizer kept on every object; `None` for kinds without one.
    const FINALIZER: Option<&'static str> = Some("finalizers.fluxcd.io");

    /// Tells whether `spec.suspend` is set: then only `summarize` runs.
    fn suspended(&self, object: &Self::Kind) -> bool;

    /// Runs the steps; called again with `Pass::resumed` after an `Outcome::Waiting`.
    fn reconcile(
        &self,
        pass: &mut Pass<Self::Kind, Self::Status>,
    ) -> impl Future<Output = Result<Outcome, Failure>> + Send;

    /// Cleans up after a deleted object; `Outcome::Done` takes the finalizer off.
    fn finalize(
        &self,
        pass: &mut Pass<Self::Kind, Self::Status>,
    ) -> impl Future<Output = Result<Outcome, Failure>> + Send;

    /// Turns the end of a pass into conditions, by one of the policies in [`crate::summary`].
    fn summarize(&self, pass: &mut Pass<Self::Kind, Self::Status>, end: End<'_>) -> Verdict;

    /// Forgets what the controller holds for an object that is gone from the API.
    fn forget(&self, _key: &ObjectKey) {}

    /// Tells whether this object is this controller's business at all (HelmRepository of type oci is not).
    fn wants(&self, _object: &Self::Kind) -> bool {
        true
    }
}

/// How a pass ended, as `Reconciler::summarize` sees it.
#[derive(Debug)]
pub enum End<'a> {
    /// `spec.suspend` is set; no step ran.
    Suspended,
    /// The steps ran through.
    Done(Requeue),
    /// The pass goes on later; the conditions are patched, nothing is recorded as handled.
    Waiting,
    /// A step failed.
    Failed(&'a Failure),
    /// `finalize` succeeded (the status is only written while other finalizers keep the object).
    Finalized,
}

/// What the summary decided beyond the conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Writes `status.observedGeneration`.
    pub observe_generation: bool,
    /// Turns a success into a failure with this message, retried with back-off.
    pub fail: Option<String>,
}

/// Runs one kind: its watch, its queue and its workers.
pub struct Controller<R: Reconciler> {
    process: Process,
    store: Store<R::Kind>,
    queue: Arc<Queue>,
    reconciler: Arc<R>,
}

impl<R: Reconciler> Controller<R> {
    /// Prepares a controller; `make` gets the store of its own kind and the waker for its dependency watches.
    pub fn new(process: &Process, make: impl FnOnce(&Store<R::Kind>, &Waker) -> R) -> Self {
        Self::indexed(process, Store::watch(), make)
    }

    /// Prepares a controller whose own store has indices (its labels are those of `--watch-label-selector`).
    pub fn indexed(
        process: &Process,
        store: store::Builder<R::Kind>,
        make: impl FnOnce(&Store<R::Kind>, &Waker) -> R,
    ) -> Self {
        let common = process.common();
        let store = Store::new(store);
        let queue = Arc::new(Queue::new(common.min_retry_delay, common.max_retry_delay));
        let reconciler = Arc::new(make(&store, &Waker::new(queue.clone())));
        Self {
            process: process.clone(),
            store,
            queue,
            reconciler,
        }
    }

    /// Returns the store of the own kind (sharded and namespaced as the flags say, newest writes included).
    pub fn store(&self) -> &Store<R::Kind> {
        &self.store
    }

    /// Returns the handle that wakes objects of this kind.
    pub fn waker(&self) -> Waker {
        Waker::new(self.queue.clone())
    }

    /// Returns the kind's own part.
    pub fn reconciler(&self) -> &Arc<R> {
        &self.reconciler
    }

    /// Runs until shutdown; running passes get the process's grace time to end.
    pub async fn run(self) -> Result<(), Error> {
        let Self {
            process,
            store,
            queue,
            reconciler,
        } = self;
        let frame = Arc::new(Frame::new(&process, &store, &queue, reconciler)?);
        let heard = Arc::downgrade(&frame);
        store.set_owner(move |before, after| {
            if let Some(frame) = heard.upgrade() {
                frame.changed(before, after);
            }
        });
        let selector = process
            .reconcile_args()
            .map(|args| args.watch_label_selector.clone());
        store::spawn(
            &store,
            &process,
            selector.filter(|selector| !selector.is_empty()),
        );
        frame.announce();
        if process
            .shutdown()
            .run_until_cancelled(store.ready())
            .await
            .is_some()
        {
            frame.work(GRACE).await;
        }
        if process.is_deposed() {
            Err(Error::LeaseLost)
        } else {
            Ok(())
        }
    }
}
