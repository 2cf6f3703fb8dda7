//! Bytes to objects: splitting, decoding, unwrapping lists, and what every object must have.

use crate::error::{Error, invalid};
use crate::resource::Resource;
use fjord_yaml::{Limits, Map, Merge, Node, Scalar, Seq, Style, Tag, parse_first};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::VecDeque;

/// Reads the objects of a file.
///
/// # Errors
/// Malformed YAML, a bad separator, an object without kind or name.
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Vec<Resource>, Error> {
    let mut queue: VecDeque<Resource> = kept(nodes(bytes, limits)?)?.into();
    let mut out = Vec::new();
    while let Some(object) = queue.pop_front() {
        if !object.kind().ends_with("List") {
            out.push(object);
            continue;
        }
        let kind = object.kind().to_owned();
        let Value::Object(mut fields) = object.node.to_json()? else {
            continue;
        };
        match fields.remove("items") {
            None => out.push(object),
            Some(Value::Null) => {}
            Some(Value::Array(items)) => {
                for item in items {
                    queue.extend(kept(unwrap_list(from_json(&item)))?);
                }
            }
            Some(other) => {
                return Err(invalid(format!(
                    "expected array in {kind}/items, but found {}",
                    go_type(&other)
                )));
            }
        }
    }
    Ok(out)
}

fn kept(nodes: Vec<Node>) -> Result<Vec<Resource>, Error> {
    let objects = nodes
        .into_iter()
        .filter(|node| !node.is_empty())
        .map(Resource::new);
    objects
        .map(|object| object.validate().map(|()| object))
        .collect()
}

fn nodes(bytes: &[u8], limits: &Limits) -> Result<Vec<Node>, Error> {
    let text: Cow<'_, [u8]> = if bytes.windows(2).any(|pair| pair == b"\r\n") {
        Cow::Owned(without_carriage_returns(bytes))
    } else {
        Cow::Borrowed(bytes)
    };
    let documents = split(&text)?;
    let single = documents.len() == 1;
    let mut out = Vec::new();
    for document in documents {
        let parsed = parse_first(document, Merge::Kyaml, limits);
        let node = match parsed {
            Ok(Some(node)) if !node.is_null() => node,
            Ok(_) => continue,
            Err(error @ fjord_yaml::Error::Syntax { .. }) => {
                return Err(Error::Yaml(format!("MalformedYAMLError: {error}")));
            }
            Err(error) => return Err(error.into()),
        };
        if single {
            out.extend(unwrap_list(node));
        } else {
            out.push(node);
        }
    }
    Ok(out)
}

fn without_carriage_returns(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for (i, &byte) in bytes.iter().enumerate() {
        if byte != b'\r' || bytes.get(i + 1) != Some(&b'\n') {
            out.push(byte);
        }
    }
    out
}

/// Splits at lines that begin with three dashes.
fn split(text: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let mut out = Vec::new();
    let (mut start, mut from) = (0, 0);
    while let Some(found) = find(&text[from..], b"\n---") {
        let at = from + found;
        let Some(length) = text[at + 4..].iter().position(|&b| b == b'\n') else {
            break;
        };
        let end = at + 4 + length;
        let line = String::from_utf8_lossy(&text[at + 1..end]);
        let rest = line[3..].trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            return Err(invalid(format!(
                "invalid document separator: {}",
                line.trim()
            )));
        }
        // The line feed before the separator belongs to the document.
        out.push(&text[start..=at]);
        start = end + 1;
        from = start;
    }
    if !text.is_empty() {
        out.push(&text[start..]);
    }
    Ok(out)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(found) = haystack[from..].iter().position(|&b| b == first) {
        let at = from + found;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Takes the items out of a lone List or ResourceList.
fn unwrap_list(node: Node) -> Vec<Node> {
    let is_list = matches!(
        node.get("kind").and_then(Node::as_str),
        Some("List" | "ResourceList")
    );
    if !is_list || node.get("items").is_none() && node.get("functionConfig").is_none() {
        return if node.is_null() {
            Vec::new()
        } else {
            vec![node]
        };
    }
    let Node::Map(mut map) = node else {
        return Vec::new();
    };
    match map.remove("items") {
        Some(Node::Seq(seq)) => seq.items,
        // Parity: the content of a map is its keys and values, of which no one is an object.
        Some(Node::Map(items)) => items
            .entries
            .into_iter()
            .flat_map(|(key, value)| [Node::Scalar(key), value])
            .collect(),
        _ => Vec::new(),
    }
}

/// Makes a tree of JSON text read by yaml.v3: strings are quoted, numbers plain.
pub(crate) fn from_json(value: &Value) -> Node {
    let quoted = |text: &str| Scalar {
        style: Style::Double,
        ..Scalar::string(text)
    };
    let plain = |text: String| {
        let tag = fjord_yaml::resolve(&text, fjord_yaml::Dialect::V3).tag();
        Node::Scalar(Scalar::with_tag(text, tag))
    };
    match value {
        Value::Null => Node::null(),
        Value::Bool(b) => plain(b.to_string()),
        Value::Number(n) => plain(n.to_string()),
        Value::String(text) => Node::Scalar(quoted(text)),
        Value::Array(items) => Node::Seq(Seq {
            items: items.iter().map(from_json).collect(),
            flow: false,
        }),
        Value::Object(object) => {
            let entries = object
                .iter()
                .map(|(k, v)| (quoted(k), from_json(v)))
                .collect();
            Node::Map(Map {
                entries,
                flow: false,
            })
        }
    }
}

/// Makes a tree of a Go map that yaml.v3 wrote and read: numbers went through `float64`.
pub(crate) fn from_go_map(value: &Value) -> Node {
    match value {
        Value::Number(n) => {
            // Parity: an integer beyond 2^53 loses its last digits in a JSON patch.
            let text = fjord_yaml::format_g(n.as_f64().unwrap_or_default());
            let tag = fjord_yaml::resolve(&text, fjord_yaml::Dialect::V3).tag();
            Node::Scalar(Scalar::with_tag(text, tag))
        }
        Value::String(text) => Node::Scalar(fjord_yaml::v3_string(text)),
        Value::Array(items) => Node::Seq(Seq {
            items: items.iter().map(from_go_map).collect(),
            flow: false,
        }),
        Value::Object(object) => {
            let entries = object.iter();
            let entries = entries.map(|(k, v)| (fjord_yaml::v3_string(k), from_go_map(v)));
            Node::Map(Map {
                entries: entries.collect(),
                flow: false,
            })
        }
        Value::Null => Node::null(),
        Value::Bool(b) => Node::Scalar(Scalar::with_tag(b.to_string(), Tag::Bool)),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float64",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Object(_) => "map[string]interface {}",
        Value::Array(_) | Value::Null => "<nil>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, Error> {
        let objects = read(text.as_bytes(), &Limits::default())?;
        Ok(objects
            .iter()
            .map(|object| object.name().to_owned())
            .collect())
    }

    #[test]
    fn documents_are_split_at_dashes_and_empty_ones_vanish() {
        let text = "---\nkind: A\nmetadata: {name: a}\n--- # c\n# nothing\n---\r\nkind: B\nmetadata: {name: b}";
        assert_eq!(names(text).unwrap(), ["a", "b"]);
        let error = names("kind: A\nmetadata: {name: a}\n--- x\nkind: B\n").unwrap_err();
        assert_eq!(error.message(), "invalid document separator: --- x");
    }

    #[test]
    fn lists_give_their_items_after_the_other_documents() {
        let text = "kind: FooList\nitems:\n- kind: Foo\n  metadata: {name: a}\n---\nkind: B\nmetadata: {name: b}\n---\nkind: BarList\nmetadata: {name: l}\n";
        assert_eq!(names(text).unwrap(), ["b", "l", "a"]);
    }

    #[test]
    fn an_object_needs_a_kind_and_a_name() {
        for (text, want) in [
            (
                "apiVersion: v1\nmetadata: {name: a}\n",
                "missing kind in object {{v1 } {{a } map[] map[]}}",
            ),
            (
                "kind: A\n",
                "missing metadata.name in object {{ A} {{ } map[] map[]}}",
            ),
            ("just text\n", "missing Resource metadata"),
        ] {
            assert_eq!(names(text).unwrap_err().message(), want);
        }
        assert!(names("[]\n").unwrap().is_empty());
    }
}
