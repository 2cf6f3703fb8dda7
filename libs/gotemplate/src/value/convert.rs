//! To and from JSON values.

use super::{List, ListType, MAX_DEPTH, Map, MapType, Value};
use crate::Text;
use crate::function::Failure;
use base64::Engine as _;
use serde_json::{Number, Value as Json};

impl Value {
    /// Takes a JSON value over; integers become `int64` or `uint64`, other numbers `float64`. So a caller decides
    /// what Go would hold: numbers of a values file are floats, those of `--set` are integers.
    pub fn from_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Nil,
            Json::Bool(b) => Self::Bool(*b),
            Json::Number(number) => {
                if let Some(int) = number.as_i64() {
                    Self::Int64(int)
                } else if let Some(int) = number.as_u64() {
                    Self::Uint64(int)
                } else {
                    Self::Float64(number.as_f64().unwrap_or(f64::NAN))
                }
            }
            Json::String(text) => Self::string(text.as_str()),
            Json::Array(items) => Self::list(items.iter().map(Self::from_json).collect()),
            Json::Object(entries) => Self::Map(Map::new(
                entries
                    .iter()
                    .map(|(key, value)| (Text::from(key.as_str()), Self::from_json(value))),
                &MapType::ANY,
            )),
        }
    }

    /// Makes what `encoding/json` makes of the value: bytes become base64, invalid UTF-8 U+FFFD, nil maps and
    /// lists null. Floats stay floats; how they are written is the encoder's affair.
    ///
    /// # Errors
    /// `json: unsupported value: NaN`, or a value that nests deeper than [`MAX_DEPTH`] or holds itself.
    pub fn to_json(&self) -> Result<Json, Failure> {
        json(self, 0)
    }

    /// Copies maps and lists all the way down, so that nothing is shared.
    ///
    /// # Errors
    /// The value nests deeper than [`MAX_DEPTH`], or holds itself.
    pub fn deep_copy(&self) -> Result<Self, Failure> {
        copy(self, 0)
    }
}

fn json(value: &Value, depth: usize) -> Result<Json, Failure> {
    if depth > MAX_DEPTH {
        return Err(Failure::too_deep());
    }
    Ok(match value {
        Value::Nil => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(i) | Value::Int64(i) => Json::Number((*i).into()),
        Value::Uint8(i) => Json::Number((*i).into()),
        Value::Uint64(i) => Json::Number((*i).into()),
        Value::Float64(f) => Json::Number(Number::from_f64(*f).ok_or_else(|| {
            let name = if f.is_nan() {
                "NaN"
            } else if *f > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            Failure::new(format!("json: unsupported value: {name}"))
        })?),
        Value::String(text) => Json::String(text.to_str().into_owned()),
        Value::Bytes(bytes) => {
            Json::String(base64::engine::general_purpose::STANDARD.encode(bytes.as_bytes()))
        }
        Value::List(list) if list.is_nil() => Json::Null,
        Value::List(list) => Json::Array(
            list.to_vec()
                .iter()
                .map(|item| crate::grow(|| json(item, depth + 1)))
                .collect::<Result<_, _>>()?,
        ),
        Value::Map(map) if map.is_nil() => Json::Null,
        Value::Map(map) => {
            let mut object = serde_json::Map::new();
            for (key, value) in map.entries() {
                let value = crate::grow(|| json(&value, depth + 1))?;
                object.insert(key.to_str().into_owned(), value);
            }
            Json::Object(object)
        }
        Value::Object(object) => match object.encoded() {
            Some(other) => json(&other, depth + 1)?,
            None => {
                let mut fields = serde_json::Map::new();
                for (name, value) in object.encoded_fields() {
                    fields.insert(name.to_owned(), json(&value, depth + 1)?);
                }
                Json::Object(fields)
            }
        },
    })
}

fn copy(value: &Value, depth: usize) -> Result<Value, Failure> {
    if depth > MAX_DEPTH {
        return Err(Failure::too_deep());
    }
    Ok(match value {
        Value::List(list) if !list.is_nil() => {
            let of: &'static ListType = list.of();
            let items = list
                .to_vec()
                .iter()
                .map(|item| crate::grow(|| copy(item, depth + 1)))
                .collect::<Result<_, _>>()?;
            Value::List(List::new(items, of))
        }
        Value::Map(map) if !map.is_nil() => {
            let mut entries = Vec::with_capacity(map.len());
            for (key, value) in map.entries() {
                entries.push((key, crate::grow(|| copy(&value, depth + 1))?));
            }
            Value::Map(Map::new(entries, map.of()))
        }
        other => other.clone(),
    })
}
