//! Where one document ends and the next begins: Helm changed its mind three times.

use std::sync::LazyLock;

use regex::Regex;

/// The rule by which a text is split into documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// Helm 4.2.4 and later: at lines that begin with `---`; line ends before it stay.
    #[default]
    Current,
    /// Helm 4.0 to 4.2.3: spaces and line ends before `---` go too.
    Four,
    /// Helm 3: documents are also trimmed at their ends.
    Three,
}

/// Splits a text into its documents; blank ones are dropped.
pub fn split(text: &str, rule: Rule) -> Vec<&str> {
    let text = text.trim_start();
    let documents = match rule {
        Rule::Current => at_lines(text),
        Rule::Four | Rule::Three => old_separator(text),
    };
    let mut kept = Vec::with_capacity(documents.len());
    for document in documents {
        let trimmed = match rule {
            Rule::Three => document.trim(),
            Rule::Current | Rule::Four => document.trim_start(),
        };
        if !trimmed.is_empty() {
            kept.push(trimmed);
        }
    }
    kept
}

fn at_lines(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if let Some(after) = line.strip_prefix("---") {
            documents.push(text.get(start..at).unwrap_or_default());
            let spaces = after.len() - after.trim_start_matches([' ', '\t']).len();
            start = at + 3 + spaces;
        }
        at += line.len();
    }
    documents.push(text.get(start..).unwrap_or_default());
    documents
}

fn old_separator(text: &str) -> Vec<&str> {
    static SEPARATOR: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:^|[\t\n\x0c\r ]*\n)---[\t\n\x0c\r ]*").ok());
    match &*SEPARATOR {
        Some(separator) => separator.split(text).collect(),
        None => vec![text],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_keeps_its_own_line_ends() {
        let text = "a: 1\n\n---\nb: 2\n --- x\n---c: 3\n";
        let current = ["a: 1\n\n", "b: 2\n --- x\n", "c: 3\n"];
        assert_eq!(split(text, Rule::Current), current);
        assert_eq!(split(text, Rule::Four), ["a: 1", "b: 2\n --- x", "c: 3\n"]);
        assert_eq!(split(text, Rule::Three), ["a: 1", "b: 2\n --- x", "c: 3"]);
    }
}
