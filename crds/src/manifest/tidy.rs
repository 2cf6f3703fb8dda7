//! The pass from a schemars schema to one that controller-gen would have written.
//!
//! It walks only where schemas are, so a property called `default` is never taken for the keyword.
//! Its own keyword: `x-required` on a property puts it on the list of required ones although the
//! reader tolerates its absence.

use serde_json::{Map, Value};

/// Rewrites a schema in place.
pub(super) fn schema(value: &mut Value) {
    let Some(object) = value.as_object_mut() else {
        return;
    };
    without_null(object);
    object.remove("$schema");
    object.remove("title");
    // Go's zero value is what an absent field reads as; a default of it would say nothing.
    if object
        .get("default")
        .is_some_and(|d| d.is_null() || d == "")
    {
        object.remove("default");
    }
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let mut required = Vec::new();
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        for (name, property) in properties {
            let marked = property
                .as_object_mut()
                .and_then(|p| p.remove("x-required"));
            if marked.is_some() {
                required.push(Value::from(name.as_str()));
            }
            schema(property);
        }
    }
    for nested in ["items", "additionalProperties"] {
        if let Some(nested) = object.get_mut(nested) {
            schema(nested);
        }
    }
    require(object, required);
}

/// Turns "this or null" into "this": a field of the API is absent, never null.
fn without_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(variants)) = object.remove("anyOf") {
        for variant in variants {
            match variant {
                Value::Object(variant) if variant.get("type") != Some(&"null".into()) => {
                    for (key, value) in variant {
                        object.entry(key).or_insert(value);
                    }
                }
                _ => {}
            }
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = types.as_mut_slice() {
            let one = one.take();
            object.insert("type".to_owned(), one);
        }
    }
}

fn require(object: &mut Map<String, Value>, more: Vec<Value>) {
    let mut required = match object.remove("required") {
        Some(Value::Array(names)) => names,
        _ => Vec::new(),
    };
    required.extend(more);
    required.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    if !required.is_empty() {
        object.insert("required".to_owned(), required.into());
    }
}
