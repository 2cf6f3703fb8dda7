//! `wrap`, `wrapWith`, `abbrev`, `abbrevboth`: by bytes, so characters may be cut.

use super::arguments::{INT, STRING, int, text};
use super::convert::check_size;
use super::function;
use crate::Text;
use crate::function::{Failure, Function, Scope};
use crate::value::Value;
use memchr::memmem::find;

pub(super) const TABLE: &[Function] = &[
    function("abbrev", &[INT, STRING], abbrev),
    function("abbrevboth", &[INT, INT, STRING], abbrevboth),
    function("wrap", &[INT, STRING], wrap),
    function("wrapWith", &[INT, STRING, STRING], wrap_with),
];

type Result_ = Result<Value, Failure>;

fn wrap(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    wrapped(scope, &text(arguments, 1), int(arguments, 0), b"\n", false)
}

fn wrap_with(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let separator = text(arguments, 1);
    let separator = if separator.is_empty() {
        b"\n"
    } else {
        separator.as_bytes()
    };
    wrapped(
        scope,
        &text(arguments, 2),
        int(arguments, 0),
        separator,
        true,
    )
}

fn wrapped(
    scope: &Scope<'_>,
    source: &Text,
    width: i64,
    separator: &[u8],
    breaks_words: bool,
) -> Result_ {
    let text = source.as_bytes();
    let width = usize::try_from(width.max(1)).unwrap_or(usize::MAX);
    let mut out = Vec::with_capacity(text.len() + text.len() / width);
    let mut at = 0;
    while text.len() - at > width {
        if text[at] == b' ' {
            at += 1;
            continue;
        }
        check_size(scope, out.len())?;
        let window = &text[at..at + width + 1];
        if let Some(space) = window.iter().rposition(|byte| *byte == b' ') {
            out.extend_from_slice(&text[at..at + space]);
            out.extend_from_slice(separator);
            at += space + 1;
        } else if breaks_words {
            out.extend_from_slice(&text[at..at + width]);
            out.extend_from_slice(separator);
            at += width;
        } else if let Some(space) = find(&text[at + width..], b" ") {
            let end = at + width + space;
            out.extend_from_slice(&text[at..end]);
            out.extend_from_slice(separator);
            at = end + 1;
        } else {
            out.extend_from_slice(&text[at..]);
            at = text.len();
        }
    }
    out.extend_from_slice(&text[at..]);
    Ok(Value::string(out))
}

fn abbrev(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (width, source) = (int(arguments, 0), text(arguments, 1));
    if width < 4 {
        return Ok(Value::String(source));
    }
    Ok(Value::string(abbreviated(source.as_bytes(), 0, width)))
}

fn abbrevboth(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (left, right, source) = (int(arguments, 0), int(arguments, 1), text(arguments, 2));
    if right < 4 || left > 0 && right < 7 {
        return Ok(Value::String(source));
    }
    Ok(Value::string(abbreviated(source.as_bytes(), left, right)))
}

/// Cuts to a width with dots at the end, and at the start where the offset asks for it.
fn abbreviated(text: &[u8], offset: i64, width: i64) -> Vec<u8> {
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    if text.is_empty() || width < 4 {
        return Vec::new();
    }
    if length <= width {
        return text.to_vec();
    }
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    let part = |start: i64, end: i64| {
        let start = usize::try_from(start).unwrap_or(0);
        text[start..usize::try_from(end).unwrap_or(0)].to_vec()
    };
    if offset <= 4 {
        return [part(0, width - 3), b"...".to_vec()].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    let tail = if offset + width - 3 < length {
        abbreviated(&part(offset, length), 0, width - 3)
    } else {
        part(length - (width - 3), length)
    };
    [b"...".to_vec(), tail].concat()
}
