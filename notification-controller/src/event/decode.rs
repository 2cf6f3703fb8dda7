//! Decodes a posted event as Go's `encoding/json` would: field names in any case, unknown fields and
//! duplicate keys accepted, `null` for a zero value, and a wrong type or timestamp refused.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Event, ObjectReference};

impl Event {
    /// Decodes the body of a POST to the event endpoint.
    pub fn from_json(body: &[u8]) -> Result<Self, Error> {
        // Parity: Go replaces invalid UTF-8 instead of refusing it.
        let text = String::from_utf8_lossy(body);
        let value: Value = serde_json::from_str(&text)?;
        let fields = match &value {
            // Parity: unmarshalling `null` into a struct leaves it as it is.
            Value::Null => return Ok(Self::default()),
            Value::Object(fields) => fields,
            _ => {
                return Err(Error::Type {
                    field: "event",
                    want: "an object",
                });
            }
        };
        Ok(Self {
            involved_object: reference(fields)?,
            severity: string(fields, "severity")?,
            timestamp: timestamp(fields)?,
            message: string(fields, "message")?,
            reason: string(fields, "reason")?,
            metadata: strings(fields, "metadata")?,
            reporting_controller: string(fields, "reportingController")?,
            reporting_instance: string(fields, "reportingInstance")?,
        })
    }
}

fn reference(fields: &Map<String, Value>) -> Result<ObjectReference, Error> {
    let object = match field(fields, "involvedObject") {
        None | Some(Value::Null) => return Ok(ObjectReference::default()),
        Some(Value::Object(object)) => object,
        Some(_) => {
            return Err(Error::Type {
                field: "involvedObject",
                want: "an object",
            });
        }
    };
    Ok(ObjectReference {
        kind: string(object, "kind")?,
        namespace: string(object, "namespace")?,
        name: string(object, "name")?,
        uid: string(object, "uid")?,
        api_version: string(object, "apiVersion")?,
        resource_version: string(object, "resourceVersion")?,
        field_path: string(object, "fieldPath")?,
    })
}

fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).or_else(|| {
        fields
            .iter()
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    })
}

fn string(fields: &Map<String, Value>, name: &'static str) -> Result<String, Error> {
    match field(fields, name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(Error::Type {
            field: name,
            want: "a string",
        }),
    }
}

fn strings(
    fields: &Map<String, Value>,
    name: &'static str,
) -> Result<BTreeMap<String, String>, Error> {
    let entries = match field(fields, name) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(entries)) => entries,
        Some(_) => {
            return Err(Error::Type {
                field: name,
                want: "an object of strings",
            });
        }
    };
    entries
        .iter()
        .map(|(key, value)| match value {
            Value::String(text) => Ok((key.clone(), text.clone())),
            Value::Null => Ok((key.clone(), String::new())),
            _ => Err(Error::Type {
                field: name,
                want: "an object of strings",
            }),
        })
        .collect()
}

fn timestamp(fields: &Map<String, Value>) -> Result<Option<Timestamp>, Error> {
    let text = match field(fields, "timestamp") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => {
            return Err(Error::Type {
                field: "timestamp",
                want: "a string",
            });
        }
    };
    if !has_rfc3339_shape(text) {
        return Err(Error::Timestamp(text.clone()));
    }
    let parsed: Timestamp = text.parse().map_err(|_| Error::Timestamp(text.clone()))?;
    Timestamp::from_second(parsed.as_second())
        .map(|whole| (text != ZERO_TIME).then_some(whole))
        .map_err(|_| Error::Timestamp(text.clone()))
}

/// Go's zero time, which encodes as `null`.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

/// Whether Go's `time.RFC3339` layout would accept the text; the date library alone takes more forms.
fn has_rfc3339_shape(text: &str) -> bool {
    const DATE_TIME: &[u8] = b"0000-00-00T00:00:00";
    let bytes = text.as_bytes();
    let Some((head, mut rest)) = bytes.split_at_checked(DATE_TIME.len()) else {
        return false;
    };
    if !head.iter().zip(DATE_TIME).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    }) {
        return false;
    }
    if let [b'.' | b',', fraction @ ..] = rest {
        let digits = fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits == 0 {
            return false;
        }
        rest = fraction.get(digits..).unwrap_or_default();
    }
    match rest {
        [b'Z'] => true,
        [b'+' | b'-', a, b, b':', c, d] => [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

/// Why a body is not an event.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not JSON.
    #[error("invalid JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A field holds another type.
    #[error("{field} is not {want}")]
    Type {
        /// The field.
        field: &'static str,
        /// What it must be.
        want: &'static str,
    },
    /// The timestamp is not RFC 3339.
    #[error("cannot parse {0:?} as an RFC 3339 time")]
    Timestamp(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Result<Event, Error> {
        Event::from_json(text.as_bytes())
    }

    #[test]
    fn accepts_what_go_accepts() {
        assert_eq!(decode("{}").unwrap(), Event::default());
        assert_eq!(decode("null").unwrap(), Event::default());
        assert_eq!(
            decode(r#"{"MESSAGE":"m","later":{"x":[1]}}"#)
                .unwrap()
                .message,
            "m"
        );
        assert_eq!(
            decode(r#"{"message":"a","message":"b"}"#).unwrap().message,
            "b"
        );
        assert_eq!(
            decode(r#"{"message":null,"metadata":null}"#).unwrap(),
            Event::default()
        );
        assert_eq!(
            Event::from_json(b"{\"message\":\"\xff\"}").unwrap().message,
            "\u{fffd}"
        );
    }

    #[test]
    fn refuses_what_go_refuses() {
        for text in [
            "",
            "nonsense",
            "[]",
            "1",
            "{\"message\":1}",
            "{\"metadata\":{\"a\":1}}",
            "{} x",
        ] {
            assert!(decode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn takes_only_rfc3339_times_and_keeps_whole_seconds() {
        let at = |text: &str| decode(&format!(r#"{{"timestamp":"{text}"}}"#));
        assert_eq!(
            at("2024-05-01T12:00:00.987+02:00")
                .unwrap()
                .timestamp
                .unwrap()
                .to_string(),
            "2024-05-01T10:00:00Z"
        );
        assert_eq!(at("0001-01-01T00:00:00Z").unwrap().timestamp, None);
        for text in [
            "yesterday",
            "2024-05-01",
            "2024-05-01 10:00:00Z",
            "2024-05-01T10:00:00",
            "2024-13-01T10:00:00Z",
        ] {
            assert!(at(text).is_err(), "{text}");
        }
    }
}
