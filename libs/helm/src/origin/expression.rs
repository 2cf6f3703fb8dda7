//! The values that the text around a place of a template asks for.
//!
//! Looks at text, not at parsed templates: what it misses is not told, and nothing depends on it. It knows actions,
//! `with`, `range` and variables; what a definition is handed stands where it is called, which is another place.

use std::sync::LazyLock;

use regex::Regex;

/// How far variables and the dot are followed.
const DEPTH: usize = 4;

/// An action of a template: where its text begins, and the text between the braces.
struct Action<'a> {
    at: usize,
    text: &'a str,
}

/// The text of the action at a line and column, on one line.
pub(super) fn shown(template: &str, line: usize, column: usize) -> Option<String> {
    let action = action_at(template, line, column)?;
    let text: Vec<&str> = action.text.split_whitespace().collect();
    let text = text.join(" ");
    let text = text.strip_prefix("- ").unwrap_or(&text);
    let text = text.strip_suffix(" -").unwrap_or(text);
    let cut: String = text.chars().take(160).collect();
    let dots = if cut.len() < text.len() { " ..." } else { "" };
    Some(format!("{{{{ {cut}{dots} }}}}"))
}

/// The paths below `.Values` that an action asks for; only those of `node`, the failing part, if it has any.
pub(super) fn paths(template: &str, line: usize, column: usize, node: &str) -> Vec<Vec<String>> {
    let Some(action) = action_at(template, line, column) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    // Go cuts long nodes.
    if !node.ends_with("...") {
        collect(template, action.at, node, DEPTH, &mut found);
    }
    if found.is_empty() {
        collect(template, action.at, action.text, DEPTH, &mut found);
    }
    found.dedup();
    found
}

fn action_at(template: &str, line: usize, column: usize) -> Option<Action<'_>> {
    let start: usize = template
        .split_inclusive('\n')
        .take(line.checked_sub(1)?)
        .map(str::len)
        .sum();
    let at = start + column;
    actions(template)
        .take_while(|action| action.at <= at)
        .last()
        .filter(|action| at <= action.at + action.text.len())
}

fn actions(template: &str) -> impl Iterator<Item = Action<'_>> {
    static ACTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let quoted = r#""(?:\\.|[^"\\])*"|`[^`]*`"#;
        Regex::new(&format!(r"(?s)\{{\{{((?:{quoted}|[^}}]|\}}[^}}])*)\}}\}}")).ok()
    });
    let regex = ACTION.as_ref();
    let found = regex.map(|regex| regex.captures_iter(template));
    let inner = found.into_iter().flatten().filter_map(|c| c.get(1));
    inner.map(|found| Action {
        at: found.start(),
        text: found.as_str(),
    })
}

/// Adds the paths that an expression in the action at an offset asks for.
fn collect(
    template: &str,
    at: usize,
    expression: &str,
    depth: usize,
    found: &mut Vec<Vec<String>>,
) {
    static PATH: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"(?x)
            "(?:\\.|[^"\\])*" | `[^`]*`
            | (?P<index>\bindex\s+)? (?P<root>\$\w*)? (?P<fields>(?:\.[A-Za-z_]\w*)+) (?P<keys>(?:\s+"[^"\\]+")*)
            | (?P<alone>\$\w+)
            | (?:^|[\s(]) (?P<dot>\.) (?:$|[\s)])
        "#)
        .ok()
    });
    let Some(regex) = PATH.as_ref() else { return };
    for captures in regex.captures_iter(expression) {
        let text = |name| captures.name(name).map(|found| found.as_str());
        let mut fields: Vec<String> = text("fields")
            .into_iter()
            .flat_map(|fields| fields.split('.').skip(1))
            .map(str::to_owned)
            .collect();
        if text("index").is_some() {
            let keys = text("keys").unwrap_or_default().split('"');
            fields.extend(keys.skip(1).step_by(2).map(str::to_owned));
        }
        let is_of_root = matches!(text("root"), None | Some("$"));
        if is_of_root && fields.first().is_some_and(|first| first == "Values") {
            found.push(fields.split_off(1));
            continue;
        }
        let Some(depth) = depth.checked_sub(1) else {
            continue;
        };
        let named = text("root").or(text("alone"));
        let of_dot = || text("dot").is_some() || !fields.is_empty();
        let source = match named {
            Some("$") => None,
            Some(name) => assigned(template, at, name),
            None if of_dot() => dot(template, at),
            None => None,
        };
        if let Some(source) = source {
            let before = found.len();
            collect(template, source.at, source.text, depth, found);
            // Fields continue what is a path and nothing else.
            if let [only] = &mut found[before..]
                && source.is_path
            {
                only.extend(fields);
            }
        }
    }
}

/// What a variable or the dot was taken from.
struct Source<'a> {
    at: usize,
    text: &'a str,
    is_path: bool,
}

impl<'a> Source<'a> {
    fn new(at: usize, text: &'a str, is_element: bool) -> Self {
        let is_path = !is_element && !text.trim().contains(char::is_whitespace);
        Self { at, text, is_path }
    }
}

/// Finds the last action before an offset that gives a variable its value.
fn assigned<'a>(template: &'a str, at: usize, name: &str) -> Option<Source<'a>> {
    let before = actions(template).take_while(|action| action.at < at);
    let gives = before.filter_map(|action| {
        let (head, value) = action.text.split_once(":=").or_else(|| {
            let (head, value) = action.text.split_once('=')?;
            head.trim_start().starts_with('$').then_some((head, value))
        })?;
        let named = head.split([' ', ',', '\t', '-', '\n']);
        let is_range = head.trim_start_matches(['-', ' ']).starts_with("range");
        named
            .into_iter()
            .any(|word| word == name)
            .then(|| Source::new(action.at, value.trim_end_matches('-'), is_range))
    });
    gives.last()
}

/// Finds the innermost `with` or `range` around an offset.
fn dot(template: &str, at: usize) -> Option<Source<'_>> {
    let mut open: Vec<Option<Source<'_>>> = Vec::new();
    for action in actions(template).take_while(|action| action.at < at) {
        let text = action.text.trim_start_matches('-').trim();
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let value = rest.split_once(":=").map_or(rest, |(_, value)| value);
        match word {
            "with" | "range" => {
                let source = Source::new(action.at, value.trim_end_matches('-'), word == "range");
                open.push(Some(source));
            }
            "if" | "define" | "block" => open.push(None),
            "end" | "end-" => {
                open.pop();
            }
            "else" => {
                if let Some(last) = open.last_mut() {
                    *last = None;
                }
            }
            _ => {}
        }
        if text.len() + action.at > at {
            break;
        }
    }
    // The action itself may be a `with`, whose expression still sees the dot outside.
    open.into_iter().rev().flatten().next()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail at any line")]

    use super::{paths, shown};

    const TEMPLATE: &str = "a: {{ .Values.image.tag | quote }}\n{{- $tag := .Values.image.tag }}\n{{- with .Values.image }}\n  b: {{ .tag.x }}{{ $tag }}\n{{- end }}\n{{ range $host := .Values.hosts }}{{ $host.name }}{{ .path }}{{ end }}\n{{ index .Values \"a-b\" \"c\" }}{{ print \".Values.no\" $.Values.yes }}";

    fn at(line: usize, part: &str) -> Vec<String> {
        let text = TEMPLATE.lines().nth(line - 1).unwrap();
        let column = text.find(part).unwrap();
        let found = paths(TEMPLATE, line, column, part);
        found.iter().map(|path| path.join(".")).collect()
    }

    #[test]
    fn paths_are_found_by_name_by_variable_and_by_the_dot() {
        assert_eq!(at(1, ".Values.image.tag"), ["image.tag"]);
        assert_eq!(at(4, ".tag.x"), ["image.tag.x"]);
        assert_eq!(at(4, "$tag"), ["image.tag"]);
        assert_eq!(at(6, "$host.name"), ["hosts"]);
        assert_eq!(at(6, ".path"), ["hosts"]);
        assert_eq!(at(7, "index .Values \"a-b\" \"c\""), ["a-b.c"]);
        assert_eq!(at(7, "print"), ["yes"]);
    }

    #[test]
    fn an_action_is_shown_on_one_line() {
        let text = "x\n{{ if\n  .Values.a }}";
        assert_eq!(shown(text, 3, 2).unwrap(), "{{ if .Values.a }}");
        assert_eq!(shown(text, 1, 0), None);
    }
}
