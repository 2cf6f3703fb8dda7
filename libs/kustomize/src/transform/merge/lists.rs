//! Lists that are merged by key: kyaml's element functions, to the letter.

use crate::error::Error;
use crate::tree::wrong_kind;
use fjord_yaml::Node;
use std::collections::HashSet;

/// The key values of the elements of both lists, the patch's first.
pub(super) struct Elements {
    keys: Vec<String>,
    rows: Vec<Vec<String>>,
    /// The keys that are set in some row.
    used: HashSet<String>,
}

impl Elements {
    pub(super) fn new(keys: &[String], src: &[Node], dest: &[Node]) -> Self {
        let scalars = keys.is_empty();
        let keys = if scalars {
            vec![String::new()]
        } else {
            keys.to_vec()
        };
        let mut seen: HashSet<Vec<String>> = HashSet::new();
        let mut rows = Vec::new();
        for item in src.iter().chain(dest) {
            let row: Vec<String> = if scalars {
                vec![item.as_str().unwrap_or_default().to_owned()]
            } else {
                keys.iter().map(|key| key_value(item, key)).collect()
            };
            if seen.insert(row.clone()) {
                rows.push(row);
            }
        }
        if keys.len() > 1 {
            merge_rows(&mut rows);
        }
        let mut used = HashSet::new();
        for row in &rows {
            let set = keys.iter().zip(row).filter(|(_, value)| !value.is_empty());
            used.extend(set.map(|(key, _)| key.clone()));
        }
        Self { keys, rows, used }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Vec<String>> {
        self.rows.iter()
    }

    /// Returns the keys that count for a row, with its values for them.
    pub(super) fn valid(&self, row: &[String]) -> (Vec<String>, Vec<String>) {
        restrict(&self.keys, row, &self.used)
    }

    /// Returns the keys and values by which one row's elements are looked up.
    pub(super) fn single(&self, keys: &[String], values: &[String]) -> (Vec<String>, Vec<String>) {
        let set = keys
            .iter()
            .zip(values)
            .filter(|(_, value)| !value.is_empty());
        let used: HashSet<String> = set.map(|(key, _)| key.clone()).collect();
        restrict(keys, values, &used)
    }
}

fn key_value(item: &Node, key: &str) -> String {
    match item.get(key) {
        Some(value) if !value.is_empty() => value.as_str().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

fn restrict(
    keys: &[String],
    values: &[String],
    used: &HashSet<String>,
) -> (Vec<String>, Vec<String>) {
    if used.is_empty() {
        return (keys.to_vec(), values.to_vec());
    }
    let pairs = keys
        .iter()
        .zip(values)
        .filter(|(key, _)| used.contains(*key));
    pairs
        .map(|(key, value)| (key.clone(), value.clone()))
        .unzip()
}

/// Parity: rows that agree where both are set, and on at least one key, become one and the same.
fn merge_rows(rows: &mut [Vec<String>]) {
    for i in 0..rows.len() {
        // The row is read once, as Go's range does, while the list changes under it.
        let first = rows[i].clone();
        for j in 0..rows.len() {
            let Some(merged) = merge_row(&first, &rows[j]) else {
                continue;
            };
            rows[i].clone_from(&merged);
            rows[j] = merged;
        }
    }
}

fn merge_row(a: &[String], b: &[String]) -> Option<Vec<String>> {
    let mut common = false;
    let mut out = Vec::with_capacity(a.len());
    for (x, y) in a.iter().zip(b) {
        if x == y {
            common = true;
        } else if !x.is_empty() && !y.is_empty() {
            return None;
        }
        out.push(if x.is_empty() { y.clone() } else { x.clone() });
    }
    common.then_some(out)
}

/// Finds the first element with the values.
pub(super) fn position(
    items: &[Node],
    keys: &[String],
    values: &[String],
) -> Result<Option<usize>, Error> {
    if keys.first().is_none_or(String::is_empty) {
        let want = values.first().map(String::as_str).unwrap_or_default();
        return Ok(items
            .iter()
            .position(|item| item.as_str().unwrap_or_default() == want));
    }
    let matches = |item: &Node| {
        keys.iter().zip(values).all(|(key, value)| {
            item.get(key)
                .is_some_and(|field| field.as_str().unwrap_or_default() == value)
        })
    };
    Ok(items
        .iter()
        .position(|item| matches!(item, Node::Map(_)) && matches(item)))
}

/// Says whether an element has a key with the value; an empty value stands for any.
fn has(item: &Node, key: &str, value: &str) -> Result<bool, Error> {
    if key.is_empty() {
        return match item {
            Node::Scalar(scalar) => Ok(scalar.value == value),
            item => Err(wrong_kind("ScalarNode", item)),
        };
    }
    match item {
        Node::Map(map) => Ok(map
            .get(key)
            .is_some_and(|field| value.is_empty() || field.as_str().unwrap_or_default() == value)),
        item => Err(wrong_kind("MappingNode", item)),
    }
}

/// Replaces, adds or, without an element, removes what has the values (kyaml's `ElementSetter`).
pub(super) fn set(
    items: &mut Vec<Node>,
    element: Option<Node>,
    keys: &[String],
    values: &[String],
) -> Result<(), Error> {
    let by_key = keys.first().is_some_and(|key| !key.is_empty())
        && values.first().is_some_and(|value| !value.is_empty());
    let mut out = Vec::with_capacity(items.len() + 1);
    let mut matched = false;
    for item in items.drain(..) {
        if item.is_null() || matches!(&item, Node::Map(map) if map.entries.is_empty()) {
            continue;
        }
        if by_key && !matches!(item, Node::Map(_)) {
            out.push(item);
            continue;
        }
        // Parity: a key beyond the values asks whether the one before it was found.
        let (mut found, mut last) = (true, false);
        for (i, key) in keys.iter().enumerate() {
            if let Some(value) = values.get(i) {
                last = has(&item, key, value)?;
            }
            if !last {
                found = false;
                break;
            }
        }
        if !found {
            if !values.is_empty() {
                out.push(item);
            }
            continue;
        }
        matched = true;
        out.extend(element.clone());
    }
    *items = out;
    if let Some(element) = element.filter(|element| !element.is_null())
        && !matched
    {
        items.push(element);
    }
    Ok(())
}

/// Adds the destination's elements after the merged ones (kyaml's `appendListNode`).
pub(super) fn append(out: &mut Vec<Node>, items: &[Node], keys: &[String]) -> Result<(), Error> {
    for item in items {
        if keys.first().is_none_or(String::is_empty) {
            let value = item.as_str().unwrap_or_default().to_owned();
            set(out, Some(item.clone()), &[String::new()], &[value])?;
            continue;
        }
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            let field = match item {
                Node::Map(map) => map.get(key),
                item if item.is_null() => None,
                item => return Err(wrong_kind("MappingNode", item)),
            };
            match field {
                Some(field) => values.push(field.as_str().unwrap_or_default().to_owned()),
                None => out.push(item.clone()),
            }
        }
        if keys.len() > 1 {
            set(out, None, keys, &values)?;
        }
        set(out, Some(item.clone()), keys, &values)?;
    }
    Ok(())
}
