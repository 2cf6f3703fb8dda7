//! A watched, shared, indexed copy of one kind's objects, without managed fields.
//!
//! Objects are held once, behind `Arc`. Only the newest known version is kept: a watch event older than our own last
//! write never replaces it, so no pass ever runs on an object that forgets what the controller wrote. The surprise: a
//! fresh list may lower a resourceVersion (etcd restored from a backup) unless we wrote the object since it began.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, OnceLock, RwLock},
};

use kube::{ResourceExt, runtime::watcher};

use crate::{Object, ObjectKey, Process};

mod watch;

type Index<K> = Box<dyn Fn(&K) -> Vec<String> + Send + Sync>;
type Handler<K> = Box<dyn Fn(Option<&Arc<K>>, Option<&Arc<K>>) + Send + Sync>;
type Strip<K> = Box<dyn Fn(&mut K) + Send + Sync>;

/// The objects of one kind; cheap to clone.
pub struct Store<K> {
    inner: Arc<Inner<K>>,
}

struct Inner<K> {
    state: RwLock<State<K>>,
    indices: Vec<(&'static str, Index<K>)>,
    handlers: Vec<Handler<K>>,
    /// Is set once by the frame, which needs the store before it can make the handler.
    owner: OnceLock<Handler<K>>,
    strip: Option<Strip<K>>,
    ready: tokio::sync::watch::Sender<bool>,
}

struct State<K> {
    objects: HashMap<ObjectKey, Entry<K>>,
    indexed: HashMap<&'static str, HashMap<String, BTreeSet<ObjectKey>>>,
    /// Counts the lists; an entry written in the current one is not replaced by an older listed version.
    epoch: u64,
    /// Holds the keys seen since a list began.
    listing: Option<HashSet<ObjectKey>>,
}

struct Entry<K> {
    object: Arc<K>,
    written: u64,
}

impl<K> Clone for Store<K> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<K: Object> Store<K> {
    /// Begins a watch on another kind.
    pub fn watch() -> Builder<K> {
        Builder {
            label_selector: None,
            indices: Vec::new(),
            handlers: Vec::new(),
            strip: None,
        }
    }

    /// Returns an object, newest known version.
    pub fn get(&self, key: &ObjectKey) -> Option<Arc<K>> {
        self.read(|state| state.objects.get(key).map(|entry| entry.object.clone()))
    }

    /// Returns all objects, in no order.
    pub fn all(&self) -> Vec<Arc<K>> {
        self.read(|state| {
            state
                .objects
                .values()
                .map(|entry| entry.object.clone())
                .collect()
        })
    }

    /// Returns how many objects there are.
    pub fn len(&self) -> usize {
        self.read(|state| state.objects.len())
    }

    /// Tells whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the objects for which the index function gave this value, ordered by key.
    pub fn by_index(&self, index: &str, value: &str) -> Vec<Arc<K>> {
        self.read(|state| {
            let Some(keys) = state
                .indexed
                .get(index)
                .and_then(|values| values.get(value))
            else {
                return Vec::new();
            };
            keys.iter()
                .filter_map(|key| state.objects.get(key))
                .map(|entry| entry.object.clone())
                .collect()
        })
    }

    /// Waits until the first list has arrived, or the process ends.
    pub async fn ready(&self) {
        let mut ready = self.inner.ready.subscribe();
        // The sender lives in `self`, so this cannot fail.
        let _ = ready.wait_for(|ready| *ready).await;
    }

    /// Tells whether the first list has arrived.
    pub fn is_ready(&self) -> bool {
        *self.inner.ready.borrow()
    }

    /// Replaces a known object by what the API server answered to our own write; an unknown one stays unknown.
    pub fn wrote(&self, object: K) -> Arc<K> {
        let key = ObjectKey::of(&object);
        let object = self.stripped(object);
        let before = self.write(|state| {
            let epoch = state.epoch;
            let entry = state.objects.get_mut(&key)?;
            if entry.object.uid() != object.uid() || !is_newer(&*object, &*entry.object) {
                return None;
            }
            entry.written = epoch;
            let before = std::mem::replace(&mut entry.object, object.clone());
            self.reindex(state, &key, Some(&before), Some(&object));
            Some(before)
        });
        if let Some(before) = before {
            self.tell(Some(&before), Some(&object));
        }
        object
    }

    pub(crate) fn new(builder: Builder<K>) -> Self {
        let state = State {
            objects: HashMap::new(),
            indexed: HashMap::new(),
            epoch: 0,
            listing: None,
        };
        Self {
            inner: Arc::new(Inner {
                state: RwLock::new(state),
                indices: builder.indices,
                handlers: builder.handlers,
                owner: OnceLock::new(),
                strip: builder.strip,
                ready: tokio::sync::watch::Sender::new(false),
            }),
        }
    }

    /// Sets the frame's own handler; only the first call counts.
    pub(crate) fn set_owner(
        &self,
        handler: impl Fn(Option<&Arc<K>>, Option<&Arc<K>>) + Send + Sync + 'static,
    ) {
        let _ = self.inner.owner.set(Box::new(handler));
    }

    /// Takes in one event of the watch.
    pub(crate) fn accept(&self, event: watcher::Event<K>) {
        match event {
            watcher::Event::Init => self.write(|state| {
                state.epoch += 1;
                state.listing = Some(HashSet::new());
            }),
            watcher::Event::InitApply(object) | watcher::Event::Apply(object) => self.seen(object),
            watcher::Event::Delete(object) => self.gone(&ObjectKey::of(&object), object.uid()),
            watcher::Event::InitDone => self.listed(),
        }
    }

    fn seen(&self, object: K) {
        let key = ObjectKey::of(&object);
        let object = self.stripped(object);
        let change = self.write(|state| {
            let epoch = state.epoch;
            let listing = match &mut state.listing {
                Some(listing) => {
                    listing.insert(key.clone());
                    true
                }
                None => false,
            };
            let before = match state.objects.get(&key) {
                Some(entry) if entry.object.uid() == object.uid() => {
                    let authoritative = listing && entry.written < epoch;
                    let same = entry.object.resource_version() == object.resource_version();
                    if same || (!authoritative && !is_newer(&*object, &*entry.object)) {
                        return None;
                    }
                    Some(entry.object.clone())
                }
                Some(entry) => Some(entry.object.clone()),
                None => None,
            };
            state.objects.insert(
                key.clone(),
                Entry {
                    object: object.clone(),
                    written: 0,
                },
            );
            self.reindex(state, &key, before.as_ref(), Some(&object));
            Some(before)
        });
        if let Some(before) = change {
            self.tell(before.as_ref(), Some(&object));
        }
    }

    fn gone(&self, key: &ObjectKey, uid: Option<String>) {
        let before = self.write(|state| {
            if state.objects.get(key)?.object.uid() != uid {
                return None;
            }
            let entry = state.objects.remove(key)?;
            self.reindex(state, key, Some(&entry.object), None);
            Some(entry.object)
        });
        if let Some(before) = before {
            self.tell(Some(&before), None);
        }
    }

    fn listed(&self) {
        let missing: Vec<(ObjectKey, Option<String>)> = self.write(|state| {
            let Some(listing) = state.listing.take() else {
                return Vec::new();
            };
            let known = state.objects.iter();
            known
                .filter(|(k, _)| !listing.contains(*k))
                .map(|(k, e)| (k.clone(), e.object.uid()))
                .collect()
        });
        for (key, uid) in missing {
            self.gone(&key, uid);
        }
        self.inner.ready.send_replace(true);
    }

    fn give_up(&self) {
        self.inner.ready.send_replace(true);
    }

    fn stripped(&self, mut object: K) -> Arc<K> {
        object.meta_mut().managed_fields = None;
        if let Some(annotations) = object.meta_mut().annotations.as_mut() {
            // A second copy of the whole object that no reader of a store needs.
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
        if let Some(strip) = &self.inner.strip {
            strip(&mut object);
        }
        Arc::new(object)
    }

    fn reindex(
        &self,
        state: &mut State<K>,
        key: &ObjectKey,
        before: Option<&Arc<K>>,
        after: Option<&Arc<K>>,
    ) {
        for (name, values) in &self.inner.indices {
            let old = before.map(|object| values(object)).unwrap_or_default();
            let new = after.map(|object| values(object)).unwrap_or_default();
            if old == new {
                continue;
            }
            let index = state.indexed.entry(name).or_default();
            for value in old {
                if let Some(keys) = index.get_mut(&value) {
                    keys.remove(key);
                    if keys.is_empty() {
                        index.remove(&value);
                    }
                }
            }
            for value in new {
                index.entry(value).or_default().insert(key.clone());
            }
        }
    }

    fn tell(&self, before: Option<&Arc<K>>, after: Option<&Arc<K>>) {
        for handler in self.inner.handlers.iter().chain(self.inner.owner.get()) {
            handler(before, after);
        }
    }

    fn read<T>(&self, f: impl FnOnce(&State<K>) -> T) -> T {
        // A poisoned lock is as good as any: every write leaves the maps whole.
        f(&self
            .inner
            .state
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn write<T>(&self, f: impl FnOnce(&mut State<K>) -> T) -> T {
        f(&mut self
            .inner
            .state
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// Describes a watch before it is started.
pub struct Builder<K> {
    label_selector: Option<String>,
    indices: Vec<(&'static str, Index<K>)>,
    handlers: Vec<Handler<K>>,
    strip: Option<Strip<K>>,
}

impl<K: Object> Builder<K> {
    /// Watches only objects with these labels.
    #[must_use]
    pub fn labels(mut self, selector: &str) -> Self {
        self.label_selector = (!selector.is_empty()).then(|| selector.to_owned());
        self
    }

    /// Drops fields before an object is kept (managed fields are always dropped).
    #[must_use]
    pub fn strip(mut self, strip: impl Fn(&mut K) + Send + Sync + 'static) -> Self {
        self.strip = Some(Box::new(strip));
        self
    }

    /// Keeps an index: `Store::by_index(name, value)` finds objects for which `values` gave `value`.
    #[must_use]
    pub fn index(
        mut self,
        name: &'static str,
        values: impl Fn(&K) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        self.indices.push((name, Box::new(values)));
        self
    }

    /// Calls `handler(before, after)` on every change, the first list included; it must not block.
    #[must_use]
    pub fn on_change(
        mut self,
        handler: impl Fn(Option<&Arc<K>>, Option<&Arc<K>>) + Send + Sync + 'static,
    ) -> Self {
        self.handlers.push(Box::new(handler));
        self
    }

    /// Starts the watch, in the namespaces the flags name; it ends with the process.
    pub fn start(mut self, process: &Process) -> Result<Store<K>, crate::process::Error> {
        let selector = self.label_selector.take();
        let store = Store::new(self);
        watch::spawn(&store, process, selector);
        Ok(store)
    }

    /// Makes the store without a watch, for tests of index functions and handlers.
    pub fn detached(self, objects: impl IntoIterator<Item = K>) -> Store<K> {
        let store = Store::new(self);
        store.accept(watcher::Event::Init);
        for object in objects {
            store.accept(watcher::Event::InitApply(object));
        }
        store.accept(watcher::Event::InitDone);
        store
    }
}

pub(crate) use watch::spawn;

/// Compares resourceVersions, which since Kubernetes 1.35 are ordered numbers by contract (and always were in etcd).
fn is_newer<K: Object>(new: &K, old: &K) -> bool {
    let version = |object: &K| {
        object
            .resource_version()
            .and_then(|v| v.parse::<u128>().ok())
    };
    match (version(new), version(old)) {
        (Some(new), Some(old)) => new > old,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
