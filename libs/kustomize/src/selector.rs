//! Selecting objects: anchored regular expressions over ids, and the label selectors of Kubernetes.

use crate::error::{Error, invalid};
use crate::id::Gvk;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::types::Selector;
use regex::Regex;

/// A pattern that matches whole texts; an empty one matches all.
#[derive(Debug)]
pub(crate) enum Pattern {
    Any,
    /// No character of the pattern is special.
    Literal(String),
    Regex(Box<Regex>),
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Ok(Self::Any);
        }
        if text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/' | b':'))
        {
            return Ok(Self::Literal(text.to_owned()));
        }
        let regex = Regex::new(&format!("^(?:{text})$"))
            .map_err(|error| invalid(format!("error parsing regexp: {error}")))?;
        Ok(Self::Regex(Box::new(regex)))
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Literal(literal) => literal == text,
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

/// A selector ready to be matched.
#[derive(Debug)]
pub(crate) struct Matcher {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
    labels: String,
    annotations: String,
}

impl Matcher {
    pub(crate) fn new(selector: &Selector) -> Result<Self, Error> {
        Ok(Self {
            group: Pattern::new(&selector.group)?,
            version: Pattern::new(&selector.version)?,
            kind: Pattern::new(&selector.kind)?,
            name: Pattern::new(&selector.name)?,
            namespace: Pattern::new(&selector.namespace)?,
            labels: selector.label_selector.clone(),
            annotations: selector.annotation_selector.clone(),
        })
    }

    pub(crate) fn matches_gvk(&self, gvk: &Gvk) -> bool {
        self.group.matches(&gvk.group)
            && self.version.matches(&gvk.version)
            && self.kind.matches(&gvk.kind)
    }

    pub(crate) fn matches_name(&self, name: &str) -> bool {
        self.name.matches(name)
    }

    pub(crate) fn matches_namespace(&self, namespace: &str) -> bool {
        self.namespace.matches(namespace)
    }

    /// Selects as `patches` do: by the original or current name and effective namespace.
    pub(crate) fn selects(&self, object: &Resource, schema: &Schema) -> Result<bool, Error> {
        let first = object.book.previous.first();
        let namespace = self.matches_namespace(object.effective_namespace(schema))
            || first.is_some_and(|first| {
                let namespace = first.namespace.as_str();
                self.matches_namespace(if namespace.is_empty() {
                    "default"
                } else {
                    namespace
                })
            });
        let named = self.matches_name(object.name())
            || first.is_some_and(|first| self.matches_name(&first.name));
        if !namespace || !named || !self.matches_gvk(&object.gvk()) {
            return Ok(false);
        }
        self.matches_maps(object)
    }

    /// Matches the label and annotation selectors.
    pub(crate) fn matches_maps(&self, object: &Resource) -> Result<bool, Error> {
        Ok(matches_set(&self.labels, object, "labels")?
            && matches_set(&self.annotations, object, "annotations")?)
    }
}

fn matches_set(selector: &str, object: &Resource, field: &str) -> Result<bool, Error> {
    if selector.is_empty() {
        return Ok(true);
    }
    let entries = object.meta_map(field);
    let requirements = parse(selector)?;
    Ok(requirements.iter().all(|requirement| {
        let value = entries
            .iter()
            .rev()
            .find(|(key, _)| *key == requirement.key)
            .map(|(_, v)| *v);
        requirement.holds(value)
    }))
}

#[derive(Debug, PartialEq, Eq)]
enum Operator {
    Exists,
    Absent,
    In,
    NotIn,
    Greater,
    Less,
}

/// One part of a label selector.
#[derive(Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

impl Requirement {
    fn holds(&self, value: Option<&str>) -> bool {
        let listed = |value: &str| self.values.iter().any(|v| v == value);
        match self.operator {
            Operator::Exists => value.is_some(),
            Operator::Absent => value.is_none(),
            Operator::In => value.is_some_and(listed),
            Operator::NotIn => !value.is_some_and(listed),
            Operator::Greater | Operator::Less => {
                let number = |text: &str| text.parse::<i64>().ok();
                let bound = self.values.first().and_then(|v| number(v));
                match (value.and_then(number), bound) {
                    (Some(value), Some(bound)) if self.operator == Operator::Greater => {
                        value > bound
                    }
                    (Some(value), Some(bound)) => value < bound,
                    _ => false,
                }
            }
        }
    }
}

/// Parses a label selector of Kubernetes.
fn parse(text: &str) -> Result<Vec<Requirement>, Error> {
    let tokens = tokens(text);
    let mut at = 0;
    let mut out = Vec::new();
    let fail = |found: Option<&String>, expected: &str| {
        let found = found.map_or("", String::as_str);
        invalid(format!(
            "unable to parse requirement: found '{found}', expected: {expected}"
        ))
    };
    while at < tokens.len() {
        let negated = tokens[at] == "!";
        at += usize::from(negated);
        let key = tokens
            .get(at)
            .filter(|t| is_word(t))
            .ok_or_else(|| fail(tokens.get(at), "identifier after '!' or an identifier"))?;
        check_key(key)?;
        at += 1;
        let operator = tokens.get(at).map(String::as_str);
        let mut requirement = Requirement {
            key: key.clone(),
            operator: Operator::Exists,
            values: Vec::new(),
        };
        match operator {
            _ if negated => requirement.operator = Operator::Absent,
            None | Some(",") => {}
            Some("in" | "notin") => {
                let is_in = operator == Some("in");
                requirement.operator = if is_in { Operator::In } else { Operator::NotIn };
                at += 1;
                if tokens.get(at).map(String::as_str) != Some("(") {
                    return Err(fail(tokens.get(at), "'('"));
                }
                at += 1;
                let mut value = String::new();
                loop {
                    match tokens.get(at).map(String::as_str) {
                        Some(")") => break,
                        Some(",") => requirement.values.push(std::mem::take(&mut value)),
                        Some(word) if is_word(word) => word.clone_into(&mut value),
                        _ => return Err(fail(tokens.get(at), "',' or ')'")),
                    }
                    at += 1;
                }
                requirement.values.push(value);
                at += 1;
            }
            Some(op @ ("=" | "==" | "!=" | ">" | "<")) => {
                requirement.operator = match op {
                    "!=" => Operator::NotIn,
                    ">" => Operator::Greater,
                    "<" => Operator::Less,
                    _ => Operator::In,
                };
                at += 1;
                let value = tokens.get(at).filter(|t| is_word(t)).cloned();
                at += usize::from(value.is_some());
                requirement.values.push(value.unwrap_or_default());
            }
            Some(_) => {
                return Err(fail(
                    tokens.get(at),
                    "in, notin, =, ==, !=, gt, lt, ',' or nothing",
                ));
            }
        }
        for value in &requirement.values {
            check_value(value)?;
        }
        out.push(requirement);
        match tokens.get(at).map(String::as_str) {
            None => break,
            Some(",") => at += 1,
            Some(_) => return Err(fail(tokens.get(at), "',' or 'end of string'")),
        }
        if at == tokens.len() {
            return Err(fail(None, "identifier after ','"));
        }
    }
    Ok(out)
}

fn is_word(token: &str) -> bool {
    !token.starts_with(['!', '=', '<', '>', '(', ')', ','])
}

fn tokens(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '=' | '!' | '<' | '>' => {
                let mut token = c.to_string();
                while let Some(next) = chars.next_if(|n| matches!(n, '=' | '!' | '<' | '>')) {
                    let longer = format!("{token}{next}");
                    if !matches!(longer.as_str(), "==" | "!=") {
                        out.push(std::mem::replace(&mut token, next.to_string()));
                        continue;
                    }
                    token = longer;
                }
                out.push(token);
            }
            '(' | ')' | ',' => out.push(c.to_string()),
            c => {
                let mut token = c.to_string();
                let word = |n: &char| !n.is_whitespace() && !"=!<>(),".contains(*n);
                while let Some(next) = chars.next_if(word) {
                    token.push(next);
                }
                out.push(token);
            }
        }
    }
    out
}

fn check_key(key: &str) -> Result<(), Error> {
    let name = match key.split_once('/') {
        Some((_, name)) if name.contains('/') => "",
        Some((prefix, name)) if !prefix.is_empty() => name,
        Some(_) => "",
        None => key,
    };
    if !name.is_empty() && is_label(name) {
        return Ok(());
    }
    Err(invalid(format!(
        "key: Invalid value: {key:?}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
    )))
}

fn check_value(value: &str) -> Result<(), Error> {
    if value.is_empty() || is_label(value) {
        return Ok(());
    }
    Err(invalid(format!(
        "values: Invalid value: {value:?}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
    )))
}

fn is_label(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && ends(text.chars().next())
        && ends(text.chars().next_back())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(selector: &str, labels: &str) -> bool {
        let text = format!("kind: A\nmetadata: {{name: a, labels: {{{labels}}}}}\n");
        let limits = fjord_yaml::Limits::default();
        let object = &crate::documents::read(text.as_bytes(), &limits).unwrap()[0];
        matches_set(selector, object, "labels").unwrap()
    }

    #[test]
    fn the_selector_grammar_of_kubernetes_is_understood() {
        for (selector, labels, want) in [
            ("a=b", "a: b", true),
            ("a==b,c", "a: b, c: d", true),
            ("a!=b", "c: d", true),
            ("!a", "a: b", false),
            ("a in (x, b)", "a: b", true),
            ("a notin (x, b)", "a: b", false),
            ("a", "b: c", false),
            ("n>3", "n: '4'", true),
        ] {
            assert_eq!(holds(selector, labels), want, "{selector}");
        }
        assert!(parse("a=b,").is_err() && parse("=b").is_err() && parse("a b").is_err());
    }
}
