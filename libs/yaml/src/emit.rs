//! Values to text, as either Go library writes them.
//!
//! goyaml.v2 sorts keys naturally, folds long lines at column 80 and quotes what YAML 1.1 would read as
//! something else; yaml.v3, as kyaml sets it up, keeps the order and the styles of its nodes and never
//! folds. Both are libyaml's emitter underneath, which [`writer`] follows.

mod analysis;
mod commented;
mod order;
mod writer;

use crate::number::{format_g, json_integer};
use crate::resolve::{Dialect, Resolved, is_base60, resolve, resolve_as};
use crate::value::{Typed, check_keys, key_text};
use crate::{Error, Node, Scalar, Style, Tag};
pub(crate) use analysis::analyze;
use serde_json::Value;
use std::borrow::Cow;
use writer::{Source, View, Writer};

pub(crate) use commented::text as commented_text;
pub use order::natural as natural_order;

/// Renders a node as kustomize prints a resource: typed by yaml.v3, through JSON, written by goyaml.v2.
///
/// # Errors
/// As for [`Node::to_json`], or a string with a character YAML cannot carry.
pub fn to_v2(node: &Node) -> Result<String, Error> {
    let mut out = String::new();
    write_v2(node, &mut out)?;
    Ok(out)
}

/// Does what [`to_v2`] does behind a text: a stream of many documents is one text that grows.
///
/// # Errors
/// As for [`to_v2`]; the text then ends somewhere within the document.
pub fn write_v2(node: &Node, out: &mut String) -> Result<(), Error> {
    let mut writer = Writer::new(80, false).behind(std::mem::take(out));
    let result = writer.document::<SortedNode>(node);
    *out = writer.finish();
    result
}

/// Renders a JSON value as `sigs.k8s.io/yaml`'s `Marshal`: what Helm's `toYaml` and `kubectl` print.
///
/// # Errors
/// A string with a character YAML cannot carry.
pub fn json_to_v2(value: &Value) -> Result<String, Error> {
    let mut writer = Writer::new(80, false);
    writer.document::<SortedValue>(value)?;
    Ok(writer.finish())
}

/// Renders a node as kyaml's `String`: its own order and styles, sequences not indented.
///
/// # Errors
/// Never today; the signature leaves room for nodes yaml.v3 refuses.
pub fn to_v3(node: &Node) -> Result<String, Error> {
    let mut writer = Writer::new(usize::MAX, true);
    writer.document::<StyledNode>(node)?;
    Ok(writer.finish())
}

/// Renders a node as yaml.v3 with an indent: as [`to_v3`], with sequences indented below their key.
///
/// # Errors
/// Never today; the signature leaves room for nodes yaml.v3 refuses.
pub fn to_v3_indented(node: &Node, indent: u8) -> Result<String, Error> {
    let mut writer = Writer::new(usize::MAX, true).indenting_sequences(i32::from(indent.max(2)));
    writer.document::<StyledNode>(node)?;
    Ok(writer.finish())
}

/// Returns the style goyaml.v2 asks for when it writes a string.
fn string_style(text: &str) -> Style {
    if text.contains('\n') {
        Style::Literal
    } else if resolve(text, Dialect::V2) == Resolved::Str && !is_base60(text) {
        Style::Plain
    } else {
        Style::Double
    }
}

/// Refuses what libyaml's reader does: the text passes through it on its way from JSON.
fn check_text(text: &str) -> Result<(), Error> {
    if text.bytes().all(|b| b < 0x7F) {
        return Ok(());
    }
    let refused =
        |c: char| matches!(c, '\u{7F}'..='\u{84}' | '\u{86}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}');
    if text.chars().any(refused) {
        return Err(Error::syntax("control characters are not allowed"));
    }
    Ok(())
}

fn string_view<T>(text: Cow<'_, str>) -> Result<View<'_, T>, Error> {
    check_text(&text)?;
    let style = string_style(&text);
    Ok(View::Scalar(text, style))
}

fn float_text(f: f64) -> Result<String, Error> {
    if !f.is_finite() {
        return Err(Error::Json(format!(
            "json: unsupported value: {}",
            format_g(f)
        )));
    }
    Ok(json_integer(f).unwrap_or_else(|| format_g(f)))
}

struct SortedNode;

impl Source for SortedNode {
    type Node = Node;

    fn view(node: &Node, top: bool) -> Result<View<'_, Node>, Error> {
        let plain = |text: String| Ok(View::Scalar(Cow::Owned(text), Style::Plain));
        match node {
            Node::Scalar(scalar) => match scalar.typed()? {
                Typed::Null => Ok(View::Scalar(Cow::Borrowed("null"), Style::Plain)),
                Typed::Bool(b) => plain(b.to_string()),
                Typed::Int(i) => plain(i.to_string()),
                Typed::Uint(u) => plain(u.to_string()),
                Typed::Float(f) => plain(float_text(f)?),
                Typed::Str(text) => string_view(text),
            },
            Node::Seq(seq) => Ok(View::Seq(&seq.items, false)),
            Node::Map(map) => {
                check_keys(map, top)?;
                let mut entries = Vec::with_capacity(map.entries.len());
                for (key, value) in &map.entries {
                    let text = key_text(key)?;
                    check_text(&text)?;
                    let style = string_style(&text);
                    entries.push((text, style, value));
                }
                entries.sort_by(|a, b| order::natural(&a.0, &b.0));
                Ok(View::Map(entries, false))
            }
        }
    }
}

struct SortedValue;

impl Source for SortedValue {
    type Node = Value;

    fn view(value: &Value, _top: bool) -> Result<View<'_, Value>, Error> {
        let plain = |text: String| Ok(View::Scalar(Cow::Owned(text), Style::Plain));
        match value {
            Value::Null => Ok(View::Scalar(Cow::Borrowed("null"), Style::Plain)),
            Value::Bool(b) => plain(b.to_string()),
            Value::Number(n) => match (n.as_i64(), n.as_u64(), n.as_f64()) {
                (Some(i), ..) => plain(i.to_string()),
                (_, Some(u), _) => plain(u.to_string()),
                (.., f) => plain(float_text(f.unwrap_or_default())?),
            },
            Value::String(text) => string_view(Cow::Borrowed(text)),
            Value::Array(items) => Ok(View::Seq(items, false)),
            Value::Object(object) => {
                let mut entries = Vec::with_capacity(object.len());
                for (key, value) in object {
                    check_text(key)?;
                    entries.push((Cow::Borrowed(key.as_str()), string_style(key), value));
                }
                entries.sort_by(|a, b| order::natural(&a.0, &b.0));
                Ok(View::Map(entries, false))
            }
        }
    }
}

/// Makes the scalar yaml.v3 gives back for a Go string it wrote.
pub fn v3_string(text: &str) -> Scalar {
    let old_bool = matches!(resolve(text, Dialect::V2), Resolved::Bool(_));
    let plain = resolve(text, Dialect::V3) == Resolved::Str && !is_base60(text) && !old_bool;
    let analysis = analyze(text, true);
    let style = if text.contains('\n') && analysis.block {
        Style::Literal
    } else if plain && analysis.block_plain {
        Style::Plain
    } else if plain && analysis.single && !text.contains('\n') {
        Style::Single
    } else {
        Style::Double
    };
    Scalar {
        style,
        ..Scalar::string(text)
    }
}

struct StyledNode;

impl StyledNode {
    /// Returns what yaml.v3 writes for a scalar: whether its tag must be spelled out, and the style.
    fn spelling(scalar: &Scalar) -> (bool, Style) {
        let redundant = || resolve_as(&scalar.value, Dialect::V3, true).tag() == scalar.tag;
        let mut style = scalar.style;
        let mut tag = scalar.tagged;
        if !scalar.tagged && scalar.tag != Tag::Unset {
            if scalar.tag == Tag::Str {
                if style == Style::Plain && !redundant() {
                    style = Style::Double;
                }
            } else {
                tag = !redundant() && scalar.tag != Tag::Merge;
            }
        }
        if scalar.style == Style::Plain && scalar.value.contains('\n') {
            style = Style::Literal;
        }
        (tag, style)
    }

    /// Returns the text and style of a key; a tag is part of the text, as the writer knows none of keys.
    fn scalar(scalar: &Scalar) -> (Cow<'_, str>, Style) {
        match Self::spelling(scalar) {
            (true, _) => {
                let text = format!("{} {}", scalar.tag.as_str(), scalar.value);
                (Cow::Owned(text), Style::Plain)
            }
            (false, style) => (Cow::Borrowed(&scalar.value), style),
        }
    }
}

impl Source for StyledNode {
    type Node = Node;

    fn view(node: &Node, _top: bool) -> Result<View<'_, Node>, Error> {
        Ok(match node {
            Node::Scalar(scalar) => {
                let text = Cow::Borrowed(scalar.value.as_str());
                match Self::spelling(scalar) {
                    (true, style) => View::Tagged(scalar.tag.as_str().into(), text, style),
                    (false, style) => View::Scalar(text, style),
                }
            }
            Node::Seq(seq) => View::Seq(&seq.items, seq.flow),
            Node::Map(map) => {
                let entries = map
                    .entries
                    .iter()
                    .map(|(key, value)| {
                        let (text, style) = Self::scalar(key);
                        (text, style, value)
                    })
                    .collect();
                View::Map(entries, map.flow)
            }
        })
    }
}

#[cfg(test)]
mod tests;
