//! `eq`, `ne`, `lt`, `le`, `gt`, `ge`.

use crate::execute::Slot;
use crate::format;
use crate::function::Failure;
use crate::value::Value;
use std::cmp::Ordering;

/// The classes within which values compare.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Other,
    Bool,
    Int(i64),
    Uint(u64),
    Float,
    String,
}

fn class(value: &Value) -> Class {
    match value {
        Value::Bool(_) => Class::Bool,
        Value::Int(i) | Value::Int64(i) => Class::Int(*i),
        Value::Uint8(i) => Class::Uint(u64::from(*i)),
        Value::Uint64(i) => Class::Uint(*i),
        Value::Float64(_) => Class::Float,
        Value::String(_) => Class::String,
        Value::Object(object) => match object.integer() {
            Some(integer) => Class::Int(integer),
            None => Class::Other,
        },
        _ => Class::Other,
    }
}

fn boolean(result: Result<bool, Failure>) -> Result<Slot, Failure> {
    result.map(|value| Slot::bare(Value::Bool(value)))
}

pub(super) fn eq(arguments: &[Slot]) -> Result<Slot, Failure> {
    let Some((first, others)) = arguments.split_first() else {
        return Err(Failure::new("missing argument for comparison"));
    };
    if others.is_empty() {
        return Err(Failure::new("missing argument for comparison"));
    }
    for other in others {
        if equal(&first.value, &other.value)? {
            return boolean(Ok(true));
        }
    }
    boolean(Ok(false))
}

pub(super) fn ne(arguments: &[Slot]) -> Result<Slot, Failure> {
    boolean(equal(&arguments[0].value, &arguments[1].value).map(|equal| !equal))
}

pub(super) fn lt(arguments: &[Slot]) -> Result<Slot, Failure> {
    boolean(less(&arguments[0].value, &arguments[1].value))
}

pub(super) fn le(arguments: &[Slot]) -> Result<Slot, Failure> {
    boolean(less_or_equal(&arguments[0].value, &arguments[1].value))
}

pub(super) fn gt(arguments: &[Slot]) -> Result<Slot, Failure> {
    boolean(less_or_equal(&arguments[0].value, &arguments[1].value).map(|le| !le))
}

pub(super) fn ge(arguments: &[Slot]) -> Result<Slot, Failure> {
    boolean(less(&arguments[0].value, &arguments[1].value).map(|lt| !lt))
}

fn incompatible(a: &Value, b: &Value) -> Failure {
    Failure::new(format!(
        "incompatible types for comparison: {} and {}",
        a.type_name(),
        b.type_name()
    ))
}

fn less_or_equal(a: &Value, b: &Value) -> Result<bool, Failure> {
    Ok(less(a, b)? || equal(a, b)?)
}

fn equal(a: &Value, b: &Value) -> Result<bool, Failure> {
    Ok(match (class(a), class(b)) {
        (Class::Other, Class::Other) => return equal_others(a, b),
        (Class::Int(a), Class::Int(b)) => a == b,
        (Class::Uint(a), Class::Uint(b)) => a == b,
        (Class::Int(int), Class::Uint(uint)) | (Class::Uint(uint), Class::Int(int)) => {
            u64::try_from(int).is_ok_and(|int| int == uint)
        }
        _ => match (a, b) {
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Float64(a), Value::Float64(b)) => a == b,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Nil, _) | (_, Value::Nil) => false,
            _ => return Err(incompatible(a, b)),
        },
    })
}

/// Compares what is neither number, text nor boolean: only nil equals nil.
fn equal_others(a: &Value, b: &Value) -> Result<bool, Failure> {
    let shown = |value: &Value| -> Result<String, Failure> {
        let out = format::sprintf(b"%s", std::slice::from_ref(value))?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    };
    let both_valid = !matches!(a, Value::Nil) && !matches!(b, Value::Nil);
    if both_valid && a.kind() != b.kind() {
        // Parity: Go swaps value and type of the first here.
        return Err(Failure::new(format!(
            "non-comparable types {}: {}, {}: {}",
            shown(a)?,
            a.type_name(),
            b.type_name(),
            shown(b)?
        )));
    }
    if a.is_nil() || b.is_nil() {
        return Ok(a.is_nil() == b.is_nil());
    }
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => Ok(a.is_equal(b.as_ref())),
        _ => Err(Failure::new(format!(
            "non-comparable type {}: {}",
            shown(b)?,
            b.type_name()
        ))),
    }
}

fn less(a: &Value, b: &Value) -> Result<bool, Failure> {
    let invalid = || Failure::new("invalid type for comparison");
    Ok(match (class(a), class(b)) {
        (Class::Other, _) | (_, Class::Other) | (Class::Bool, Class::Bool) => return Err(invalid()),
        (Class::Int(a), Class::Int(b)) => a < b,
        (Class::Uint(a), Class::Uint(b)) => a < b,
        (Class::Int(int), Class::Uint(uint)) => u64::try_from(int).map_or(true, |int| int < uint),
        (Class::Uint(uint), Class::Int(int)) => u64::try_from(int).is_ok_and(|int| uint < int),
        _ => match (a, b) {
            (Value::Float64(a), Value::Float64(b)) => a.partial_cmp(b) == Some(Ordering::Less),
            (Value::String(a), Value::String(b)) => a < b,
            _ => return Err(incompatible(a, b)),
        },
    })
}
