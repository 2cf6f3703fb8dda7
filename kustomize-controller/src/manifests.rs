//! The built objects of one Kustomization, kept small, and the memory that holds them.
//!
//! Objects are kept as compact JSON, so that drift is corrected and an unchanged interval passes
//! without a build. The memory is bounded: the manifests least recently used are dropped, what a
//! build depended on is kept. Nothing here prints a manifest, since Secrets are among them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fjord_apply::{Object, ObjectId};
use fjord_runtime::ObjectKey;

use crate::build::{Built, Inputs};

/// Bytes of manifests kept for all Kustomizations together.
const MAX_BYTES: usize = 32 << 20;

/// The objects of one build, in its order.
pub(crate) struct Manifests {
    entries: Vec<(ObjectId, Box<[u8]>)>,
}

impl Manifests {
    /// Packs objects.
    pub(crate) fn new(objects: &[Object]) -> Self {
        let pack = |object: &Object| {
            let json = serde_json::to_vec(object).unwrap_or_default();
            (object.id(), json.into_boxed_slice())
        };
        Self {
            entries: objects.iter().map(pack).collect(),
        }
    }

    /// Unpacks all objects.
    pub(crate) fn objects(&self) -> Vec<Object> {
        self.entries
            .iter()
            .filter_map(|(_, json)| unpack(json))
            .collect()
    }

    /// Unpacks one object; a cluster-scoped one is found under any namespace the build gave it.
    pub(crate) fn object(&self, id: &ObjectId) -> Option<Object> {
        let exact = self.entries.iter().find(|(other, _)| other == id);
        let scoped = || {
            let same = |other: &ObjectId| {
                id.namespace.is_empty()
                    && (&other.name, &other.group, &other.kind) == (&id.name, &id.group, &id.kind)
            };
            self.entries.iter().find(|(other, _)| same(other))
        };
        exact.or_else(scoped).and_then(|(_, json)| unpack(json))
    }

    fn bytes(&self) -> usize {
        self.entries.iter().map(|(_, json)| json.len() + 128).sum()
    }
}

impl fmt::Debug for Manifests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manifests")
            .field("objects", &self.entries.len())
            .finish()
    }
}

fn unpack(json: &[u8]) -> Option<Object> {
    serde_json::from_slice(json).ok()
}

/// What is remembered of the last build of a Kustomization.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    /// Uid and generation of the Kustomization that was built.
    pub(crate) version: (String, i64),
    /// What the build depended on.
    pub(crate) inputs: Arc<Inputs>,
    /// Digest of the built text.
    pub(crate) digest: Arc<str>,
    /// The first Secret that is still encrypted.
    pub(crate) encrypted: Option<String>,
    /// The objects, unless they had to make room.
    pub(crate) manifests: Option<Arc<Manifests>>,
}

/// The last build of every Kustomization; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    slots: Arc<Mutex<Slots>>,
}

#[derive(Debug, Default)]
struct Slots {
    by_key: HashMap<ObjectKey, (Remembered, u64)>,
    clock: u64,
    bytes: usize,
}

impl Memory {
    /// Remembers a build.
    pub(crate) fn keep(&self, key: &ObjectKey, version: (String, i64), built: Built) -> Remembered {
        let remembered = Remembered {
            version,
            inputs: Arc::new(built.inputs),
            digest: built.digest.into(),
            encrypted: built.encrypted,
            manifests: Some(Arc::new(built.manifests)),
        };
        let mut slots = self.lock();
        slots.remove(key);
        slots.bytes += remembered.manifests.as_ref().map_or(0, |m| m.bytes());
        slots.clock += 1;
        let used = slots.clock;
        slots.by_key.insert(key.clone(), (remembered.clone(), used));
        slots.make_room();
        remembered
    }

    /// Returns what is remembered.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<Remembered> {
        let mut slots = self.lock();
        slots.clock += 1;
        let now = slots.clock;
        let (remembered, used) = slots.by_key.get_mut(key)?;
        *used = now;
        Some(remembered.clone())
    }

    /// Forgets a Kustomization.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    fn remove(&mut self, key: &ObjectKey) {
        if let Some((
            Remembered {
                manifests: Some(manifests),
                ..
            },
            _,
        )) = self.by_key.remove(key)
        {
            self.bytes -= manifests.bytes();
        }
    }

    fn make_room(&mut self) {
        while self.bytes > MAX_BYTES {
            let holders = self
                .by_key
                .values_mut()
                .filter(|(r, _)| r.manifests.is_some());
            let Some((oldest, _)) = holders.min_by_key(|(_, used)| *used) else {
                return;
            };
            self.bytes -= oldest
                .manifests
                .take()
                .map_or(0, |manifests| manifests.bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(name: &str, size: usize) -> Object {
        Object::try_from(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "n"}, "data": {"x": "y".repeat(size)}}))
        .unwrap()
    }

    fn built(size: usize) -> Built {
        let checkout = crate::checkout::Checkout::new(std::path::Path::new("/x"), "u", "d");
        let inputs = Inputs::new(
            &checkout,
            &fjord_kustomize::ReadSet::default(),
            &checkout.join(""),
            crate::generate::Origin::Found,
            &fjord_artifact::cache::Index::default(),
        );
        let manifests = Manifests::new(&[object("a", size)]);
        Built {
            manifests,
            digest: "sha256:0".to_owned(),
            inputs,
            encrypted: None,
        }
    }

    #[test]
    fn objects_come_back_as_they_were() {
        let manifests = Manifests::new(&[object("a", 3), object("b", 1)]);
        assert_eq!(manifests.objects(), [object("a", 3), object("b", 1)]);
        let id: ObjectId = "n_b__ConfigMap".parse().unwrap();
        assert_eq!(manifests.object(&id), Some(object("b", 1)));
        assert!(!format!("{manifests:?}").contains("yyy"));
    }

    #[test]
    fn the_manifests_least_recently_used_make_room_and_the_inputs_stay() {
        let memory = Memory::default();
        let key = |name: &str| ObjectKey::new("n", name);
        let version = || ("uid".to_owned(), 1);
        memory.keep(&key("old"), version(), built(MAX_BYTES / 2));
        memory.keep(&key("used"), version(), built(MAX_BYTES / 3));
        memory.get(&key("old"));
        memory.keep(&key("new"), version(), built(MAX_BYTES / 3));
        let has = |name: &str| memory.get(&key(name)).unwrap().manifests.is_some();
        assert!(has("old") && has("new") && !has("used"));
        memory.forget(&key("old"));
        assert!(memory.get(&key("old")).is_none());
        assert!(memory.lock().bytes < MAX_BYTES / 2);
    }
}
