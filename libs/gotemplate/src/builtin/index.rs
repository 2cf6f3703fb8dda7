//! `index`, `len` and Go's own `slice`.

use crate::execute::Slot;
use crate::function::Failure;
use crate::value::{List, Value};

pub(super) fn index(arguments: &[Slot]) -> Result<Slot, Failure> {
    let mut item = arguments[0].clone().unboxed();
    if item.is_invalid() {
        return Err(Failure::new("index of untyped nil"));
    }
    for index in &arguments[1..] {
        let key = &index.value;
        item = match &item.value {
            Value::Nil => return Err(Failure::new("index of nil pointer")),
            Value::List(list) => {
                let at = position(key, list.len())?;
                let element = list.get(at).ok_or_else(|| beyond("slice"))?;
                Slot::element(element, list.of().element)
            }
            Value::Bytes(text) | Value::String(text) => {
                let at = position(key, text.len())?;
                let kind = match item.value {
                    Value::String(_) => "string",
                    _ => "slice",
                };
                let byte = text.as_bytes().get(at).ok_or_else(|| beyond(kind))?;
                Slot::bare(Value::Uint8(*byte))
            }
            Value::Map(map) => {
                let key = match key {
                    Value::String(key) => key,
                    Value::Nil => {
                        return Err(Failure::new("value is nil; should be of type string"));
                    }
                    other => {
                        return Err(Failure::new(format!(
                            "value has type {}; should be string",
                            other.type_name()
                        )));
                    }
                };
                let element = map.of().element;
                let value = map.get(key).unwrap_or_else(|| Value::zero(element));
                Slot::element(value, element)
            }
            other => {
                return Err(Failure::new(format!(
                    "can't index item of type {}",
                    other.type_name()
                )));
            }
        };
    }
    Ok(item)
}

/// Says what Go's runtime does of an index that `indexArg` let pass: the length itself.
fn beyond(kind: &str) -> Failure {
    Failure::new(format!("reflect: {kind} index out of range"))
}

fn position(index: &Value, capacity: usize) -> Result<usize, Failure> {
    let number = match index {
        Value::Int(i) | Value::Int64(i) => *i,
        Value::Uint8(i) => i64::from(*i),
        Value::Uint64(i) => *i as i64,
        Value::Nil => return Err(Failure::new("cannot index slice/array with nil")),
        other => match other {
            Value::Object(object) if object.integer().is_some() => {
                object.integer().unwrap_or_default()
            }
            _ => {
                return Err(Failure::new(format!(
                    "cannot index slice/array with type {}",
                    other.type_name()
                )));
            }
        },
    };
    usize::try_from(number)
        .ok()
        .filter(|at| *at <= capacity)
        .ok_or_else(|| Failure::new(format!("index out of range: {number}")))
}

pub(super) fn len(arguments: &[Slot]) -> Result<Slot, Failure> {
    let length = match &arguments[0].value {
        Value::Nil if arguments[0].boxed => return Err(Failure::new("len of nil pointer")),
        Value::Nil => {
            return Err(Failure::new(
                "reflect: call of reflect.Value.Type on zero Value",
            ));
        }
        Value::String(text) | Value::Bytes(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        other => {
            return Err(Failure::new(format!(
                "len of type {}",
                other.type_name().trim_start_matches('*')
            )));
        }
    };
    Ok(Slot::bare(Value::Int(
        i64::try_from(length).unwrap_or(i64::MAX),
    )))
}

pub(super) fn slice(arguments: &[Slot]) -> Result<Slot, Failure> {
    let item = &arguments[0].value;
    let indexes = &arguments[1..];
    if let Value::Nil = item {
        return Err(Failure::new("slice of untyped nil"));
    }
    if indexes.len() > 3 {
        return Err(Failure::new(format!(
            "too many slice indexes: {}",
            indexes.len()
        )));
    }
    let length = match item {
        Value::String(_) if indexes.len() == 3 => {
            return Err(Failure::new("cannot 3-index slice a string"));
        }
        Value::String(text) | Value::Bytes(text) => text.len(),
        Value::List(list) => list.len(),
        other => {
            return Err(Failure::new(format!(
                "can't slice item of type {}",
                other.type_name()
            )));
        }
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(&index.value, length)?;
    }
    let [start, end, most] = bounds;
    let wrong = |a: usize, b: usize| Failure::new(format!("invalid slice index: {a} > {b}"));
    if start > end {
        return Err(wrong(start, end));
    }
    if indexes.len() == 3 && end > most {
        return Err(wrong(end, most));
    }
    Ok(Slot::bare(match item {
        Value::String(text) => Value::string(text.as_bytes()[start..end].to_vec()),
        Value::Bytes(text) => Value::Bytes(text.as_bytes()[start..end].to_vec().into()),
        Value::List(list) => Value::List(List::new(list.to_vec()[start..end].to_vec(), list.of())),
        other => other.clone(),
    }))
}
