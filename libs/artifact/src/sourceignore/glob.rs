//! Go's `filepath.Match` for one path component: `*`, `?`, `[a-z]`, `[^a]` and `\` escapes.
//! A malformed pattern matches nothing.

#[derive(Debug)]
pub(super) struct Glob(Option<Vec<Token>>);

#[derive(Debug)]
enum Token {
    Star,
    Any,
    Literal(char),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    pub(super) fn new(pattern: &str) -> Self {
        Self(parse(pattern))
    }

    pub(super) fn is_malformed(&self) -> bool {
        self.0.is_none()
    }

    /// Matches in linear space and at worst quadratic time: only the last star is ever re-tried.
    pub(super) fn matches(&self, name: &str) -> bool {
        let Some(tokens) = &self.0 else { return false };
        let name: Vec<char> = name.chars().collect();
        let (mut token, mut at) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while at < name.len() || token < tokens.len() {
            let step = match tokens.get(token) {
                Some(Token::Star) => {
                    retry = Some((token, at));
                    token += 1;
                    continue;
                }
                Some(Token::Any) => at < name.len(),
                Some(Token::Literal(wanted)) => name.get(at) == Some(wanted),
                Some(Token::Class { negated, ranges }) => name.get(at).is_some_and(|c| {
                    ranges.iter().any(|(low, high)| low <= c && c <= high) != *negated
                }),
                None => false,
            };
            if step {
                token += 1;
                at += 1;
                continue;
            }
            match retry {
                Some((star, from)) if from < name.len() => {
                    retry = Some((star, from + 1));
                    token = star + 1;
                    at = from + 1;
                }
                _ => return false,
            }
        }
        true
    }
}

fn parse(pattern: &str) -> Option<Vec<Token>> {
    let mut chars = pattern.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '*' => Token::Star,
            '?' => Token::Any,
            '\\' => Token::Literal(chars.next()?),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || chars.peek() != Some(&']') {
                    let low = class_char(&mut chars)?;
                    let high = match chars.next_if_eq(&'-') {
                        Some(_) => class_char(&mut chars)?,
                        None => low,
                    };
                    ranges.push((low, high));
                }
                chars.next();
                Token::Class { negated, ranges }
            }
            literal => Token::Literal(literal),
        });
    }
    Some(tokens)
}

fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn matching_follows_gos_filepath_match() {
        for (pattern, name, expected) in [
            ("abc", "abc", true),
            ("*", "", true),
            ("a*", "abc", true),
            ("a*b*c*d", "axbxcxd", true),
            ("a*b*c*d", "axbxcx", false),
            ("*x", "xxx", true),
            ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false),
            ("[^a]c", "bc", true),
            ("[^a]c", "ac", false),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("[\\]a]", "]", true),
            ("[]a]", "]", false),
            ("[-]", "-", false),
            ("[x-]", "x", false),
            ("[", "[", false),
            ("a[", "a", false),
            ("?", "ü", true),
        ] {
            assert_eq!(
                Glob::new(pattern).matches(name),
                expected,
                "{pattern} {name}"
            );
        }
    }
}
