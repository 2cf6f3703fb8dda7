//! Nodes to JSON values, by the rules of either Go library.

use crate::go_syntax::go_syntax;
use crate::number::{format_g, json_integer};
use crate::resolve::{Dialect, Resolved, resolve, resolve_as};
use crate::{Error, Limits, Map, Merge, Node, Scalar, Style, Tag, parse_first};
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::collections::HashMap;

/// The meaning of a scalar of a tree once it is rendered and read again.
#[derive(Clone, Debug, PartialEq)]
pub enum Typed<'a> {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// A float.
    Float(f64),
    /// Text; of a timestamp, Go's RFC 3339 form.
    Str(Cow<'a, str>),
}

impl Scalar {
    /// Decides the type as yaml.v3 does when it encodes the node and decodes the text again.
    ///
    /// # Errors
    /// The tag and the text do not go together: ``cannot decode !!str `x` as a !!int``.
    pub fn typed(&self) -> Result<Typed<'_>, Error> {
        let quoted = self.style != Style::Plain;
        if self.tag == Tag::Str && !self.tagged {
            return Ok(Typed::Str(self.refolded()));
        }
        if matches!(self.tag, Tag::Binary) {
            return self.binary();
        }
        let bare = self.tag == Tag::Unset;
        if bare && (quoted || self.value.contains('\n') || !plain_survives(&self.value)) {
            return Ok(Typed::Str(Cow::Borrowed(&self.value)));
        }
        let timestamps = bare || self.tag == Tag::Timestamp || !self.tagged;
        let resolved = resolve_as(&self.value, Dialect::V3, timestamps);
        if !bare && !self.tagged && quoted && resolved.tag() == self.tag {
            // The tag is dropped as redundant and the quotes decide.
            return Ok(Typed::Str(Cow::Borrowed(&self.value)));
        }
        match &self.tag {
            Tag::Str | Tag::Merge | Tag::Other(_) => Ok(Typed::Str(Cow::Borrowed(&self.value))),
            Tag::Float if matches!(resolved, Resolved::Int(_)) => match resolved {
                Resolved::Int(int) => Ok(Typed::Float(int as f64)),
                _ => Ok(Typed::Null),
            },
            tag if bare || *tag == resolved.tag() => Ok(self.of(resolved)),
            tag => Err(Error::syntax(format!(
                "cannot decode {} `{}` as a {}",
                resolved.tag().as_str(),
                self.value,
                tag.as_str()
            ))),
        }
    }

    /// Returns the text that is read back.
    ///
    /// Parity: yaml.v3 writes an empty line too many before a line of a folded text that begins with a space.
    fn refolded(&self) -> Cow<'_, str> {
        let text = Cow::Borrowed(self.value.as_str());
        if self.style != Style::Folded
            || !(self.value.contains("\n ") || self.value.contains("\n\t"))
        {
            return text;
        }
        let mut map = Map::default();
        map.push("k", Node::Scalar(self.clone()));
        let written = crate::to_v3(&Node::Map(map)).unwrap_or_default();
        let read = parse_first(written.as_bytes(), Merge::Keep, &Limits::default());
        match read.ok().flatten().as_ref().and_then(|map| map.get("k")) {
            Some(Node::Scalar(scalar)) => Cow::Owned(scalar.value.to_string()),
            _ => text,
        }
    }

    fn of(&self, resolved: Resolved) -> Typed<'_> {
        match resolved {
            Resolved::Null => Typed::Null,
            Resolved::Bool(b) => Typed::Bool(b),
            Resolved::Int(i) => Typed::Int(i),
            Resolved::Uint(u) => Typed::Uint(u),
            Resolved::Float(f) => Typed::Float(f),
            Resolved::Timestamp(t) => Typed::Str(Cow::Owned(t)),
            Resolved::Merge | Resolved::Str => Typed::Str(Cow::Borrowed(&self.value)),
        }
    }

    fn binary(&self) -> Result<Typed<'_>, Error> {
        let bytes = decode_base64(&self.value)
            .ok_or_else(|| Error::syntax("!!binary value contains invalid base64 data"))?;
        // Go keeps the bytes as a string and its JSON replaces what is not UTF-8.
        Ok(Typed::Str(Cow::Owned(
            String::from_utf8_lossy(&bytes).into_owned(),
        )))
    }
}

/// Says whether the emitter writes the text plain; otherwise it comes back as a string.
fn plain_survives(text: &str) -> bool {
    crate::emit::analyze(text, true).block_plain
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut buffer, mut bits, mut padding) = (0u32, 0, 0);
    for byte in text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        buffer = buffer << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((buffer >> bits & 0xFF) as u8);
        }
    }
    (bits < 6 && (bits == 0) == (padding == 0)).then_some(out)
}

impl Node {
    /// Converts as kustomize's `RNode.MarshalJSON`: encoded and decoded by yaml.v3, then JSON.
    ///
    /// # Errors
    /// A repeated key, a key below the top that is no string, a tag its text denies, or no JSON number.
    pub fn to_json(&self) -> Result<Value, Error> {
        json(self, true)
    }
}

fn json(node: &Node, top: bool) -> Result<Value, Error> {
    Ok(match node {
        Node::Scalar(scalar) => match scalar.typed()? {
            Typed::Null => Value::Null,
            Typed::Bool(b) => Value::Bool(b),
            Typed::Int(i) => Value::Number(i.into()),
            Typed::Uint(u) => Value::Number(u.into()),
            Typed::Float(f) => Value::Number(float(f)?),
            Typed::Str(s) => Value::String(s.into_owned()),
        },
        Node::Seq(seq) => Value::Array(
            seq.items
                .iter()
                .map(|n| json(n, false))
                .collect::<Result<_, _>>()?,
        ),
        Node::Map(map) => {
            check_keys(map, top)?;
            let mut object = serde_json::Map::new();
            for (key, value) in &map.entries {
                object.insert(key_text(key)?.into_owned(), json(value, false)?);
            }
            Value::Object(object)
        }
    })
}

/// Returns the text of a key once decoded into a Go string.
pub(crate) fn key_text(key: &Scalar) -> Result<Cow<'_, str>, Error> {
    match key.tag {
        Tag::Binary => match key.binary()? {
            Typed::Str(text) => Ok(text),
            _ => Ok(Cow::Borrowed(&key.value)),
        },
        _ => Ok(Cow::Borrowed(&key.value)),
    }
}

/// Refuses repeated keys, and below the top keys that are no strings, as Go's JSON encoder must.
pub(crate) fn check_keys(map: &Map, top: bool) -> Result<(), Error> {
    if let Some((first, again)) = repeated(map) {
        return Err(Error::Unmarshal(vec![format!(
            "line {}: mapping key {:?} already defined at line {}",
            again.line, again.value, first.line
        )]));
    }
    if !top {
        for (key, _) in &map.entries {
            if key.tagged {
                key.typed()?;
            }
            let string = match &key.tag {
                Tag::Str | Tag::Merge => true,
                // An empty key can only be written in quotes, and so becomes a string.
                _ if key.value.is_empty() && !key.tagged => true,
                Tag::Unset => {
                    key.style != Style::Plain
                        || matches!(resolve(&key.value, Dialect::V3), Resolved::Str)
                        || !plain_survives(&key.value)
                }
                _ => key.style != Style::Plain && !key.tagged,
            };
            if !string {
                return Err(Error::Json(format!(
                    "json: unsupported type: map[interface {{}}]interface {{}} (the key `{}`{} is no string)",
                    key.value,
                    if key.line > 0 {
                        format!(" on line {}", key.line)
                    } else {
                        String::new()
                    }
                )));
            }
        }
    }
    Ok(())
}

fn repeated(map: &Map) -> Option<(&Scalar, &Scalar)> {
    if map.entries.len() < 16 {
        for (i, (key, _)) in map.entries.iter().enumerate() {
            if let Some((first, _)) = map.entries[..i].iter().find(|(k, _)| k.value == key.value) {
                return Some((first, key));
            }
        }
        return None;
    }
    let mut seen: HashMap<&str, &Scalar> = HashMap::with_capacity(map.entries.len());
    map.entries
        .iter()
        .find_map(|(key, _)| seen.insert(&key.value, key).map(|first| (first, key)))
}

fn float(f: f64) -> Result<Number, Error> {
    if let Some(int) = json_integer(f) {
        if let Ok(int) = int.parse::<i64>() {
            return Ok(int.into());
        }
        if let Ok(int) = int.parse::<u64>() {
            return Ok(int.into());
        }
    }
    Number::from_f64(f)
        .ok_or_else(|| Error::Json(format!("json: unsupported value: {}", format_g(f))))
}

/// Converts as `sigs.k8s.io/yaml`'s `YAMLToJSON`: the first document, by goyaml.v2's rules.
///
/// An empty text is null. Of two equal keys the last wins.
///
/// # Errors
/// The text is not YAML, or holds what JSON cannot.
pub fn to_json(text: &[u8], limits: &Limits) -> Result<Value, Error> {
    match parse_first(text, Merge::V2, limits)? {
        Some(node) => v2_into_json(node),
        None => Ok(Value::Null),
    }
}

/// Does what [`v2_json`] does without copying texts.
fn v2_into_json(node: Node) -> Result<Value, Error> {
    Ok(match node {
        Node::Scalar(scalar) => match v2_typed(&scalar)? {
            Typed::Str(Cow::Borrowed(_)) => Value::String(scalar.value.into()),
            typed => v2_scalar(typed)?,
        },
        Node::Seq(seq) => {
            let items = seq.items.into_iter().map(v2_into_json);
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Node::Map(map) => {
            let mut object = serde_json::Map::new();
            for (key, value) in map.entries {
                let key = match v2_typed(&key)? {
                    Typed::Str(Cow::Borrowed(_)) => key.value.into(),
                    typed => v2_key(typed, &value)?,
                };
                object.insert(key, v2_into_json(value)?);
            }
            Value::Object(object)
        }
    })
}

/// Converts a parsed node by goyaml.v2's rules.
///
/// # Errors
/// As for [`to_json`].
pub fn v2_json(node: &Node) -> Result<Value, Error> {
    Ok(match node {
        Node::Scalar(scalar) => v2_scalar(v2_typed(scalar)?)?,
        Node::Seq(seq) => Value::Array(seq.items.iter().map(v2_json).collect::<Result<_, _>>()?),
        Node::Map(map) => {
            let mut object = serde_json::Map::new();
            for (key, value) in &map.entries {
                let key = v2_key(v2_typed(key)?, value)?;
                object.insert(key, v2_json(value)?);
            }
            Value::Object(object)
        }
    })
}

fn v2_scalar(typed: Typed<'_>) -> Result<Value, Error> {
    Ok(match typed {
        Typed::Null => Value::Null,
        Typed::Bool(b) => Value::Bool(b),
        Typed::Int(i) => Value::Number(i.into()),
        Typed::Uint(u) => Value::Number(u.into()),
        // Go's JSON keeps the sign of a zero.
        Typed::Float(f) if f == 0.0 && f.is_sign_negative() => Value::from(f),
        Typed::Float(f) => Value::Number(float(f)?),
        Typed::Str(s) => Value::String(s.into_owned()),
    })
}

/// Makes a key; an error names its value, too.
fn v2_key(key: Typed<'_>, value: &Node) -> Result<String, Error> {
    let refused = |key: String| {
        let value = match go_syntax(value)?.as_str() {
            "interface {}(nil)" => "<nil>".to_owned(),
            text => text.to_owned(),
        };
        Err(Error::Json(format!(
            "unsupported map key of type: {key}, value: {value}"
        )))
    };
    Ok(match key {
        Typed::Str(s) => s.into_owned(),
        Typed::Int(i) => i.to_string(),
        Typed::Bool(b) => b.to_string(),
        Typed::Float(f) => match format_g(f).as_str() {
            "+Inf" => ".inf".to_owned(),
            "-Inf" => "-.inf".to_owned(),
            "NaN" => ".nan".to_owned(),
            text => text.to_owned(),
        },
        Typed::Null => return refused("%!s(<nil>), key: <nil>".to_owned()),
        Typed::Uint(u) => return refused(format!("uint64, key: {u:#x}")),
    })
}

/// Decides the type as goyaml.v2 does.
pub(crate) fn v2_typed(scalar: &Scalar) -> Result<Typed<'_>, Error> {
    let text = || Typed::Str(Cow::Borrowed(scalar.value.as_str()));
    match &scalar.tag {
        Tag::Binary if scalar.tagged => return scalar.binary(),
        Tag::Other(_) => return Ok(text()),
        Tag::Str if scalar.tagged => return Ok(text()),
        _ => {}
    }
    if scalar.style != Style::Plain && !scalar.tagged {
        return Ok(text());
    }
    let resolved = resolve_as(&scalar.value, Dialect::V2, false);
    let tag = resolved.tag();
    if scalar.tagged && scalar.tag != tag && scalar.tag != Tag::Timestamp {
        if scalar.tag == Tag::Float
            && let Resolved::Int(int) = resolved
        {
            return Ok(Typed::Float(int as f64));
        }
        return Err(Error::syntax(format!(
            "cannot decode {} `{}` as a {}",
            tag.as_str(),
            scalar.value,
            scalar.tag.as_str()
        )));
    }
    Ok(match resolved {
        Resolved::Timestamp(_) | Resolved::Merge | Resolved::Str => text(),
        other => scalar.of(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn v3(text: &str) -> Result<Value, Error> {
        parse_first(text.as_bytes(), Merge::Kyaml, &Limits::default())?
            .unwrap()
            .to_json()
    }

    #[test]
    fn the_two_libraries_differ_on_words_and_dates() {
        let text = "a: yes\nb: 2001-01-01\nc: 0644\nd: 1.0\n";
        assert_eq!(
            v3(text).unwrap(),
            json!({"a": "yes", "b": "2001-01-01T00:00:00Z", "c": 420, "d": 1})
        );
        assert_eq!(
            to_json(text.as_bytes(), &Limits::default()).unwrap(),
            json!({"a": true, "b": "2001-01-01", "c": 420, "d": 1})
        );
    }

    #[test]
    fn repeated_keys_fail_when_rendered_and_not_when_decoded_by_the_old_library() {
        let error = v3("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("mapping key \"a\" already defined at line 1")
        );
        assert_eq!(
            to_json(b"a: 1\na: 3\n", &Limits::default()).unwrap(),
            json!({"a": 3})
        );
    }

    #[test]
    fn a_tag_its_text_denies_is_an_error() {
        let mut doc = parse_first(b"port: 80", Merge::Kyaml, &Limits::default())
            .unwrap()
            .unwrap();
        if let Some(Node::Scalar(port)) = doc.as_map_mut().unwrap().get_mut("port") {
            port.value = "http".into();
        }
        let error = doc.to_json().unwrap_err().to_string();
        assert_eq!(error, "yaml: cannot decode !!str `http` as a !!int");
    }

    #[test]
    fn infinity_has_no_json() {
        let error = v3("a: .inf").unwrap_err().to_string();
        assert_eq!(error, "json: unsupported value: +Inf");
    }
}
