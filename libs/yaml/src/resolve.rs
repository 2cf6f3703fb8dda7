//! What an unquoted scalar means, by the rules of either Go library.
//!
//! goyaml.v2 (under sigs.k8s.io/yaml) follows YAML 1.1 with `y`, `yes`, `on` as booleans; yaml.v3 keeps
//! only `true` and `false`. Both read `0o17`, `0b11`, `1_000`, and `08` as the float 8.

use crate::number::{go_float, go_int, go_uint};
use crate::timestamp;

/// Whose rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// goyaml.v2: Helm, typed decodes, the text kustomize prints.
    V2,
    /// yaml.v3: kustomize's resources, sops.
    V3,
}

/// The meaning of a plain scalar.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits `i64`.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// A float.
    Float(f64),
    /// A timestamp, in Go's RFC 3339 form.
    Timestamp(String),
    /// The merge key.
    Merge,
    /// Its own text.
    Str,
}

impl Resolved {
    /// Returns the tag of the type.
    pub fn tag(&self) -> crate::Tag {
        match self {
            Self::Null => crate::Tag::Null,
            Self::Bool(_) => crate::Tag::Bool,
            Self::Int(_) | Self::Uint(_) => crate::Tag::Int,
            Self::Float(_) => crate::Tag::Float,
            Self::Timestamp(_) => crate::Tag::Timestamp,
            Self::Merge => crate::Tag::Merge,
            Self::Str => crate::Tag::Str,
        }
    }
}

/// Resolves the text of a plain scalar (`resolve("", text)` in Go).
pub fn resolve(text: &str, dialect: Dialect) -> Resolved {
    resolve_as(text, dialect, true)
}

/// Resolves, reading timestamps only if asked: a scalar tagged `!!int` is never one.
pub(crate) fn resolve_as(text: &str, dialect: Dialect, timestamps: bool) -> Resolved {
    let Some(&first) = text.as_bytes().first() else {
        return Resolved::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => {
            word(text, dialect)
        }
        b'<' if text == "<<" => Resolved::Str,
        b'.' => match text {
            ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" => Resolved::Float(f64::INFINITY),
            _ => go_float(text).map_or(Resolved::Str, Resolved::Float),
        },
        b'+' | b'-' | b'0'..=b'9' => number(text, timestamps),
        _ => Resolved::Str,
    }
}

fn word(text: &str, dialect: Dialect) -> Resolved {
    match text {
        "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if dialect == Dialect::V2 => {
            Resolved::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if dialect == Dialect::V2 => {
            Resolved::Bool(false)
        }
        _ => Resolved::Str,
    }
}

fn number(text: &str, timestamps: bool) -> Resolved {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if timestamps && let Some(time) = timestamp::parse(text) {
        return Resolved::Timestamp(time);
    }
    let stripped;
    let plain = if text.contains('_') {
        stripped = text.replace('_', "");
        &stripped
    } else {
        text
    };
    if let Some(int) = go_int(plain, 0) {
        return Resolved::Int(int);
    }
    if let Some(uint) = go_uint(plain, 0) {
        return Resolved::Uint(uint);
    }
    if looks_like_float(plain)
        && let Some(float) = go_float(plain)
    {
        return Resolved::Float(float);
    }
    // Parity: the digits after 0b and 0o may carry a sign of their own.
    for (prefix, base) in [("0b", 2), ("0o", 8)] {
        if let Some(digits) = plain.strip_prefix(prefix) {
            if let Some(int) = go_int(digits, base) {
                return Resolved::Int(int);
            }
            if let Some(uint) = go_uint(digits, base) {
                return Resolved::Uint(uint);
            }
        } else if let Some(digits) = plain.strip_prefix('-').and_then(|p| p.strip_prefix(prefix))
            && let Some(int) = go_int(&format!("-{digits}"), base)
        {
            return Resolved::Int(int);
        }
    }
    Resolved::Str
}

/// Matches `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`.
fn looks_like_float(text: &str) -> bool {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    if let Some(after) = rest.strip_prefix('.') {
        let n = digits(after);
        if n == 0 {
            return false;
        }
        rest = &after[n..];
    } else {
        let n = digits(rest);
        if n == 0 {
            return false;
        }
        rest = &rest[n..];
        if let Some(after) = rest.strip_prefix('.') {
            rest = &after[digits(after)..];
        }
    }
    if let Some(after) = rest.strip_prefix(['e', 'E']) {
        let after = after.strip_prefix(['+', '-']).unwrap_or(after);
        let n = digits(after);
        return n > 0 && n == after.len();
    }
    rest.is_empty()
}

/// Says whether the text is a base-60 number of YAML 1.1, which the emitters quote.
pub(crate) fn is_base60(text: &str) -> bool {
    let bytes = text.as_bytes();
    if !matches!(bytes.first(), Some(b'+' | b'-' | b'0'..=b'9')) || !bytes.contains(&b':') {
        return false;
    }
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = body.split(':');
    let first = parts.next().unwrap_or_default();
    if !first.starts_with(|c: char| c.is_ascii_digit())
        || !first.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    {
        return false;
    }
    let mut rest: Vec<&str> = parts.collect();
    if let Some(last) = rest.last_mut()
        && let Some((head, tail)) = last.split_once('.')
    {
        if !tail.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
            return false;
        }
        *last = head;
    }
    rest.iter().all(|part| {
        let part = part.as_bytes();
        match part {
            [digit] | [b'0'..=b'5', digit] => digit.is_ascii_digit(),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_resolve_as_in_both_go_libraries() {
        for (text, want) in [
            ("0644", Resolved::Int(420)),
            ("0o644", Resolved::Int(420)),
            ("0x1F", Resolved::Int(31)),
            ("1_000", Resolved::Int(1000)),
            ("0b11", Resolved::Int(3)),
            ("-0b11", Resolved::Int(-3)),
            ("+1", Resolved::Int(1)),
            ("08", Resolved::Float(8.0)),
            ("1.0", Resolved::Float(1.0)),
            ("1e3", Resolved::Float(1000.0)),
            ("12e03", Resolved::Float(12000.0)),
            (".5", Resolved::Float(0.5)),
            ("18446744073709551615", Resolved::Uint(u64::MAX)),
            ("1:30", Resolved::Str),
            ("1.2.3", Resolved::Str),
            ("-", Resolved::Str),
            ("Infinity", Resolved::Str),
            ("1e400", Resolved::Str),
        ] {
            assert_eq!(resolve(text, Dialect::V3), want, "{text}");
            assert_eq!(resolve(text, Dialect::V2), want, "{text}");
        }
    }

    #[test]
    fn only_the_old_library_reads_yes_as_a_boolean() {
        assert_eq!(resolve("yes", Dialect::V2), Resolved::Bool(true));
        assert_eq!(resolve("yes", Dialect::V3), Resolved::Str);
        assert_eq!(resolve("", Dialect::V3), Resolved::Null);
    }

    #[test]
    fn base_60_numbers_are_recognised() {
        assert!(is_base60("1:30") && is_base60("-12:30:45.6") && !is_base60("1:75"));
        assert!(!is_base60("1:") && !is_base60("a:30"));
    }
}
