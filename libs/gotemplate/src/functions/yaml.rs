//! YAML: `toYaml` through JSON as `sigs.k8s.io/yaml` does, `toYamlPretty` by yaml.v3.

mod pretty;

use super::arguments::{ANY, STRING, text, value};
use super::function;
use super::json::{error_map, misfit};
use crate::Text;
use crate::function::{Failure, Function, Scope};
use crate::value::{Map, MapType, Value};
use fjord_yaml::{Limits, json_to_v2, to_json};

pub(super) const TABLE: &[Function] = &[
    function("fromYaml", &[STRING], from_yaml),
    function("fromYamlArray", &[STRING], from_yaml_array),
    function("mustToYaml", &[ANY], must_to_yaml),
    function("toYaml", &[ANY], to_yaml),
    function("toYamlPretty", &[ANY], to_yaml_pretty),
];

type Result_ = Result<Value, Failure>;

fn encoded(arguments: &[Value]) -> Result<Text, Failure> {
    let value = value(arguments, 0);
    let text = crate::grow_for(&value, || {
        let json = value.to_json()?;
        json_to_v2(&json).map_err(|error| Failure::new(error.to_string()))
    })?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).into())
}

fn to_yaml(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    match encoded(arguments) {
        Err(failure @ Failure::Limit(_)) => Err(failure),
        result => Ok(Value::String(result.unwrap_or_default())),
    }
}

fn must_to_yaml(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    encoded(arguments).map(Value::String)
}

fn to_yaml_pretty(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    match pretty::encode(&value(arguments, 0)) {
        Err(failure @ Failure::Limit(_)) => Err(failure),
        result => {
            let text = result.unwrap_or_default();
            Ok(Value::from(text.strip_suffix('\n').unwrap_or(&text)))
        }
    }
}

/// Decodes the first document; all numbers are floats.
fn decoded(source: &Text) -> Result<Value, String> {
    let json = to_json(source.as_bytes(), &Limits::default())
        .map_err(|error| format!("error converting YAML to JSON: {error}"))?;
    Ok(floats(&json))
}

/// Takes JSON over as Go decodes it: every number is a float.
fn floats(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Number(number) => Value::Float64(number.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::Array(items) => Value::list(items.iter().map(floats).collect()),
        serde_json::Value::Object(entries) => Value::Map(Map::new(
            entries
                .iter()
                .map(|(key, value)| (Text::from(key.as_str()), floats(value))),
            &MapType::ANY,
        )),
        other => Value::from_json(other),
    }
}

fn wrong_type(value: &Value, wanted: &str) -> String {
    format!(
        "error unmarshaling JSON: while decoding JSON: {}",
        misfit(value, wanted)
    )
}

fn from_yaml(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(match decoded(&text(arguments, 0)) {
        Ok(value @ Value::Map(_)) => value,
        // Parity: an explicit null makes the map nil; ours cannot tell it from an empty text and is empty.
        Ok(Value::Nil) => Value::Map(Map::empty()),
        Ok(other) => error_map(wrong_type(&other, MapType::ANY.name)),
        Err(message) => error_map(message),
    })
}

fn from_yaml_array(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(match decoded(&text(arguments, 0)) {
        Ok(value @ Value::List(_)) => value,
        Ok(Value::Nil) => Value::list(Vec::new()),
        Ok(other) => Value::list(vec![Value::from(wrong_type(&other, "[]interface {}"))]),
        Err(message) => Value::list(vec![Value::from(message)]),
    })
}
