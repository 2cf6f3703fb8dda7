//! Content hashes in the names of generated objects.
//!
//! Parity: the name is no part of the hash, because kustomize looks it up under a key that no object has.

use super::{Builtin, Transform};
use crate::build::Cx;
use crate::decode::Struct;
use crate::error::Error;
use crate::resmap::ResMap;
use crate::resource::Resource;
use fjord_yaml::Node;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Adds the hash to every object marked for it.
pub(crate) struct Hash;

impl Transform for Hash {
    fn run(&self, map: &mut ResMap, cx: &Cx<'_>) -> Result<(), Error> {
        if !map.items().iter().any(Resource::needs_hash) {
            return Ok(());
        }
        let schema = cx.schema.borrow();
        for object in map.items_mut() {
            if object.needs_hash() {
                let hash = suffix(object)?;
                object.store_previous_id(&schema);
                let name = format!("{}-{hash}", object.name());
                object.set_name(&name);
            }
        }
        Ok(())
    }
}

pub(super) static HASH: Builtin = Builtin {
    kind: "HashTransformer",
    fields: &Struct {
        name: "HashTransformer",
        fields: &[],
    },
    make: |_| Ok(Box::new(Hash)),
};

fn suffix(object: &Resource) -> Result<String, Error> {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), Value::from(""));
    fields.insert("kind".to_owned(), Value::from(object.kind()));
    let extra = match object.kind() {
        "ConfigMap" => "binaryData",
        "Secret" => {
            fields.insert("type".to_owned(), part(object, "type")?);
            "stringData"
        }
        _ => {
            return Err(Error::Refused(format!(
                "a name suffix hash for {} is not supported: only ConfigMaps and Secrets have one; remove the annotation internal.config.kubernetes.io/needsHashSuffix",
                object.gvk()
            )));
        }
    };
    fields.insert("data".to_owned(), part(object, "data")?);
    let value = part(object, extra)?;
    if value.is_object() {
        fields.insert(extra.to_owned(), value);
    }
    let text = go_json(&Value::Object(fields));
    let digest = Sha256::digest(text.as_bytes());
    let hex = digest
        .iter()
        .take(5)
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    Ok(hex
        .chars()
        .map(|c| match c {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            other => other,
        })
        .collect())
}

fn part(object: &Resource, field: &str) -> Result<Value, Error> {
    match object.node.get(field) {
        None => Ok(Value::from("")),
        Some(Node::Scalar(scalar)) => Ok(Value::from(scalar.value.as_str())),
        // A list does not decode into a Go map and leaves it nil.
        Some(Node::Seq(_)) => Ok(Value::Null),
        Some(map @ Node::Map(_)) => Ok(map.to_json()?),
    }
}

/// Writes compact JSON as Go does: HTML characters and the two Unicode line ends escaped.
pub(crate) fn go_json(value: &Value) -> String {
    let text = value.to_string();
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}', '\u{8}', '\u{c}'])
        && !text.contains("\\b")
        && !text.contains("\\f")
    {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(text: &str) -> String {
        let limits = fjord_yaml::Limits::default();
        suffix(&crate::documents::read(text.as_bytes(), &limits).unwrap()[0]).unwrap()
    }

    #[test]
    fn known_contents_have_the_hashes_kustomize_gives_them() {
        for (text, want) in [
            (
                "kind: ConfigMap\nmetadata: {name: x}\ndata: {a: b, c: '<x>&'}\n",
                "h6d2g484g6",
            ),
            ("kind: ConfigMap\nmetadata: {name: x}\n", "6ct58987ht"),
            (
                "kind: ConfigMap\nmetadata: {name: x}\nbinaryData: {f.bin: /wA=}\n",
                "bc6kb552d4",
            ),
            (
                "kind: Secret\nmetadata: {name: x}\ntype: Opaque\ndata: {a: Yg==}\n",
                "k695gkmbtk",
            ),
            (
                "kind: Secret\nmetadata: {name: x}\ntype: Opaque\ndata: {}\n",
                "46f8b28mk5",
            ),
        ] {
            assert_eq!(hash(text), want);
        }
    }
}
