//! `reflect.DeepEqual`.

use super::{MAX_DEPTH, Value};
use crate::function::Failure;

impl Value {
    /// Compares as Go's `reflect.DeepEqual`: types count, so `1` is not `1.0`; a nil map is no empty map; not a
    /// number equals nothing.
    ///
    /// # Errors
    /// The values nest deeper than [`MAX_DEPTH`], or hold themselves.
    pub fn deep_equal(&self, other: &Self) -> Result<bool, Failure> {
        equal(self, other, 0)
    }
}

fn equal(a: &Value, b: &Value, depth: usize) -> Result<bool, Failure> {
    if depth > MAX_DEPTH {
        return Err(Failure::too_deep());
    }
    Ok(match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) | (Value::Int64(a), Value::Int64(b)) => a == b,
        (Value::Uint8(a), Value::Uint8(b)) => a == b,
        (Value::Uint64(a), Value::Uint64(b)) => a == b,
        (Value::Float64(a), Value::Float64(b)) => a == b,
        (Value::String(a), Value::String(b)) | (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            if a.of().name != b.of().name || a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            if a.is_same(b) {
                return Ok(true);
            }
            for (a, b) in a.to_vec().iter().zip(&b.to_vec()) {
                if !crate::grow(|| equal(a, b, depth + 1))? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.of().name != b.of().name || a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            if a.is_same(b) {
                return Ok(true);
            }
            for (key, value) in a.entries() {
                match b.get(key.as_bytes()) {
                    Some(other) if crate::grow(|| equal(&value, &other, depth + 1))? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Value::Object(a), Value::Object(b)) => {
            a.type_name() == b.type_name() && a.is_equal(b.as_ref())
        }
        _ => false,
    })
}
