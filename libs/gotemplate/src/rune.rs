//! Go's runes: decoding that survives any bytes, and the classes of `unicode`.

use regex::Regex;
use std::sync::LazyLock;

/// What Go decodes invalid bytes to.
pub(crate) const REPLACEMENT: char = '\u{FFFD}';

/// Decodes the first character; what is not UTF-8 is U+FFFD of one byte. None at the end.
#[inline]
pub(crate) fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    match bytes.first() {
        Some(first) if first.is_ascii() => Some((char::from(*first), 1)),
        Some(_) => Some(decode_wide(bytes)),
        None => None,
    }
}

/// Decodes a character of several bytes.
fn decode_wide(bytes: &[u8]) -> (char, usize) {
    let head = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    let first = valid.chars().next();
    first.map_or((REPLACEMENT, 1), |c| (c, c.len_utf8()))
}

/// Decodes all characters, as ranging over a Go string does.
pub(crate) fn runes(bytes: &[u8]) -> impl Iterator<Item = char> + '_ {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (c, width) = decode(rest)?;
        rest = &rest[width..];
        Some(c)
    })
}

fn class(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

fn is_in(class: &LazyLock<Option<Regex>>, c: char) -> bool {
    let mut buffer = [0; 4];
    let text: &str = c.encode_utf8(&mut buffer);
    class.as_ref().is_some_and(|class| class.is_match(text))
}

/// Says whether Go's lexer takes the character as part of a name: a letter, a decimal digit, an underscore.
#[inline]
pub(crate) fn is_alphanumeric(c: char) -> bool {
    if c.is_ascii() {
        c == '_' || c.is_ascii_alphanumeric()
    } else {
        is_letter_or_digit(c)
    }
}

fn is_letter_or_digit(c: char) -> bool {
    static CLASS: LazyLock<Option<Regex>> = LazyLock::new(|| class(r"^[\p{L}\p{Nd}]"));
    is_in(&CLASS, c)
}

/// Says whether Go's `unicode.IsPrint` holds: letters, marks, numbers, punctuation, symbols, the ASCII space.
pub fn is_print(c: char) -> bool {
    static CLASS: LazyLock<Option<Regex>> =
        LazyLock::new(|| class(r"^[\p{L}\p{M}\p{N}\p{P}\p{S}]"));
    if c.is_ascii() {
        c == ' ' || c.is_ascii_graphic()
    } else {
        is_in(&CLASS, c)
    }
}
