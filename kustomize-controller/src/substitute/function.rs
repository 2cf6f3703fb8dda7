//! What each operator of the substitution dialect does with a value.
//!
//! Works on bytes, because positions and lengths count bytes and may cut a character in two; the
//! caller decides what text that makes. Prefixes and suffixes are globs, replacements are literals.

use super::{expression::Operator, glob};

/// Applies an operator to a value.
pub(super) fn apply(operator: Operator, value: &[u8], arguments: &[Vec<u8>]) -> Vec<u8> {
    let first = arguments.first().map_or(&[][..], Vec::as_slice);
    match operator {
        Operator::Length => value.len().to_string().into_bytes(),
        // Parity: `:?` never fails and `:+` is no alternative value, all five are one default.
        Operator::Default if value.is_empty() => arguments.concat(),
        Operator::Value | Operator::Default => value.to_vec(),
        Operator::Substring => substring(value, first, arguments.get(1).map(Vec::as_slice)),
        Operator::Upper => map_text(value, |text| text.chars().map(upper).collect()),
        Operator::Lower => map_text(value, |text| text.chars().map(lower).collect()),
        Operator::UpperFirst => map_text(value, |text| first_char(text, upper)),
        Operator::LowerFirst => map_text(value, |text| first_char(text, lower)),
        Operator::TrimShortestPrefix => value[glob::shortest(first, value)..].to_vec(),
        Operator::TrimLongestPrefix => value[glob::longest(first, value)..].to_vec(),
        Operator::TrimShortestSuffix => trim_suffix(value, first, glob::shortest),
        Operator::TrimLongestSuffix => trim_suffix(value, first, glob::longest),
        Operator::ReplaceFirst => replace(value, first, with(arguments), 1),
        Operator::ReplaceAll => replace(value, first, with(arguments), usize::MAX),
        Operator::ReplacePrefix => match arguments {
            [pattern, with] if value.starts_with(pattern) => replace(value, pattern, with, 1),
            // Parity: without a replacement nothing is removed.
            _ => value.to_vec(),
        },
        Operator::ReplaceSuffix => match arguments {
            [pattern, with] => match value.strip_suffix(pattern.as_slice()) {
                Some(start) => [start, with].concat(),
                None => value.to_vec(),
            },
            _ => value.to_vec(),
        },
    }
}

fn with(arguments: &[Vec<u8>]) -> &[u8] {
    arguments.get(1).map_or(&[], Vec::as_slice)
}

fn substring(value: &[u8], position: &[u8], length: Option<&[u8]>) -> Vec<u8> {
    let size = i64::try_from(value.len()).unwrap_or(i64::MAX);
    // Parity: what is not a number leaves the whole value, as in bash.
    let Some(position) = number(position) else {
        return value.to_vec();
    };
    let start = if position < 0 {
        (size + position).max(0)
    } else {
        position
    };
    let end = match length.map(number) {
        None => size,
        Some(None) => return value.to_vec(),
        Some(Some(length)) if length < 0 => size.saturating_add(length),
        Some(Some(length)) => start.saturating_add(length).min(size),
    };
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    range
        .and_then(|(start, end)| value.get(start..end))
        .unwrap_or_default()
        .to_vec()
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Globs match from the left, so a suffix is a prefix of the reversed text.
// Parity: the pattern is reversed letter by letter too, so `[a-z]` and `\x` mean nothing here.
fn trim_suffix(value: &[u8], pattern: &[u8], cut: fn(&[u8], &[u8]) -> usize) -> Vec<u8> {
    let value = reversed(value);
    let pattern = reversed(pattern);
    reversed(&value[cut(&pattern, &value)..])
}

fn reversed(text: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(text) {
        Ok(text) => text.chars().rev().collect::<String>().into_bytes(),
        Err(_) => text.iter().rev().copied().collect(),
    }
}

fn replace(value: &[u8], pattern: &[u8], with: &[u8], limit: usize) -> Vec<u8> {
    if pattern.is_empty() {
        let texts = (std::str::from_utf8(value), std::str::from_utf8(with));
        return match texts {
            (Ok(value), Ok(with)) => value.replacen("", with, limit).into_bytes(),
            _ => value.to_vec(),
        };
    }
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    let mut left = limit;
    while left > 0
        && let Some(at) = rest.windows(pattern.len()).position(|part| part == pattern)
    {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(with);
        rest = &rest[at + pattern.len()..];
        left -= 1;
    }
    out.extend_from_slice(rest);
    out
}

fn map_text(value: &[u8], map: impl Fn(&str) -> String) -> Vec<u8> {
    map(&String::from_utf8_lossy(value)).into_bytes()
}

fn first_char(text: &str, map: fn(char) -> char) -> String {
    let mut chars = text.chars();
    chars.next().map(map).into_iter().chain(chars).collect()
}

/// Go maps one letter to one letter: `ß` has no such upper case and stays.
fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(upper), None) => upper,
        _ => c,
    }
}

fn lower(c: char) -> char {
    let mut mapped = c.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(lower), None) => lower,
        _ => c,
    }
}
