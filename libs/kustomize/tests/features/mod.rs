//! Which fields of kustomizations, configurations and builtins a tree of files uses.
//!
//! `fields.txt` names all there are; a test of the library compares it with the tables of the code.

use fjord_yaml::{Limits, Merge, parse_all};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The names of a kustomization file.
const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Returns every field there is.
pub(crate) fn all() -> Vec<&'static str> {
    include_str!("fields.txt").lines().collect()
}

/// Returns the fields that files use.
pub(crate) fn used(files: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (path, text) in files {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        if !FILE_NAMES.contains(&name) {
            builtins(text, &mut out);
            continue;
        }
        for kustomization in documents(text) {
            paths(&kustomization, "", &mut out);
            for list in ["generators", "transformers", "validators"] {
                strings(&kustomization, list).for_each(|entry| builtins(entry, &mut out));
            }
            for entry in strings(&kustomization, "configurations") {
                let Some(text) = files.get(&format!("{dir}/{entry}")).or(files.get(entry)) else {
                    continue;
                };
                for config in documents(text) {
                    let keys = config.as_object().into_iter().flat_map(|map| map.keys());
                    out.extend(keys.map(|key| format!("configurations {key}")));
                }
            }
        }
    }
    out
}

fn documents(text: &str) -> Vec<Value> {
    let nodes = parse_all(text.as_bytes(), Merge::V2, &Limits::default()).unwrap_or_default();
    nodes
        .iter()
        .filter_map(|node| node.to_json().ok())
        .collect()
}

fn strings<'v>(value: &'v Value, field: &str) -> impl Iterator<Item = &'v str> {
    let items = value[field].as_array().into_iter().flatten();
    items.filter_map(Value::as_str)
}

fn builtins(text: &str, out: &mut BTreeSet<String>) {
    for object in documents(text) {
        if object["apiVersion"] == "builtin"
            && let Some(kind) = object["kind"].as_str()
        {
            out.insert(format!("builtin {kind}"));
            paths(&object, &format!("builtin {kind}."), out);
        }
    }
}

fn paths(value: &Value, prefix: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = format!("{prefix}{key}");
                paths(value, &format!("{path}."), out);
                out.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, prefix, out)),
        _ => {}
    }
}
