//! Applies, corrects and deletes objects in the name of one owner.
//!
//! An [`Applier`] is cheap: build one per reconcile. It holds no state of its own; what makes a
//! second apply cheap lives in the [`Cluster`] (discovery) and the [`LiveIndex`]. This file stages
//! an apply; how one object is judged and written is in `plan` and `write`.
//!
//! The surprise: within a stage every object that exists is tried by dry-run before anything is
//! written, as in Flux, but a new one is not: it is created under the condition that there is none.

mod delete;
mod error;
mod plan;
mod wait;
mod write;

pub use error::{Cause, Error};

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};

use crate::changeset::{Change, ChangeSet};
use crate::cluster::{self, Cluster, Kind};
use crate::ignore::IgnoreRules;
use crate::inventory::{Entry, Inventory};
use crate::live::{LiveIndex, OwnerKey};
use crate::managed_fields::Managers;
use crate::object::{GroupKind, Object, ObjectId};
use crate::order::{self, Stage};
use plan::Step;

/// How long the definitions and classes of an apply may take to become ready.
// Parity: a fixed minute, whatever `spec.timeout` says.
const STAGE_TIMEOUT: Duration = Duration::from_secs(60);

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

impl Owner {
    /// Returns the key under which a live index knows this owner.
    pub fn key(&self) -> OwnerKey {
        OwnerKey {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
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

/// Applies, corrects and deletes objects in the name of one owner.
#[derive(Clone)]
pub struct Applier {
    cluster: Cluster,
    owner: Owner,
    options: Options,
    managers: Arc<Managers>,
    index: Option<LiveIndex>,
    previous: Option<Arc<HashSet<ObjectId>>>,
}

impl Applier {
    /// Builds an applier that asks the API server about every object.
    pub fn new(cluster: Cluster, owner: Owner, options: Options) -> Self {
        let managers = Arc::new(Managers::new(
            &owner.field_manager,
            &options.override_managers,
        ));
        Self {
            cluster,
            owner,
            options,
            managers,
            index: None,
            previous: None,
        }
    }

    /// Lets the applier skip requests for objects the index knows, and records in the index what
    /// it applies.
    #[must_use]
    pub fn with_index(mut self, index: LiveIndex) -> Self {
        self.index = Some(index);
        self
    }

    /// Tells what the owner applied before. An object that is not among it is taken for new and
    /// applied without a look first; being wrong costs one request, never more.
    #[must_use]
    pub fn with_previous(mut self, previous: &Inventory) -> Self {
        let ids = previous
            .entries
            .iter()
            .map(|entry| entry.id.clone())
            .collect();
        self.previous = Some(Arc::new(ids));
        self
    }

    /// Returns in whose name this applier acts.
    pub fn owner(&self) -> &Owner {
        &self.owner
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
    /// to cluster-scoped objects are taken off, as the API server would. Objects of a kind that
    /// nobody serves are left out: they cannot be created.
    ///
    /// # Errors
    /// Discovery failed.
    pub async fn intend(&self, objects: &[Object]) -> Result<Inventory, Error> {
        let mut sorted: Vec<&Object> = objects.iter().collect();
        sorted.sort_by(|a, b| order::compare(&a.id(), &b.id()));
        // The CRDs of this very apply are not served yet.
        for crd in objects.iter().filter(|object| order::is_crd(object)) {
            self.cluster.learn(crd);
        }
        let mut inventory = Inventory::default();
        let mut entries = Vec::new();
        for object in sorted {
            let kind = match self.cluster.kind(&object.gvk()).await {
                Ok(kind) => kind,
                Err(cluster::Error::NoSuchKind(_)) => continue,
                Err(error) => return Err(Cause::Discovery(error).after(ChangeSet::default())),
            };
            let mut id = object.id();
            if !kind.namespaced {
                id.namespace.clear();
            }
            entries.push(Entry {
                id,
                version: object.version().to_owned(),
            });
        }
        inventory.merge(entries);
        Ok(inventory)
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
        let mut stages: BTreeMap<Stage, Vec<Object>> = BTreeMap::new();
        for object in objects {
            let stage = Stage::of(&object, &self.options.custom_stage_kinds);
            stages.entry(stage).or_default().push(object);
        }
        let mut changes = ChangeSet::default();
        for (stage, mut objects) in stages {
            objects.sort_by(|a, b| order::compare(&a.id(), &b.id()));
            let (done, failure) = self.apply_stage(objects, policies).await;
            changes
                .entries
                .extend(done.iter().map(|done| done.change.clone()));
            if let Some(cause) = failure {
                return Err(cause.after(changes));
            }
            if stage.is_awaited()
                && let Err(cause) = self.wait_for_stage(&done).await
            {
                return Err(cause.after(changes));
            }
        }
        Ok(changes)
    }

    /// Applies one object at once, outside any stage: how drift is corrected.
    ///
    /// # Errors
    /// The API server refused the object.
    pub async fn apply_one(&self, object: Object, policies: &Policies) -> Result<Change, Error> {
        let step = self.plan(object, policies, false).await;
        match step {
            Ok(step) => match self.write(step, policies).await {
                Ok(done) => Ok(done.change),
                Err(cause) => Err(cause.after(ChangeSet::default())),
            },
            Err(cause) => Err(cause.after(ChangeSet::default())),
        }
    }

    /// Judges every object of a stage, then writes what has to be written.
    async fn apply_stage(
        &self,
        objects: Vec<Object>,
        policies: &Policies,
    ) -> (Vec<Done>, Option<Cause>) {
        let steps: Result<Vec<Step>, Cause> = stream::iter(objects)
            .map(|object| self.plan(object, policies, true))
            .buffered(self.options.concurrency.max(1))
            .try_collect()
            .await;
        match steps {
            Ok(steps) => self.write_stage(steps, policies).await,
            Err(cause) => (Vec::new(), Some(cause)),
        }
    }

    /// Writes in waves: kinds of one rank side by side, one rank after the other.
    async fn write_stage(
        &self,
        steps: Vec<Step>,
        policies: &Policies,
    ) -> (Vec<Done>, Option<Cause>) {
        let mut waves: BTreeMap<usize, Vec<Step>> = BTreeMap::new();
        for step in steps {
            waves
                .entry(order::rank(&step.id().kind))
                .or_default()
                .push(step);
        }
        let failed = AtomicBool::new(false);
        let mut done = Vec::new();
        let mut failure = None;
        for wave in waves.into_values() {
            // What is under way is never abandoned: it may already have been written.
            let write = async |step: Step| {
                if failed.load(Ordering::Relaxed) {
                    return None;
                }
                let result = self.write(step, policies).await;
                failed.fetch_or(result.is_err(), Ordering::Relaxed);
                Some(result)
            };
            let results: Vec<_> = stream::iter(wave)
                .map(write)
                .buffered(self.options.concurrency.max(1))
                .collect()
                .await;
            for result in results.into_iter().flatten() {
                match result {
                    Ok(entry) => done.push(entry),
                    Err(cause) => failure = failure.or(Some(cause)),
                }
            }
            if failure.is_some() {
                break;
            }
        }
        (done, failure)
    }

    /// Finds the kind of an object and takes off a namespace that the kind does not have.
    async fn resolve(&self, object: &mut Object) -> Result<Kind, Cause> {
        match self.cluster.kind(&object.gvk()).await {
            Ok(kind) => {
                if !kind.namespaced {
                    object.set_namespace("");
                }
                Ok(kind)
            }
            Err(error) => Err(Cause::DryRun {
                id: object.id(),
                error,
            }),
        }
    }

    fn control(&self, name: &str) -> String {
        format!("{}/{name}", self.owner.group)
    }
}

/// What was done to one object, and the object as the API server last told it.
pub(crate) struct Done {
    change: Change,
    live: Option<Object>,
}
