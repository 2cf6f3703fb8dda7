//! `spec.data`, the form of before 2019: the whole Secret as one ciphertext, which the controller still takes.

use std::collections::BTreeMap;

use secrecy::SecretSlice;
use serde_json::{Map, Value};

/// The Secret that was sealed; its data are taken out of `object`.
pub(super) struct Whole {
    pub(super) object: Value,
    pub(super) data: BTreeMap<String, SecretSlice<u8>>,
}

/// Reads the Secret; none if it is none.
pub(super) fn read(plain: &[u8]) -> Option<Whole> {
    let mut object: Value = serde_json::from_slice(plain).ok()?;
    if object["apiVersion"] != "v1" || object["kind"] != "Secret" {
        return None;
    }
    let taken = |object: &mut Value, field: &str| -> Option<Map<String, Value>> {
        match object.as_object_mut()?.remove(field) {
            None | Some(Value::Null) => Some(Map::new()),
            Some(Value::Object(map)) => Some(map),
            Some(_) => None,
        }
    };
    let mut data = BTreeMap::new();
    for (key, value) in taken(&mut object, "data")? {
        let bytes = match value {
            Value::Null => Vec::new(),
            Value::String(text) => super::decode(&text)?,
            _ => return None,
        };
        data.insert(key, bytes.into());
    }
    // The API server writes these over those.
    for (key, value) in taken(&mut object, "stringData")? {
        let Value::String(text) = value else {
            return None;
        };
        data.insert(key, text.into_bytes().into());
    }
    Some(Whole { object, data })
}
