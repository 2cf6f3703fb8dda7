//! Applies, corrects and deletes objects in the name of one owner.
//!
//! An [`Applier`] is cheap: build one per reconcile. It holds no state of its own; what makes a
//! second apply cheap lives in the [`Cluster`] (discovery) and the [`LiveIndex`].

use std::collections::BTreeSet;
use std::time::Duration;

use crate::changeset::{Change, ChangeSet};
use crate::cluster::Cluster;
use crate::ignore::IgnoreRules;
use crate::inventory::{Entry, Inventory};
use crate::live::LiveIndex;
use crate::object::{GroupKind, Object, ObjectId};
use crate::status::Status;

/// In whose name objects are applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Prefixes the owner labels and the per-object controls, such as
    /// `kustomize.toolkit.fluxcd.io`.
    pub group: String,
    /// Names the owning object.
    pub name: String,
    /// Names the owning object's namespace.
    pub namespace: String,
    /// Names the server-side apply field manager, such as `kustomize-controller`.
    pub field_manager: String,
}

/// How objects are applied, whoever owns them.
#[derive(Clone, Debug)]
pub struct Options {
    /// Limits the requests in flight of one apply (`--concurrent-ssa`).
    pub concurrency: usize,
    /// Lists further field managers whose fields are taken over (`--override-manager`).
    pub override_managers: Vec<String>,
    /// Lists the kinds of the custom stage (`--custom-apply-stage-kinds`).
    pub custom_stage_kinds: BTreeSet<GroupKind>,
    /// Moves every managed-fields entry to the applied API version (gate `MigrateAPIVersion`).
    pub migrate_api_version: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency: 4,
            override_managers: Vec::new(),
            custom_stage_kinds: BTreeSet::new(),
            migrate_api_version: false,
        }
    }
}

/// What one owner's spec says about its objects.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// Recreates objects whose change is refused as immutable (`spec.force`).
    pub force: bool,
    /// Leaves these fields to others (`spec.ignore`).
    pub ignore: IgnoreRules,
}

/// Why an apply or delete stopped, and what was done before.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Error {
    /// Lists what was written or settled before the failure. Unlike Flux, this includes what the
    /// failing stage itself wrote, so that nothing created is left untracked.
    pub completed: ChangeSet,
    /// Tells what failed.
    #[source]
    pub cause: Box<Cause>,
}

/// What can fail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The operation is not built yet; nothing was written.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
}

/// Applies, corrects and deletes objects in the name of one owner.
#[derive(Clone)]
pub struct Applier {
    cluster: Cluster,
    owner: Owner,
    options: Options,
    index: Option<LiveIndex>,
}

impl Applier {
    /// Builds an applier that asks the API server about every object.
    pub fn new(cluster: Cluster, owner: Owner, options: Options) -> Self {
        Self {
            cluster,
            owner,
            options,
            index: None,
        }
    }

    /// Lets the applier skip requests for objects the index knows, and records in the index what
    /// it applies.
    #[must_use]
    pub fn with_index(mut self, index: LiveIndex) -> Self {
        self.index = Some(index);
        self
    }

    /// Sets the two owner labels on every object.
    pub fn set_owner_labels(&self, objects: &mut [Object]) {
        for object in objects {
            object.set_label(&format!("{}/name", self.owner.group), &self.owner.name);
            object.set_label(
                &format!("{}/namespace", self.owner.group),
                &self.owner.namespace,
            );
        }
    }

    /// Returns the inventory these objects will have, before any of them is applied.
    ///
    /// An owner stores it, merged into the old one, before an apply that may create objects; what
    /// a failed or killed apply created is then never left untracked. Namespaces that a build gave
    /// to cluster-scoped objects are taken off, as the API server would.
    ///
    /// # Errors
    /// Discovery failed.
    pub async fn intend(&self, objects: &[Object]) -> Result<Inventory, Error> {
        let _ = (&self.cluster, &self.options, objects);
        Err(unsupported("intend"))
    }

    /// Applies a set of objects in stages and returns what was done to each, in order.
    ///
    /// Objects must carry their owner labels and be normalised (see [`crate::normalise`]).
    ///
    /// # Errors
    /// The first failure stops the stage it is in; later stages are not started.
    pub async fn apply(
        &self,
        objects: Vec<Object>,
        policies: &Policies,
    ) -> Result<ChangeSet, Error> {
        let _ = (objects, policies, &self.index);
        Err(unsupported("apply"))
    }

    /// Applies one object at once, outside any stage: how drift is corrected.
    ///
    /// # Errors
    /// The API server refused the object.
    pub async fn apply_one(&self, object: Object, policies: &Policies) -> Result<Change, Error> {
        let _ = (object, policies);
        Err(unsupported("apply"))
    }

    /// Deletes what still carries the owner's labels and no per-object protection.
    ///
    /// # Errors
    /// Some objects could not be deleted; the completed entries tell which were.
    pub async fn delete(&self, entries: &[Entry]) -> Result<ChangeSet, Error> {
        let _ = entries;
        Err(unsupported("delete"))
    }

    /// Returns the status of each object, from the live index where it knows, else by one read.
    pub async fn statuses(&self, ids: &[ObjectId]) -> Vec<(ObjectId, Status)> {
        ids.iter().map(|id| (id.clone(), Status::Unknown)).collect()
    }

    /// Waits until every object that was deleted is gone.
    ///
    /// # Errors
    /// An object is still there after the timeout, or cannot be read.
    pub async fn wait_for_termination(
        &self,
        changes: &ChangeSet,
        timeout: Duration,
    ) -> Result<(), Error> {
        let _ = (changes, timeout);
        Err(unsupported("wait for termination"))
    }
}

fn unsupported(what: &'static str) -> Error {
    Error {
        completed: ChangeSet::default(),
        cause: Box::new(Cause::Unsupported(what)),
    }
}
