//! JSON pointers (RFC 6901) on unstructured objects: look up, remove, replace.
//!
//! A path that is not there is no error anywhere; there is then nothing to do.

use serde_json::Value;

/// Splits a pointer into its unescaped segments.
pub(crate) fn segments(pointer: &str) -> Vec<String> {
    let unescape = |segment: &str| segment.replace("~1", "/").replace("~0", "~");
    pointer
        .strip_prefix('/')
        .map_or_else(Vec::new, |rest| rest.split('/').map(unescape).collect())
}

/// Returns the value a pointer leads to.
pub(crate) fn lookup<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    value.pointer(pointer)
}

/// Removes the value a pointer leads to, an element of a list included.
pub(crate) fn remove(value: &mut Value, pointer: &str) {
    let mut segments = segments(pointer);
    let Some(last) = segments.pop() else { return };
    let Some(parent) = parent(value, &segments) else {
        return;
    };
    match parent {
        Value::Object(map) => {
            map.remove(&last);
        }
        Value::Array(items) => {
            if let Ok(index) = last.parse::<usize>()
                && index < items.len()
            {
                items.remove(index);
            }
        }
        _ => {}
    }
}

/// Replaces the value a pointer leads to, if there is one.
pub(crate) fn replace(value: &mut Value, pointer: &str, with: Value) {
    if let Some(slot) = value.pointer_mut(pointer) {
        *slot = with;
    }
}

fn parent<'a>(mut value: &'a mut Value, segments: &[String]) -> Option<&'a mut Value> {
    for segment in segments {
        value = match value {
            Value::Object(map) => map.get_mut(segment)?,
            Value::Array(items) => items.get_mut(segment.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_removed_and_replaced_where_they_are() {
        let mut value = json!({"a": {"b/c": 1, "d": [1, 2, 3]}});
        remove(&mut value, "/a/b~1c");
        remove(&mut value, "/a/d/1");
        remove(&mut value, "/a/d/9");
        remove(&mut value, "/no/where");
        replace(&mut value, "/a/d/0", json!("x"));
        replace(&mut value, "/a/new", json!("x"));
        assert_eq!(value, json!({"a": {"d": ["x", 3]}}));
    }

    #[test]
    fn segments_are_unescaped() {
        assert_eq!(segments("/a~1b/c~0d/0"), ["a/b", "c~d", "0"]);
        assert!(segments("").is_empty());
    }
}
