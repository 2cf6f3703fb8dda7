//! The live index: what became of the objects we applied, known from watches alone.
//!
//! For each kind in any inventory one label-selected watch keeps a compact entry per object. From
//! it come drift (who changed what, within milliseconds), readiness without polling, and the
//! knowledge that an object is still as we left it, which makes the next apply free.
//!
//! The index holds no manifests. To correct an object it asks the [`Owners`] for it; a controller
//! answers from a bounded cache or asks for a full reconcile.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::applier::{Applier, Policies};
use crate::changeset::Action;
use crate::cluster::Cluster;
use crate::inventory::Inventory;
use crate::object::{Object, ObjectId};
use crate::status::Status;

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
    /// Lists the fields it holds that we applied.
    pub fields: Vec<String>,
}

/// What happened to an object behind its owner's back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Names the object.
    pub id: ObjectId,
    /// Tells that the object is gone, which the API server attributes to nobody.
    pub deleted: bool,
    /// Lists the fields of ours that were changed or taken.
    pub fields: Vec<String>,
    /// Lists the managers that hold them now.
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
    fn desired(&self, owner: &OwnerKey, id: &ObjectId) -> BoxFuture<'_, Desired>;

    /// Tells the owner that one of its objects drifted and what was done, for event, metric, log.
    fn drifted(&self, owner: &OwnerKey, drift: &Drift, handled: &Handled);

    /// Asks the owner to look again: an awaited object changed its status, or a manifest is needed.
    fn wake(&self, owner: &OwnerKey);
}

/// The live index of one cluster under one identity; clones are handles to the same index.
#[derive(Clone)]
pub struct LiveIndex {
    inner: Arc<Inner>,
}

struct Inner {
    cluster: Cluster,
    config: Config,
    owners: Arc<dyn Owners>,
}

impl LiveIndex {
    /// Builds an index that watches nothing yet. Must be called on a tokio runtime.
    pub fn new(cluster: Cluster, config: Config, owners: Arc<dyn Owners>) -> Self {
        Self {
            inner: Arc::new(Inner {
                cluster,
                config,
                owners,
            }),
        }
    }

    /// Replaces what an owner owns: opens the watches it needs and drops those nobody needs.
    pub fn own(&self, owner: &OwnerKey, inventory: &Inventory) {
        let _ = (
            &self.inner.cluster,
            &self.inner.config,
            &self.inner.owners,
            owner,
            inventory,
        );
    }

    /// Forgets an owner and everything it owned.
    pub fn disown(&self, owner: &OwnerKey) {
        let _ = owner;
    }

    /// Returns the status of an object, or nothing where no synced watch covers it.
    pub fn status(&self, id: &ObjectId) -> Option<Status> {
        let _ = id;
        None
    }

    /// Wakes the owner whenever the status of one of these objects changes, until [`Self::rest`]
    /// or the next call. Returns the objects no watch covers: the caller has to read those itself.
    pub fn await_health(&self, owner: &OwnerKey, ids: &[ObjectId]) -> Vec<ObjectId> {
        let _ = owner;
        ids.to_vec()
    }

    /// Ends what [`Self::await_health`] began.
    pub fn rest(&self, owner: &OwnerKey) {
        let _ = owner;
    }
}
