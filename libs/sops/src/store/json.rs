//! JSON: an object, its keys in their order, integers as large as they are.

mod lenient;

use super::{DEPTH, take_metadata};
use crate::error::Error;
use crate::metadata::Metadata;
use crate::tree::{Branch, Key, Node};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

pub(super) fn read(text: &[u8]) -> Result<(Branch, Metadata), Error> {
    let text = lenient::lenient(text);
    // Parity: what stands behind the object is passed over.
    let mut reader = serde_json::Deserializer::from_str(&text);
    let Document(node) = Document::deserialize(&mut reader).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        Error::syntax("json", format!("{place} is no JSON"))
    })?;
    let Node::Map(mut branch) = node else {
        return Err(Error::syntax("json", "the top is no object"));
    };
    let metadata = take_metadata(&mut branch)?.ok_or(Error::NotEncrypted)?;
    let metadata = Metadata::read(&to_value(&metadata))?;
    Ok((branch, metadata))
}

/// Turns metadata, which are small, into plain JSON.
pub(super) fn to_value(node: &Node) -> Value {
    match node {
        Node::Null | Node::Comment(_) => Value::Null,
        Node::Bool(flag) => Value::Bool(*flag),
        Node::Int(int) => Value::from(*int),
        Node::Float(float) => Value::from(*float),
        Node::Text(text) | Node::Time(text) => Value::from(text.as_str()),
        Node::Bytes(bytes) => Value::from(String::from_utf8_lossy(bytes)),
        Node::List(items) => Value::Array(items.iter().map(to_value).collect()),
        Node::Map(entries) => entries
            .iter()
            .filter_map(|(key, node)| match key {
                Key::Text(key) => Some((key.clone(), to_value(node))),
                Key::Comment(_) => None,
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

/// Writes with tabs, as SOPS does; comments do not survive.
pub(super) fn write(branch: &[(Key, Node)]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    map(&mut out, branch, 0);
    out.push(b'\n');
    Ok(out)
}

fn line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.resize(out.len() + depth, b'\t');
}

fn map(out: &mut Vec<u8>, branch: &[(Key, Node)], depth: usize) {
    out.push(b'{');
    let mut empty = true;
    for (key, node) in branch {
        let Key::Text(key) = key else {
            continue;
        };
        if !std::mem::replace(&mut empty, false) {
            out.push(b',');
        }
        line(out, depth + 1);
        string(out, key);
        out.extend_from_slice(b": ");
        value(out, node, depth + 1);
    }
    if !empty {
        line(out, depth);
    }
    out.push(b'}');
}

fn value(out: &mut Vec<u8>, node: &Node, depth: usize) {
    match node {
        Node::Null => out.extend_from_slice(b"null"),
        // Parity: a comment where a value should be shows what it is made of.
        Node::Comment(comment) => {
            let fields = [
                ("Value", Node::Text(comment.text.clone())),
                ("Inline", Node::Bool(comment.inline)),
            ];
            map(
                out,
                &fields.map(|(key, node)| (Key::Text(key.to_owned()), node)),
                depth,
            );
        }
        Node::Bool(flag) => out.extend_from_slice(flag.to_string().as_bytes()),
        Node::Int(int) => out.extend_from_slice(int.to_string().as_bytes()),
        Node::Float(float) => out.extend_from_slice(number(*float).as_bytes()),
        Node::Text(text) | Node::Time(text) => string(out, text),
        Node::Bytes(bytes) => string(out, &String::from_utf8_lossy(bytes)),
        Node::Map(entries) => map(out, entries, depth),
        Node::List(items) => {
            out.push(b'[');
            let mut empty = true;
            for item in items
                .iter()
                .filter(|item| !matches!(item, Node::Comment(_)))
            {
                if !std::mem::replace(&mut empty, false) {
                    out.push(b',');
                }
                line(out, depth + 1);
                value(out, item, depth + 1);
            }
            if !empty {
                line(out, depth);
            }
            out.push(b']');
        }
    }
}

/// Writes a float as Go's JSON.
fn number(float: f64) -> String {
    let size = float.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{float:e}");
        return if text.contains("e-") {
            text
        } else {
            text.replace('e', "e+")
        };
    }
    format!("{float}")
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            // Parity: as Go's encoder, with what HTML would take for its own.
            c if c < ' ' || matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') => {
                out.extend_from_slice(format!("\\u{:04x}", c as u32).as_bytes());
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// A document with its keys in their order.
struct Document(Node);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader(0)).map(Self)
    }
}

struct Reader(usize);

impl<'de> serde::de::DeserializeSeed<'de> for Reader {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        if self.0 > DEPTH {
            return Err(D::Error::custom("nested too deeply"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Bool(flag))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Node, E> {
        Ok(Node::Int(int))
    }

    fn visit_u64<E>(self, int: u64) -> Result<Node, E> {
        Ok(i64::try_from(int).map_or(Node::Float(int as f64), Node::Int))
    }

    fn visit_f64<E>(self, float: f64) -> Result<Node, E> {
        Ok(Node::Float(float))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self(self.0 + 1))? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut branch = Branch::new();
        while let Some(key) = entries.next_key::<String>()? {
            let node = entries.next_value_seed(Self(self.0 + 1))?;
            branch.push((Key::Text(key), node));
        }
        Ok(Node::Map(branch))
    }
}
