//! Values: the tables that charts bring and users override.
//!
//! Here they are plain JSON trees, as files and flags give them: every number of a file is a float, as
//! in Helm, and only `--set` makes integers. [`coalesce`](crate::render) turns them into the engine's
//! shared tables.

use fjord_yaml::Limits;

use crate::go::Fault;

pub mod coalesce;
pub mod frozen;
mod literal;
mod sources;
pub mod strvals;
pub mod tree;

pub use literal::parse_literal_into;
pub use serde_json::Value;
pub use sources::{Error as SourceError, Sources};

/// A table of values.
pub type Map = serde_json::Map<String, Value>;

/// A text that is no table of values, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot unmarshal yaml document: {0}")]
pub struct ParseError(#[from] Fault);

/// Reads a values file; of several documents the later ones are merged over the earlier.
///
/// ```
/// let values = fjord_helm::values::parse(b"a: {b: 1}\n---\na: {c: yes}\n")?;
/// assert_eq!(serde_json::to_string(&values)?, r#"{"a":{"b":1.0,"c":true}}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A document is no YAML or no mapping.
pub fn parse(text: &[u8]) -> Result<Map, ParseError> {
    let mut values = Map::new();
    for document in documents(text) {
        let document = fjord_yaml::to_json(&document, &Limits::default()).map_err(Fault::from)?;
        match document {
            Value::Null => {}
            Value::Object(map) => merge(&mut values, floats_in(map)),
            other => {
                return Err(Fault::not_a(&other, "value of type map[string]interface {}").into());
            }
        }
    }
    Ok(values)
}

/// Merges a table over another: tables meet tables, anything else is replaced, nulls too.
pub fn merge(into: &mut Map, over: Map) {
    for (key, value) in over {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(value)) => merge(below, value),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Splits at lines of `---`, which may carry a comment, as Kubernetes' reader does.
fn documents(text: &[u8]) -> Vec<Vec<u8>> {
    let mut documents = Vec::new();
    let mut current: Vec<u8> = Vec::with_capacity(text.len() + 1);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let ends = line.strip_prefix(b"---").is_some_and(|after| {
            let after = after.trim_ascii();
            after.is_empty() || after.starts_with(b"#")
        });
        if ends && !current.is_empty() {
            documents.push(std::mem::take(&mut current));
            continue;
        }
        current.extend_from_slice(line);
        current.push(b'\n');
    }
    if !current.is_empty() {
        documents.push(current);
    }
    documents
}

/// Makes every number a float, as Go's JSON decoder does.
pub(crate) fn floats(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(items) => Value::Array(items.into_iter().map(floats).collect()),
        Value::Object(map) => Value::Object(floats_in(map)),
        other => other,
    }
}

fn floats_in(map: Map) -> Map {
    map.into_iter()
        .map(|(key, value)| (key, floats(value)))
        .collect()
}
