//! Strings: bytes for lengths and positions, characters for trimming.

use super::arguments::{ANY, INT, STRING, int, list_of_strings, text, value};
use super::convert::{check_size, strval};
use super::{function, variadic};
use crate::Text;
use crate::format;
use crate::function::{Failure, Function, Scope};
use crate::quote::quote_into;
use crate::rune::{decode, runes};
use crate::value::{Map, MapType, Value};
use memchr::memmem::find;

pub(super) const TABLE: &[Function] = &[
    variadic("cat", &[ANY], cat),
    function("contains", &[STRING, STRING], contains),
    function("hasPrefix", &[STRING, STRING], has_prefix),
    function("hasSuffix", &[STRING, STRING], has_suffix),
    function("indent", &[INT, STRING], indent),
    function("lower", &[STRING], lower),
    function("nindent", &[INT, STRING], nindent),
    function("nospace", &[STRING], nospace),
    function("plural", &[STRING, STRING, INT], plural),
    variadic("quote", &[ANY], quote),
    function("repeat", &[INT, STRING], repeat),
    function("replace", &[STRING, STRING, STRING], replace),
    function("split", &[STRING, STRING], split),
    function("splitList", &[STRING, STRING], split_list),
    function("splitn", &[STRING, INT, STRING], split_n),
    variadic("squote", &[ANY], squote),
    function("substr", &[INT, INT, STRING], substr),
    function("trim", &[STRING], trim),
    function("trimAll", &[STRING, STRING], trim_all),
    function("trimPrefix", &[STRING, STRING], trim_prefix),
    function("trimSuffix", &[STRING, STRING], trim_suffix),
    function("trimall", &[STRING, STRING], trim_all),
    function("trunc", &[INT, STRING], trunc),
    function("upper", &[STRING], upper),
];

type Result_ = Result<Value, Failure>;

/// Changes each character; what is not UTF-8 becomes U+FFFD, as Go's `strings.Map` does.
pub(super) fn map_runes(text: &[u8], change: impl Fn(char) -> char) -> Text {
    let mapped: String = runes(text).map(change).collect();
    Text::from(mapped)
}

/// Returns the upper case of a character if it is one character, as Go's `unicode.ToUpper`.
pub(super) fn to_upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

/// Returns the lower case of a character if it is one character, as Go's `unicode.ToLower`.
pub(super) fn to_lower(c: char) -> char {
    if c == '\u{130}' {
        // Parity: Go maps the dotted capital I to a plain i.
        return 'i';
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

fn cat(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut out = Vec::new();
    let mut count = 0;
    for argument in arguments {
        if let Value::Nil = argument {
            continue;
        }
        if count > 0 {
            out.push(b' ');
        }
        count += 1;
        format::display(&mut out, argument)?;
    }
    Ok(Value::string(out))
}

fn contains(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (part, whole) = (text(arguments, 0), text(arguments, 1));
    Ok(Value::Bool(
        find(whole.as_bytes(), part.as_bytes()).is_some(),
    ))
}

fn has_prefix(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (part, whole) = (text(arguments, 0), text(arguments, 1));
    Ok(Value::Bool(whole.as_bytes().starts_with(part.as_bytes())))
}

fn has_suffix(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (part, whole) = (text(arguments, 0), text(arguments, 1));
    Ok(Value::Bool(whole.as_bytes().ends_with(part.as_bytes())))
}

fn indented(scope: &Scope<'_>, arguments: &[Value], start: &[u8]) -> Result_ {
    let width = int(arguments, 0);
    let source = text(arguments, 1);
    let Ok(width) = usize::try_from(width) else {
        return Err("strings: negative Repeat count".into());
    };
    let lines = source.as_bytes().iter().filter(|b| **b == b'\n').count() + 1;
    check_size(
        scope,
        source.len().saturating_add(lines.saturating_mul(width)),
    )?;
    let pad = vec![b' '; width];
    let mut out = start.to_vec();
    out.reserve(source.len() + lines * width);
    for (index, line) in source.as_bytes().split(|b| *b == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(&pad);
        out.extend_from_slice(line);
    }
    Ok(Value::string(out))
}

fn indent(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    indented(scope, arguments, b"")
}

fn nindent(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    indented(scope, arguments, b"\n")
}

fn lower(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::String(map_runes(
        text(arguments, 0).as_bytes(),
        to_lower,
    )))
}

fn upper(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::String(map_runes(
        text(arguments, 0).as_bytes(),
        to_upper,
    )))
}

fn nospace(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let source = text(arguments, 0);
    // Parity: each byte is taken for a character, so text that is not ASCII is garbled once a space is removed.
    let is_space = |byte: &u8| (*byte as char).is_whitespace();
    if !source.as_bytes().iter().any(is_space) {
        return Ok(Value::String(source));
    }
    let kept = source.as_bytes().iter().filter(|byte| !is_space(byte));
    Ok(Value::from(kept.map(|b| *b as char).collect::<String>()))
}

fn plural(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(value(arguments, usize::from(int(arguments, 2) != 1)))
}

fn quote(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut out = Vec::new();
    for argument in arguments {
        if let Value::Nil = argument {
            continue;
        }
        if !out.is_empty() {
            out.push(b' ');
        }
        quote_into(&mut out, strval(argument)?.as_bytes(), false);
    }
    Ok(Value::string(out))
}

fn squote(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut out = Vec::new();
    for argument in arguments {
        if let Value::Nil = argument {
            continue;
        }
        if !out.is_empty() {
            out.push(b' ');
        }
        out.push(b'\'');
        format::display(&mut out, argument)?;
        out.push(b'\'');
    }
    Ok(Value::string(out))
}

fn repeat(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let source = text(arguments, 1);
    let Ok(count) = usize::try_from(int(arguments, 0)) else {
        return Err("strings: negative Repeat count".into());
    };
    check_size(scope, source.len().saturating_mul(count))?;
    Ok(Value::string(source.as_bytes().repeat(count)))
}

fn replace(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (old, new, source) = (text(arguments, 0), text(arguments, 1), text(arguments, 2));
    let mut out = Vec::with_capacity(source.len());
    let mut rest = source.as_bytes();
    if old.is_empty() {
        // Go puts the new text before each character and at the end.
        while let Some((_, width)) = decode(rest) {
            out.extend_from_slice(new.as_bytes());
            out.extend_from_slice(&rest[..width]);
            rest = &rest[width..];
            check_size(scope, out.len())?;
        }
        out.extend_from_slice(new.as_bytes());
        return Ok(Value::string(out));
    }
    while let Some(at) = find(rest, old.as_bytes()) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new.as_bytes());
        rest = &rest[at + old.len()..];
        check_size(scope, out.len())?;
    }
    out.extend_from_slice(rest);
    Ok(Value::string(out))
}

/// Splits as `strings.SplitN`: an empty separator splits into characters, a count below 0 is no limit.
pub(super) fn split_at(source: &Text, separator: &Text, count: i64) -> Vec<Text> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    if most == 0 {
        return Vec::new();
    }
    let mut parts = Vec::new();
    let mut rest = source.as_bytes();
    if separator.is_empty() {
        while let Some((_, width)) = decode(rest) {
            if parts.len() + 1 == most {
                break;
            }
            parts.push(Text::from_bytes(&rest[..width]));
            rest = &rest[width..];
        }
        if !rest.is_empty() {
            parts.push(Text::from_bytes(rest));
        }
        return parts;
    }
    while parts.len() + 1 < most {
        let Some(at) = find(rest, separator.as_bytes()) else {
            break;
        };
        parts.push(Text::from_bytes(&rest[..at]));
        rest = &rest[at + separator.len()..];
    }
    parts.push(Text::from_bytes(rest));
    parts
}

/// Makes the map of `_0`, `_1` ... that `split` returns.
fn numbered(parts: Vec<Text>) -> Value {
    Value::Map(Map::new(
        parts
            .into_iter()
            .enumerate()
            .map(|(index, part)| (Text::from(format!("_{index}")), Value::String(part))),
        &MapType::STRINGS,
    ))
}

fn split(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let parts = split_at(&text(arguments, 1), &text(arguments, 0), -1);
    Ok(numbered(parts))
}

fn split_n(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let parts = split_at(&text(arguments, 2), &text(arguments, 0), int(arguments, 1));
    Ok(numbered(parts))
}

fn split_list(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let parts = split_at(&text(arguments, 1), &text(arguments, 0), -1);
    Ok(list_of_strings(parts))
}

/// Cuts a piece out; what is out of range fails as in Go.
fn piece(source: &Text, start: i64, end: i64) -> Result_ {
    let length = source.len();
    let out_of_range = |what: &str| {
        Err(Failure::new(format!(
            "runtime error: slice bounds out of range {what}"
        )))
    };
    let Some(end) = usize::try_from(end).ok().filter(|end| *end <= length) else {
        return out_of_range(&if end < 0 {
            format!("[:{end}]")
        } else {
            format!("[:{end}] with length {length}")
        });
    };
    match usize::try_from(start) {
        Ok(start) if start <= end => Ok(Value::string(source.as_bytes()[start..end].to_vec())),
        Ok(start) if end == length && start > length => {
            out_of_range(&format!("[{start}:{length}]"))
        }
        _ if start < 0 => out_of_range(&format!("[{start}:]")),
        _ => out_of_range(&format!("[{start}:{end}]")),
    }
}

fn substr(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (start, end, source) = (int(arguments, 0), int(arguments, 1), text(arguments, 2));
    let length = i64::try_from(source.len()).unwrap_or(i64::MAX);
    if start < 0 {
        return piece(&source, 0, end);
    }
    if end < 0 || end > length {
        return piece(&source, start, length);
    }
    piece(&source, start, end)
}

fn trunc(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let source = text(arguments, 1);
    let count = int(arguments, 0);
    let length = i64::try_from(source.len()).unwrap_or(i64::MAX);
    if count < 0 && length + count > 0 {
        return piece(&source, length + count, length);
    }
    if count >= 0 && length > count {
        return piece(&source, 0, count);
    }
    Ok(Value::String(source))
}

/// Trims characters of a class from both ends; what is not UTF-8 counts as U+FFFD.
fn trim_runes(source: &[u8], class: impl Fn(char) -> bool) -> &[u8] {
    let mut start = 0;
    while let Some((c, width)) = decode(&source[start..]) {
        if !class(c) {
            break;
        }
        start += width;
    }
    let mut end = start;
    let mut at = start;
    while let Some((c, width)) = decode(&source[at..]) {
        at += width;
        if !class(c) {
            end = at;
        }
    }
    &source[start..end]
}

fn trim(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let source = text(arguments, 0);
    let trimmed = trim_runes(source.as_bytes(), is_space);
    Ok(Value::String(Text::from_bytes(trimmed)))
}

/// Says whether Go's `unicode.IsSpace` holds.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace()
}

fn trim_all(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (cut, source) = (text(arguments, 0), text(arguments, 1));
    let cut: Vec<char> = runes(cut.as_bytes()).collect();
    let trimmed = trim_runes(source.as_bytes(), |c| cut.contains(&c));
    Ok(Value::String(Text::from_bytes(trimmed)))
}

fn trim_prefix(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (prefix, source) = (text(arguments, 0), text(arguments, 1));
    Ok(match source.as_bytes().strip_prefix(prefix.as_bytes()) {
        Some(rest) => Value::String(Text::from_bytes(rest)),
        None => Value::String(source),
    })
}

fn trim_suffix(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (suffix, source) = (text(arguments, 0), text(arguments, 1));
    Ok(match source.as_bytes().strip_suffix(suffix.as_bytes()) {
        Some(rest) => Value::String(Text::from_bytes(rest)),
        None => Value::String(source),
    })
}
