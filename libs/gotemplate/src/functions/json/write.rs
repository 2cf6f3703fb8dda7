//! Writing JSON: keys in byte order, floats without an exponent from 1e-6 up to 1e21.

use crate::function::Failure;
use crate::rune::{REPLACEMENT, decode};
use crate::value::{MAX_DEPTH, Value};
use base64::Engine as _;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// On one line, with `<`, `>` and `&` escaped.
    Compact,
    /// As compact, on lines indented by two.
    Indented,
    /// On one line, nothing escaped that need not be.
    Raw,
}

/// Encodes as `json.Marshal`: compact, HTML-escaped.
///
/// # Errors
/// A float that is not a number or infinite, or a value that nests too deeply.
pub fn to_json(value: &Value) -> Result<String, Failure> {
    let mut out = Vec::new();
    write(&mut out, value, Layout::Compact)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

pub(super) fn write(out: &mut Vec<u8>, value: &Value, layout: Layout) -> Result<(), Failure> {
    element(out, value, layout, 0)
}

fn element(out: &mut Vec<u8>, value: &Value, layout: Layout, depth: usize) -> Result<(), Failure> {
    if depth > MAX_DEPTH {
        return Err(Failure::new(format!(
            "json: unsupported value: encountered a cycle via {}",
            value.type_name()
        )));
    }
    match value {
        Value::Nil => out.extend_from_slice(b"null"),
        Value::Bool(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        Value::Int(i) | Value::Int64(i) => out.extend_from_slice(i.to_string().as_bytes()),
        Value::Uint8(i) => out.extend_from_slice(i.to_string().as_bytes()),
        Value::Uint64(i) => out.extend_from_slice(i.to_string().as_bytes()),
        Value::Float64(f) => float(out, *f)?,
        Value::String(text) => string(out, text.as_bytes(), layout != Layout::Raw),
        Value::Bytes(bytes) => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(bytes.as_bytes());
            string(out, encoded.as_bytes(), false);
        }
        Value::List(list) if list.is_nil() => out.extend_from_slice(b"null"),
        Value::List(list) => {
            out.push(b'[');
            for (index, item) in list.to_vec().iter().enumerate() {
                next(out, layout, depth, index);
                crate::grow(|| element(out, item, layout, depth + 1))?;
            }
            end(out, layout, depth, list.is_empty());
            out.push(b']');
        }
        Value::Map(map) if map.is_nil() => out.extend_from_slice(b"null"),
        Value::Map(map) => {
            let entries = map.entries();
            entries_of(
                out,
                entries
                    .iter()
                    .map(|(key, value)| (key.as_bytes(), value.clone())),
                layout,
                depth,
            )?;
        }
        Value::Object(object) => match object.encoded() {
            Some(other) => element(out, &other, layout, depth)?,
            None => {
                let fields = object.encoded_fields();
                entries_of(
                    out,
                    fields
                        .into_iter()
                        .map(|(name, value)| (name.as_bytes(), value)),
                    layout,
                    depth,
                )?;
            }
        },
    }
    Ok(())
}

fn entries_of<'a>(
    out: &mut Vec<u8>,
    entries: impl Iterator<Item = (&'a [u8], Value)>,
    layout: Layout,
    depth: usize,
) -> Result<(), Failure> {
    out.push(b'{');
    let mut empty = true;
    for (index, (key, value)) in entries.enumerate() {
        empty = false;
        next(out, layout, depth, index);
        string(out, key, layout != Layout::Raw);
        out.push(b':');
        if layout == Layout::Indented {
            out.push(b' ');
        }
        crate::grow(|| element(out, &value, layout, depth + 1))?;
    }
    end(out, layout, depth, empty);
    out.push(b'}');
    Ok(())
}

fn next(out: &mut Vec<u8>, layout: Layout, depth: usize, index: usize) {
    if index > 0 {
        out.push(b',');
    }
    if layout == Layout::Indented {
        line(out, depth + 1);
    }
}

fn end(out: &mut Vec<u8>, layout: Layout, depth: usize, empty: bool) {
    if layout == Layout::Indented && !empty {
        line(out, depth);
    }
}

fn line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.resize(out.len() + 2 * depth, b' ');
}

fn float(out: &mut Vec<u8>, float: f64) -> Result<(), Failure> {
    if !float.is_finite() {
        return Err(Failure::new(format!(
            "json: unsupported value: {}",
            crate::format::format_float(float, 'g', None)
        )));
    }
    let size = float.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{float:e}");
        match text.split_once("e-") {
            Some((mantissa, exponent)) => {
                out.extend_from_slice(format!("{mantissa}e-{exponent}").as_bytes());
            }
            None => out.extend_from_slice(text.replace('e', "e+").as_bytes()),
        }
        return Ok(());
    }
    out.extend_from_slice(format!("{float}").as_bytes());
    Ok(())
}

fn string(out: &mut Vec<u8>, text: &[u8], html: bool) {
    out.push(b'"');
    let mut rest = text;
    while let Some((c, width)) = decode(rest) {
        let bytes = &rest[..width];
        rest = &rest[width..];
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\x08' => out.extend_from_slice(b"\\b"),
            '\x0c' => out.extend_from_slice(b"\\f"),
            REPLACEMENT if width == 1 => out.extend_from_slice(b"\\ufffd"),
            c if c < ' ' || matches!(c, '\u{2028}' | '\u{2029}') => {
                out.extend_from_slice(format!("\\u{:04x}", c as u32).as_bytes());
            }
            '<' | '>' | '&' if html => {
                out.extend_from_slice(format!("\\u{:04x}", c as u32).as_bytes());
            }
            _ => out.extend_from_slice(bytes),
        }
    }
    out.push(b'"');
}
