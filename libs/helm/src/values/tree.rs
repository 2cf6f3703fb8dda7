//! Values while they are merged: tables that are shared, as Go's maps are.
//!
//! Sharing is not an optimisation. Helm puts one table into several places and goes on changing it, so
//! that a default of one subchart can show up in its parent and its siblings; that must come out here too.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use super::{Map, Value};

/// A value of a tree with shared tables.
#[derive(Clone, Debug)]
pub enum Tree {
    /// Null, a boolean, a number or a text.
    Leaf(Value),
    /// A list, which nothing changes.
    List(Rc<Vec<Self>>),
    /// A table.
    Table(Table),
}

/// A table; clones are the same table.
#[derive(Clone, Debug, Default)]
pub struct Table(Rc<RefCell<BTreeMap<String, Tree>>>);

impl Tree {
    /// Copies a plain value.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Object(map) => Self::Table(Table::of(map)),
            Value::Array(items) => Self::List(Rc::new(items.iter().map(Self::of).collect())),
            leaf => Self::Leaf(leaf.clone()),
        }
    }

    /// Copies into a plain value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Leaf(value) => value.clone(),
            Self::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Table(table) => Value::Object(table.to_map()),
        }
    }

    /// Says whether the value is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Leaf(Value::Null))
    }

    /// Gives the table, if it is one.
    pub fn as_table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            Self::Leaf(_) | Self::List(_) => None,
        }
    }
}

impl Table {
    /// Copies a plain table.
    pub fn of(map: &Map) -> Self {
        let entries = map
            .iter()
            .map(|(key, value)| (key.clone(), Tree::of(value)));
        Self(Rc::new(RefCell::new(entries.collect())))
    }

    /// Copies into a plain table; what was shared no longer is.
    pub fn to_map(&self) -> Map {
        self.0
            .borrow()
            .iter()
            .map(|(key, value)| (key.clone(), value.to_value()))
            .collect()
    }

    /// Makes a table with the same values, which stay shared.
    pub fn shallow(&self) -> Self {
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    /// Gives what is under a key.
    pub fn get(&self, key: &str) -> Option<Tree> {
        self.0.borrow().get(key).cloned()
    }

    /// Sets what is under a key.
    pub fn set(&self, key: impl Into<String>, value: Tree) {
        self.0.borrow_mut().insert(key.into(), value);
    }

    /// Lists the keys of nulls, in order.
    pub fn null_keys(&self) -> Vec<String> {
        let entries = self.0.borrow();
        let nulls = entries.iter().filter(|(_, value)| value.is_null());
        nulls.map(|(key, _)| key.clone()).collect()
    }

    /// Says whether something that is no null is under a key.
    pub fn says(&self, key: &str) -> bool {
        self.0
            .borrow()
            .get(key)
            .is_some_and(|value| !value.is_null())
    }

    /// Says whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Takes a key away.
    pub fn remove(&self, key: &str) {
        self.0.borrow_mut().remove(key);
    }

    /// Lists what is in the table now, so that it can be changed meanwhile.
    pub fn entries(&self) -> Vec<(String, Tree)> {
        self.0
            .borrow()
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Says which table it is; clones are the same.
    pub fn identity(&self) -> usize {
        Rc::as_ptr(&self.0) as usize
    }

    /// Follows a dotted path of tables; gives the part that is no table where there is one.
    ///
    /// # Errors
    /// A part of the path is absent or no table.
    pub fn table(&self, path: &str) -> Result<Self, NotATable> {
        let mut table = self.clone();
        for part in path.split('.') {
            table = match table.get(part) {
                Some(Tree::Table(below)) => below,
                _ => return Err(NotATable(part.to_owned())),
            };
        }
        Ok(table)
    }

    /// Follows a dotted path to what is no table.
    pub fn path_value(&self, path: &str) -> Option<Tree> {
        let (table, key) = match path.rsplit_once('.') {
            Some((tables, key)) => (self.table(tables).ok()?, key),
            None => (self.clone(), path),
        };
        table.get(key).filter(|value| value.as_table().is_none())
    }
}

/// A part of a path that is absent or no table, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a table", crate::go::quote(.0))]
pub struct NotATable(String);
