//! Our definitions against Flux's: nothing may differ but descriptions.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;

#[test]
fn no_definition_differs_from_flux_in_structure() {
    let Some(folder) = conformance() else { return };
    let theirs: BTreeMap<String, Value> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .map(|path| named(&fs::read_to_string(path).unwrap()))
        .collect();
    let ours: BTreeMap<String, Value> = fjord_crds::manifests()
        .iter()
        .map(|text| named(text))
        .collect();
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        theirs.keys().collect::<Vec<_>>()
    );

    let mut differences = Vec::new();
    for (name, theirs) in &theirs {
        compare(name, &ours[name], theirs, &mut differences);
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn no_description_is_taken_from_flux() {
    let Some(folder) = conformance() else { return };
    let mut theirs = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        descriptions(&named(&text).1, &mut theirs);
    }
    let mut ours = BTreeSet::new();
    for text in fjord_crds::manifests() {
        descriptions(&named(text).1, &mut ours);
    }
    // A few words on an obvious field may coincide; a sentence may not.
    let same: Vec<_> = ours
        .intersection(&theirs)
        .filter(|text| text.split_whitespace().count() > 5)
        .collect();
    assert!(same.is_empty(), "{same:#?}");
}

/// Returns the folder of Flux's manifests, or says loudly that it is absent.
fn conformance() -> Option<PathBuf> {
    let folder = env::var_os("FJORD_CONFORMANCE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
        PathBuf::from,
    );
    let folder = folder.join("crds");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "SKIPPED: {} is absent (set FJORD_CONFORMANCE)",
        folder.display()
    );
    None
}

fn named(text: &str) -> (String, Value) {
    let value = fjord_yaml::to_json(text.as_bytes(), &fjord_yaml::Limits::default()).unwrap();
    (
        value["metadata"]["name"].as_str().unwrap().to_owned(),
        value,
    )
}

/// Collects every difference between two values, leaving out descriptions (which are texts; a
/// property of that name is an object) and the stamp of the tool that wrote Flux's.
fn compare(path: &str, ours: &Value, theirs: &Value, differences: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for key in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
                let path = format!("{path}/{key}");
                match (ours.get(key), theirs.get(key)) {
                    (Some(Value::String(_)), _) | (_, Some(Value::String(_)))
                        if key == "description" => {}
                    (None, _) if key == "controller-gen.kubebuilder.io/version" => {}
                    (Some(ours), Some(theirs)) => compare(&path, ours, theirs, differences),
                    (Some(extra), None) => differences.push(format!("{path}: only ours: {extra}")),
                    (None, Some(missing)) => {
                        differences.push(format!("{path}: only Flux's: {missing}"));
                    }
                    (None, None) => {}
                }
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                compare(&format!("{path}/{index}"), ours, theirs, differences);
            }
        }
        _ if ours == theirs => {}
        _ => differences.push(format!("{path}: ours {ours}, Flux's {theirs}")),
    }
}

fn descriptions(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "description" => {
                        found.insert(text.split_whitespace().collect::<Vec<_>>().join(" "));
                    }
                    _ => descriptions(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| descriptions(item, found)),
        _ => {}
    }
}
