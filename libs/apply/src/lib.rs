//! Server-side apply, inventory, prune, object status and the live index.
//!
//! This crate alone writes other people's objects. It owns how a set of manifests becomes live
//! objects (normalise, stage, dry-run, apply, take over, delete), how their status reads, and the
//! index that knows from watches alone what changed behind our back. It knows no kind of ours: a
//! controller hands it objects, an [`Owner`] and policies, and gets a [`ChangeSet`] back.
//!
//! The one surprise: an object that is not known to exist is applied without a dry-run, and an
//! object the index knows to be as we left it costs no request at all.

pub mod applier;
pub mod changeset;
pub mod cluster;
pub mod ignore;
pub mod inventory;
pub mod live;
mod managed_fields;
pub mod normalise;
pub mod object;
pub mod order;
pub mod status;

pub use applier::{Applier, Cause, Error, Options, Owner, Policies};
pub use changeset::{Action, Change, ChangeSet};
pub use cluster::Cluster;
pub use inventory::{Entry, Inventory};
pub use live::LiveIndex;
pub use object::{GroupKind, Gvk, Object, ObjectId};
