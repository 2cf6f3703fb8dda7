//! The encoder: plain values before tables, each by name, bodies of nested tables indented.

use crate::Text;
use crate::format::format_float;
use crate::function::Failure;
use crate::value::{MAX_DEPTH, Value};

/// Encodes a value. The inner error is a text that `toToml` returns; the outer one is a panic in Go.
pub(super) fn encode(value: &Value) -> Result<Result<Vec<u8>, Vec<u8>>, Failure> {
    let mut encoder = Encoder::default();
    match encoder.value(&[], value) {
        Ok(()) => Ok(Ok(encoder.out)),
        Err(Fault::Message(message)) => Ok(Err(message.as_bytes().to_vec())),
        Err(Fault::Failure(failure)) => Err(failure),
    }
}

enum Fault {
    Message(&'static str),
    Failure(Failure),
}

type Outcome = Result<(), Fault>;

#[derive(Default)]
struct Encoder {
    out: Vec<u8>,
}

/// What a value is to TOML.
#[derive(PartialEq, Eq)]
enum Class {
    Nothing,
    Plain,
    Table,
    Tables,
}

fn class(value: &Value) -> Result<Class, Fault> {
    class_at(value, 0)
}

fn class_at(value: &Value, depth: usize) -> Result<Class, Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::Failure(Failure::too_deep()));
    }
    Ok(match value {
        Value::Nil => Class::Nothing,
        Value::Map(map) if map.is_nil() => Class::Nothing,
        Value::List(list) if list.is_nil() => Class::Nothing,
        Value::Map(_) => Class::Table,
        Value::List(list) if !list.is_empty() => {
            let mut all_tables = true;
            for item in list.to_vec() {
                match crate::grow(|| class_at(&item, depth + 1))? {
                    Class::Nothing => {
                        return Err(Fault::Message("toml: cannot encode array with nil element"));
                    }
                    Class::Table => {}
                    _ => all_tables = false,
                }
            }
            if all_tables {
                Class::Tables
            } else {
                Class::Plain
            }
        }
        Value::Object(object) if object.encoded().is_none() => Class::Table,
        _ => Class::Plain,
    })
}

/// Lists the entries of a table.
fn entries(value: &Value) -> Vec<(Text, Value)> {
    match value {
        Value::Map(map) => map.entries(),
        Value::Object(object) => object
            .fields()
            .into_iter()
            // What Go does not export is not written.
            .filter(|(name, _)| name.starts_with(char::is_uppercase))
            .map(|(name, value)| (Text::from(name), value))
            .collect(),
        _ => Vec::new(),
    }
}

impl Encoder {
    fn value(&mut self, key: &[Text], value: &Value) -> Outcome {
        if key.len() > MAX_DEPTH {
            return Err(Fault::Failure(Failure::too_deep()));
        }
        match value {
            Value::Nil if key.is_empty() => Err(Fault::Failure(Failure::new(
                "reflect: call of reflect.Value.Type on zero Value",
            ))),
            Value::Nil => Ok(()),
            Value::Map(map) if map.is_nil() => Ok(()),
            Value::List(_) if class(value)? == Class::Tables => self.tables(key, value),
            _ if class(value)? == Class::Table => self.table(key, value),
            _ => {
                self.key_value(key, value, false)?;
                Ok(())
            }
        }
    }

    fn newline(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }

    fn indent(&mut self, key: &[Text]) {
        let width = 2 * key.len().saturating_sub(1);
        self.out.resize(self.out.len() + width, b' ');
    }

    fn tables(&mut self, key: &[Text], value: &Value) -> Outcome {
        if key.is_empty() {
            return Err(Fault::Message(
                "toml: top-level values must be Go maps or structs",
            ));
        }
        let Value::List(list) = value else {
            return Ok(());
        };
        for item in list.to_vec() {
            self.newline();
            self.indent(key);
            self.out.extend_from_slice(b"[[");
            self.path(key);
            self.out.extend_from_slice(b"]]");
            self.newline();
            self.body(key, &item)?;
        }
        Ok(())
    }

    fn table(&mut self, key: &[Text], value: &Value) -> Outcome {
        if key.len() == 1 {
            self.newline();
        }
        if !key.is_empty() {
            self.indent(key);
            self.out.push(b'[');
            self.path(key);
            self.out.push(b']');
            self.newline();
        }
        self.body(key, value)
    }

    fn body(&mut self, key: &[Text], value: &Value) -> Outcome {
        let (plain, tables) = split(value)?;
        for (name, value) in plain.into_iter().chain(tables) {
            let mut path = key.to_vec();
            path.push(name);
            crate::grow(|| self.value(&path, &value))?;
        }
        Ok(())
    }

    fn path(&mut self, key: &[Text]) {
        for (index, name) in key.iter().enumerate() {
            if index > 0 {
                self.out.push(b'.');
            }
            self.name(name);
        }
    }

    fn name(&mut self, name: &Text) {
        let bare = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if name.is_empty() {
            self.out.extend_from_slice(b"\"\"");
        } else if name.as_bytes().iter().all(bare) {
            self.out.extend_from_slice(name.as_bytes());
        } else {
            self.quoted(name);
        }
    }

    fn key_value(&mut self, key: &[Text], value: &Value, inline: bool) -> Outcome {
        let Some(name) = key.last() else {
            return self.element(value, 0);
        };
        self.indent(key);
        self.name(name);
        self.out.extend_from_slice(b" = ");
        self.element(value, key.len())?;
        if !inline {
            self.newline();
        }
        Ok(())
    }

    fn element(&mut self, value: &Value, depth: usize) -> Outcome {
        if depth > MAX_DEPTH {
            return Err(Fault::Failure(Failure::too_deep()));
        }
        match value {
            Value::Nil => {
                return Err(Fault::Failure(Failure::new(
                    "reflect: call of reflect.Value.Interface on zero Value",
                )));
            }
            Value::String(text) => self.quoted(text),
            Value::Bool(b) => self.out.extend_from_slice(b.to_string().as_bytes()),
            Value::Int(i) | Value::Int64(i) => {
                self.out.extend_from_slice(i.to_string().as_bytes());
            }
            Value::Uint8(i) => self.out.extend_from_slice(i.to_string().as_bytes()),
            Value::Uint64(i) => self.out.extend_from_slice(i.to_string().as_bytes()),
            Value::Float64(f) => self.out.extend_from_slice(float(*f).as_bytes()),
            Value::Bytes(bytes) => {
                let items: Vec<String> = bytes.as_bytes().iter().map(ToString::to_string).collect();
                self.out
                    .extend_from_slice(format!("[{}]", items.join(", ")).as_bytes());
            }
            Value::List(list) => {
                self.out.push(b'[');
                for (index, item) in list.to_vec().iter().enumerate() {
                    if index > 0 {
                        self.out.extend_from_slice(b", ");
                    }
                    crate::grow(|| self.element(item, depth + 1))?;
                }
                self.out.push(b']');
            }
            Value::Object(object) if object.encoded().is_some() => {
                if let Some(datetime) = object.datetime() {
                    self.out.extend_from_slice(datetime.as_bytes());
                } else {
                    self.quoted(&object.display().unwrap_or_default());
                }
            }
            Value::Map(_) | Value::Object(_) => self.inline(value, depth)?,
        }
        Ok(())
    }

    fn inline(&mut self, value: &Value, depth: usize) -> Outcome {
        let (plain, tables) = split(value)?;
        self.out.push(b'{');
        let counts = (plain.len(), tables.len());
        for (group, more) in [(plain, counts.1 > 0), (tables, false)] {
            let count = group.len();
            for (index, (name, value)) in group.into_iter().enumerate() {
                // Parity: a nil is left out, and its comma with it.
                if matches!(class(&value)?, Class::Nothing) {
                    continue;
                }
                self.name(&name);
                self.out.extend_from_slice(b" = ");
                crate::grow(|| self.element(&value, depth + 1))?;
                if more || index + 1 != count {
                    self.out.extend_from_slice(b", ");
                }
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn quoted(&mut self, text: &Text) {
        self.out.push(b'"');
        for byte in text.as_bytes() {
            match byte {
                b'\t' => self.out.extend_from_slice(b"\\t"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                8 => self.out.extend_from_slice(b"\\b"),
                12 => self.out.extend_from_slice(b"\\f"),
                b'"' => self.out.extend_from_slice(b"\\\""),
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                0x1b => self.out.extend_from_slice(b"\\e"),
                byte if *byte < b' ' || *byte == 0x7f => {
                    self.out
                        .extend_from_slice(format!("\\u00{byte:02x}").as_bytes());
                }
                byte => self.out.push(*byte),
            }
        }
        self.out.push(b'"');
    }
}

type Entries = Vec<(Text, Value)>;

/// Parts the entries of a table into plain values and tables; a nil is a plain value that is not written.
fn split(value: &Value) -> Result<(Entries, Entries), Fault> {
    let mut plain = Vec::new();
    let mut tables = Vec::new();
    for (name, value) in entries(value) {
        match class(&value)? {
            Class::Table | Class::Tables => tables.push((name, value)),
            Class::Plain | Class::Nothing => plain.push((name, value)),
        }
    }
    Ok((plain, tables))
}

fn float(float: f64) -> String {
    if float.is_nan() {
        return if float.is_sign_negative() {
            "-nan"
        } else {
            "nan"
        }
        .to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let text = format_float(float, 'g', None);
    if text.contains(['e', '.']) {
        text
    } else {
        text + ".0"
    }
}
