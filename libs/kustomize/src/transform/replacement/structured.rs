//! Replacements inside JSON or YAML that is the text of a field.

use super::path::{Create, find_all, lookup, node_at};
use crate::transform::hash::go_json;
use fjord_yaml::{Limits, Merge, Node, Scalar, parse_first, to_v3};
use serde_json::Value;

/// Sets the value where a part of the path leads into text; says whether it did.
///
/// Any failure is no error: the path is then followed the ordinary way.
pub(super) fn set(
    object: &mut Node,
    value: &Node,
    path: &[String],
    create: Create,
    changed: &mut Vec<(u16, Scalar)>,
) -> bool {
    let Some(depth) = text_depth(object, path) else {
        return false;
    };
    let (outer, inner) = path.split_at(depth);
    let Ok(Some((Node::Scalar(field), _))) = lookup(object, outer) else {
        return false;
    };
    let Some(text) = rewritten(&field.value, value, inner, create) else {
        return false;
    };
    let Ok(found) = find_all(object, outer, Create::Never) else {
        return false;
    };
    let Some(Node::Scalar(field)) = found
        .places()
        .first()
        .and_then(|place| node_at(object, place))
    else {
        return false;
    };
    field.value = text.into();
    if field.alias != 0 {
        changed.push((field.alias, field.clone()));
    }
    true
}

/// Returns how many parts of the path lead to the first field that holds YAML text.
fn text_depth(object: &Node, path: &[String]) -> Option<usize> {
    (1..path.len()).find(|&depth| {
        let Ok(Some((Node::Scalar(scalar), _))) = lookup(object, &path[..depth]) else {
            return false;
        };
        parse_first(scalar.value.as_bytes(), Merge::Keep, &Limits::default()).is_ok()
    })
}

fn rewritten(text: &str, value: &Node, path: &[String], create: Create) -> Option<String> {
    let mut document = parse_first(text.as_bytes(), Merge::Keep, &Limits::default()).ok()??;
    let found = find_all(&mut document, path, create).ok()?;
    if found.is_empty() {
        return None;
    }
    for place in found.places() {
        match node_at(&mut document, place)? {
            Node::Scalar(scalar) => {
                scalar.value = value.as_str().unwrap_or_default().into();
            }
            other => *other = value.clone(),
        }
    }
    if !text.trim_start().starts_with(['{', '[']) {
        return Some(to_v3(&document).ok()?.trim().to_owned());
    }
    let json = document.to_json().ok()?;
    if text.contains('\n') && text.contains("  ") {
        return Some(indented(&json));
    }
    Some(go_json(&json))
}

/// Writes JSON as Go's `MarshalIndent` with two spaces.
fn indented(value: &Value) -> String {
    fn write(value: &Value, indent: usize, out: &mut String) {
        let line = |out: &mut String, indent: usize| {
            out.push('\n');
            out.push_str(&"  ".repeat(indent));
        };
        match value {
            Value::Array(items) if !items.is_empty() => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    line(out, indent + 1);
                    write(item, indent + 1, out);
                }
                line(out, indent);
                out.push(']');
            }
            Value::Object(object) if !object.is_empty() => {
                out.push('{');
                for (i, (key, value)) in object.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    line(out, indent + 1);
                    out.push_str(&go_json(&Value::from(key.as_str())));
                    out.push_str(": ");
                    write(value, indent + 1, out);
                }
                line(out, indent);
                out.push('}');
            }
            other => out.push_str(&go_json(other)),
        }
    }
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_json_and_yaml_yaml() {
        let path = ["b".to_owned()];
        let new = Node::string("x<y");
        let set = |text: &str| rewritten(text, &new, &path, Create::Never);
        assert_eq!(
            set("{\"b\":\"1\",\"a\":[]}").unwrap(),
            "{\"a\":[],\"b\":\"x\\u003cy\"}"
        );
        assert_eq!(
            set("{\n  \"b\": \"1\",\n  \"a\": [1]\n}").unwrap(),
            "{\n  \"a\": [\n    1\n  ],\n  \"b\": \"x\\u003cy\"\n}"
        );
        assert_eq!(set("b: one\na: 2\n").unwrap(), "b: x<y\na: 2");
    }
}
