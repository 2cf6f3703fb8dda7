//! Regular expressions with Go's syntax, RE2.

mod patterns;
mod syntax;

use super::arguments::{INT, STRING, int, list_of_strings, text};
use super::convert::check_size;
use super::function;
use crate::Text;
use crate::function::{Failure, Function, Scope};
use crate::rune::decode;
use crate::value::{List, ListType, Value};
use regex::bytes::{Captures, Regex};
use std::sync::Arc;

pub(crate) use patterns::Patterns;

pub(super) const TABLE: &[Function] = &[
    function("mustRegexFind", &[STRING, STRING], must_find),
    function("mustRegexFindAll", &[STRING, STRING, INT], must_find_all),
    function("mustRegexMatch", &[STRING, STRING], must_match),
    function(
        "mustRegexReplaceAll",
        &[STRING, STRING, STRING],
        must_replace_all,
    ),
    function(
        "mustRegexReplaceAllLiteral",
        &[STRING, STRING, STRING],
        must_replace_literal,
    ),
    function("mustRegexSplit", &[STRING, STRING, INT], must_split),
    function("regexFind", &[STRING, STRING], regex_find),
    function("regexFindAll", &[STRING, STRING, INT], find_all),
    function("regexMatch", &[STRING, STRING], regex_match),
    function("regexQuoteMeta", &[STRING], quote_meta),
    function("regexReplaceAll", &[STRING, STRING, STRING], replace_all),
    function(
        "regexReplaceAllLiteral",
        &[STRING, STRING, STRING],
        replace_literal,
    ),
    function("regexSplit", &[STRING, STRING, INT], regex_split),
];

type Result_ = Result<Value, Failure>;

/// Compiles, failing as `regexp.Compile`.
fn compile(scope: &Scope<'_>, pattern: &Text) -> Result<Arc<Regex>, Failure> {
    scope
        .set
        .patterns
        .get(pattern)
        .map_err(|error| Failure::new(format!("error parsing regexp: {error}")))
}

/// Compiles, failing as `regexp.MustCompile`, which panics.
fn must_compile(scope: &Scope<'_>, pattern: &Text) -> Result<Arc<Regex>, Failure> {
    scope.set.patterns.get(pattern).map_err(|error| {
        let quoted = if pattern.to_str().contains('`') || pattern.to_str().contains('\n') {
            crate::quote::quote(pattern.as_bytes())
        } else {
            format!("`{pattern}`")
        };
        Failure::new(format!(
            "regexp: Compile({quoted}): error parsing regexp: {error}"
        ))
    })
}

fn regex_match(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    // Parity: a bad pattern matches nothing.
    let regex = compile(scope, &text(arguments, 0));
    Ok(Value::Bool(regex.is_ok_and(|regex| {
        regex.is_match(text(arguments, 1).as_bytes())
    })))
}

fn must_match(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let regex = compile(scope, &text(arguments, 0))?;
    Ok(Value::Bool(regex.is_match(text(arguments, 1).as_bytes())))
}

fn found(regex: &Regex, source: &Text) -> Value {
    let found = regex.find(source.as_bytes());
    Value::String(found.map_or_else(Text::default, |found| Text::from_bytes(found.as_bytes())))
}

fn regex_find(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(found(
        &*must_compile(scope, &text(arguments, 0))?,
        &text(arguments, 1),
    ))
}

fn must_find(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(found(
        &*compile(scope, &text(arguments, 0))?,
        &text(arguments, 1),
    ))
}

/// Lists the matches as Go does: an empty one right after another match does not count.
fn matches(regex: &Regex, source: &[u8], most: usize) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut at = 0;
    let mut previous_end = usize::MAX;
    while at <= source.len() && spans.len() < most {
        let Some(found) = regex.find_at(source, at) else {
            break;
        };
        let (start, end) = (found.start(), found.end());
        let mut accept = true;
        if end == at && start == end {
            if start == previous_end {
                accept = false;
            }
            at += decode(&source[at..]).map_or(1, |(_, width)| width);
        } else if end == start {
            if start == previous_end {
                accept = false;
            }
            at = end + decode(&source[end..]).map_or(1, |(_, width)| width);
        } else {
            at = end;
        }
        previous_end = end;
        if accept {
            spans.push((start, end));
        }
    }
    spans
}

fn all(regex: &Regex, arguments: &[Value]) -> Value {
    let source = text(arguments, 1);
    let most = usize::try_from(int(arguments, 2)).unwrap_or(usize::MAX);
    let parts: Vec<Text> = matches(regex, source.as_bytes(), most)
        .into_iter()
        .map(|(start, end)| Text::from_bytes(&source.as_bytes()[start..end]))
        .collect();
    if parts.is_empty() {
        return Value::List(List::nil(&ListType::STRINGS));
    }
    list_of_strings(parts)
}

fn find_all(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(all(&*must_compile(scope, &text(arguments, 0))?, arguments))
}

fn must_find_all(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(all(&*compile(scope, &text(arguments, 0))?, arguments))
}

fn replaced(scope: &Scope<'_>, regex: &Regex, arguments: &[Value], literal: bool) -> Result_ {
    let (source, template) = (text(arguments, 1), text(arguments, 2));
    let source = source.as_bytes();
    let mut out = Vec::with_capacity(source.len());
    let mut copied = 0;
    for (start, end) in matches(regex, source, usize::MAX) {
        out.extend_from_slice(&source[copied..start]);
        if literal || !template.as_bytes().contains(&b'$') {
            out.extend_from_slice(template.as_bytes());
        } else if let Some(captures) = regex.captures_at(source, start) {
            expand(&mut out, template.as_bytes(), &captures, regex);
        }
        copied = end;
        check_size(scope, out.len())?;
    }
    out.extend_from_slice(&source[copied..]);
    Ok(Value::string(out))
}

/// Puts groups in for `$1`, `$name`, `${name}`; `$$` is a dollar, an unknown group is empty.
fn expand(out: &mut Vec<u8>, template: &[u8], captures: &Captures<'_>, regex: &Regex) {
    let mut rest = template;
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(b"$") {
            out.push(b'$');
            rest = after;
            continue;
        }
        let (braced, body) = match rest.strip_prefix(b"{") {
            Some(body) => (true, body),
            None => (false, rest),
        };
        let length = body
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count();
        let closed = !braced || body.get(length) == Some(&b'}');
        if length == 0 || !closed {
            out.push(b'$');
            continue;
        }
        let name = std::str::from_utf8(&body[..length]).unwrap_or_default();
        rest = &body[length + usize::from(braced)..];
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        let group = if is_number {
            name.parse()
                .ok()
                .and_then(|index: usize| captures.get(index))
        } else if regex.capture_names().flatten().any(|known| known == name) {
            captures.name(name)
        } else {
            None
        };
        if let Some(group) = group {
            out.extend_from_slice(group.as_bytes());
        }
    }
    out.extend_from_slice(rest);
}

fn replace_all(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    replaced(
        scope,
        &*must_compile(scope, &text(arguments, 0))?,
        arguments,
        false,
    )
}

fn must_replace_all(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    replaced(
        scope,
        &*compile(scope, &text(arguments, 0))?,
        arguments,
        false,
    )
}

fn replace_literal(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    replaced(
        scope,
        &*must_compile(scope, &text(arguments, 0))?,
        arguments,
        true,
    )
}

fn must_replace_literal(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    replaced(
        scope,
        &*compile(scope, &text(arguments, 0))?,
        arguments,
        true,
    )
}

/// Splits around matches, at most into so many parts; 0 gives nil.
fn parts(regex: &Regex, arguments: &[Value]) -> Value {
    let (source, count) = (text(arguments, 1), int(arguments, 2));
    if count == 0 {
        return Value::List(List::nil(&ListType::STRINGS));
    }
    if !regex.as_str().is_empty() && source.is_empty() {
        return list_of_strings(vec![Text::default()]);
    }
    let bytes = source.as_bytes();
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for (start, stop) in matches(regex, bytes, most) {
        if count > 0 && parts.len() + 1 == most {
            break;
        }
        end = start;
        if stop != 0 {
            parts.push(Text::from_bytes(&bytes[begin..end]));
        }
        begin = stop;
    }
    if end != bytes.len() {
        parts.push(Text::from_bytes(&bytes[begin..]));
    }
    list_of_strings(parts)
}

fn regex_split(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(parts(
        &*must_compile(scope, &text(arguments, 0))?,
        arguments,
    ))
}

fn must_split(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(parts(&*compile(scope, &text(arguments, 0))?, arguments))
}

fn quote_meta(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let source = text(arguments, 0);
    let mut out = Vec::with_capacity(source.len());
    for byte in source.as_bytes() {
        if b"\\.+*?()|[]{}^$".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    Ok(Value::string(out))
}
