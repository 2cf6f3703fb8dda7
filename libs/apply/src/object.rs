//! An unstructured Kubernetes object and its identity.
//!
//! [`Object`] is a JSON map with accessors for the parts every object has; it never validates.
//! [`ObjectId`] is what an inventory stores: namespace, name, group and kind, without a version.

mod id;

pub use id::{GroupKind, Gvk, InvalidId, ObjectId};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An unstructured Kubernetes object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Object(Map<String, Value>);

/// Tells that a JSON value is not an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a Kubernetes object must be a map")]
pub struct NotAMap;

impl Object {
    /// Returns the `apiVersion`, or an empty string.
    pub fn api_version(&self) -> &str {
        self.str_at(&["apiVersion"])
    }

    /// Returns the `kind`, or an empty string.
    pub fn kind(&self) -> &str {
        self.str_at(&["kind"])
    }

    /// Returns the API group, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version()
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    /// Returns the API version without its group.
    pub fn version(&self) -> &str {
        let text = self.api_version();
        text.split_once('/').map_or(text, |(_, version)| version)
    }

    /// Returns group, version and kind.
    pub fn gvk(&self) -> Gvk {
        Gvk {
            group: self.group().to_owned(),
            version: self.version().to_owned(),
            kind: self.kind().to_owned(),
        }
    }

    /// Returns the name, or an empty string.
    pub fn name(&self) -> &str {
        self.str_at(&["metadata", "name"])
    }

    /// Returns the namespace, or an empty string.
    pub fn namespace(&self) -> &str {
        self.str_at(&["metadata", "namespace"])
    }

    /// Returns the uid, or an empty string for an object that was never stored.
    pub fn uid(&self) -> &str {
        self.str_at(&["metadata", "uid"])
    }

    /// Returns the resource version, or an empty string.
    pub fn resource_version(&self) -> &str {
        self.str_at(&["metadata", "resourceVersion"])
    }

    /// Returns the identity that an inventory stores.
    pub fn id(&self) -> ObjectId {
        ObjectId {
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
            group: self.group().to_owned(),
            kind: self.kind().to_owned(),
        }
    }

    /// Returns one label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.get(&["metadata", "labels", key])?.as_str()
    }

    /// Returns one annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.get(&["metadata", "annotations", key])?.as_str()
    }

    /// Returns the labels that are strings.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.strings_at(&["metadata", "labels"])
    }

    /// Returns the annotations that are strings.
    pub fn annotations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.strings_at(&["metadata", "annotations"])
    }

    /// Sets one label.
    pub fn set_label(&mut self, key: &str, value: &str) {
        self.set(&["metadata", "labels", key], value.into());
    }

    /// Sets one annotation.
    pub fn set_annotation(&mut self, key: &str, value: &str) {
        self.set(&["metadata", "annotations", key], value.into());
    }

    /// Sets the namespace; an empty one removes it.
    pub fn set_namespace(&mut self, namespace: &str) {
        if namespace.is_empty() {
            self.remove(&["metadata", "namespace"]);
        } else {
            self.set(&["metadata", "namespace"], namespace.into());
        }
    }

    /// Tells whether a label or an annotation has this value, letter case aside.
    ///
    /// Parity: Flux reads its per-object controls from both places (`utils.AnyInMetadata`).
    pub fn metadata_says(&self, key: &str, value: &str) -> bool {
        let same = |found: Option<&str>| found.is_some_and(|v| v.eq_ignore_ascii_case(value));
        same(self.label(key)) || same(self.annotation(key))
    }

    /// Returns the value at a path of map keys.
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        let mut value = self.0.get(*first)?;
        for key in rest {
            value = value.as_object()?.get(*key)?;
        }
        Some(value)
    }

    /// Returns the value at a path of map keys for changes.
    pub fn get_mut(&mut self, path: &[&str]) -> Option<&mut Value> {
        let (first, rest) = path.split_first()?;
        let mut value = self.0.get_mut(*first)?;
        for key in rest {
            value = value.as_object_mut()?.get_mut(*key)?;
        }
        Some(value)
    }

    /// Sets the value at a path of map keys, replacing what is no map on the way.
    pub fn set(&mut self, path: &[&str], value: Value) {
        let Some((last, parents)) = path.split_last() else {
            return;
        };
        let mut map = &mut self.0;
        for key in parents {
            let slot = map.entry(*key).or_insert_with(|| Value::Object(Map::new()));
            if !slot.is_object() {
                *slot = Value::Object(Map::new());
            }
            let Value::Object(next) = slot else { return };
            map = next;
        }
        map.insert((*last).to_owned(), value);
    }

    /// Removes and returns the value at a path of map keys.
    pub fn remove(&mut self, path: &[&str]) -> Option<Value> {
        let (last, parents) = path.split_last()?;
        let mut map = &mut self.0;
        for key in parents {
            map = map.get_mut(*key)?.as_object_mut()?;
        }
        map.remove(*last)
    }

    /// Returns the underlying map.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Returns the underlying map for changes.
    pub fn as_map_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    /// Turns the object into a JSON value.
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    fn str_at(&self, path: &[&str]) -> &str {
        self.get(path).and_then(Value::as_str).unwrap_or_default()
    }

    fn strings_at(&self, path: &[&str]) -> impl Iterator<Item = (&str, &str)> {
        self.get(path)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }
}

impl From<Map<String, Value>> for Object {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

impl TryFrom<Value> for Object {
    type Error = NotAMap;

    fn try_from(value: Value) -> Result<Self, NotAMap> {
        match value {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(NotAMap),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn controls_are_read_from_labels_and_annotations_whatever_their_case() {
        let mut object = Object::try_from(json!({"kind": "ConfigMap"})).unwrap();
        assert!(!object.metadata_says("x/reconcile", "disabled"));
        object.set_annotation("x/reconcile", "Disabled");
        assert!(object.metadata_says("x/reconcile", "disabled"));
        object.remove(&["metadata", "annotations"]);
        object.set_label("x/reconcile", "DISABLED");
        assert!(object.metadata_says("x/reconcile", "disabled"));
    }

    #[test]
    fn group_and_version_are_told_apart() {
        let core = Object::try_from(json!({"apiVersion": "v1"})).unwrap();
        assert_eq!((core.group(), core.version()), ("", "v1"));
        let apps = Object::try_from(json!({"apiVersion": "apps/v1"})).unwrap();
        assert_eq!((apps.group(), apps.version()), ("apps", "v1"));
    }
}
