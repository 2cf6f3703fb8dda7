//! Maps with string keys: shared, mutable, read in the order of their keys.

use super::{Method, Value};
use crate::Text;
use crate::types::Type;
use std::cell::{Cell, Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

/// The type of a map.
#[derive(Debug)]
pub struct MapType {
    /// As Go prints it: `map[string]interface {}`, `common.Values`.
    pub name: &'static str,
    /// What the elements are; those of `Any` are held in interfaces.
    pub element: Type,
    /// Its methods, for named types; they shadow the keys.
    pub methods: &'static [Method],
}

/// A map; clones share the entries.
#[derive(Clone)]
pub struct Map {
    entries: Option<Rc<Entries>>,
    of: &'static MapType,
}

/// What is in a map, once something looked into it.
struct Entries {
    map: RefCell<BTreeMap<Text, Value>>,
    source: Cell<Option<Source>>,
}

/// What makes the entries of a map that nothing has looked into.
type Source = Box<dyn FnOnce() -> BTreeMap<Text, Value>>;

impl Entries {
    fn new(entries: BTreeMap<Text, Value>) -> Rc<Self> {
        Rc::new(Self {
            map: RefCell::new(entries),
            source: Cell::new(None),
        })
    }

    fn map(&self) -> &RefCell<BTreeMap<Text, Value>> {
        if let Some(source) = self.source.take() {
            let entries = source();
            *self.map.borrow_mut() = entries;
        }
        &self.map
    }
}

/// Remembers a map without holding it; see [`Map::downgrade`].
pub(crate) struct WeakMap(Weak<Entries>);

impl Map {
    /// Makes a map, not nil even when it is empty.
    pub fn new(entries: impl IntoIterator<Item = (Text, Value)>, of: &'static MapType) -> Self {
        Self {
            entries: Some(Entries::new(entries.into_iter().collect())),
            of,
        }
    }

    /// Makes a map whose entries are made when something looks into it, and never if nothing does.
    pub fn lazy(
        entries: impl FnOnce() -> BTreeMap<Text, Value> + 'static,
        of: &'static MapType,
    ) -> Self {
        Self {
            entries: Some(Rc::new(Entries {
                map: RefCell::default(),
                source: Cell::new(Some(Box::new(entries))),
            })),
            of,
        }
    }

    /// Makes an empty `map[string]interface {}`.
    pub fn empty() -> Self {
        Self::new([], &MapType::ANY)
    }

    /// Makes the nil map of a type.
    pub fn nil(of: &'static MapType) -> Self {
        Self { entries: None, of }
    }

    /// Says whether it is the nil map.
    pub fn is_nil(&self) -> bool {
        self.entries.is_none()
    }

    /// Returns the type.
    pub fn of(&self) -> &'static MapType {
        self.of
    }

    /// Returns the same entries under another type of the same element: Go's conversion of a named map.
    pub fn with_type(&self, of: &'static MapType) -> Self {
        Self {
            entries: self.entries.clone(),
            of,
        }
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.entries
            .as_ref()
            .map_or(0, |entries| entries.map().borrow().len())
    }

    /// Says whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the value of a key.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        let entries = self.entries.as_ref()?;
        entries.map().borrow().get(key.as_ref()).cloned()
    }

    /// Says whether there is such a key.
    pub fn contains(&self, key: impl AsRef<[u8]>) -> bool {
        self.entries
            .as_ref()
            .is_some_and(|entries| entries.map().borrow().contains_key(key.as_ref()))
    }

    /// Sets the value of a key, seen by all who hold the map. Returns false for a nil map, where Go panics with
    /// `assignment to entry in nil map`.
    #[must_use]
    pub fn insert(&self, key: impl Into<Text>, value: Value) -> bool {
        let Some(entries) = &self.entries else {
            return false;
        };
        let old = entries.map().borrow_mut().insert(key.into(), value);
        drop(old);
        true
    }

    /// Removes a key; of a nil map as Go does, without a complaint.
    pub fn remove(&self, key: impl AsRef<[u8]>) {
        if let Some(entries) = &self.entries {
            let old = entries.map().borrow_mut().remove(key.as_ref());
            drop(old);
        }
    }

    /// Returns the entries as they are now, by key; a later change of the map is not seen.
    pub fn entries(&self) -> Vec<(Text, Value)> {
        self.entries.as_ref().map_or_else(Vec::new, |entries| {
            let map = entries.map();
            map.borrow()
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        })
    }

    /// Returns the keys as they are now, in order.
    pub fn keys(&self) -> Vec<Text> {
        self.entries.as_ref().map_or_else(Vec::new, |entries| {
            entries.map().borrow().keys().cloned().collect()
        })
    }

    /// Lends the entries; nil lends none. Nothing may change the map meanwhile.
    pub fn borrow(&self) -> Option<Ref<'_, BTreeMap<Text, Value>>> {
        self.entries.as_ref().map(|entries| entries.map().borrow())
    }

    /// Says whether both are one and the same map.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.entries, &other.entries) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }

    /// Remembers the map so that it can be emptied later although it may hold itself.
    pub(crate) fn downgrade(&self) -> Option<WeakMap> {
        let entries = self.entries.as_ref()?;
        Some(WeakMap(Rc::downgrade(entries)))
    }
}

impl WeakMap {
    /// Says whether anyone still holds the map.
    pub(crate) fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// Empties the map if anyone still holds it, which breaks the cycles it is part of.
    pub(crate) fn clear(&self) {
        if let Some(held) = self.0.upgrade() {
            held.source.set(None);
            let entries = std::mem::take(&mut *held.map.borrow_mut());
            drop(held);
            dismantle(entries.into_values().collect());
        }
    }
}

impl std::fmt::Debug for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A map may hold itself.
        write!(f, "{} of {} entries", self.of.name, self.len())
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if let Some(entries) = self.entries.take().and_then(Rc::into_inner) {
            let entries = entries.map.into_inner();
            if !entries.is_empty() {
                dismantle(entries.into_values().collect());
            }
        }
    }
}

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static LEFT: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

/// Drops values without a stack as deep as they are: what a hostile template nests could overflow it.
pub(super) fn dismantle(values: Vec<Value>) {
    const DIRECT: usize = 64;
    let depth = DEPTH.with(Cell::get);
    if depth >= DIRECT {
        LEFT.with(|left| left.borrow_mut().extend(values));
        return;
    }
    DEPTH.with(|cell| cell.set(depth + 1));
    drop(values);
    DEPTH.with(|cell| cell.set(depth));
    if depth == 0 {
        loop {
            let batch = LEFT.with(|left| std::mem::take(&mut *left.borrow_mut()));
            if batch.is_empty() {
                break;
            }
            DEPTH.with(|cell| cell.set(1));
            drop(batch);
            DEPTH.with(|cell| cell.set(0));
        }
    }
}
