//! Metadata in formats that know no nesting: `age__list_0__map_recipient`.

use crate::error::Error;
use serde_json::{Map, Value};

/// How long a list may be.
const LENGTH: usize = 1024;

/// Puts flat entries back into maps and lists.
pub(super) fn unflatten(entries: &[(String, String)]) -> Result<Value, Error> {
    let mut root = Value::Object(Map::new());
    for (path, value) in entries {
        let mut at = &mut root;
        for step in steps(path) {
            at = match step {
                Step::Key(key) => {
                    if at.is_null() {
                        *at = Value::Object(Map::new());
                    }
                    match at {
                        Value::Object(map) => map.entry(key).or_insert(Value::Null),
                        _ => return Err(malformed(path)),
                    }
                }
                Step::Index(index) => {
                    if index >= LENGTH {
                        return Err(Error::Limit {
                            what: "the length of a list in the metadata",
                            limit: LENGTH,
                        });
                    }
                    if at.is_null() {
                        *at = Value::Array(Vec::new());
                    }
                    match at {
                        Value::Array(items) => {
                            if items.len() <= index {
                                items.resize(index + 1, Value::Null);
                            }
                            &mut items[index]
                        }
                        _ => return Err(malformed(path)),
                    }
                }
            };
        }
        if !at.is_null() {
            return Err(Error::Metadata(format!("{path} is given twice")));
        }
        // Line feeds stand as two characters there.
        *at = Value::String(value.replace("\\n", "\n"));
    }
    Ok(root)
}

enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

/// Splits at `__map_` and `__list_`.
fn steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut rest = path;
    let mut is_list = false;
    loop {
        let next = [("__map_", false), ("__list_", true)]
            .into_iter()
            .filter_map(|(mark, list)| Some((rest.find(mark)?, mark, list)))
            .min_by_key(|(at, ..)| *at);
        let part = next.map_or(rest, |(at, ..)| &rest[..at]);
        steps.push(match part.parse() {
            Ok(index) if is_list => Step::Index(index),
            _ => Step::Key(part),
        });
        let Some((at, mark, list)) = next else {
            return steps;
        };
        rest = &rest[at + mark.len()..];
        is_list = list;
    }
}

fn malformed(path: &str) -> Error {
    Error::Metadata(format!("{path} stands where something else is"))
}
