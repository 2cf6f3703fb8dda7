//! Regular expressions as Go reads them, compiled by the `regex` crate.
//!
//! Both are RE2's children; this module rewrites the few spellings that they read differently: ASCII
//! `\d`, `\s`, `\w` and `\b`, literal `\<`, `\Q...\E`, and `[`, `&`, `~` inside a class.

use std::collections::HashMap;

use regex::bytes::{Regex, RegexBuilder};

/// Bounds the memory of one compiled expression.
const SIZE_LIMIT: usize = 1 << 20;
/// Bounds the number of compiled expressions kept.
const MAX_CACHED: usize = 512;

/// Compiled expressions by their text; `None` for one that does not compile.
#[derive(Debug, Default)]
pub struct Cache {
    compiled: HashMap<String, Option<Regex>>,
}

impl Cache {
    /// Tells whether the expression matches somewhere in the text; nothing where it does not compile.
    pub fn is_match(&mut self, expression: &str, text: &str) -> Option<bool> {
        if !self.compiled.contains_key(expression) {
            if self.compiled.len() >= MAX_CACHED {
                self.compiled.clear();
            }
            self.compiled
                .insert(expression.to_owned(), compile(expression));
        }
        let regex = self.compiled.get(expression)?.as_ref()?;
        Some(regex.is_match(text.as_bytes()))
    }
}

fn compile(expression: &str) -> Option<Regex> {
    let translated = translate(expression)?;
    RegexBuilder::new(&translated)
        .size_limit(SIZE_LIMIT)
        .build()
        .ok()
}

/// Rewrites Go's syntax; nothing where Go itself would refuse what Rust takes.
fn translate(expression: &str) -> Option<String> {
    let mut out = String::with_capacity(expression.len() + 16);
    let mut chars = expression.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                'd' => out.push_str("[0-9]"),
                'D' => out.push_str("[^0-9]"),
                's' => out.push_str("[\\t\\n\\f\\r ]"),
                'S' => out.push_str("[^\\t\\n\\f\\r ]"),
                'w' => out.push_str("[0-9A-Za-z_]"),
                'W' => out.push_str("[^0-9A-Za-z_]"),
                'b' if !in_class => out.push_str("(?-u:\\b)"),
                'B' if !in_class => out.push_str("(?-u:\\B)"),
                'Q' if !in_class => {
                    let rest: String = chars.by_ref().collect();
                    let (literal, tail) = rest.split_once("\\E").unwrap_or((&rest, ""));
                    out.push_str(&regex::escape(literal));
                    out.push_str(&translate(tail)?);
                    return Some(out);
                }
                // Go knows neither; Rust would read something else than the character.
                'u' | 'U' => return None,
                c @ ('<' | '>') => out.push(c),
                c => {
                    out.push('\\');
                    out.push(c);
                }
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // A bracket in the first place is a member.
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            '[' if chars.peek() == Some(&':') => {
                // A named class such as [:alpha:] is spelt alike; copy it whole.
                out.push('[');
                let mut last = '[';
                for c in chars.by_ref() {
                    out.push(c);
                    if last == ':' && c == ']' {
                        break;
                    }
                    last = c;
                }
            }
            '[' | '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            c => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(expression: &str, text: &str) -> Option<bool> {
        Cache::default().is_match(expression, text)
    }

    #[test]
    fn expressions_are_searched_unanchored() {
        assert_eq!(matches("good", "some good news"), Some(true));
        assert_eq!(matches("^bad", "not bad"), Some(false));
        assert_eq!(matches(".*succeeded.*", "it\nsucceeded"), Some(true));
    }

    #[test]
    fn what_go_does_not_compile_has_no_answer() {
        for expression in ["[", "(", "*", "a{2,1}", "(?=x)", "\\", "(?<!x)y"] {
            assert_eq!(matches(expression, "x"), None, "{expression}");
        }
    }

    #[test]
    fn classes_and_escapes_mean_what_they_mean_in_go() {
        assert_eq!(matches(r"^\d$", "٣"), Some(false), "digits are ASCII");
        assert_eq!(matches(r"^\w$", "é"), Some(false), "words are ASCII");
        assert_eq!(matches(r"^[\w-]+$", "a-b_1"), Some(true));
        assert_eq!(matches(r"^[^\d]$", "7"), Some(false));
        assert_eq!(
            matches(r"\bfoo\b", "éfooé"),
            Some(true),
            "boundaries are ASCII"
        );
        assert_eq!(matches(r"\<b\>", "<b>"), Some(true));
        assert_eq!(matches(r"^\Qa.b*\E.$", "a.b*c"), Some(true));
        assert_eq!(matches(r"^[[&&~]+$", "[&~"), Some(true));
        assert_eq!(matches(r"^[]a]+$", "]a"), Some(true));
        assert_eq!(matches(r"^[[:alpha:]_]+$", "ab_"), Some(true));
        assert_eq!(matches(r"(?i)FAILED", "it failed"), Some(true));
    }

    #[test]
    fn an_expression_that_would_grow_huge_is_refused() {
        assert_eq!(matches("(((a{1000}){1000}){1000})", "a"), None);
    }
}
