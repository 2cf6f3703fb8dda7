//! Values that nothing changes, such as the defaults of a chart: shared between renders and threads.
//!
//! A [`Table`](super::tree::Table) begins as one of these and copies a level only when something asks for what could be
//! changed below it; so a render pays for the values it touches. Keys are in order, whatever order they came in.

use std::sync::Arc;

use super::{Map, Value};

/// A table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frozen(Arc<Entries>);

#[derive(Debug, Default, PartialEq)]
struct Entries {
    list: Vec<(Arc<str>, Item)>,
    has_tables: bool,
    /// There is a null in this table or in one below it; those in lists do not count.
    has_nulls: bool,
}

/// What a key of a table stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// No collection.
    Leaf(Leaf),
    /// A list.
    List(Arc<[Self]>),
    /// A table.
    Table(Frozen),
}

/// A value that is no collection.
#[derive(Clone, Debug, PartialEq)]
pub enum Leaf {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer, which only flags make.
    Int(i64),
    /// An integer that is larger.
    Uint(u64),
    /// A number.
    Float(f64),
    /// A text.
    Text(Arc<str>),
}

impl Item {
    /// Copies a plain value.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Leaf(Leaf::Null),
            Value::Bool(flag) => Self::Leaf(Leaf::Bool(*flag)),
            Value::Number(number) => Self::Leaf(match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Leaf::Int(number),
                (None, Some(number)) => Leaf::Uint(number),
                (None, None) => Leaf::Float(number.as_f64().unwrap_or(f64::NAN)),
            }),
            Value::String(text) => Self::Leaf(Leaf::Text(text.as_str().into())),
            Value::Array(items) => Self::List(items.iter().map(Self::of).collect()),
            Value::Object(map) => Self::Table(Frozen::of(map)),
        }
    }

    /// Copies into a plain value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Leaf(leaf) => leaf.to_value(),
            Self::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Table(table) => Value::Object(table.to_map()),
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Leaf(Leaf::Null))
    }
}

impl Leaf {
    /// Copies into a plain value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Int(number) => Value::from(*number),
            Self::Uint(number) => Value::from(*number),
            Self::Float(number) => Value::from(*number),
            Self::Text(text) => Value::from(&**text),
        }
    }
}

impl Frozen {
    /// Copies a plain table.
    pub fn of(map: &Map) -> Self {
        let entries = map
            .iter()
            .map(|(key, value)| (key.as_str().into(), Item::of(value)));
        Self::new(entries.collect())
    }

    /// Makes a table of entries whose keys differ.
    pub fn new(mut list: Vec<(Arc<str>, Item)>) -> Self {
        if !list.is_sorted_by(|(a, _), (b, _)| a <= b) {
            list.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        let items = || list.iter().map(|(_, item)| item);
        Self(Arc::new(Entries {
            has_tables: items().any(|item| matches!(item, Item::Table(_))),
            has_nulls: items().any(|item| match item {
                Item::Table(table) => table.has_nulls(),
                item => item.is_null(),
            }),
            list,
        }))
    }

    /// Copies into a plain table.
    pub fn to_map(&self) -> Map {
        self.iter()
            .map(|(key, item)| ((**key).to_owned(), item.to_value()))
            .collect()
    }

    /// Lists what is in the table, by key.
    pub fn iter(&self) -> impl Iterator<Item = &(Arc<str>, Item)> {
        self.0.list.iter()
    }

    /// Gives what is under a key.
    pub fn get(&self, key: &str) -> Option<&Item> {
        let list = &self.0.list;
        let at = list
            .binary_search_by(|(known, _)| (**known).cmp(key))
            .ok()?;
        list.get(at).map(|(_, item)| item)
    }

    /// Says whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.list.is_empty()
    }

    /// Says whether a table is right in this one.
    pub fn has_tables(&self) -> bool {
        self.0.has_tables
    }

    /// Says whether a null is in this table or in one below it.
    pub fn has_nulls(&self) -> bool {
        self.0.has_nulls
    }

    /// Lists the keys of nulls, in order.
    pub fn null_keys(&self) -> Vec<Arc<str>> {
        let nulls = self.iter().filter(|(_, item)| item.is_null());
        nulls.map(|(key, _)| key.clone()).collect()
    }
}

impl From<Map> for Frozen {
    fn from(map: Map) -> Self {
        Self::of(&map)
    }
}

#[cfg(test)]
mod tests {
    use super::Frozen;
    use serde_json::json;

    #[test]
    fn what_is_frozen_comes_out_as_it_went_in_and_in_order() {
        let value = json!({"b": [1, {"x": null}], "a": {"d": 1.5, "c": "t"}, "e": true, "n": null});
        let frozen = Frozen::of(value.as_object().unwrap());
        assert_eq!(serde_json::Value::Object(frozen.to_map()), value);
        let keys: Vec<&str> = frozen.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["a", "b", "e", "n"]);
        assert!(frozen.get("a").is_some() && frozen.get("aa").is_none());
    }

    #[test]
    fn nulls_count_in_tables_and_not_in_lists() {
        let has_nulls =
            |value: serde_json::Value| Frozen::of(value.as_object().unwrap()).has_nulls();
        assert!(has_nulls(json!({"a": {"b": null}})));
        assert!(!has_nulls(json!({"a": [null]})));
    }
}
