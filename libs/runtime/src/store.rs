//! A watched, shared, indexed copy of one kind's objects, without managed fields.
//!
//! Objects are held once, behind `Arc`. Only the newest known version is kept: a watch event older than our own last
//! write never replaces it.

use std::{collections::HashMap, sync::Arc};

use crate::{Object, ObjectKey, Process};

/// Tells a handler what happened to an object: the version before and the version after.
pub type Change<K> = (Option<Arc<K>>, Option<Arc<K>>);

type Index<K> = Box<dyn Fn(&K) -> Vec<String> + Send + Sync>;
type Handler<K> = Box<dyn Fn(Option<&Arc<K>>, Option<&Arc<K>>) + Send + Sync>;

/// The objects of one kind; cheap to clone.
pub struct Store<K> {
    objects: Arc<HashMap<ObjectKey, Arc<K>>>,
}

impl<K> Clone for Store<K> {
    fn clone(&self) -> Self {
        Self {
            objects: self.objects.clone(),
        }
    }
}

impl<K: Object> Store<K> {
    pub(crate) fn own(_process: &Process) -> Self {
        Self {
            objects: Arc::default(),
        }
    }

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
        self.objects.get(key).cloned()
    }

    /// Returns all objects, in no order.
    pub fn all(&self) -> Vec<Arc<K>> {
        self.objects.values().cloned().collect()
    }

    /// Returns the objects whose index function gave this value.
    pub fn by_index(&self, _index: &str, _value: &str) -> Vec<Arc<K>> {
        Vec::new()
    }

    /// Waits until the first list has arrived.
    pub async fn ready(&self) {}
}

/// Describes a watch before it is started.
pub struct Builder<K> {
    label_selector: Option<String>,
    indices: Vec<(&'static str, Index<K>)>,
    handlers: Vec<Handler<K>>,
    strip: Option<fn(&mut K)>,
}

impl<K: Object> Builder<K> {
    /// Watches only objects with these labels.
    #[must_use]
    pub fn labels(mut self, selector: &str) -> Self {
        self.label_selector = Some(selector.to_owned());
        self
    }

    /// Drops fields before an object is kept (managed fields are always dropped).
    #[must_use]
    pub fn strip(mut self, strip: fn(&mut K)) -> Self {
        self.strip = Some(strip);
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

    /// Starts the watch; it ends with the process.
    pub fn start(self, _process: &Process) -> Result<Store<K>, crate::process::Error> {
        let _ = (self.label_selector, self.indices, self.handlers, self.strip);
        Err(crate::process::Error::Unsupported(
            "watch stores".to_owned(),
        ))
    }
}
