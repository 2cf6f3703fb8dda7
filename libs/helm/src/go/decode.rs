//! Decoding a YAML text into typed fields as `sigs.k8s.io/yaml` does for Go structs.
//!
//! Field names match whatever their case, numbers and booleans become text where text is wanted, and
//! the first fault in the order of the keys is the one that is reported, after all was decoded.

use fjord_yaml::{Error, Limits};
use serde_json::{Map, Value};

/// A text that does not decode, with Go's wording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The text is no YAML, or has no meaning as JSON.
    #[error("error converting YAML to JSON: {0}")]
    Yaml(#[from] Error),
    /// A value is not of the type that its field has.
    #[error(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {got} into Go {place}"
    )]
    Type {
        /// What stands there.
        got: &'static str,
        /// Where, and what should.
        place: String,
    },
}

/// Collects the faults of one text; the first counts.
#[derive(Default)]
pub(crate) struct Decode {
    fault: Option<Fault>,
}

impl Decode {
    /// Decodes a text with `read`, which gets its fields; null gives no fields at all.
    pub(crate) fn yaml<T>(
        text: &[u8],
        go_type: &'static str,
        struct_name: &'static str,
        read: impl FnOnce(&mut Self, &Fields<'_>) -> T,
    ) -> Result<T, Fault> {
        let value = fjord_yaml::to_json(text, &Limits::default())?;
        let mut decode = Self::default();
        let empty = Map::new();
        let map = match &value {
            Value::Object(map) => map,
            Value::Null => &empty,
            other => {
                decode.refuse(other, format!("value of type {go_type}"));
                &empty
            }
        };
        let fields = Fields {
            map,
            path: struct_name.to_owned(),
        };
        let decoded = read(&mut decode, &fields);
        match decode.fault {
            Some(fault) => Err(fault),
            None => Ok(decoded),
        }
    }

    fn refuse(&mut self, got: &Value, place: String) {
        if !got.is_null() {
            self.fault.get_or_insert_with(|| Fault::not_a(got, &place));
        }
    }
}

/// The fields of one Go struct.
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    fn find(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).or_else(|| {
            let mut same = self
                .map
                .iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case(name));
            same.next_back().map(|(_, value)| value)
        })
    }

    fn place(&self, name: &str, want: &str) -> String {
        format!("struct field {}.{name} of type {want}", self.path)
    }

    /// Reads a text; numbers and booleans are written out.
    pub(crate) fn text(&self, decode: &mut Decode, name: &str) -> String {
        let Some(value) = self.find(name) else {
            return String::new();
        };
        self.as_text(decode, name, value)
    }

    fn as_text(&self, decode: &mut Decode, name: &str, value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Bool(flag) => flag.to_string(),
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(n), _, _) => n.to_string(),
                (None, Some(n), _) => n.to_string(),
                (None, None, Some(f)) => fjord_yaml::format_g(f),
                (None, None, None) => String::new(),
            },
            other => {
                decode.refuse(other, self.place(name, "string"));
                String::new()
            }
        }
    }

    /// Reads a boolean.
    pub(crate) fn flag(&self, decode: &mut Decode, name: &str) -> bool {
        match self.find(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(other) => {
                decode.refuse(other, self.place(name, "bool"));
                false
            }
            None => false,
        }
    }

    /// Reads a list of texts.
    pub(crate) fn texts(&self, decode: &mut Decode, name: &str) -> Vec<String> {
        self.list(decode, name, "[]string", |decode, value| {
            self.as_text(decode, name, value)
        })
    }

    /// Reads a list whose elements `read` decodes.
    pub(crate) fn list<T>(
        &self,
        decode: &mut Decode,
        name: &str,
        go_type: &str,
        mut read: impl FnMut(&mut Decode, &'a Value) -> T,
    ) -> Vec<T> {
        match self.find(name) {
            Some(Value::Array(items)) => items.iter().map(|item| read(decode, item)).collect(),
            Some(other) => {
                decode.refuse(other, self.place(name, go_type));
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Reads a list of structs; null elements stay `None`.
    pub(crate) fn structs<T>(
        &self,
        decode: &mut Decode,
        name: &str,
        go_type: &str,
        mut read: impl FnMut(&mut Decode, &Self) -> T,
    ) -> Vec<Option<T>> {
        self.list(
            decode,
            name,
            &format!("[]*{go_type}"),
            |decode, value| match value {
                Value::Null => None,
                Value::Object(map) => {
                    let fields = Fields {
                        map,
                        path: format!("{}.{name}", self.path),
                    };
                    Some(read(decode, &fields))
                }
                other => {
                    decode.refuse(other, self.place(name, go_type));
                    Some(read(
                        decode,
                        &Fields {
                            map: empty(),
                            path: String::new(),
                        },
                    ))
                }
            },
        )
    }

    /// Reads a map of texts.
    pub(crate) fn text_map(
        &self,
        decode: &mut Decode,
        name: &str,
    ) -> std::collections::BTreeMap<String, String> {
        match self.find(name) {
            Some(Value::Object(map)) => map
                .iter()
                .map(|(key, value)| (key.clone(), self.as_text(decode, name, value)))
                .collect(),
            Some(other) => {
                decode.refuse(other, self.place(name, "map[string]string"));
                Default::default()
            }
            None => Default::default(),
        }
    }

    /// Reads the fields of a struct; absent and null give `None`.
    pub(crate) fn fields(&self, decode: &mut Decode, name: &str, go_type: &str) -> Option<Self> {
        match self.find(name)? {
            Value::Object(map) => Some(Self {
                map,
                path: format!("{}.{name}", self.path),
            }),
            other => {
                decode.refuse(other, self.place(name, go_type));
                None
            }
        }
    }

    /// Reads a map whose values `read` finds by their keys.
    pub(crate) fn tables<T>(
        &self,
        decode: &mut Decode,
        name: &str,
        mut read: impl FnMut(&mut Decode, &Self, &str) -> T,
    ) -> Vec<(String, T)> {
        let Some(fields) = self.fields(decode, name, "map[string]interface {}") else {
            return Vec::new();
        };
        let keys = fields.map.keys();
        keys.map(|key| (key.clone(), read(decode, &fields, key)))
            .collect()
    }

    /// Gives the value itself.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a Value> {
        self.find(name)
    }
}

fn empty() -> &'static Map<String, Value> {
    static EMPTY: std::sync::OnceLock<Map<String, Value>> = std::sync::OnceLock::new();
    EMPTY.get_or_init(Map::new)
}

impl Fault {
    /// Says that a value is not of the Go type wanted.
    pub(crate) fn not_a(value: &Value, place: &str) -> Self {
        let got = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        Self::Type {
            got,
            place: place.to_owned(),
        }
    }
}
