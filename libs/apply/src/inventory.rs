//! The set of objects an owner applied: what `status.inventory` stores.
//!
//! Two inventories are compared by id alone: a changed API version is not another object. The
//! order of entries is the order of the apply.

use std::collections::{BTreeMap, HashSet};

use crate::changeset::{Action, Change, ChangeSet};
use crate::object::{Gvk, ObjectId};
use crate::order;

/// One object of an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Names the object.
    pub id: ObjectId,
    /// Names the API version without its group (`v` in status).
    pub version: String,
}

impl Entry {
    /// Reads one entry of `status.inventory.entries`.
    ///
    /// # Errors
    /// The id does not follow the grammar of an inventory id.
    pub fn parse(id: &str, version: &str) -> Result<Self, crate::object::InvalidId> {
        Ok(Self {
            id: id.parse()?,
            version: version.to_owned(),
        })
    }

    /// Returns group, version and kind.
    pub fn gvk(&self) -> Gvk {
        Gvk {
            group: self.id.group.clone(),
            version: self.version.clone(),
            kind: self.id.kind.clone(),
        }
    }
}

/// The objects an owner applied, in the order of the apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Holds one entry per object.
    pub entries: Vec<Entry>,
}

impl Inventory {
    /// Builds the inventory of an apply: every entry of the change set, skipped ones included.
    pub fn from_changes(changes: &ChangeSet) -> Self {
        let entry = |change: &Change| Entry {
            id: change.id.clone(),
            version: change.version.clone(),
        };
        let mut inventory = Self::default();
        inventory.merge(changes.entries.iter().map(entry));
        inventory
    }

    /// Tells whether the object is listed.
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.entries.iter().any(|entry| &entry.id == id)
    }

    /// Adds the entries whose ids are not listed.
    pub fn merge(&mut self, entries: impl IntoIterator<Item = Entry>) {
        let mut known: HashSet<ObjectId> = self.entries.iter().map(|e| e.id.clone()).collect();
        for entry in entries {
            if known.insert(entry.id.clone()) {
                self.entries.push(entry);
            }
        }
    }

    /// Returns what this inventory lists and the newer one does not, in reconcile order and with
    /// this inventory's versions.
    pub fn stale(&self, newer: &Self) -> Vec<Entry> {
        let kept: HashSet<&ObjectId> = newer.entries.iter().map(|e| &e.id).collect();
        let mut stale: Vec<Entry> = self
            .entries
            .iter()
            .filter(|e| !kept.contains(&e.id))
            .cloned()
            .collect();
        stale.sort_by(|a, b| order::compare(&a.id, &b.id));
        stale
    }

    /// Returns those of the pruned entries that a delete did not settle: neither deleted nor
    /// skipped. They stay in the inventory until a later delete settles them.
    pub fn survivors(pruned: &[Entry], deleted: &ChangeSet) -> Vec<Entry> {
        let settled: BTreeMap<&ObjectId, Action> = deleted
            .entries
            .iter()
            .map(|change| (&change.id, change.action))
            .collect();
        let is_settled = |entry: &&Entry| {
            !matches!(
                settled.get(&entry.id),
                Some(Action::Deleted | Action::Skipped)
            )
        };
        pruned.iter().filter(is_settled).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Entry {
        Entry::parse(text, "v1").unwrap()
    }

    fn inventory(ids: &[&str]) -> Inventory {
        Inventory {
            entries: ids.iter().map(|id| entry(id)).collect(),
        }
    }

    #[test]
    fn stale_entries_are_those_that_left_in_reconcile_order() {
        let old = inventory(&["n_web_apps_Deployment", "n_c__ConfigMap", "n_b__Secret"]);
        let new = inventory(&["n_c__ConfigMap"]);
        assert_eq!(
            old.stale(&new),
            [entry("n_b__Secret"), entry("n_web_apps_Deployment")]
        );
    }

    #[test]
    fn another_version_is_not_another_object() {
        let old = Inventory {
            entries: vec![Entry::parse("n_a_x.io_Foo", "v1beta1").unwrap()],
        };
        let new = Inventory {
            entries: vec![Entry::parse("n_a_x.io_Foo", "v1").unwrap()],
        };
        assert!(old.stale(&new).is_empty());
    }

    #[test]
    fn what_was_not_deleted_or_skipped_survives_in_the_inventory() {
        let pruned = [
            entry("n_a__ConfigMap"),
            entry("n_b__ConfigMap"),
            entry("n_c__ConfigMap"),
        ];
        let change = |i: usize, action| Change::new(pruned[i].id.clone(), "v1", action);
        let deleted = ChangeSet {
            entries: vec![change(0, Action::Deleted), change(1, Action::Unknown)],
        };
        assert_eq!(
            Inventory::survivors(&pruned, &deleted),
            [pruned[1].clone(), pruned[2].clone()]
        );
    }
}
