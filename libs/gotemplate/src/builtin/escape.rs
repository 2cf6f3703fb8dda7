//! `html`, `js` and `urlquery`.

use crate::Text;
use crate::format;
use crate::function::Failure;
use crate::rune::{decode, is_print};
use crate::value::Value;

/// Returns the one string argument as it is, all else printed; nil is `<no value>`.
fn argument(arguments: &[Value]) -> Result<Text, Failure> {
    if let [Value::String(text)] = arguments {
        return Ok(text.clone());
    }
    let shown: Vec<Value> = arguments
        .iter()
        .map(|value| match value {
            Value::Nil => Value::string("<no value>"),
            other => other.clone(),
        })
        .collect();
    Ok(format::sprint(&shown)?.into())
}

pub(super) fn html(arguments: &[Value]) -> Result<Value, Failure> {
    let text = argument(arguments)?;
    let mut out = Vec::with_capacity(text.len());
    for byte in text.as_bytes() {
        match byte {
            0 => out.extend_from_slice("\u{FFFD}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            byte => out.push(*byte),
        }
    }
    Ok(Value::string(out))
}

pub(super) fn js(arguments: &[Value]) -> Result<Value, Failure> {
    let text = argument(arguments)?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((c, width)) = decode(rest) {
        let bytes = &rest[..width];
        rest = &rest[width..];
        match c {
            '\\' => out.extend_from_slice(b"\\\\"),
            '\'' => out.extend_from_slice(b"\\'"),
            '"' => out.extend_from_slice(b"\\\""),
            '<' | '>' | '&' | '=' => {
                out.extend_from_slice(format!("\\u{:04X}", c as u32).as_bytes());
            }
            c if c < ' ' => out.extend_from_slice(format!("\\u{:04X}", c as u32).as_bytes()),
            c if c.is_ascii() || is_print(c) => out.extend_from_slice(bytes),
            c => out.extend_from_slice(format!("\\u{:04X}", c as u32).as_bytes()),
        }
    }
    Ok(Value::string(out))
}

pub(super) fn urlquery(arguments: &[Value]) -> Result<Value, Failure> {
    let text = argument(arguments)?;
    let mut out = String::with_capacity(text.len());
    for byte in text.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(*byte as char);
            }
            b' ' => out.push('+'),
            byte => out += &format!("%{byte:02X}"),
        }
    }
    Ok(Value::from(out))
}
