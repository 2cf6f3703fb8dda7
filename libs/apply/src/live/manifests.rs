//! The manifests of owners, within a budget of bytes, for corrections without a build.
//!
//! An owner's set is kept or dropped as a whole; what was not used for longest goes first. A
//! manifest that is not here costs its owner a full reconcile, nothing else. Secrets are among
//! them: nothing here prints.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::OwnerKey;
use crate::object::{Object, ObjectId};

/// The manifests of owners, within a budget of bytes.
pub struct Manifests {
    budget: usize,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    sets: HashMap<OwnerKey, Set>,
    bytes: usize,
    clock: u64,
}

struct Set {
    manifests: HashMap<ObjectId, Box<[u8]>>,
    bytes: usize,
    used: u64,
}

impl Manifests {
    /// Builds an empty cache that holds at most so many bytes of manifests.
    pub fn new(budget: usize) -> Self {
        Self {
            budget,
            cache: Mutex::new(Cache::default()),
        }
    }

    /// Replaces the manifests of an owner; a set larger than the budget is not kept.
    pub fn put<'a>(&self, owner: &OwnerKey, objects: impl IntoIterator<Item = &'a Object>) {
        let mut manifests = HashMap::new();
        let mut bytes = 0;
        for object in objects {
            let Ok(manifest) = serde_json::to_vec(object) else {
                continue;
            };
            bytes += manifest.len();
            manifests.insert(object.id(), manifest.into_boxed_slice());
        }
        let mut cache = self.lock();
        cache.remove(owner);
        if bytes > self.budget {
            return;
        }
        while cache.bytes + bytes > self.budget {
            let oldest = cache.sets.iter().min_by_key(|(_, set)| set.used);
            let Some(oldest) = oldest.map(|(owner, _)| owner.clone()) else {
                break;
            };
            cache.remove(&oldest);
        }
        cache.clock += 1;
        let used = cache.clock;
        cache.bytes += bytes;
        cache.sets.insert(
            owner.clone(),
            Set {
                manifests,
                bytes,
                used,
            },
        );
    }

    /// Returns one manifest of an owner.
    pub fn get(&self, owner: &OwnerKey, id: &ObjectId) -> Option<Object> {
        let mut cache = self.lock();
        cache.clock += 1;
        let clock = cache.clock;
        let set = cache.sets.get_mut(owner)?;
        set.used = clock;
        serde_json::from_slice(set.manifests.get(id)?).ok()
    }

    /// Drops the manifests of an owner.
    pub fn remove(&self, owner: &OwnerKey) {
        self.lock().remove(owner);
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    fn remove(&mut self, owner: &OwnerKey) {
        if let Some(set) = self.sets.remove(owner) {
            self.bytes -= set.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn owner(name: &str) -> OwnerKey {
        OwnerKey {
            namespace: "n".into(),
            name: name.into(),
        }
    }

    fn object(name: &str) -> Object {
        Object::try_from(json!({"kind": "ConfigMap", "metadata": {"name": name}})).unwrap()
    }

    #[test]
    fn the_set_that_was_not_used_for_longest_goes_first() {
        let size = serde_json::to_vec(&object("a")).unwrap().len();
        let manifests = Manifests::new(2 * size);
        for name in ["a", "b"] {
            manifests.put(&owner(name), [&object(name)]);
        }
        assert!(manifests.get(&owner("a"), &object("a").id()).is_some());
        manifests.put(&owner("c"), [&object("c")]);
        assert!(manifests.get(&owner("a"), &object("a").id()).is_some());
        assert!(manifests.get(&owner("b"), &object("b").id()).is_none());
        assert!(manifests.get(&owner("c"), &object("c").id()).is_some());
    }

    #[test]
    fn a_set_beyond_the_budget_is_not_kept_and_replaces_its_older_self() {
        let size = serde_json::to_vec(&object("a")).unwrap().len();
        let manifests = Manifests::new(size);
        manifests.put(&owner("a"), [&object("a")]);
        manifests.put(&owner("a"), [&object("a"), &object("b")]);
        assert!(manifests.get(&owner("a"), &object("a").id()).is_none());
        assert_eq!(manifests.lock().bytes, 0);
    }
}
