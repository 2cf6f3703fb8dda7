//! Where Go's regular expressions and those of the regex crate differ in syntax, and the texts of errors.

use regex::bytes::{Regex, RegexBuilder};

/// How large a compiled pattern may be.
const SIZE: usize = 10 << 20;
/// Below what size it may be kept, and how large what it remembers of its matches may then become.
const SMALL: usize = 256 << 10;

/// Compiles a pattern of Go's `regexp`; says whether it is small.
pub(super) fn compile(pattern: &str) -> Result<(Regex, bool), String> {
    let translated = translate(pattern)?;
    let mut builder = RegexBuilder::new(&translated);
    builder
        .unicode(true)
        .size_limit(SMALL)
        .dfa_size_limit(SMALL);
    match builder.build() {
        Ok(regex) => Ok((regex, true)),
        Err(regex::Error::CompiledTooBig(_)) => builder
            .size_limit(SIZE)
            .build()
            .map(|regex| (regex, false))
            .map_err(|_| guess(pattern)),
        Err(_) => Err(guess(pattern)),
    }
}

/// Rewrites what only Go takes, refuses what only the crate takes.
///
/// Go's `\d`, `\s`, `\w`, `\b` and their opposites are ASCII; `\z` is the end, `\Q...\E` quotes, `\C` is a byte, `{` that is no
/// repetition is itself, and classes know neither nesting nor set operations.
fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.char_indices().peekable();
    let mut in_class = false;
    let mut class_start = 0;
    // Where a set within a class ended: a dash behind one is itself.
    let mut set_end = None;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                let Some((_, escaped)) = chars.next() else {
                    return Err("trailing backslash at end of expression: ``".to_owned());
                };
                match escaped {
                    'd' => out += if in_class { "0-9" } else { "[0-9]" },
                    'D' => out += "[^0-9]",
                    's' => {
                        out += if in_class {
                            r"\t\n\f\r "
                        } else {
                            r"[\t\n\f\r ]"
                        }
                    }
                    'S' => out += r"[^\t\n\f\r ]",
                    'w' => {
                        out += if in_class {
                            "0-9A-Za-z_"
                        } else {
                            "[0-9A-Za-z_]"
                        }
                    }
                    'W' => out += "[^0-9A-Za-z_]",
                    'b' if !in_class => out += r"(?-u:\b)",
                    'B' if !in_class => out += r"(?-u:\B)",
                    'C' if !in_class => out += r"(?s-u:.)",
                    'Q' => {
                        let rest = &pattern[at + 2..];
                        let end = rest.find("\\E").unwrap_or(rest.len());
                        out += &regex::escape(&rest[..end]);
                        let skip = at + 2 + end + 2;
                        while chars.peek().is_some_and(|(next, _)| *next < skip) {
                            chars.next();
                        }
                    }
                    'A' | 'z' | 'a' | 'f' | 't' | 'n' | 'r' | 'v' | 'p' | 'P' | 'x' => {
                        out.push('\\');
                        out.push(escaped);
                        // A name or code in braces belongs to the escape.
                        if matches!(escaped, 'p' | 'P' | 'x') && pattern[at + 2..].starts_with('{')
                        {
                            for (_, c) in chars.by_ref() {
                                out.push(c);
                                if c == '}' {
                                    break;
                                }
                            }
                        } else if matches!(escaped, 'p' | 'P')
                            && let Some((_, name)) = chars.next()
                        {
                            out.push(name);
                        }
                    }
                    '0'..='7' => {
                        let octal: String = std::iter::once(escaped)
                            .chain(
                                pattern[at + 2..]
                                    .chars()
                                    .take(2)
                                    .take_while(|c| ('0'..='7').contains(c)),
                            )
                            .collect();
                        if escaped != '0' && octal.len() == 1 {
                            return Err(format!("invalid escape sequence: `\\{escaped}`"));
                        }
                        for _ in 1..octal.len() {
                            chars.next();
                        }
                        let code = u32::from_str_radix(&octal, 8).unwrap_or(0);
                        out += &format!("\\x{{{code:x}}}");
                    }
                    escaped if escaped.is_ascii_punctuation() => {
                        out.push('\\');
                        out.push(escaped);
                    }
                    escaped => return Err(format!("invalid escape sequence: `\\{escaped}`")),
                }
                if "dDsSwWpP".contains(escaped) {
                    set_end = chars.peek().map(|(next, _)| *next);
                }
            }
            '[' if !in_class => {
                in_class = true;
                class_start = at;
                out.push('[');
                if let Some((_, '^')) = chars.peek() {
                    chars.next();
                    out.push('^');
                }
                if let Some((_, ']')) = chars.peek() {
                    chars.next();
                    out += r"\]";
                }
            }
            '[' => {
                let rest = &pattern[at..];
                if let Some(end) = rest.strip_prefix("[:").and_then(|rest| rest.find(":]")) {
                    let name = &rest[..end + 4];
                    out += name;
                    let skip = at + name.len();
                    while chars.peek().is_some_and(|(next, _)| *next < skip) {
                        chars.next();
                    }
                    set_end = Some(skip);
                } else {
                    out += r"\[";
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            '-' if in_class => {
                // A dash beside another or at an edge is itself.
                let edge = set_end == Some(at)
                    || pattern[..at].ends_with('[')
                    || pattern[..at].ends_with("[^")
                    || pattern[at + 1..].starts_with(']')
                    || pattern[at + 1..].starts_with('-');
                out += if edge { r"\-" } else { "-" };
            }
            '{' if !in_class && !is_repetition(&pattern[at..]) => out += r"\{",
            '}' if !in_class && !out.rfind('{').is_some_and(|open| is_open(&out, open)) => {
                out += r"\}";
            }
            '(' if !in_class && pattern[at..].starts_with("(?#") => {
                return Err("invalid or unsupported Perl syntax: `(?#`".to_owned());
            }
            '(' if !in_class => {
                for look in ["(?=", "(?!", "(?<=", "(?<!", "(?>"] {
                    if pattern[at..].starts_with(look) {
                        let shown = if look.len() == 4 { "(?<" } else { look };
                        return Err(format!("invalid or unsupported Perl syntax: `{shown}`"));
                    }
                }
                out.push('(');
            }
            c => out.push(c),
        }
    }
    if in_class {
        return Err(format!("missing closing ]: `{}`", &pattern[class_start..]));
    }
    Ok(out)
}

/// Says whether the last `{` written is the start of a repetition or a property that is still open.
fn is_open(out: &str, open: usize) -> bool {
    !out[open..].contains('}') && !out[..open].ends_with('\\')
}

/// Says whether a text begins with `{n}`, `{n,}` or `{n,m}`.
fn is_repetition(text: &str) -> bool {
    let Some(end) = text.find('}') else {
        return false;
    };
    let body = &text[1..end];
    let (low, high) = body.split_once(',').unwrap_or((body, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !low.is_empty() && digits(low) && digits(high)
}

/// Says what Go would say of a pattern that does not compile.
fn guess(pattern: &str) -> String {
    let mut depth = 0usize;
    let mut escaped = false;
    let mut in_class = false;
    let mut previous = '\0';
    let mut can_repeat = false;
    for (at, c) in pattern.char_indices() {
        if escaped {
            escaped = false;
            can_repeat = true;
        } else if c == '\\' {
            escaped = true;
        } else if in_class {
            in_class = c != ']' || previous == '[';
            can_repeat = true;
        } else {
            match c {
                '[' => in_class = true,
                '(' => {
                    depth += 1;
                    can_repeat = false;
                }
                ')' => {
                    if depth == 0 {
                        return format!("unexpected ): `{pattern}`");
                    }
                    depth -= 1;
                    can_repeat = true;
                }
                '|' => can_repeat = false,
                '*' | '+' | '?' if !(can_repeat || c == '?' && previous == '(') => {
                    return format!("missing argument to repetition operator: `{c}`");
                }
                '*' | '+' if matches!(previous, '*' | '+' | '?') => {
                    return format!("invalid nested repetition operator: `{previous}{c}`");
                }
                '{' if is_repetition(&pattern[at..]) => {
                    let end = pattern[at..].find('}').unwrap_or(0);
                    let whole = &pattern[at..=at + end];
                    let body = &whole[1..whole.len() - 1];
                    let (low, high) = body.split_once(',').unwrap_or((body, ""));
                    let low: u32 = low.parse().unwrap_or(u32::MAX);
                    let high: u32 = if high.is_empty() {
                        low
                    } else {
                        high.parse().unwrap_or(u32::MAX)
                    };
                    if low > 1000 || high > 1000 || high < low {
                        return format!("invalid repeat count: `{whole}`");
                    }
                    can_repeat = true;
                }
                _ => can_repeat = true,
            }
        }
        previous = c;
    }
    if depth > 0 {
        return format!("missing closing ): `{pattern}`");
    }
    if let Some(at) = pattern.find("[:")
        && let Some(end) = pattern[at..].find(":]")
    {
        return format!(
            "invalid character class range: `{}`",
            &pattern[at..at + end + 2]
        );
    }
    if let Some(range) = backward_range(pattern) {
        return format!("invalid character class range: `{range}`");
    }
    for mark in [r"\p", r"\P"] {
        if let Some(at) = pattern.find(mark) {
            let rest = &pattern[at + 2..];
            let end = if rest.starts_with('{') {
                rest.find('}').map_or(rest.len(), |end| end + 1)
            } else {
                rest.chars().next().map_or(0, char::len_utf8)
            };
            return format!(
                "invalid character class range: `{}`",
                &pattern[at..at + 2 + end]
            );
        }
    }
    format!("invalid or unsupported Perl syntax: `{pattern}`")
}

/// Finds a class range whose end lies before its start.
fn backward_range(pattern: &str) -> Option<String> {
    let chars: Vec<char> = pattern.chars().collect();
    chars
        .windows(3)
        .find(|window| window[1] == '-' && window[0] > window[2] && window[0] != '[')
        .map(|window| window.iter().collect())
}
