//! JSON as Go's `encoding/json` writes and reads it.

mod read;
mod write;

use super::arguments::{ANY, STRING, text, value};
use super::function;
use crate::function::{Failure, Function, Scope};
use crate::value::{Map, MapType, Value};

pub(super) use read::read;
pub use write::to_json;
use write::{Layout, write};

pub(super) const SPRIG: &[Function] = &[
    function("fromJson", &[STRING], from_any),
    function("mustFromJson", &[STRING], must_from_any),
    function("mustToJson", &[ANY], must_to_json),
    function("mustToPrettyJson", &[ANY], must_to_pretty),
    function("mustToRawJson", &[ANY], to_raw),
    function("toJson", &[ANY], soft_to_json),
    function("toPrettyJson", &[ANY], to_pretty),
    function("toRawJson", &[ANY], to_raw),
];

pub(super) const HELM: &[Function] = &[
    function("fromJson", &[STRING], from_json),
    function("fromJsonArray", &[STRING], from_json_array),
    function("mustToJson", &[ANY], must_to_json),
    function("toJson", &[ANY], soft_to_json),
];

type Result_ = Result<Value, Failure>;

fn encoded(arguments: &[Value], layout: Layout) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    write(&mut out, &value(arguments, 0), layout)?;
    Ok(out)
}

/// Turns a failure into an empty text, except that of a limit.
fn soft(result: Result<Vec<u8>, Failure>) -> Result_ {
    match result {
        Err(failure @ Failure::Limit(_)) => Err(failure),
        result => Ok(Value::string(result.unwrap_or_default())),
    }
}

fn soft_to_json(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    soft(encoded(arguments, Layout::Compact))
}

fn must_to_json(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::string(encoded(arguments, Layout::Compact)?))
}

fn to_pretty(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    soft(encoded(arguments, Layout::Indented))
}

fn must_to_pretty(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::string(encoded(arguments, Layout::Indented)?))
}

fn to_raw(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::string(encoded(arguments, Layout::Raw)?))
}

/// Reads any value; sprig's swallows errors.
fn from_any(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(read(text(arguments, 0).as_bytes()).unwrap_or_default())
}

fn must_from_any(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    read(text(arguments, 0).as_bytes()).map_err(Failure::Message)
}

/// Says what Go says of a value that does not fit what it is decoded into.
pub(super) fn misfit(value: &Value, wanted: &str) -> String {
    let found = match value {
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    };
    format!("json: cannot unmarshal {found} into Go value of type {wanted}")
}

/// Makes the map that carries an error.
pub(super) fn error_map(message: String) -> Value {
    Value::map([("Error", Value::from(message))])
}

fn from_json(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(match read(text(arguments, 0).as_bytes()) {
        Ok(value @ Value::Map(_)) => value,
        Ok(Value::Nil) => Value::Map(Map::nil(&MapType::ANY)),
        Ok(other) => error_map(misfit(&other, MapType::ANY.name)),
        Err(message) => error_map(message),
    })
}

fn from_json_array(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(match read(text(arguments, 0).as_bytes()) {
        Ok(value @ Value::List(_)) => value,
        Ok(Value::Nil) => Value::zero(crate::Type::List),
        Ok(other) => Value::list(vec![Value::from(misfit(&other, "[]interface {}"))]),
        Err(message) => Value::list(vec![Value::from(message)]),
    })
}
