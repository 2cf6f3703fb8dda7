//! The parser of the substitution dialect: text in, a list of [`Node`]s out.
//!
//! Owns the grammar of `${…}` and its escapes; knows no variable and no value. The surprise is what
//! the dialect lacks: `${v-d}`, `${v+d}` and `${v?d}` (no colon) do not parse, although the
//! documentation of the original lists them.

use std::sync::LazyLock;

use regex::Regex;

/// How deep `${a:=${b:=…}}` may nest.
const MAX_DEPTH: usize = 64;

/// A piece of a parsed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// Text that stands for itself, escapes resolved.
    Text(String),
    /// `${name…}`.
    Expansion(Expansion),
}

/// One `${name operator arguments}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expansion {
    /// The variable's name.
    pub(super) name: String,
    /// What is done with its value.
    pub(super) operator: Operator,
    /// The operator's arguments, each evaluated before use.
    pub(super) arguments: Vec<Node>,
}

/// The operators, by their spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `${v}`
    Value,
    /// `${#v}`
    Length,
    /// `=`, `:=`, `:-`, `:?`, `:+`
    Default,
    /// `:`
    Substring,
    /// `^`
    UpperFirst,
    /// `^^`
    Upper,
    /// `,`
    LowerFirst,
    /// `,,`
    Lower,
    /// `#`
    TrimShortestPrefix,
    /// `##`
    TrimLongestPrefix,
    /// `%`
    TrimShortestSuffix,
    /// `%%`
    TrimLongestSuffix,
    /// `/`
    ReplaceFirst,
    /// `//`
    ReplaceAll,
    /// `/#`
    ReplacePrefix,
    /// `/%`
    ReplaceSuffix,
}

/// Why a text does not parse. The texts are those a user of Flux knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// An operator without its argument, or text after its last one.
    #[error("bad substitution")]
    BadSubstitution,
    /// The name is followed by something that is no operator.
    #[error("missing closing brace")]
    MissingClosingBrace,
    /// No name after `${`.
    #[error("unable to parse variable name")]
    VariableName,
    /// An argument is empty or ends with the text.
    #[error("unable to parse substitution within function")]
    Argument,
}

/// Parses a whole text.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, Error> {
    let mut scanner = Scanner { rest: text };
    let mut nodes = Vec::new();
    while !scanner.rest.is_empty() {
        if scanner.take("${") {
            nodes.push(Node::Expansion(expansion(&mut scanner, 0)?));
        } else {
            nodes.push(Node::Text(scanner.literal(|_| true, Escapes::Dollar)));
        }
    }
    Ok(nodes)
}

fn expansion(scanner: &mut Scanner<'_>, depth: usize) -> Result<Expansion, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::BadSubstitution);
    }
    if scanner.take("#") {
        let name = scanner.name().ok_or(Error::BadSubstitution)?;
        scanner.close()?;
        return Ok(Expansion {
            name,
            operator: Operator::Length,
            arguments: Vec::new(),
        });
    }
    let name = scanner.name().ok_or(Error::VariableName)?;
    let (operator, arguments) = match scanner.peek() {
        Some(':') if matches!(scanner.second(), Some('=' | '-' | '?' | '+')) => {
            scanner.advance(2);
            (Operator::Default, defaults(scanner, depth)?)
        }
        Some(':') => {
            scanner.advance(1);
            (Operator::Substring, substring(scanner, depth)?)
        }
        Some('=') => {
            scanner.advance(1);
            (Operator::Default, defaults(scanner, depth)?)
        }
        Some(',' | '^') => (case(scanner)?, Vec::new()),
        Some('/') => replacement(scanner, depth)?,
        Some('#') => {
            scanner.advance(1);
            let longest = scanner.take("#");
            let operator = if longest {
                Operator::TrimLongestPrefix
            } else {
                Operator::TrimShortestPrefix
            };
            (
                operator,
                vec![last_argument(scanner, Escapes::None, depth)?],
            )
        }
        Some('%') => {
            scanner.advance(1);
            let longest = scanner.take("%");
            let operator = if longest {
                Operator::TrimLongestSuffix
            } else {
                Operator::TrimShortestSuffix
            };
            (
                operator,
                vec![last_argument(scanner, Escapes::None, depth)?],
            )
        }
        Some('}') => {
            scanner.advance(1);
            (Operator::Value, Vec::new())
        }
        // Parity: `${v-d}`, `${v+d}` and `${v?d}` end here too.
        _ => return Err(Error::MissingClosingBrace),
    };
    Ok(Expansion {
        name,
        operator,
        arguments,
    })
}

/// A default may hold any number of literal and nested parts, and ends at the first `}`.
fn defaults(scanner: &mut Scanner<'_>, depth: usize) -> Result<Vec<Node>, Error> {
    let mut parts = Vec::new();
    while !scanner.take("}") {
        // Parity: `$$` inside a default is not unescaped.
        parts.push(argument(scanner, |c| c != '}', Escapes::None, depth)?);
    }
    Ok(parts)
}

fn substring(scanner: &mut Scanner<'_>, depth: usize) -> Result<Vec<Node>, Error> {
    let position = argument(scanner, |c| c != ':' && c != '}', Escapes::None, depth)?;
    if scanner.take("}") {
        return Ok(vec![position]);
    }
    if !scanner.take(":") {
        return Err(Error::BadSubstitution);
    }
    // Parity: the original swallows any run of colons here.
    while scanner.take(":") {}
    Ok(vec![
        position,
        last_argument(scanner, Escapes::None, depth)?,
    ])
}

fn case(scanner: &mut Scanner<'_>) -> Result<Operator, Error> {
    // Parity: the original counts two marks and does not compare them, `${v^,}` is a value.
    let mut marks = String::new();
    while let Some(mark @ (',' | '^')) = scanner.peek() {
        if marks.len() == 2 {
            break;
        }
        marks.push(mark);
        scanner.advance(1);
    }
    scanner.close()?;
    Ok(match marks.as_str() {
        "^" => Operator::UpperFirst,
        "^^" => Operator::Upper,
        "," => Operator::LowerFirst,
        ",," => Operator::Lower,
        _ => Operator::Value,
    })
}

fn replacement(scanner: &mut Scanner<'_>, depth: usize) -> Result<(Operator, Vec<Node>), Error> {
    scanner.advance(1);
    let operator = match scanner.peek() {
        Some('/') => Operator::ReplaceAll,
        Some('#') => Operator::ReplacePrefix,
        Some('%') => Operator::ReplaceSuffix,
        _ => Operator::ReplaceFirst,
    };
    if operator != Operator::ReplaceFirst {
        scanner.advance(1);
    }
    let pattern = argument(scanner, |c| c != '/', Escapes::All, depth)?;
    if !scanner.take("/") {
        return Err(Error::BadSubstitution);
    }
    // Parity: the original swallows any run of slashes here.
    while scanner.take("/") {}
    if scanner.take("}") {
        return Ok((operator, vec![pattern]));
    }
    let with = last_argument(scanner, Escapes::All, depth)?;
    Ok((operator, vec![pattern, with]))
}

fn last_argument(scanner: &mut Scanner<'_>, escapes: Escapes, depth: usize) -> Result<Node, Error> {
    let node = argument(scanner, |c| c != '}', escapes, depth)?;
    scanner.close()?;
    Ok(node)
}

fn argument(
    scanner: &mut Scanner<'_>,
    accept: impl Fn(char) -> bool,
    escapes: Escapes,
    depth: usize,
) -> Result<Node, Error> {
    if scanner.take("${") {
        return Ok(Node::Expansion(expansion(scanner, depth + 1)?));
    }
    let text = scanner.literal(accept, escapes);
    if text.is_empty() {
        Err(Error::Argument)
    } else {
        Ok(Node::Text(text))
    }
}

/// Which escapes a literal knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    /// `$$`
    Dollar,
    /// `$$`, `\/` and `\\`
    All,
}

struct Scanner<'a> {
    rest: &'a str,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn second(&self) -> Option<char> {
        self.rest.chars().nth(1)
    }

    /// Skips characters of one byte each.
    fn advance(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else {
            return false;
        };
        self.rest = rest;
        true
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.take("}") {
            Ok(())
        } else {
            Err(Error::BadSubstitution)
        }
    }

    fn name(&mut self) -> Option<String> {
        let end = self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// Reads up to the next `${` or the first character that is not accepted.
    fn literal(&mut self, accept: impl Fn(char) -> bool, escapes: Escapes) -> String {
        let mut text = String::new();
        while let Some(next) = self.peek() {
            if self.rest.starts_with("${") {
                break;
            }
            let escaped = match (next, self.second()) {
                ('$', Some('$')) => escapes != Escapes::None,
                ('\\', Some('/' | '\\')) => escapes == Escapes::All,
                _ => false,
            };
            if escaped {
                text.extend(self.second());
                self.advance(2);
            } else if accept(next) {
                text.push(next);
                self.advance(next.len_utf8());
            } else {
                break;
            }
        }
        text
    }
}

fn is_name(c: char) -> bool {
    // Go's unicode.IsLetter and IsDigit; the standard library's classes are wider.
    static LETTER_OR_DIGIT: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^[\p{L}\p{Nd}]$").ok());
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    let mut buffer = [0; 4];
    LETTER_OR_DIGIT
        .as_ref()
        .is_some_and(|letter| letter.is_match(c.encode_utf8(&mut buffer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_expression_is_refused_with_the_text_users_know() {
        let cases = [
            ("${x-d}", Error::MissingClosingBrace),
            ("${x+d}", Error::MissingClosingBrace),
            ("${x?d}", Error::MissingClosingBrace),
            ("${x[0]}", Error::MissingClosingBrace),
            ("${x", Error::MissingClosingBrace),
            ("${{ x }}", Error::VariableName),
            ("${!x}", Error::VariableName),
            ("${}", Error::VariableName),
            ("${", Error::VariableName),
            ("${#}", Error::BadSubstitution),
            ("${#x", Error::BadSubstitution),
            ("${x^^^}", Error::BadSubstitution),
            ("${x:1:2", Error::BadSubstitution),
            ("${x/a}", Error::BadSubstitution),
            ("${x//}", Error::BadSubstitution),
            ("${x#}", Error::Argument),
            ("${x:}", Error::Argument),
            ("${x:-a", Error::Argument),
        ];
        for (text, error) in cases {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let text = "${a:=".repeat(100_000);
        assert_eq!(parse(&text), Err(Error::BadSubstitution));
    }

    #[test]
    fn a_name_may_hold_letters_of_any_script() {
        assert!(parse("${größe_2}").is_ok());
        assert_eq!(parse("${a²}"), Err(Error::MissingClosingBrace));
    }
}
