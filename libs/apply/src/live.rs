//! The live index: what became of the objects we applied, known from watches alone.
//!
//! For each kind in any inventory one label-selected watch keeps a compact entry per object. From
//! it come drift (who changed what, within milliseconds), readiness without polling, and the
//! knowledge that an object is still as we left it, which makes the next apply free.
//!
//! The index holds no manifests. To correct an object it asks the [`Owners`] for it; a controller
//! answers from what it keeps within bounds, or asks for a full reconcile. Lock order: the one lock in
//! here is never held across an await nor while calling out.

mod correct;
mod fight;
mod narrow;
mod seen;
mod state;
mod watch;

pub(crate) use state::Baseline;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc};

use crate::applier::{Applier, Policies};
use crate::changeset::Action;
use crate::cluster::Cluster;
use crate::inventory::Inventory;
use crate::managed_fields::Managers;
use crate::object::{GroupKind, Object, ObjectId};
use crate::status::Status;
use correct::Suspect;
use seen::Observation;
use state::{Effect, State};

/// Limits the corrections in flight.
const CORRECTIONS: usize = 16;

/// Names one owner: the namespace and name its labels carry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OwnerKey {
    /// Names the owner's namespace.
    pub namespace: String,
    /// Names the owner.
    pub name: String,
}

/// What an index watches and when it acts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Prefixes the owner labels, such as `kustomize.toolkit.fluxcd.io`.
    pub group: String,
    /// Names our server-side apply field manager.
    pub field_manager: String,
    /// Lists further field managers whose fields are taken over (`--override-manager`).
    pub override_managers: Vec<String>,
    /// Corrects drift; `false` (`--drift-watch=false`) leaves the index for readiness only.
    pub correct_drift: bool,
}

/// What an owner answers when one of its objects drifted.
pub enum Desired {
    /// The object is to be applied again.
    Apply(Box<Correction>),
    /// The object is to be left alone: the owner is suspended, being deleted or unknown.
    Leave,
    /// The manifest is not at hand: the owner reconciles as a whole.
    Rebuild,
}

/// How one object is applied again.
pub struct Correction {
    /// Holds the manifest, normalised and with its owner labels.
    pub object: Object,
    /// Holds the owner's policies.
    pub policies: Policies,
    /// Applies in the owner's name and with its identity.
    pub applier: Applier,
}

/// One field manager's part in a drift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Names the field manager.
    pub manager: String,
    /// Names the operation, `Apply` or `Update`.
    pub operation: String,
    /// Names the subresource, empty for the object itself.
    pub subresource: String,
    /// Tells when the manager last changed its fields, as the API server recorded it.
    pub time: Option<Timestamp>,
    /// Lists the fields it holds that we applied, as kubectl prints them.
    pub fields: Vec<String>,
}

/// What happened to an object behind its owner's back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Names the object.
    pub id: ObjectId,
    /// Tells that the object is gone, which the API server attributes to nobody.
    pub deleted: bool,
    /// Lists the fields of ours that were changed or taken, as kubectl prints them.
    pub fields: Vec<String>,
    /// Lists the managers that hold them now, the latest first.
    pub actors: Vec<Actor>,
}

/// What the index did about a drift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handled {
    /// The object was applied again.
    Corrected(Action),
    /// The correction failed and is tried again later.
    Failed(String),
    /// Two managers keep changing the same fields; corrections now back off. Told once per fight.
    Fight {
        /// Names the other manager.
        manager: String,
        /// Holds the ignore rule that would end the fight.
        rule: String,
    },
}

/// The controller's side of the index.
pub trait Owners: Send + Sync + 'static {
    /// Returns the desired manifest of one object, or why it is left alone.
    fn desired<'a>(&'a self, owner: &'a OwnerKey, id: &'a ObjectId) -> BoxFuture<'a, Desired>;

    /// Tells the owner that one of its objects drifted and what was done, for event, metric, log.
    fn drifted(&self, owner: &OwnerKey, drift: &Drift, handled: &Handled);

    /// Asks the owner to look again: an awaited object changed its status, or a manifest is needed.
    fn wake(&self, owner: &OwnerKey);
}

/// What the index knows of an object somebody wants to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It is as this very manifest left it.
    AsDesired,
    /// No object of ours has this name.
    Absent,
    /// It has to be looked at.
    Nothing,
}

/// The live index of one cluster under one identity; clones are handles to the same index.
///
/// Its tasks end when the last handle is dropped.
#[derive(Clone)]
pub struct LiveIndex {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    cluster: Cluster,
    config: Config,
    managers: Managers,
    owners: Arc<dyn Owners>,
    state: Mutex<State>,
    suspects: mpsc::UnboundedSender<Suspect>,
    corrections: Arc<Semaphore>,
}

impl LiveIndex {
    /// Builds an index that watches nothing yet. Must be called on a tokio runtime.
    pub fn new(cluster: Cluster, config: Config, owners: Arc<dyn Owners>) -> Self {
        // Bounded all the same: at most one suspect per object is in flight.
        let (suspects, queue) = mpsc::unbounded_channel();
        let inner = Arc::new(Inner {
            cluster,
            managers: Managers::new(&config.field_manager, &config.override_managers),
            corrections: Arc::new(Semaphore::new(CORRECTIONS)),
            config,
            owners,
            state: Mutex::new(State::default()),
            suspects,
        });
        tokio::spawn(correct::run(Arc::downgrade(&inner), queue));
        Self { inner }
    }

    /// Replaces what an owner owns: opens the watches it needs and drops those nobody needs.
    pub fn own(&self, owner: &OwnerKey, inventory: &Inventory) {
        let ids = inventory
            .entries
            .iter()
            .map(|entry| entry.id.clone())
            .collect();
        let wanted = self.inner.lock().own(owner, ids);
        self.open(wanted);
    }

    /// Forgets an owner and everything it owned.
    pub fn disown(&self, owner: &OwnerKey) {
        let wanted = self.inner.lock().disown(owner);
        self.open(wanted);
    }

    /// Returns the status of an object, or nothing where no synced watch covers it.
    pub fn status(&self, id: &ObjectId) -> Option<Status> {
        self.inner.lock().status(id)
    }

    /// Tells whether a synced watch shows the object just as our last apply left it.
    pub fn is_as_left(&self, id: &ObjectId) -> bool {
        self.inner.lock().is_as_left(id)
    }

    /// Wakes the owner whenever the status of one of these objects changes, until [`Self::rest`]
    /// or the next call. Returns the objects that no watch covers, or not enough: the caller has to
    /// read those itself ([`Applier::statuses`]) from time to time.
    pub fn await_health(&self, owner: &OwnerKey, ids: &[ObjectId]) -> Vec<ObjectId> {
        self.inner.lock().await_health(owner, ids)
    }

    /// Ends what [`Self::await_health`] began.
    pub fn rest(&self, owner: &OwnerKey) {
        self.inner.lock().await_health(owner, &[]);
    }

    /// Returns how many objects and watches the index holds, for metrics.
    pub fn size(&self) -> (usize, usize) {
        self.inner.lock().size()
    }

    pub(crate) fn knows(&self, owner: &OwnerKey, id: &ObjectId, desired: u64) -> Known {
        self.inner.lock().knows(owner, id, desired)
    }

    /// Takes the response to our own apply (or what was found to be as desired) as the baseline.
    pub(crate) fn record(&self, owner: &OwnerKey, object: &Object, desired: u64, live: &Object) {
        let mut observation = self.inner.observation(live);
        // The answer may come in another version's words; the identity is the manifest's.
        observation.id = object.id();
        let id = observation.id.clone();
        let (effects, wanted) = {
            let mut state = self.inner.lock();
            (
                state.record(owner, observation, desired, Instant::now()),
                state.unopened(),
            )
        };
        self.open(wanted);
        self.inner.act(effects, &id, None);
    }

    /// Stops minding an object for as long as we ourselves write or delete it.
    pub(crate) fn release(&self, id: &ObjectId) -> Option<Baseline> {
        self.inner.lock().release(id)
    }

    /// Minds an object again whose write failed.
    pub(crate) fn restore(&self, id: &ObjectId, baseline: Baseline) {
        self.inner.lock().restore(id, baseline);
    }

    fn open(&self, wanted: Vec<GroupKind>) {
        for kind in wanted {
            let task = tokio::spawn(watch::run(Arc::downgrade(&self.inner), kind.clone()));
            self.inner.lock().opened(kind, task.abort_handle());
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observation(&self, live: &Object) -> Observation {
        Observation::of(
            live,
            &self.config.group,
            &self.config.field_manager,
            &self.managers,
        )
    }

    /// Takes in one look at an object and acts on what follows.
    fn observe(&self, live: Object) {
        let observation = self.observation(&live);
        let id = observation.id.clone();
        let effects = self.lock().observe(observation, Instant::now());
        self.act(effects, &id, Some(live));
    }

    fn vanished(&self, id: &ObjectId, uid: Option<&str>) {
        let effects = self.lock().vanished(id, uid, Instant::now());
        self.act(effects, id, None);
    }

    fn act(&self, effects: Vec<Effect>, id: &ObjectId, live: Option<Object>) {
        let mut live = live;
        for effect in effects {
            match effect {
                Effect::Wake(owner) => self.owners.wake(&owner),
                Effect::Suspect(after) => {
                    if self.config.correct_drift {
                        let mut live = live.take();
                        if let Some(live) = &mut live {
                            // Only who owns what is needed, and it may wait for a while.
                            live.as_map_mut().retain(|key, _| {
                                matches!(key.as_str(), "apiVersion" | "kind" | "metadata")
                            });
                        }
                        let suspect = Suspect {
                            id: id.clone(),
                            live,
                            after,
                        };
                        // It fails only while the index is being dropped.
                        let _ = self.suspects.send(suspect);
                    }
                }
            }
        }
    }
}
