//! The patterns of `.Files.Glob`: `*` and `?` stay within a folder, `**` does not, `{a,b}` is either.

use regex::Regex;

/// A pattern, translated to a regular expression.
pub(super) struct Glob(Regex);

impl Glob {
    /// Reads a pattern; none if it is malformed.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let expression = Translation::default().run(pattern)?;
        Regex::new(&format!("^(?s:{expression})$")).ok().map(Self)
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

#[derive(Default)]
struct Translation {
    out: String,
    alternatives: usize,
}

impl Translation {
    fn run(mut self, pattern: &str) -> Option<String> {
        let mut rest = pattern.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '*' if rest.next_if_eq(&'*').is_some() => self.out.push_str(".*"),
                '*' => self.out.push_str("[^/]*"),
                '?' => self.out.push_str("[^/]"),
                '{' => {
                    self.alternatives += 1;
                    self.out.push_str("(?:");
                }
                '}' if self.alternatives > 0 => {
                    self.alternatives -= 1;
                    self.out.push(')');
                }
                ',' if self.alternatives > 0 => self.out.push('|'),
                '[' => self.class(&mut rest)?,
                // Parity: a backslash at the very end stands for nothing.
                '\\' => rest.next().into_iter().for_each(|c| self.literal(c)),
                c => self.literal(c),
            }
        }
        // Parity: braces left open are as good as closed.
        self.out.extend(std::iter::repeat_n(')', self.alternatives));
        Some(self.out)
    }

    /// Translates `[abc]`, `[!abc]`, `[a-z]` or `[!a-z]`.
    fn class(&mut self, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<()> {
        let is_negated = rest.next_if_eq(&'!').is_some();
        let first = rest.next()?;
        self.out.push_str(if is_negated { "[^" } else { "[" });
        if rest.next_if_eq(&'-').is_some() {
            let last = rest.next()?;
            if last < first || rest.next()? != ']' {
                return None;
            }
            self.class_character(first);
            self.out.push('-');
            self.class_character(last);
        } else {
            let mut next = Some(first);
            let mut is_empty = true;
            loop {
                match next? {
                    ']' => break,
                    '\\' => self.class_character(rest.next()?),
                    c => self.class_character(c),
                }
                is_empty = false;
                next = rest.next();
            }
            if is_empty {
                return None;
            }
        }
        self.out.push(']');
        Some(())
    }

    fn class_character(&mut self, c: char) {
        self.out.push_str(&format!("\\x{{{:x}}}", c as u32));
    }

    fn literal(&mut self, c: char) {
        self.out
            .push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }
}
