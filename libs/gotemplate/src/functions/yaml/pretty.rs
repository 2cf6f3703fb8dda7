//! `toYamlPretty`: values straight to yaml.v3, without the detour through JSON.

use crate::format::format_float;
use crate::function::Failure;
use crate::value::{MAX_DEPTH, Value};
use fjord_yaml::{CompactString, Node, Scalar, Tag, natural_order, to_v3_indented, v3_string};

/// Encodes with an indent of two; keys in yaml.v3's natural order.
pub(super) fn encode(value: &Value) -> Result<String, Failure> {
    let node = node(value, 0)?;
    crate::grow_for(value, || {
        to_v3_indented(&node, 2).map_err(|error| Failure::new(error.to_string()))
    })
}

fn plain(text: impl Into<CompactString>, tag: Tag) -> Node {
    Node::Scalar(Scalar::with_tag(text, tag))
}

fn node(value: &Value, depth: usize) -> Result<Node, Failure> {
    if depth > MAX_DEPTH {
        return Err(Failure::too_deep());
    }
    Ok(match value {
        Value::Nil => plain("null", Tag::Null),
        Value::Bool(b) => plain(b.to_string(), Tag::Bool),
        Value::Int(i) | Value::Int64(i) => plain(i.to_string(), Tag::Int),
        Value::Uint8(i) => plain(i.to_string(), Tag::Int),
        Value::Uint64(i) => plain(i.to_string(), Tag::Int),
        Value::Float64(f) => {
            let text = match format_float(*f, 'g', None).as_str() {
                "+Inf" => ".inf".to_owned(),
                "-Inf" => "-.inf".to_owned(),
                "NaN" => ".nan".to_owned(),
                text => text.to_owned(),
            };
            // Parity: a float that looks like an integer is written like one.
            let tag = if text.contains(['.', 'e']) {
                Tag::Float
            } else {
                Tag::Int
            };
            plain(text, tag)
        }
        Value::String(text) => Node::Scalar(v3_string(&text.to_str())),
        Value::Bytes(bytes) => {
            let items = bytes
                .as_bytes()
                .iter()
                .map(|byte| plain(byte.to_string(), Tag::Int))
                .collect();
            sequence(items)
        }
        Value::List(list) => {
            let items = list
                .to_vec()
                .iter()
                .map(|item| crate::grow(|| node(item, depth + 1)))
                .collect::<Result<_, _>>()?;
            sequence(items)
        }
        Value::Map(map) => {
            let mut entries = map.entries();
            entries.sort_by(|(a, _), (b, _)| natural_order(&a.to_str(), &b.to_str()));
            let mut mapping = fjord_yaml::Map::default();
            for (key, value) in entries {
                let key = Node::Scalar(v3_string(&key.to_str()));
                push(&mut mapping, key, crate::grow(|| node(&value, depth + 1))?);
            }
            Node::Map(mapping)
        }
        Value::Object(object) => match (object.display(), object.encoded()) {
            // yaml.v3 knows times, which JSON does not.
            (_, Some(Value::String(text))) if object.datetime().is_some() => {
                plain(text.to_str(), Tag::Timestamp)
            }
            (_, Some(other)) => node(&other, depth + 1)?,
            (Some(text), None) => Node::Scalar(v3_string(&text.to_str())),
            (None, None) => {
                let mut mapping = fjord_yaml::Map::default();
                for (name, value) in object.fields() {
                    if !name.starts_with(char::is_uppercase) {
                        continue; // yaml.v3 cannot see what Go does not export.
                    }
                    // yaml.v3 names the keys of a struct in lower case.
                    let key = Node::Scalar(v3_string(&name.to_lowercase()));
                    push(&mut mapping, key, node(&value, depth + 1)?);
                }
                Node::Map(mapping)
            }
        },
    })
}

fn push(mapping: &mut fjord_yaml::Map, key: Node, value: Node) {
    if let Node::Scalar(key) = key {
        mapping.entries.push((key, value));
    }
}

fn sequence(items: Vec<Node>) -> Node {
    Node::Seq(fjord_yaml::Seq { items, flow: false })
}
