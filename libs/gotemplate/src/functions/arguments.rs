//! Reading arguments whose types were checked.

use crate::Text;
use crate::function::Failure;
use crate::types::Type;
use crate::value::{List, ListType, Map, MapType, Value};

pub(super) const ANY: Type = Type::Any;
pub(super) const BOOL: Type = Type::Bool;
pub(super) const DICT: Type = Type::Dict;
pub(super) const FLOAT: Type = Type::Float64;
pub(super) const INT: Type = Type::Int;
pub(super) const STRING: Type = Type::String;

/// What Go says when a nil interface is asked for its type.
pub(super) const NIL_POINTER: &str =
    "runtime error: invalid memory address or nil pointer dereference";

pub(super) fn value(arguments: &[Value], at: usize) -> Value {
    arguments.get(at).cloned().unwrap_or_default()
}

pub(super) fn text(arguments: &[Value], at: usize) -> Text {
    match arguments.get(at) {
        Some(Value::String(text)) => text.clone(),
        _ => Text::default(),
    }
}

pub(super) fn int(arguments: &[Value], at: usize) -> i64 {
    match arguments.get(at) {
        Some(Value::Int(i) | Value::Int64(i)) => *i,
        _ => 0,
    }
}

pub(super) fn dict(arguments: &[Value], at: usize) -> Map {
    match arguments.get(at) {
        Some(Value::Map(map)) => map.clone(),
        _ => Map::nil(&MapType::ANY),
    }
}

/// Returns the elements of a list; the failure is Go's for what is none, with the verb of the function.
pub(super) fn elements(value: &Value, complaint: &str) -> Result<Vec<Value>, Failure> {
    match value {
        Value::List(list) => Ok(list.to_vec()),
        Value::Bytes(bytes) => Ok(bytes.as_bytes().iter().map(|b| Value::Uint8(*b)).collect()),
        Value::Nil => Err(NIL_POINTER.into()),
        other => Err(Failure::new(format!("{complaint} {}", other.kind().name()))),
    }
}

pub(super) fn list_of_strings(items: Vec<Text>) -> Value {
    Value::List(List::new(
        items.into_iter().map(Value::String).collect(),
        &ListType::STRINGS,
    ))
}
