//! Who owns which fields: reading `metadata.managedFields`, and folding other managers into ours.
//!
//! A field set is the JSON tree that the API server keeps (`fieldsV1`): `f:name` for a key,
//! `k:{...}` for a list element by its keys, `v:...` for a set element, `.` for the thing itself.

mod applied;
mod compare;
mod takeover;

pub(crate) use applied::is_applied;
pub(crate) use compare::{Field, all, held, lost};
pub(crate) use takeover::{Managers, takeover_patch};

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};

use crate::ignore;
use crate::object::Object;

/// One entry of `metadata.managedFields`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a>(&'a Value);

impl<'a> Entry<'a> {
    pub(crate) fn manager(self) -> &'a str {
        self.text("manager")
    }

    pub(crate) fn operation(self) -> &'a str {
        self.text("operation")
    }

    pub(crate) fn subresource(self) -> &'a str {
        self.text("subresource")
    }

    pub(crate) fn api_version(self) -> &'a str {
        self.text("apiVersion")
    }

    pub(crate) fn time(self) -> &'a str {
        self.text("time")
    }

    pub(crate) fn fields(self) -> Option<&'a Value> {
        self.0.get("fieldsV1")
    }

    pub(crate) fn is_applied_by(self, manager: &str) -> bool {
        self.manager() == manager && self.operation() == "Apply" && self.subresource().is_empty()
    }

    fn text(self, key: &str) -> &'a str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Returns the entries of an object.
pub(crate) fn entries(object: &Object) -> impl Iterator<Item = Entry<'_>> {
    let list = object
        .get(&["metadata", "managedFields"])
        .and_then(Value::as_array);
    list.into_iter().flatten().map(Entry)
}

/// Returns the field set that a manager applied.
pub(crate) fn applied_by<'a>(object: &'a Object, manager: &str) -> Option<&'a Value> {
    entries(object)
        .find(|entry| entry.is_applied_by(manager))?
        .fields()
}

/// Returns a hash of the field set a manager applied, timestamps aside.
pub(crate) fn hash(object: &Object, manager: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    applied_by(object, manager)
        .map(Value::to_string)
        .hash(&mut hasher);
    hasher.finish()
}

/// Tells whether another applier than us owns the field a JSON pointer leads to.
pub(crate) fn is_owned_by_other_applier(object: &Object, pointer: &str, us: &str) -> bool {
    let sets: Vec<(&str, &Value)> = entries(object)
        .filter(|entry| entry.operation() == "Apply" && entry.subresource().is_empty())
        .filter_map(|entry| Some((entry.manager(), entry.fields()?)))
        .collect();
    let all: Vec<&Value> = sets.iter().map(|(_, set)| *set).collect();
    let Some(path) = field_path(object, pointer, &all) else {
        return false;
    };
    sets.iter()
        .any(|(manager, set)| *manager != us && walk(set, &path).is_some())
}

/// Translates a pointer into the keys of a field set; list indexes become element keys.
fn field_path(object: &Object, pointer: &str, sets: &[&Value]) -> Option<Vec<String>> {
    let segments = ignore::segments(pointer);
    let (first, rest) = segments.split_first()?;
    let mut value = object.as_map().get(first);
    let mut path = vec![format!("f:{first}")];
    for segment in rest {
        // Parity: whatever reads as a number counts as an index, also as the key of a map.
        if let Ok(index) = segment.parse::<usize>() {
            let element = value?.as_array()?.get(index)?.as_object()?;
            path.push(element_key(element, &path, sets)?);
            value = value?.get(index);
        } else {
            path.push(format!("f:{segment}"));
            value = value.and_then(|value| value.get(segment));
        }
    }
    Some(path)
}

/// Finds the `k:{...}` key under which some set holds a list element.
fn element_key(element: &Map<String, Value>, path: &[String], sets: &[&Value]) -> Option<String> {
    sets.iter()
        .filter_map(|set| walk(set, path)?.as_object())
        .flat_map(Map::keys)
        .find(|key| matches_element(key, element))
        .cloned()
}

/// Tells whether a `k:{...}` key names this list element.
fn matches_element(key: &str, element: &Map<String, Value>) -> bool {
    let keys = key
        .strip_prefix("k:")
        .and_then(|json| serde_json::from_str::<Value>(json).ok());
    keys.as_ref()
        .and_then(Value::as_object)
        .is_some_and(|keys| {
            keys.iter()
                .all(|(key, value)| element.get(key) == Some(value))
        })
}

fn walk<'a>(set: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(set, |set, key| set.get(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment() -> Object {
        let container = json!({".": {}, "f:image": {}, "f:name": {}});
        Object::try_from(json!({
            "metadata": {"managedFields": [
                {"manager": "us", "operation": "Apply", "time": "2024-01-01T00:00:00Z", "fieldsV1":
                    {"f:spec": {"f:replicas": {}, "f:containers": {r#"k:{"name":"c"}"#: container}}}},
                {"manager": "hpa", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                {"manager": "side", "operation": "Apply", "fieldsV1":
                    {"f:spec": {"f:containers": {r#"k:{"name":"c"}"#: {"f:image": {}}}}}},
                {"manager": "edit", "operation": "Update", "fieldsV1": {"f:spec": {"f:paused": {}}}},
            ]},
            "spec": {"replicas": 3, "paused": true, "containers": [{"name": "c", "image": "i"}]},
        }))
        .unwrap()
    }

    #[test]
    fn ownership_of_other_appliers_is_found_by_pointer() {
        let object = deployment();
        let owned = |pointer| is_owned_by_other_applier(&object, pointer, "us");
        assert!(owned("/spec/replicas"));
        assert!(owned("/spec/containers/0/image"));
        assert!(!owned("/spec/containers/0/name"));
        assert!(!owned("/spec/containers/7/image"));
        assert!(!owned("/spec/paused"), "an updater is no applier");
    }

    #[test]
    fn the_hash_of_a_field_set_does_not_depend_on_time() {
        let mut later = deployment();
        let before = hash(&later, "us");
        later.get_mut(&["metadata", "managedFields"]).unwrap()[0]["time"] = json!("2025");
        assert_eq!(hash(&later, "us"), before);
        later.get_mut(&["metadata", "managedFields"]).unwrap()[0]["fieldsV1"] = json!({});
        assert_ne!(hash(&later, "us"), before);
    }
}
