//! RFC 6902 as evanphx/json-patch v4 does it, which kustomize uses.

use crate::error::{Error, invalid};
use serde_json::{Map, Value};

/// One operation, decoded but not checked: kustomize checks it when it is applied.
#[derive(Clone, Debug)]
pub(super) struct Operation(Map<String, Value>);

/// Decodes a patch; text that does not begin with `[` is YAML.
pub(super) fn decode(text: &[u8], limits: &fjord_yaml::Limits) -> Result<Vec<Operation>, Error> {
    let value: Value = if text.first() == Some(&b'[') {
        serde_json::from_slice(text).map_err(|error| invalid(error.to_string()))?
    } else {
        fjord_yaml::to_json(text, limits)?
    };
    let items = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) => items,
        other => {
            let kind = match other {
                Value::Object(_) => "object",
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                _ => "number",
            };
            return Err(invalid(format!(
                "json: cannot unmarshal {kind} into Go value of type jsonpatch.Patch"
            )));
        }
    };
    items
        .into_iter()
        .map(|item| match item {
            Value::Object(object) => Ok(Operation(object)),
            Value::Null => Ok(Operation(Map::new())),
            _ => Err(invalid(
                "json: cannot unmarshal value into Go value of type jsonpatch.Operation",
            )),
        })
        .collect()
}

/// Applies the operations in order.
pub(super) fn apply(document: &mut Value, patch: &[Operation]) -> Result<(), Error> {
    patch
        .iter()
        .try_for_each(|operation| operation.apply(document))
}

impl Operation {
    fn text(&self, field: &str) -> Result<&str, Error> {
        match self.0.get(field) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(invalid("missing value")),
        }
    }

    fn value(&self) -> Value {
        self.0.get("value").cloned().unwrap_or_default()
    }

    fn apply(&self, document: &mut Value) -> Result<(), Error> {
        let op = self.text("op").unwrap_or("unknown");
        if !matches!(op, "add" | "remove" | "replace" | "move" | "test" | "copy") {
            return Err(invalid(format!("Unexpected kind: {op}")));
        }
        let path = self
            .text("path")
            .map_err(|error| error.context(format!("{op} operation failed to decode path")))?;
        match op {
            "add" => self.add(document, path),
            "remove" => {
                let (container, key) = parent(document, path).ok_or_else(|| {
                    missing("remove", "doc is missing path", &format!("{path:?}"))
                })?;
                remove(container, &key)
                    .map(drop)
                    .map_err(|e| e.context(format!("error in remove for path: '{path}'")))
            }
            "replace" => self.replace(document, path),
            "test" => self.test(document, path),
            _ => self.transfer(document, path, op),
        }
    }

    fn add(&self, document: &mut Value, path: &str) -> Result<(), Error> {
        let (container, key) = parent(document, path)
            .ok_or_else(|| missing("add", "doc is missing path", &format!("{path:?}")))?;
        add(container, &key, self.value())
            .map_err(|e| e.context(format!("error in add for path: '{path}'")))
    }

    fn replace(&self, document: &mut Value, path: &str) -> Result<(), Error> {
        if path.is_empty() {
            let value = self.value();
            if !value.is_object() && !value.is_array() {
                return Err(invalid("replace operation value must be object or array"));
            }
            *document = value;
            return Ok(());
        }
        let (container, key) = parent(document, path)
            .ok_or_else(|| missing("replace", "doc is missing path", path))?;
        match container {
            // Parity: replacing a key that is not there adds it.
            Value::Object(object) => {
                object.insert(key, self.value());
                Ok(())
            }
            Value::Array(items) => match index(&key, items.len()) {
                Ok(at) if at < items.len() => {
                    items[at] = self.value();
                    Ok(())
                }
                _ => Err(missing("replace", "doc is missing key", path)),
            },
            _ => Err(missing("replace", "doc is missing path", path)),
        }
    }

    fn test(&self, document: &mut Value, path: &str) -> Result<(), Error> {
        let failed = || invalid("test failed").context(format!("testing value {path} failed"));
        if path.is_empty() {
            return if equal(document, &self.value()) {
                Ok(())
            } else {
                Err(failed())
            };
        }
        let (container, key) =
            parent(document, path).ok_or_else(|| missing("test", "is missing path", path))?;
        let found = get(container, &key)
            .map_err(|e| e.context(format!("error in test for path: '{path}'")))?;
        let want = self.0.get("value").filter(|value| !value.is_null());
        match (found.filter(|value| !value.is_null()), want) {
            (None, None) => Ok(()),
            (Some(found), Some(want)) if equal(&found, want) => Ok(()),
            _ => Err(failed()),
        }
    }

    fn transfer(&self, document: &mut Value, path: &str, op: &str) -> Result<(), Error> {
        let from = self
            .text("from")
            .map_err(|error| error.context(format!("{op} operation failed to decode from")))?;
        let (container, key) =
            parent(document, from).ok_or_else(|| missing(op, "doc is missing from path", from))?;
        let value = if op == "move" {
            let value = get(container, &key)
                .map_err(|e| e.context(format!("error in move for path: '{key}'")))?;
            remove(container, &key)
                .map_err(|e| e.context(format!("error in move for path: '{key}'")))?;
            value
        } else {
            get(container, &key)
                .map_err(|e| e.context(format!("error in copy for from: '{from}'")))?
        };
        let (container, key) = parent(document, path)
            .ok_or_else(|| missing(op, "doc is missing destination path", path))?;
        add(container, &key, value.unwrap_or_default())
            .map_err(|e| e.context(format!("error in {op} for path: '{path}'")))
    }
}

fn missing(op: &str, what: &str, path: &str) -> Error {
    invalid("missing value").context(format!("{op} operation does not apply: {what}: {path}"))
}

/// Finds the container a pointer's last part is to be looked up in.
fn parent<'d>(document: &'d mut Value, path: &str) -> Option<(&'d mut Value, String)> {
    let mut parts: Vec<&str> = path.split('/').collect();
    if parts.len() < 2 {
        return None;
    }
    let key = parts.pop().map(unescape)?;
    let mut at = document;
    for part in parts.into_iter().skip(1).map(unescape) {
        at = match at {
            Value::Object(object) => object.get_mut(&part)?,
            Value::Array(items) => {
                let at = index(&part, items.len()).ok()?;
                items.get_mut(at)?
            }
            _ => return None,
        };
        if !at.is_object() && !at.is_array() {
            return None;
        }
    }
    Some((at, key))
}

fn unescape(part: &str) -> String {
    if part.contains('~') {
        part.replace("~1", "/").replace("~0", "~")
    } else {
        part.to_owned()
    }
}

fn bad_index(at: i64) -> Error {
    invalid(format!(
        "Unable to access invalid index: {at}: invalid index referenced"
    ))
}

/// Parses an index; a negative one counts from the end.
fn index(key: &str, length: usize) -> Result<usize, Error> {
    let at: i64 = key
        .parse()
        .map_err(|_| invalid(format!("strconv.Atoi: parsing {key:?}: invalid syntax")))?;
    if at >= 0 {
        return usize::try_from(at).map_err(|_| bad_index(at));
    }
    let back = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
    length.checked_sub(back).ok_or_else(|| bad_index(at))
}

fn get(container: &Value, key: &str) -> Result<Option<Value>, Error> {
    match container {
        Value::Object(object) => Ok(object.get(key).cloned()),
        Value::Array(items) => {
            let at = index(key, items.len())?;
            items
                .get(at)
                .cloned()
                .map(Some)
                .ok_or_else(|| bad_index(to_i64(at)))
        }
        _ => Ok(None),
    }
}

fn add(container: &mut Value, key: &str, value: Value) -> Result<(), Error> {
    match container {
        Value::Object(object) => {
            object.insert(key.to_owned(), value);
            Ok(())
        }
        Value::Array(items) if key == "-" => {
            items.push(value);
            Ok(())
        }
        Value::Array(items) => {
            let at = index(key, items.len() + 1).map_err(|error| match error {
                Error::Invalid(text) if text.starts_with("strconv") => invalid(format!(
                    "value was not a proper array index: '{key}': {text}"
                )),
                other => other,
            })?;
            if at > items.len() {
                return Err(bad_index(to_i64(at)));
            }
            items.insert(at, value);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn remove(container: &mut Value, key: &str) -> Result<Option<Value>, Error> {
    match container {
        Value::Object(object) => object.remove(key).map(Some).ok_or_else(|| {
            invalid(format!(
                "Unable to remove nonexistent key: {key}: missing value"
            ))
        }),
        Value::Array(items) => {
            let at = index(key, items.len())?;
            if at >= items.len() {
                return Err(bad_index(to_i64(at)));
            }
            Ok(Some(items.remove(at)))
        }
        _ => Ok(None),
    }
}

fn to_i64(at: usize) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

/// Compares values; numbers by their value.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| equal(v, w)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patched(patch: &str) -> Result<Value, String> {
        let mut document = json!({"a": {"b": [1, 2, 3]}, "x/y": 1});
        let patch = decode(patch.as_bytes(), &fjord_yaml::Limits::default());
        let patch = patch.map_err(|e| e.message())?;
        apply(&mut document, &patch).map_err(|e| e.message())?;
        Ok(document)
    }

    #[test]
    fn operations_apply_as_in_the_go_library() {
        for (patch, want) in [
            (
                "[{\"op\":\"add\",\"path\":\"/a/b/-\",\"value\":4}]",
                json!([1, 2, 3, 4]),
            ),
            ("- {op: add, path: /a/b/1, value: 9}", json!([1, 9, 2, 3])),
            ("- {op: remove, path: /a/b/-1}", json!([1, 2])),
            ("- {op: replace, path: /a/b/0, value: 7}", json!([7, 2, 3])),
            ("- {op: test, path: /x~1y, value: 1}", json!([1, 2, 3])),
            (
                "- {op: copy, from: /x~1y, path: /a/b/0}",
                json!([1, 1, 2, 3]),
            ),
            ("- {op: move, from: /a/b/0, path: /a/b/-}", json!([2, 3, 1])),
        ] {
            assert_eq!(patched(patch).unwrap()["a"]["b"], want, "{patch}");
        }
        assert_eq!(
            patched("- {op: replace, path: /new, value: 1}").unwrap()["new"],
            json!(1)
        );
    }

    #[test]
    fn what_does_not_apply_says_where() {
        for (patch, want) in [
            (
                "- {op: add, path: /no/x, value: 1}",
                "add operation does not apply: doc is missing path: \"/no/x\": missing value",
            ),
            (
                "- {op: remove, path: /no}",
                "error in remove for path: '/no': Unable to remove nonexistent key: no: missing value",
            ),
            (
                "- {op: test, path: /x~1y, value: 2}",
                "testing value /x~1y failed: test failed",
            ),
            ("- {op: nope, path: /a}", "Unexpected kind: nope"),
        ] {
            assert_eq!(patched(patch).unwrap_err(), want);
        }
    }
}
