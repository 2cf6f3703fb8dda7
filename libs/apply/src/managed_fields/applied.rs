//! Whether a live object is as a manifest would leave it, told from the object alone.
//!
//! An apply that sets what is set already, and whose manager owns just these fields, changes
//! nothing. Where the API server stores another form of a value than the manifest's (a quantity, a
//! defaulted element, a conversion) that cannot be told from here: the answer is no, and a dry-run
//! decides. The surprise: a field we own beyond the manifest counts too, because an apply removes it.

use serde_json::{Map, Value};

use super::compare::METADATA;
use super::{entries, matches_element};
use crate::object::Object;

/// Tells for sure that applying the manifest as `us` would change nothing; `false` means unknown.
pub(crate) fn is_applied(manifest: &Object, live: &Object, us: &str) -> bool {
    let mut ours = entries(live).filter(|entry| entry.is_applied_by(us));
    let (Some(entry), None) = (ours.next(), ours.next()) else {
        return false;
    };
    if entry.api_version() != manifest.api_version() || live.api_version() != manifest.api_version()
    {
        return false;
    }
    let Some(set) = entry.fields().and_then(Value::as_object) else {
        return false;
    };
    let mut owned = set.clone();
    let metadata = owned.remove("f:metadata");
    let content = manifest
        .as_map()
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "apiVersion" | "kind" | "metadata"));
    keys_agree(content, live.as_map(), &owned) && metadata_agrees(manifest, live, metadata.as_ref())
}

/// Compares what an apply owns of the metadata; the name and the like are nobody's.
fn metadata_agrees(manifest: &Object, live: &Object, node: Option<&Value>) -> bool {
    let none = Map::new();
    let part = |object: &'_ Object| {
        object
            .get(&["metadata"])
            .and_then(Value::as_object)
            .cloned()
    };
    let (wanted, found) = (
        part(manifest).unwrap_or_default(),
        part(live).unwrap_or_default(),
    );
    let wanted = wanted
        .iter()
        .filter(|(key, _)| METADATA.contains(&key.as_str()));
    keys_agree(
        wanted,
        &found,
        node.and_then(Value::as_object).unwrap_or(&none),
    )
}

/// Compares the keys of a map: each wanted one is there, alike and ours, and no other is ours.
fn keys_agree<'a>(
    wanted: impl Iterator<Item = (&'a String, &'a Value)>,
    found: &Map<String, Value>,
    owned: &Map<String, Value>,
) -> bool {
    let mut matched = 0;
    for (key, value) in wanted {
        let (Some(found), Some(node)) = (found.get(key), owned.get(&format!("f:{key}"))) else {
            return false;
        };
        if !agrees(value, found, node) {
            return false;
        }
        matched += 1;
    }
    matched == children(owned)
}

fn agrees(wanted: &Value, found: &Value, node: &Value) -> bool {
    let Some(owned) = node.as_object() else {
        return false;
    };
    if children(owned) == 0 {
        return wanted == found && !wanted.is_null();
    }
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => keys_agree(wanted.iter(), found, owned),
        (Value::Array(wanted), Value::Array(found)) => elements_agree(wanted, found, owned),
        _ => false,
    }
}

/// Compares the elements of a list by their keys; others may have put theirs between them.
fn elements_agree(wanted: &[Value], found: &[Value], owned: &Map<String, Value>) -> bool {
    let mut rest = found.iter();
    let is_there = |item: &Value| {
        let Some(element) = item.as_object() else {
            return owned.contains_key(&format!("v:{item}")) && rest.any(|found| found == item);
        };
        let Some((key, node)) = owned.iter().find(|(key, _)| matches_element(key, element)) else {
            return false;
        };
        let same = |found: &&Value| found.as_object().is_some_and(|e| matches_element(key, e));
        rest.find(same)
            .is_some_and(|found| agrees(item, found, node))
    };
    wanted.len() == children(owned) && wanted.iter().all(is_there)
}

/// Counts what a node holds below itself.
fn children(node: &Map<String, Value>) -> usize {
    node.keys().filter(|key| *key != ".").count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "n", "labels": {"app": "web"}},
            "spec": {
                "replicas": 2,
                "containers": [{"name": "c", "image": "i", "args": ["a"]}, {"name": "d"}],
                "hosts": ["x"],
            },
        })
    }

    fn live() -> Value {
        let fields = json!({
            "f:metadata": {"f:labels": {"f:app": {}}},
            "f:spec": {
                "f:replicas": {},
                "f:containers": {
                    r#"k:{"name":"c"}"#: {".": {}, "f:name": {}, "f:image": {}, "f:args": {}},
                    r#"k:{"name":"d"}"#: {".": {}, "f:name": {}},
                },
                "f:hosts": {r#"v:"x""#: {}},
            },
        });
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "web", "namespace": "n", "uid": "u", "labels": {"app": "web", "theirs": "y"},
                "managedFields": [
                    {"manager": "us", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": fields},
                    {"manager": "us", "operation": "Update", "subresource": "status", "fieldsV1": {}},
                ],
            },
            "spec": {
                "replicas": 2, "paused": false,
                "containers": [
                    {"name": "c", "image": "i", "args": ["a"], "pull": "Always"},
                    {"name": "side"}, {"name": "d"},
                ],
                "hosts": ["w", "x"],
            },
            "status": {"replicas": 2},
        })
    }

    fn told(change: impl Fn(&mut Value, &mut Value)) -> bool {
        let (mut manifest, mut live) = (manifest(), live());
        change(&mut manifest, &mut live);
        let object = |value| Object::try_from(value).unwrap();
        is_applied(&object(manifest), &object(live), "us")
    }

    #[test]
    fn an_object_as_we_left_it_is_told_with_what_others_added() {
        assert!(told(|_, _| {}));
    }

    #[test]
    fn every_difference_is_left_to_a_dry_run() {
        type Change = fn(&mut Value, &mut Value);
        fn list(value: &mut Value) -> &mut Vec<Value> {
            value["spec"]["containers"].as_array_mut().unwrap()
        }
        fn ours(live: &mut Value) -> &mut Value {
            &mut live["metadata"]["managedFields"][0]
        }
        let differences: [Change; 10] = [
            |manifest, _| manifest["spec"]["replicas"] = 3.into(),
            |manifest, _| manifest["spec"]["new"] = 1.into(),
            |manifest, _| list(manifest).truncate(1),
            |manifest, _| list(manifest).reverse(),
            |manifest, _| manifest["metadata"]["labels"] = json!({}),
            |manifest, _| manifest["apiVersion"] = "apps/v2".into(),
            |_, live| live["spec"]["containers"][0]["args"] = json!(["a", "b"]),
            |_, live| live["spec"]["hosts"] = json!(["w"]),
            |_, live| ours(live)["fieldsV1"]["f:spec"]["f:paused"] = json!({}),
            |_, live| *ours(live) = Value::Null,
        ];
        for (index, difference) in differences.iter().enumerate() {
            assert!(!told(difference), "difference {index}");
        }
    }
}
