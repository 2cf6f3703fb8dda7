//! Texts in quotes, as Go's `strconv` puts them there; bytes that are no text are `fjord-gotemplate`'s.

/// Quotes as Go's `strconv.Quote`.
pub fn quote(text: &str) -> String {
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
pub fn is_print(c: char) -> bool {
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

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn what_does_not_print_is_escaped_as_go_does() {
        let text = "a'\"\\\u{7}\t\u{7f}\u{85}\u{ad}é e\u{301}\u{e0001}";
        let want = r#""a'\"\\\a\t\x7f\u0085\u00adé e´\U000e0001""#.replace('´', "\u{301}");
        assert_eq!(quote(text), want);
    }
}
