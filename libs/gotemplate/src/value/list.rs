//! Slices: shared, with the type of their elements.

use super::{Method, Value};
use crate::types::Type;
use std::cell::{Ref, RefCell};
use std::rc::Rc;

/// The type of a slice.
#[derive(Debug)]
pub struct ListType {
    /// As Go prints it: `[]string`.
    pub name: &'static str,
    /// What the elements are; those of `Any` are held in interfaces.
    pub element: Type,
    /// Its methods, for named types.
    pub methods: &'static [Method],
}

/// A slice; clones share the elements.
#[derive(Clone, Debug)]
pub struct List {
    items: Option<Rc<RefCell<Vec<Value>>>>,
    of: &'static ListType,
}

impl List {
    /// Makes a slice, not nil even when it is empty.
    pub fn new(items: Vec<Value>, of: &'static ListType) -> Self {
        Self {
            items: Some(Rc::new(RefCell::new(items))),
            of,
        }
    }

    /// Makes the nil slice of a type.
    pub fn nil(of: &'static ListType) -> Self {
        Self { items: None, of }
    }

    /// Says whether it is the nil slice.
    pub fn is_nil(&self) -> bool {
        self.items.is_none()
    }

    /// Returns the type.
    pub fn of(&self) -> &'static ListType {
        self.of
    }

    /// Returns the number of elements.
    pub fn len(&self) -> usize {
        self.items.as_ref().map_or(0, |items| items.borrow().len())
    }

    /// Says whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns an element.
    pub fn get(&self, index: usize) -> Option<Value> {
        self.items.as_ref()?.borrow().get(index).cloned()
    }

    /// Returns the elements as they are now; a later change of the slice is not seen.
    pub fn to_vec(&self) -> Vec<Value> {
        self.items
            .as_ref()
            .map_or_else(Vec::new, |items| items.borrow().clone())
    }

    /// Lends the elements; nil lends none. Nothing may change the slice meanwhile.
    pub fn borrow(&self) -> Option<Ref<'_, Vec<Value>>> {
        self.items.as_ref().map(|items| items.borrow())
    }

    /// Changes the elements in place, seen by all who hold the slice.
    pub fn update(&self, change: impl FnOnce(&mut Vec<Value>)) {
        if let Some(items) = &self.items {
            change(&mut items.borrow_mut());
        }
    }

    /// Says whether both are one and the same slice.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.items, &other.items) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if let Some(items) = self.items.take().and_then(Rc::into_inner) {
            super::map::dismantle(items.into_inner());
        }
    }
}
