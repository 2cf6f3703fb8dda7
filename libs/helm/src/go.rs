//! Go's habits that show in what Helm prints: quoting, type names, JSON errors, typed decoding.

use serde_json::Value;

mod decode;

pub(crate) use decode::Fault;
pub(crate) use decode::{Decode, Fields};
pub(crate) use fjord_yaml::{is_print, quote};

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
