//! Go's habits that show in what Helm prints: quoting, type names, JSON errors, typed decoding.

use serde_json::Value;

mod decode;

pub(crate) use decode::Fault;
pub(crate) use decode::{Decode, Fields};

/// Quotes as Go's `strconv.Quote`.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if is_print(c) => out.push(c),
            c if (c as u32) < 0x80 => out.push_str(&format!("\\x{:02x}", c as u32)),
            c if (c as u32) < 0x10000 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    out.push('"');
    out
}

/// Says whether Go's `unicode.IsPrint` holds: letters, marks, numbers, punctuation, symbols, the space.
pub(crate) fn is_print(c: char) -> bool {
    // `escape_debug` leaves exactly the printable ones alone, but for quotes and combining marks.
    matches!(c, '"' | '\'' | '\\' | ' ')
        || (!c.is_whitespace() && (c.escape_debug().count() == 1 || is_mark(c)))
}

/// Combining marks are escaped by `escape_debug` only because they cling to the quote before them.
fn is_mark(c: char) -> bool {
    let mut with_letter = ['a'; 2];
    if let Some(slot) = with_letter.get_mut(1) {
        *slot = c;
    }
    let text: String = with_letter.iter().collect();
    text.escape_debug().count() == 2
}

/// Says whether Go's `unicode.IsSpace` holds.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// Names the Go type a decoded value has.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// Words the error of a JSON text as Go's decoder of streams does.
pub(crate) fn json_error(text: &str, error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected EOF".to_owned();
    }
    let character = text
        .lines()
        .nth(error.line().saturating_sub(1))
        .and_then(|line| line.get(error.column().saturating_sub(1)..))
        .and_then(|rest| rest.chars().next());
    match character {
        Some(c) => format!(
            "invalid character {} looking for beginning of value",
            quote_character(c)
        ),
        None => error.to_string(),
    }
}

/// Quotes the characters one by one, as Go does a slice of them.
pub(crate) fn quote_characters(text: &str) -> String {
    let quoted: Vec<String> = text.chars().map(quote_character).collect();
    format!("[{}]", quoted.join(" "))
}

fn quote_character(c: char) -> String {
    match c {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        c => {
            let quoted = quote(&c.to_string());
            format!("'{}'", quoted.trim_matches('"'))
        }
    }
}

/// Prints a value as Go's `%v`.
pub(crate) fn print(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match (number.is_f64(), number.as_f64()) {
            (true, Some(f)) => fjord_yaml::format_g(f),
            _ => number.to_string(),
        },
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(print).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key}:{}", print(value)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}
