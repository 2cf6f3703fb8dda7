//! Field sets against a manifest: what of it we no longer own, and what somebody else holds.
//!
//! Paths are printed as kubectl prints them: `.spec.template.spec.containers[name="c"].image`.
//! Values never appear.

use serde_json::{Map, Value};

use super::matches_element;
use crate::object::Object;

/// The parts of metadata that an apply owns; the rest belongs to the API server.
pub(super) const METADATA: [&str; 4] = ["labels", "annotations", "finalizers", "ownerReferences"];

/// A field of a manifest, for people and for ignore rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    /// Names the field as kubectl does: `.spec.containers[name="c"].image`.
    pub(crate) path: String,
    /// Leads to it in the manifest (RFC 6901).
    pub(crate) pointer: String,
}

impl Field {
    fn key(&self, key: &str) -> Self {
        let escaped = key.replace('~', "~0").replace('/', "~1");
        Self {
            path: format!("{}.{key}", self.path),
            pointer: format!("{}/{escaped}", self.pointer),
        }
    }

    fn element(&self, index: usize, name: &str) -> Self {
        Self {
            path: format!("{}[{name}]", self.path),
            pointer: format!("{}/{index}", self.pointer),
        }
    }
}

/// Returns the fields of a manifest that a field set does not hold.
pub(crate) fn lost(manifest: &Object, set: Option<&Value>) -> Vec<Field> {
    let none = Value::Object(Map::new());
    let mut fields = Vec::new();
    for (key, value) in owned_parts(manifest) {
        let field = Field::default().key(key);
        let Some(node) = set.unwrap_or(&none).get(format!("f:{key}")) else {
            match set {
                // Without any set of ours there is nothing to tell field by field.
                None => fields.push(field),
                Some(_) if key == "metadata" => fields.push(field),
                Some(_) => leaves(value, field, &mut fields),
            }
            continue;
        };
        if key == "metadata" {
            for (key, value) in value.as_object().into_iter().flatten() {
                if METADATA.contains(&key.as_str()) {
                    missing_key(key, value, node, &field, &mut fields);
                }
            }
        } else {
            missing(value, node, field, &mut fields);
        }
    }
    fields
}

/// Returns every field of a set, whether a manifest has it or not. A list element's pointer leads
/// to its list, because a set knows no places.
pub(crate) fn all(set: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    walk_all(set, &Field::default(), &mut fields);
    fields
}

fn walk_all(node: &Value, field: &Field, fields: &mut Vec<Field>) {
    let children = node
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key != ".");
    let mut is_leaf = true;
    for (key, child) in children {
        is_leaf = false;
        let inner = match key.strip_prefix("f:") {
            Some(name) => field.key(name),
            None => Field {
                path: format!("{}[{}]", field.path, print_key(key)),
                pointer: field.pointer.clone(),
            },
        };
        walk_all(child, &inner, fields);
    }
    if is_leaf && !field.path.is_empty() {
        fields.push(field.clone());
    }
}

/// Returns the fields of a manifest that a field set holds.
pub(crate) fn held(manifest: &Object, set: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    for (key, value) in owned_parts(manifest) {
        if let Some(node) = set.get(format!("f:{key}")) {
            present(value, node, Field::default().key(key), &mut fields);
        }
    }
    fields
}

fn owned_parts(manifest: &Object) -> impl Iterator<Item = (&String, &Value)> {
    let unowned = |key: &str| matches!(key, "apiVersion" | "kind" | "status");
    let is_owned = |value: &Value| {
        value
            .as_object()
            .is_none_or(|map| map.keys().any(|key| METADATA.contains(&key.as_str())))
    };
    manifest.as_map().iter().filter(move |(key, value)| {
        !unowned(key) && !value.is_null() && (*key != "metadata" || is_owned(value))
    })
}

fn missing(value: &Value, node: &Value, field: Field, fields: &mut Vec<Field>) {
    // An empty node owns all of the thing: a scalar, an atomic list or map.
    let Some(node_map) = node.as_object().filter(|map| !map.is_empty()) else {
        return;
    };
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                missing_key(key, value, node, &field, fields);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                missing_element(index, item, node_map, &field, fields);
            }
        }
        _ => {}
    }
}

fn missing_key(key: &str, value: &Value, node: &Value, parent: &Field, fields: &mut Vec<Field>) {
    let field = parent.key(key);
    match node.get(format!("f:{key}")) {
        Some(node) => missing(value, node, field, fields),
        None if is_nothing(value) => {}
        None => leaves(value, field, fields),
    }
}

/// Adds every field below a map that is lost as a whole; a list counts as one field.
fn leaves(value: &Value, field: Field, fields: &mut Vec<Field>) {
    match value.as_object().filter(|map| !map.is_empty()) {
        Some(map) => {
            for (key, value) in map {
                leaves(value, field.key(key), fields);
            }
        }
        None => fields.push(field),
    }
}

fn missing_element(
    index: usize,
    item: &Value,
    node: &Map<String, Value>,
    parent: &Field,
    fields: &mut Vec<Field>,
) {
    if let Some(element) = item.as_object() {
        match node.iter().find(|(key, _)| matches_element(key, element)) {
            Some((key, node)) => {
                missing(item, node, parent.element(index, &print_key(key)), fields);
            }
            None => fields.push(parent.element(index, &describe(element))),
        }
    } else if !node.contains_key(&format!("v:{item}")) {
        fields.push(parent.element(index, &item.to_string()));
    }
}

fn present(value: &Value, node: &Value, field: Field, fields: &mut Vec<Field>) {
    let Some(map) = node
        .as_object()
        .filter(|map| map.keys().any(|key| key != "."))
    else {
        fields.push(field);
        return;
    };
    for (key, node) in map {
        if let Some(name) = key.strip_prefix("f:") {
            if let Some(value) = value.get(name) {
                present(value, node, field.key(name), fields);
            }
        } else if let Some((index, item)) =
            value
                .as_array()
                .into_iter()
                .flatten()
                .enumerate()
                .find(|(_, item)| {
                    item.as_object()
                        .is_some_and(|element| matches_element(key, element))
                        || key.strip_prefix("v:") == Some(item.to_string().as_str())
                })
        {
            present(item, node, field.element(index, &print_key(key)), fields);
        }
    }
}

/// Tells whether a value sets nothing, so that nobody owns it.
fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

/// Prints `k:{"name":"c"}` as `name="c"` and `v:"x"` as `"x"`.
fn print_key(key: &str) -> String {
    let json = key.strip_prefix("k:").map(serde_json::from_str::<Value>);
    match json {
        Some(Ok(Value::Object(keys))) => {
            let pairs: Vec<String> = keys.iter().map(|(k, v)| format!("{k}={v}")).collect();
            pairs.join(",")
        }
        _ => key.strip_prefix("v:").unwrap_or(key).to_owned(),
    }
}

/// Names a list element nobody of ours owns by its name, where it has one.
fn describe(element: &Map<String, Value>) -> String {
    element
        .get("name")
        .map_or_else(String::new, |name| format!("name={name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest() -> Object {
        Object::try_from(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "n", "labels": {"app": "web", "x": "y"}},
            "spec": {
                "replicas": 2, "strategy": {},
                "template": {"spec": {"containers": [{"name": "c", "image": "i"}, {"name": "d"}]}},
                "finalizers": ["a", "b"],
            },
        }))
        .unwrap()
    }

    fn full() -> Value {
        json!({
            "f:metadata": {"f:labels": {"f:app": {}, "f:x": {}}},
            "f:spec": {
                "f:replicas": {}, "f:strategy": {},
                "f:template": {"f:spec": {"f:containers": {
                    r#"k:{"name":"c"}"#: {".": {}, "f:name": {}, "f:image": {}},
                    r#"k:{"name":"d"}"#: {".": {}, "f:name": {}},
                }}},
                "f:finalizers": {r#"v:"a""#: {}, r#"v:"b""#: {}},
            },
        })
    }

    fn paths(fields: &[Field]) -> Vec<&str> {
        fields.iter().map(|field| field.path.as_str()).collect()
    }

    #[test]
    fn nothing_is_lost_from_a_full_set() {
        assert_eq!(lost(&manifest(), Some(&full())), []);
    }

    #[test]
    fn lost_fields_are_named_where_they_are_missing() {
        let mut set = full();
        set["f:spec"].as_object_mut().unwrap().remove("f:replicas");
        set["f:metadata"]["f:labels"]
            .as_object_mut()
            .unwrap()
            .remove("f:x");
        set["f:spec"]["f:finalizers"]
            .as_object_mut()
            .unwrap()
            .remove(r#"v:"b""#);
        let containers = &mut set["f:spec"]["f:template"]["f:spec"]["f:containers"];
        containers[r#"k:{"name":"c"}"#]
            .as_object_mut()
            .unwrap()
            .remove("f:image");
        containers
            .as_object_mut()
            .unwrap()
            .remove(r#"k:{"name":"d"}"#);
        let fields = lost(&manifest(), Some(&set));
        assert_eq!(
            paths(&fields),
            [
                ".metadata.labels.x",
                r#".spec.finalizers["b"]"#,
                ".spec.replicas",
                r#".spec.template.spec.containers[name="c"].image"#,
                r#".spec.template.spec.containers[name="d"]"#,
            ]
        );
        assert_eq!(fields[3].pointer, "/spec/template/spec/containers/0/image");
    }

    #[test]
    fn an_atomic_field_is_owned_as_a_whole() {
        let mut set = full();
        set["f:spec"]["f:template"] = json!({});
        assert_eq!(lost(&manifest(), Some(&set)), []);
    }

    #[test]
    fn a_set_that_is_gone_has_lost_everything() {
        assert_eq!(paths(&lost(&manifest(), None)), [".metadata", ".spec"]);
    }

    #[test]
    fn a_set_is_told_field_by_field() {
        let set = json!({"f:data": {".": {}, "f:a": {}}, "f:l": {r#"k:{"n":1}"#: {"f:x": {}}}});
        let fields = all(&set);
        assert_eq!(paths(&fields), [".data.a", ".l[n=1].x"]);
        assert_eq!(fields[0].pointer, "/data/a");
        assert_eq!(all(&json!({})), []);
    }

    #[test]
    fn what_another_manager_holds_of_a_manifest_is_listed() {
        let theirs = json!({
            "f:metadata": {"f:annotations": {"f:note": {}}, "f:labels": {"f:x": {}}},
            "f:spec": {"f:replicas": {}, "f:paused": {}, "f:template": {"f:spec": {"f:containers":
                {r#"k:{"name":"c"}"#: {"f:image": {}}, r#"k:{"name":"z"}"#: {"f:image": {}}}}}},
        });
        assert_eq!(
            paths(&held(&manifest(), &theirs)),
            [
                ".metadata.labels.x",
                ".spec.replicas",
                r#".spec.template.spec.containers[name="c"].image"#,
            ]
        );
    }
}
