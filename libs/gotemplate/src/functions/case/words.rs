//! Words in mixed case, as huandu/xstrings cuts them.

use super::super::strings::{is_space, to_lower};
use crate::rune::{REPLACEMENT, decode};
use regex::Regex;
use std::sync::LazyLock;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

pub(super) fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || is_space(c)
}

fn is_punctuation(c: char) -> bool {
    static CLASS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{P}").ok());
    CLASS
        .as_ref()
        .is_some_and(|class| class.is_match(c.encode_utf8(&mut [0; 4])))
}

/// Says whether the character is a letter with case, or one of the scripts without.
fn is_alphabet(c: char) -> bool {
    if !c.is_alphabetic() {
        return false;
    }
    !matches!(
        c as u32,
        0x3040..=0x30FF | 0x31F0..=0x31FF | 0xFF66..=0xFF9D | 0x3400..=0x9FFF | 0xAC00..=0xD7AF
    )
}

/// Joins the words of a text, in lower case, with a connector.
pub(super) fn lower_with(text: &[u8], connector: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    if text.is_empty() {
        return out;
    }
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Kind::Connector {
            lower(&mut out, kind, word, connector);
        }
        let (previous, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        let joins = |kind| !matches!(kind, Kind::Invalid | Kind::Punctuation | Kind::Connector);
        let continues = |kind| matches!(kind, Kind::Alphabet | Kind::Number);
        match previous {
            Kind::Number => {
                while continues(kind) {
                    lower(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if joins(kind) {
                    out.push(connector);
                }
            }
            Kind::Connector => lower(&mut out, previous, last, connector),
            Kind::Punctuation => {}
            _ if kind != Kind::Number => {
                if !matches!(kind, Kind::Connector | Kind::Punctuation) {
                    out.push(connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind != Kind::Alphabet {
                    lower(&mut out, Kind::Number, number, connector);
                    if !matches!(kind, Kind::Connector | Kind::Punctuation) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                lower(&mut out, Kind::Number, number, connector);
                while continues(kind) {
                    lower(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if joins(kind) {
                    out.push(connector);
                }
            }
        }
    }
    lower(&mut out, kind, word, connector);
    out
}

fn lower(out: &mut Vec<u8>, kind: Kind, word: &[u8], connector: u8) {
    if !matches!(kind, Kind::Upper | Kind::Connector) {
        out.extend_from_slice(word);
        return;
    }
    let mut rest = word;
    while let Some((c, width)) = decode(rest) {
        rest = &rest[width..];
        if is_connector(c) {
            out.push(connector);
        } else {
            let c = if c.is_uppercase() { to_lower(c) } else { c };
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// Cuts the first word off: its kind, itself, and what follows.
fn next_word(text: &[u8]) -> (Kind, &[u8], &[u8]) {
    let (first, size) = next_valid(text, REPLACEMENT);
    if first == REPLACEMENT {
        return (Kind::Invalid, &text[..size], &text[size..]);
    }
    let run = |from: usize, belongs: &dyn Fn(char) -> bool| -> usize {
        let mut end = from;
        let mut previous = first;
        while end < text.len() {
            let (c, size) = next_valid(&text[end..], previous);
            if size == 0 || !belongs(c) {
                break;
            }
            previous = c;
            end += size;
        }
        end
    };
    let small = |c: char| is_alphabet(c) && !c.is_uppercase();
    let (kind, end) = if is_connector(first) {
        (Kind::Connector, run(size, &is_connector))
    } else if is_punctuation(first) {
        (Kind::Punctuation, run(size, &is_punctuation))
    } else if first.is_uppercase() {
        (Kind::Upper, upper_end(text, first, size, &run, &small))
    } else if is_alphabet(first) {
        (Kind::Alphabet, run(size, &small))
    } else if first.is_numeric() {
        (Kind::Number, run(size, &|c: char| c.is_numeric()))
    } else {
        let other =
            |c: char| !(is_connector(c) || is_alphabet(c) || c.is_numeric() || is_punctuation(c));
        (Kind::Other, run(size, &other))
    };
    let (word, rest) = text.split_at(end);
    (kind, word, rest)
}

/// Extends a word from a place as far as the characters belong to it.
type Run<'a> = dyn Fn(usize, &dyn Fn(char) -> bool) -> usize + 'a;

/// Finds the end of a word that begins in upper case: `HTTPServer` is cut after `HTTP`, `Http` is one word.
fn upper_end(
    text: &[u8],
    first: char,
    size: usize,
    run: &Run<'_>,
    small: &dyn Fn(char) -> bool,
) -> usize {
    if size >= text.len() {
        return size;
    }
    let (second, width) = next_valid(&text[size..], first);
    if !second.is_uppercase() {
        return if is_alphabet(second) {
            run(size + width, small)
        } else {
            size
        };
    }
    let end = run(size, &|c: char| c.is_uppercase());
    if end < text.len() && is_alphabet(next_valid(&text[end..], first).0) {
        // The last capital belongs to the next word.
        let before = text[..end]
            .iter()
            .rposition(|byte| byte & 0xC0 != 0x80)
            .unwrap_or(0);
        return before.max(size);
    }
    end
}

/// Decodes the next character that is valid; with none left the previous one stands.
fn next_valid(text: &[u8], previous: char) -> (char, usize) {
    let mut size = 0;
    while let Some((c, width)) = decode(&text[size..]) {
        size += width;
        if c != REPLACEMENT {
            return (c, size);
        }
    }
    (previous, size)
}
