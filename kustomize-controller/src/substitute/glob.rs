//! Glob matching as the substitution dialect has it: `*` crosses `/`, a broken pattern matches
//! nothing.
//!
//! `*` any run, `?` one character, `[a-z]` and `[^a]` classes, `\x` a literal `x`.

/// The length of the longest non-empty prefix that matches, or 0.
pub(super) fn longest(pattern: &[u8], text: &[u8]) -> usize {
    let Some(pattern) = compile(pattern) else {
        return 0;
    };
    (1..=text.len())
        .rev()
        .find(|end| matches(&pattern, &text[..*end]))
        .unwrap_or(0)
}

/// The length of the shortest non-empty prefix that matches, or 0.
pub(super) fn shortest(pattern: &[u8], text: &[u8]) -> usize {
    let Some(pattern) = compile(pattern) else {
        return 0;
    };
    (1..=text.len())
        .find(|end| matches(&pattern, &text[..*end]))
        .unwrap_or(0)
}

#[derive(Debug)]
enum Token {
    Star,
    Any,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    Byte(u8),
}

/// Reads a pattern; nothing where a class or an escape does not end.
fn compile(pattern: &[u8]) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'*' => tokens.push(Token::Star),
            b'?' => tokens.push(Token::Any),
            b'\\' => {
                let (escaped, tail) = rest.split_first()?;
                tokens.push(Token::Byte(*escaped));
                rest = tail;
            }
            b'[' => {
                let (class, tail) = class(rest)?;
                tokens.push(class);
                rest = tail;
            }
            byte => tokens.push(Token::Byte(*byte)),
        }
    }
    Some(tokens)
}

fn class(pattern: &[u8]) -> Option<(Token, &[u8])> {
    let mut rest = pattern;
    let negated = rest.first() == Some(&b'^');
    if negated {
        rest = &rest[1..];
    }
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && rest.first() == Some(&b']') {
            return Some((Token::Class { negated, ranges }, &rest[1..]));
        }
        let (low, tail) = class_char(rest)?;
        rest = tail;
        let mut high = low;
        if rest.first() == Some(&b'-') {
            (high, rest) = class_char(&rest[1..])?;
        }
        ranges.push((low, high));
    }
}

fn class_char(pattern: &[u8]) -> Option<(char, &[u8])> {
    let rest = match pattern.first()? {
        b'-' | b']' => return None,
        b'\\' => &pattern[1..],
        _ => pattern,
    };
    let (c, width) = next_char(rest)?;
    let rest = &rest[width..];
    // A class must still be closed after it.
    (c != char::REPLACEMENT_CHARACTER && !rest.is_empty()).then_some((c, rest))
}

/// The first character and its width; a byte that is no UTF-8 is a replacement character.
fn next_char(text: &[u8]) -> Option<(char, usize)> {
    let end = text.len().min(4);
    if end == 0 {
        return None;
    }
    let valid = match std::str::from_utf8(&text[..end]) {
        Ok(valid) => valid,
        Err(error) => std::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default(),
    };
    Some(
        valid
            .chars()
            .next()
            .map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, c.len_utf8())),
    )
}

/// Matches the whole text, backing up to the last `*` only, which is enough for globs.
fn matches(pattern: &[Token], text: &[u8]) -> bool {
    let (mut at, mut token) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(token) {
            Some(Token::Star) => {
                star = Some((token, at));
                token += 1;
                continue;
            }
            Some(one) => one_matches(one, &text[at..]),
            None if at == text.len() => return true,
            None => None,
        };
        match (step, star) {
            (Some(width), _) => {
                at += width;
                token += 1;
            }
            (None, Some((star_token, star_at))) if star_at < text.len() => {
                star = Some((star_token, star_at + 1));
                (token, at) = (star_token + 1, star_at + 1);
            }
            _ => return false,
        }
    }
}

fn one_matches(token: &Token, text: &[u8]) -> Option<usize> {
    match token {
        Token::Byte(byte) => (text.first() == Some(byte)).then_some(1),
        Token::Any => next_char(text).map(|(_, width)| width),
        Token::Class { negated, ranges } => {
            let (c, width) = next_char(text)?;
            let inside = ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
            (inside != *negated).then_some(width)
        }
        Token::Star => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_found_by_glob() {
        let cases: [(&str, &str, usize, usize); 9] = [
            ("*/", "a/b/c", 2, 4),
            ("?", "äb", 1, 2),
            ("[a-c]", "bcd", 1, 1),
            ("[^a-c]*", "xyz", 1, 3),
            ("\\*", "*x", 1, 1),
            ("[", "[x", 0, 0),
            ("*", "xyz", 1, 3),
            ("", "xyz", 0, 0),
            ("a*b*c", "aXbYcZc", 5, 7),
        ];
        for (pattern, text, short, long) in cases {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            assert_eq!(shortest(pattern, text), short, "{pattern:?}");
            assert_eq!(longest(pattern, text), long, "{pattern:?}");
        }
    }
}
