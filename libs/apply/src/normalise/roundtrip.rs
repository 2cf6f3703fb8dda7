//! The typed round trip: JSON into a Go type and back, as apimachinery's unstructured converter
//! does it.
//!
//! The surprise is in what appears: a field without `omitempty` shows its zero value, a struct
//! shows even with `omitempty`, and a null in a map of strings becomes an empty string.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::gotypes::{Field, GoType, Table, table};
use super::quantity;
use crate::object::Object;

/// Returns what the Go type of a built-in kind makes of an object, or nothing when the kind is
/// not built in or the object does not fit its type.
pub fn roundtrip(object: &Object) -> Option<Object> {
    let table = table();
    let number = table.kind(object.api_version(), object.kind())?;
    Some(Object::from(structure(
        table,
        number,
        Some(object.as_map()),
    )?))
}

/// Converts a struct; an absent source gives its zero value.
fn structure(
    table: &Table,
    number: usize,
    source: Option<&Map<String, Value>>,
) -> Option<Map<String, Value>> {
    let mut out = Map::new();
    for Field {
        name,
        go_type,
        optional,
    } in table.fields(number)
    {
        let value = source.and_then(|map| map.get(name)).unwrap_or(&Value::Null);
        let value = convert(table, go_type, value)?;
        if !(*optional && is_empty(go_type, &value)) {
            out.insert(name.clone(), value);
        }
    }
    Some(out)
}

/// Converts a value; nothing means that it does not fit. Null is the zero value of every type.
fn convert(table: &Table, go_type: &GoType, value: &Value) -> Option<Value> {
    Some(match (go_type, value) {
        (GoType::Struct(number), Value::Null) => structure(table, *number, None)?.into(),
        (GoType::Struct(number), Value::Object(map)) => {
            structure(table, *number, Some(map))?.into()
        }
        (GoType::Any | GoType::Raw, any) => any.clone(),
        (GoType::String, Value::Null) => "".into(),
        (GoType::Bool, Value::Null) => false.into(),
        (GoType::Int | GoType::IntOrString | GoType::Float, Value::Null) => 0.into(),
        (GoType::Quantity, Value::Null) => "0".into(),
        (_, Value::Null) => Value::Null,
        (GoType::String, Value::String(_))
        | (GoType::Bool, Value::Bool(_))
        | (GoType::Float, Value::Number(_))
        | (GoType::IntOrString, Value::String(_)) => value.clone(),
        (GoType::Int, Value::Number(_)) => integer(value)?.into(),
        (GoType::IntOrString, Value::Number(_)) => i32::try_from(integer(value)?).ok()?.into(),
        (GoType::Bytes, Value::String(text)) => bytes(text)?.into(),
        (GoType::Quantity, Value::String(text)) => quantity::canonical(text)?.into(),
        (GoType::Quantity, Value::Number(number)) => {
            quantity::canonical(&number.to_string())?.into()
        }
        (GoType::Time, Value::String(text)) => time(text, "%Y-%m-%dT%H:%M:%SZ")?.into(),
        (GoType::MicroTime, Value::String(text)) => time(text, "%Y-%m-%dT%H:%M:%S.%6fZ")?.into(),
        (GoType::Pointer(inner), _) => convert(table, inner, value)?,
        (GoType::Slice(inner), Value::Array(items)) => items
            .iter()
            .map(|item| convert(table, inner, item))
            .collect::<Option<Vec<_>>>()?
            .into(),
        (GoType::Map(inner), Value::Object(map)) => {
            let convert =
                |(key, item): (&String, &Value)| Some((key.clone(), convert(table, inner, item)?));
            map.iter()
                .map(convert)
                .collect::<Option<Map<_, _>>>()?
                .into()
        }
        _ => return None,
    })
}

/// Tells whether `omitempty` leaves a value out. A struct never counts as empty.
fn is_empty(go_type: &GoType, value: &Value) -> bool {
    match go_type {
        GoType::String => value.as_str() == Some(""),
        GoType::Bool => value == &Value::Bool(false),
        GoType::Int | GoType::Float => value.as_f64() == Some(0.0),
        GoType::Bytes => value.is_null() || value.as_str() == Some(""),
        GoType::Slice(_) => value.as_array().is_none_or(Vec::is_empty),
        GoType::Map(_) => value.as_object().is_none_or(Map::is_empty),
        GoType::Pointer(_) | GoType::Any | GoType::Time => value.is_null(),
        GoType::Struct(_)
        | GoType::Quantity
        | GoType::IntOrString
        | GoType::MicroTime
        | GoType::Raw => false,
    }
}

/// Returns a whole number, also one written as a float.
fn integer(value: &Value) -> Option<i64> {
    if let Some(whole) = value.as_i64() {
        return Some(whole);
    }
    let float = value.as_f64()?;
    // Beyond this a float no longer tells neighbours apart, and the cast would saturate.
    let exact = float.trunc() == float && float.abs() < 9.0e15;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number in range")]
    exact.then_some(float as i64)
}

/// Decodes and encodes base64 as Go does: line breaks are ignored, padding is required.
fn bytes(text: &str) -> Option<String> {
    // Go accepts set bits behind the last byte.
    const GO: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    let decoded = if text.contains(['\r', '\n']) {
        GO.decode(text.replace(['\r', '\n'], ""))
    } else {
        GO.decode(text)
    };
    Some(GO.encode(decoded.ok()?))
}

fn time(text: &str, format: &str) -> Option<String> {
    // Go's RFC 3339 needs the `T`, which jiff lets be a blank.
    if text.get(10..11) != Some("T") {
        return None;
    }
    let at: Timestamp = text.parse().ok()?;
    Some(at.to_zoned(TimeZone::UTC).strftime(format).to_string())
}
