//! Letter case: `title`, `snakecase`, `camelcase` and kin.

mod words;

use super::arguments::{STRING, text};
use super::function;
use super::strings::{is_space, to_lower, to_upper};
use crate::function::{Failure, Function, Scope};
use crate::rune::{decode, runes};
use crate::value::Value;

pub(super) const TABLE: &[Function] = &[
    function("camelcase", &[STRING], camelcase),
    function("initials", &[STRING], initials),
    function("kebabcase", &[STRING], kebabcase),
    function("snakecase", &[STRING], snakecase),
    function("swapcase", &[STRING], swapcase),
    function("title", &[STRING], title),
    function("untitle", &[STRING], untitle),
];

type Result_ = Result<Value, Failure>;

/// Returns the title case of a character: of the few digraphs that have one, that; else the upper case.
fn to_title(c: char) -> char {
    match c {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        // Georgian letters have capitals, but no title case.
        '\u{10D0}'..='\u{10FA}' | '\u{10FD}'..='\u{10FF}' => c,
        _ => to_upper(c),
    }
}

/// Says whether `strings.Title` sees a word's end in the character.
fn is_separator(c: char) -> bool {
    if c.is_ascii() {
        return !(c.is_ascii_alphanumeric() || c == '_');
    }
    if c.is_alphabetic() || c.is_numeric() {
        return false;
    }
    is_space(c)
}

fn title(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut previous = ' ';
    let titled: String = runes(text(arguments, 0).as_bytes())
        .map(|c| {
            let starts = is_separator(previous);
            previous = c;
            if starts { to_title(c) } else { c }
        })
        .collect();
    Ok(Value::from(titled))
}

fn untitle(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut starts = true;
    let changed: String = runes(text(arguments, 0).as_bytes())
        .map(|c| {
            if is_space(c) {
                starts = true;
                c
            } else if std::mem::take(&mut starts) {
                to_lower(c)
            } else {
                c
            }
        })
        .collect();
    Ok(Value::from(changed))
}

fn swapcase(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut after_space = true;
    let swapped: String = runes(text(arguments, 0).as_bytes())
        .map(|c| {
            if c.is_uppercase() || to_title(c) == c && to_lower(c) != c {
                after_space = false;
                to_lower(c)
            } else if c.is_lowercase() {
                if std::mem::take(&mut after_space) {
                    to_title(c)
                } else {
                    to_upper(c)
                }
            } else {
                after_space = is_space(c);
                c
            }
        })
        .collect();
    Ok(Value::from(swapped))
}

fn initials(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut gap = true;
    let mut out = String::new();
    // Parity: bytes are taken for characters.
    for c in text(arguments, 0).as_bytes().iter().map(|b| *b as char) {
        if is_space(c) {
            gap = true;
        } else if std::mem::take(&mut gap) {
            out.push(c);
        }
    }
    Ok(Value::from(out))
}

fn snakecase(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::string(words::lower_with(
        text(arguments, 0).as_bytes(),
        b'_',
    )))
}

fn kebabcase(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::string(words::lower_with(
        text(arguments, 0).as_bytes(),
        b'-',
    )))
}

/// Makes `HttpServer` of `http_server`: connectors go, what follows them is upper case.
fn camelcase(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let source = text(arguments, 0);
    if source.is_empty() {
        return Ok(Value::String(source));
    }
    let mut rest = source.as_bytes();
    let mut out = String::new();
    let mut current = '\0';
    let mut upper_run = false;
    while let Some((c, width)) = decode(rest) {
        rest = &rest[width..];
        current = c;
        if !words::is_connector(c) {
            upper_run = c.is_uppercase();
            current = to_upper(c);
            break;
        }
        out.push(c);
    }
    if rest.is_empty() {
        // Parity: of connectors alone the last comes twice.
        out.push(current);
        return Ok(Value::from(out));
    }
    while let Some((c, width)) = decode(rest) {
        rest = &rest[width..];
        let previous = current;
        current = c;
        if words::is_connector(c) && words::is_connector(previous) {
            out.push(previous);
            continue;
        }
        if words::is_connector(previous) {
            upper_run = c.is_uppercase();
            current = to_upper(c);
        } else {
            if upper_run {
                if c.is_uppercase() {
                    current = to_lower(c);
                } else {
                    upper_run = false;
                }
            }
            out.push(previous);
        }
    }
    out.push(current);
    Ok(Value::from(out))
}
