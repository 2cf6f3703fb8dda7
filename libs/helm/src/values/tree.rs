//! Values while they are merged: tables that are shared, as Go's maps are.
//!
//! Sharing is not an optimisation. Helm puts one table into several places and goes on changing it, so
//! that a default of one subchart can show up in its parent and its siblings; that must come out here too.
//! Until something asks for a table below it or changes it, a table is the [`Frozen`] one that it was made of.

use std::{
    cell::{RefCell, RefMut},
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
};

use super::{
    Map, Value,
    frozen::{Frozen, Item, Leaf},
};

/// A value of a tree with shared tables.
#[derive(Clone, Debug)]
pub enum Tree {
    /// Null, a boolean, a number or a text.
    Leaf(Leaf),
    /// A list, which nothing changes.
    List(Arc<[Item]>),
    /// A table.
    Table(Table),
}

/// A table; clones are the same table.
#[derive(Clone, Debug, Default)]
pub struct Table(Rc<RefCell<State>>);

/// What a table is: as it was made, or entries of its own, once it was changed or tables below it were lent.
#[derive(Clone, Debug, Default)]
struct State {
    frozen: Option<Frozen>,
    own: BTreeMap<Arc<str>, Tree>,
}

/// What a table consists of.
pub enum Shape {
    /// What nothing has changed.
    Frozen(Frozen),
    /// Entries, by key.
    Entries(Vec<(Arc<str>, Tree)>),
}

impl Tree {
    /// Copies a plain value.
    pub fn of(value: &Value) -> Self {
        Self::from(&Item::of(value))
    }

    /// Copies into a plain value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Leaf(leaf) => leaf.to_value(),
            Self::List(items) => Value::Array(items.iter().map(Item::to_value).collect()),
            Self::Table(table) => Value::Object(table.to_map()),
        }
    }

    /// Says whether the value is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Leaf(Leaf::Null))
    }

    /// Gives the table, if it is one.
    pub fn as_table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            Self::Leaf(_) | Self::List(_) => None,
        }
    }

    fn freeze(&self) -> Item {
        match self {
            Self::Leaf(leaf) => Item::Leaf(leaf.clone()),
            Self::List(items) => Item::List(items.clone()),
            Self::Table(table) => Item::Table(table.freeze()),
        }
    }
}

impl From<&Item> for Tree {
    fn from(item: &Item) -> Self {
        match item {
            Item::Leaf(leaf) => Self::Leaf(leaf.clone()),
            Item::List(items) => Self::List(items.clone()),
            Item::Table(table) => Self::Table(table.clone().into()),
        }
    }
}

impl From<Frozen> for Table {
    fn from(frozen: Frozen) -> Self {
        Self(Rc::new(RefCell::new(State {
            frozen: Some(frozen),
            own: BTreeMap::new(),
        })))
    }
}

impl Table {
    /// Copies a plain table.
    pub fn of(map: &Map) -> Self {
        Frozen::of(map).into()
    }

    /// Copies into a plain table; what was shared no longer is.
    pub fn to_map(&self) -> Map {
        let state = self.0.borrow();
        match &state.frozen {
            Some(frozen) => frozen.to_map(),
            None => state
                .own
                .iter()
                .map(|(key, value)| ((**key).to_owned(), value.to_value()))
                .collect(),
        }
    }

    /// Keeps what the table holds now; what was shared no longer is.
    pub fn freeze(&self) -> Frozen {
        let state = self.0.borrow();
        match &state.frozen {
            Some(frozen) => frozen.clone(),
            None => {
                let items = state
                    .own
                    .iter()
                    .map(|(key, value)| (key.clone(), value.freeze()));
                Frozen::new(items.collect())
            }
        }
    }

    /// Lends the entries, to be changed or shared.
    fn own(&self) -> RefMut<'_, BTreeMap<Arc<str>, Tree>> {
        RefMut::map(self.0.borrow_mut(), |state| {
            if let Some(frozen) = state.frozen.take() {
                let entries = frozen.iter();
                let entries = entries.map(|(key, item)| (key.clone(), Tree::from(item)));
                state.own = entries.collect();
            }
            &mut state.own
        })
    }

    /// Makes a table with the same values, which stay shared.
    pub fn shallow(&self) -> Self {
        let frozen = self.0.borrow().frozen.clone();
        if frozen.is_some_and(|frozen| frozen.has_tables()) {
            drop(self.own());
        }
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    /// Gives what is under a key.
    pub fn get(&self, key: &str) -> Option<Tree> {
        let state = self.0.borrow();
        let Some(frozen) = &state.frozen else {
            return state.own.get(key).cloned();
        };
        match frozen.get(key)? {
            Item::Table(_) => {}
            item => return Some(item.into()),
        }
        drop(state);
        self.own().get(key).cloned()
    }

    /// Sets what is under a key.
    pub fn set(&self, key: impl Into<Arc<str>>, value: Tree) {
        self.own().insert(key.into(), value);
    }

    /// Lists the keys of nulls, in order.
    pub fn null_keys(&self) -> Vec<Arc<str>> {
        let state = self.0.borrow();
        match &state.frozen {
            Some(frozen) => frozen.null_keys(),
            None => {
                let nulls = state.own.iter().filter(|(_, value)| value.is_null());
                nulls.map(|(key, _)| key.clone()).collect()
            }
        }
    }

    /// Says whether something that is no null is under a key.
    pub fn says(&self, key: &str) -> bool {
        let state = self.0.borrow();
        match &state.frozen {
            Some(frozen) => frozen
                .get(key)
                .is_some_and(|item| !matches!(item, Item::Leaf(Leaf::Null))),
            None => state.own.get(key).is_some_and(|value| !value.is_null()),
        }
    }

    /// Says whether there is no key.
    pub fn is_empty(&self) -> bool {
        let state = self.0.borrow();
        match &state.frozen {
            Some(frozen) => frozen.is_empty(),
            None => state.own.is_empty(),
        }
    }

    /// Says whether there may be a null in the table or in one below it.
    pub fn may_have_nulls(&self) -> bool {
        let state = self.0.borrow();
        match &state.frozen {
            Some(frozen) => frozen.has_nulls(),
            None => true,
        }
    }

    /// Takes a key away.
    pub fn remove(&self, key: &str) {
        self.own().remove(key);
    }

    /// Lists what is in the table now, so that it can be changed meanwhile.
    pub fn entries(&self) -> Vec<(Arc<str>, Tree)> {
        let list = |entries: &BTreeMap<Arc<str>, Tree>| {
            let entries = entries.iter();
            entries
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        let state = self.0.borrow();
        match &state.frozen {
            None => list(&state.own),
            Some(frozen) if !frozen.has_tables() => {
                let entries = frozen.iter();
                entries
                    .map(|(key, item)| (key.clone(), item.into()))
                    .collect()
            }
            Some(_) => {
                drop(state);
                list(&self.own())
            }
        }
    }

    /// Says what the table consists of, without copying what nothing has changed.
    pub fn shape(&self) -> Shape {
        let state = self.0.borrow();
        match &state.frozen {
            Some(frozen) => Shape::Frozen(frozen.clone()),
            None => {
                let entries = state.own.iter();
                let list = entries.map(|(key, value)| (key.clone(), value.clone()));
                Shape::Entries(list.collect())
            }
        }
    }

    /// Says which table it is; clones are the same.
    pub fn identity(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
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

#[cfg(test)]
mod tests {
    use super::{Table, Tree};
    use serde_json::json;

    fn table(value: &serde_json::Value) -> Table {
        Table::of(value.as_object().unwrap())
    }

    #[test]
    fn a_table_below_is_one_and_the_same_however_it_is_reached() {
        let top = table(&json!({"a": {"b": {"c": 1}}, "x": 1}));
        let once = top.table("a.b").unwrap();
        once.set("c", Tree::of(&json!(2)));
        let Some((_, Tree::Table(again))) = top.entries().into_iter().next() else {
            panic!("no table");
        };
        again.table("b").unwrap().set("d", Tree::of(&json!(3)));
        assert_eq!(
            serde_json::Value::Object(top.to_map()),
            json!({"a": {"b": {"c": 2, "d": 3}}, "x": 1})
        );
    }

    #[test]
    fn a_shallow_copy_shares_what_lies_below_it() {
        let top = table(&json!({"a": {"b": 1}, "x": 1}));
        let copy = top.shallow();
        copy.set("x", Tree::of(&json!(2)));
        copy.table("a").unwrap().set("b", Tree::of(&json!(2)));
        let value = serde_json::Value::Object(top.to_map());
        assert_eq!(value, json!({"a": {"b": 2}, "x": 1}));
    }

    #[test]
    fn what_was_frozen_does_not_change_with_the_table() {
        let top = table(&json!({"a": {"b": 1}}));
        let frozen = top.freeze();
        top.table("a").unwrap().set("b", Tree::of(&json!(2)));
        let value = serde_json::Value::Object(frozen.to_map());
        assert_eq!(value, json!({"a": {"b": 1}}));
    }
}
