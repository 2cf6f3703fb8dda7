//! What Go's decoder takes and serde_json does not, written so that both read the same.

use std::borrow::Cow;

/// Puts U+FFFD where a text holds half of a surrogate pair or bytes that are no UTF-8, and 0 where the integer -0 stands.
pub(super) fn lenient(text: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(text);
    if !has_escaped_surrogate(&text) && !text.contains("-0") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => {
                in_string = !in_string;
                1
            }
            '\\' if in_string => {
                let length = escape(rest);
                if length == 6 && surrogate(&rest[..6]).is_some() {
                    out.push_str("\\ufffd");
                    rest = &rest[6..];
                    continue;
                }
                length
            }
            '-' if !in_string && is_negative_zero(rest) => {
                rest = &rest[1..];
                continue;
            }
            c => c.len_utf8(),
        };
        let (taken, next) = rest.split_at(length);
        out.push_str(taken);
        rest = next;
    }
    Cow::Owned(out)
}

fn has_escaped_surrogate(text: &str) -> bool {
    text.contains("\\ud") || text.contains("\\uD")
}

/// Says whether `-0` is the whole number.
fn is_negative_zero(rest: &str) -> bool {
    rest.strip_prefix("-0")
        .is_some_and(|behind| !behind.starts_with(['.', 'e', 'E']))
}

/// Returns the length of an escape: a whole pair of surrogates is one.
fn escape(rest: &str) -> usize {
    let high = rest.get(..6).and_then(surrogate);
    let low = rest.get(6..12).and_then(surrogate);
    match (high, low) {
        (Some(0xd800..0xdc00), Some(0xdc00..)) => 12,
        (Some(_), _) => 6,
        _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
    }
}

/// Reads an escape that is half of a pair.
fn surrogate(escape: &str) -> Option<u32> {
    let digits = escape.strip_prefix("\\u")?;
    let code = u32::from_str_radix(digits, 16).ok()?;
    (0xd800..0xe000).contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_pairs_and_negative_zeros_are_as_go_reads_them() {
        for (given, expected) in [
            (&br#""\ud800""#[..], r#""\ufffd""#),
            (br#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (br#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (br#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (br#""\\ud800""#, r#""\\ud800""#),
            (
                br#"[-0, -0.0, -0e1, "-0", "\"-0"]"#,
                r#"[0, -0.0, -0e1, "-0", "\"-0"]"#,
            ),
            (b"\"a\xff\"", "\"a\u{fffd}\""),
            (br#""\ud8"#, r#""\ud8"#),
        ] {
            assert_eq!(lenient(given), expected);
        }
    }
}
