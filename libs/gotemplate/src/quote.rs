//! `strconv.Quote` and `strconv.Unquote`.

use crate::rune::{decode, is_print};

/// Appends the text in double quotes as Go's `%q`: printable Unicode stays, invalid bytes become `\xNN`.
pub(crate) fn quote_into(out: &mut Vec<u8>, text: &[u8], ascii: bool) {
    quote_with(out, text, b'"', ascii);
}

/// Quotes a text as Go's `%q`.
pub fn quote(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    quote_into(&mut out, text, false);
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends a character in single quotes as Go's `%q` of an integer.
pub(crate) fn quote_rune_into(out: &mut Vec<u8>, c: char, ascii: bool) {
    let mut buffer = [0; 4];
    quote_with(out, c.encode_utf8(&mut buffer).as_bytes(), b'\'', ascii);
}

fn quote_with(out: &mut Vec<u8>, text: &[u8], mark: u8, ascii: bool) {
    out.push(mark);
    let mut rest = text;
    while let Some((c, width)) = decode(rest) {
        let bytes = &rest[..width];
        rest = &rest[width..];
        if width == 1 && c == crate::rune::REPLACEMENT {
            out.extend_from_slice(format!("\\x{:02x}", bytes[0]).as_bytes());
            continue;
        }
        match c {
            '\\' => out.extend_from_slice(b"\\\\"),
            c if c as u32 == u32::from(mark) => out.extend_from_slice(&[b'\\', mark]),
            c if (c.is_ascii() || !ascii) && is_print(c) => out.extend_from_slice(bytes),
            '\x07' => out.extend_from_slice(b"\\a"),
            '\x08' => out.extend_from_slice(b"\\b"),
            '\x0c' => out.extend_from_slice(b"\\f"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\x0b' => out.extend_from_slice(b"\\v"),
            c if c < ' ' || c == '\x7f' => {
                out.extend_from_slice(format!("\\x{:02x}", c as u32).as_bytes());
            }
            c if (c as u32) < 0x1_0000 => {
                out.extend_from_slice(format!("\\u{:04x}", c as u32).as_bytes());
            }
            c => out.extend_from_slice(format!("\\U{:08x}", c as u32).as_bytes()),
        }
    }
    out.push(mark);
}

/// Reads a Go literal in double quotes or backquotes; none when its syntax is wrong.
pub(crate) fn unquote(literal: &[u8]) -> Option<Vec<u8>> {
    match literal {
        [b'`', inner @ .., b'`'] => Some(inner.iter().copied().filter(|b| *b != b'\r').collect()),
        [b'"', inner @ .., b'"'] => {
            let mut out = Vec::with_capacity(inner.len());
            let mut rest = inner;
            while !rest.is_empty() {
                if rest[0] == b'"' || rest[0] == b'\n' {
                    return None;
                }
                let (unit, width) = unescape(rest, b'"')?;
                match unit {
                    Unit::Byte(byte) => out.push(byte),
                    Unit::Rune(c) => {
                        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
                rest = &rest[width..];
            }
            Some(out)
        }
        _ => None,
    }
}

/// Reads a Go character literal with its quotes; returns the code point.
pub(crate) fn unquote_rune(literal: &[u8]) -> Option<i64> {
    let [b'\'', inner @ ..] = literal else {
        return None;
    };
    let (unit, width) = unescape(inner, b'\'')?;
    if inner[width..] != *b"'" || inner.first() == Some(&b'\'') {
        return None;
    }
    Some(match unit {
        Unit::Byte(byte) => i64::from(byte),
        Unit::Rune(c) => i64::from(c as u32),
    })
}

enum Unit {
    Byte(u8),
    Rune(char),
}

/// Reads one character or escape and its width.
fn unescape(text: &[u8], mark: u8) -> Option<(Unit, usize)> {
    if text[0] != b'\\' {
        let (c, width) = decode(text)?;
        return Some(if width == 1 {
            (Unit::Byte(text[0]), 1)
        } else {
            (Unit::Rune(c), width)
        });
    }
    let escape = *text.get(1)?;
    let simple = |byte| Some((Unit::Byte(byte), 2));
    match escape {
        b'a' => simple(7),
        b'b' => simple(8),
        b'f' => simple(12),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(11),
        b'\\' => simple(b'\\'),
        b'\'' | b'"' if escape == mark => simple(escape),
        b'x' => Some((Unit::Byte(u8::try_from(digits(text, 2, 2, 16)?).ok()?), 4)),
        b'u' => Some((Unit::Rune(char::from_u32(digits(text, 2, 4, 16)?)?), 6)),
        b'U' => Some((Unit::Rune(char::from_u32(digits(text, 2, 8, 16)?)?), 10)),
        b'0'..=b'7' => Some((Unit::Byte(u8::try_from(digits(text, 1, 3, 8)?).ok()?), 4)),
        _ => None,
    }
}

fn digits(text: &[u8], start: usize, count: usize, radix: u32) -> Option<u32> {
    text.get(start..start + count)?
        .iter()
        .try_fold(0u32, |value, byte| {
            Some(value.checked_mul(radix)? + (*byte as char).to_digit(radix)?)
        })
}
