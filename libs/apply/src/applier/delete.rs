//! Deletes what still is the owner's (fluxcd/pkg `ssa/manager_delete.go`).
//!
//! An object is deleted only if its live owner labels name this owner and nothing on it forbids it,
//! and only while it is the object that was looked at.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};

use super::{Applier, Cause, Error};
use crate::changeset::{Action, Change, ChangeSet};
use crate::cluster;
use crate::inventory::Entry;
use crate::object::Object;
use crate::order;

impl Applier {
    /// Deletes what still carries the owner's labels and no per-object protection.
    ///
    /// # Errors
    /// Some objects could not be deleted; the completed entries tell which were.
    pub async fn delete(&self, entries: &[Entry]) -> Result<ChangeSet, Error> {
        let mut ranks: BTreeMap<usize, Vec<&Entry>> = BTreeMap::new();
        for entry in entries {
            ranks
                .entry(order::rank(&entry.id.kind))
                .or_default()
                .push(entry);
        }
        let mut changes = ChangeSet::default();
        let mut errors = Vec::new();
        for (_, mut wave) in ranks.into_iter().rev() {
            wave.sort_by(|a, b| order::compare(&b.id, &a.id));
            // Futures first: a closure over borrowed entries would not be `Send` enough.
            let deletes: Vec<_> = wave.iter().map(|entry| self.delete_one(entry)).collect();
            let limit = self.options.concurrency.max(1);
            let results: Vec<_> = stream::iter(deletes).buffered(limit).collect().await;
            for (entry, result) in wave.into_iter().zip(results) {
                let action = result.unwrap_or_else(|error| {
                    errors.push(error);
                    Action::Unknown
                });
                let change = Change::new(entry.id.clone(), entry.version.clone(), action);
                changes.entries.push(change);
            }
        }
        if errors.is_empty() {
            Ok(changes)
        } else {
            Err(Cause::Delete(errors).after(changes))
        }
    }

    async fn delete_one(&self, entry: &Entry) -> Result<Action, String> {
        let query_failed = |error: cluster::Error| format!("{} query failed: {error}", entry.id);
        let kind = match self.cluster.kind(&entry.gvk()).await {
            Ok(kind) => kind,
            Err(cluster::Error::NoSuchKind(gvk)) => {
                // Another version may serve it; without any, its objects are gone with the kind.
                match self.cluster.preferred_kind(&gvk.group_kind()).await {
                    Ok(kind) => kind,
                    Err(_) if self.cluster.is_unserved(&gvk).await => return Ok(Action::Deleted),
                    Err(_) => {
                        return Err(query_failed(cluster::Error::NoSuchKind(gvk)));
                    }
                }
            }
            Err(error) => return Err(query_failed(error)),
        };
        let live = match self.cluster.get_metadata(&kind, &entry.id).await {
            Ok(Some(live)) => live,
            Ok(None) => return Ok(Action::Deleted),
            Err(error) => return Err(query_failed(error)),
        };
        if !self.is_ours(&live)
            || self.is_left_alone(&live)
            || live.metadata_says(&self.control("prune"), "disabled")
        {
            return Ok(Action::Skipped);
        }
        let baseline = self.release(&entry.id);
        match self.cluster.delete(&kind, &entry.id, live.uid()).await {
            Ok(()) => Ok(Action::Deleted),
            Err(error) => {
                self.restore(&entry.id, baseline);
                Err(format!("{} delete failed: {error}", entry.id))
            }
        }
    }

    fn is_ours(&self, live: &Object) -> bool {
        let owner = &self.owner;
        live.label(&self.control("name")) == Some(&owner.name)
            && live.label(&self.control("namespace")) == Some(&owner.namespace)
    }
}
