//! The targets of ignore rules: anchored regular expressions and label selectors
//! (fluxcd/pkg `ssa/jsondiff/selector.go`).

use regex::Regex;

use crate::object::Object;

/// Selects objects; an empty field selects any.
///
/// Group, version, kind, name and namespace are regular expressions, anchored at both ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Matches the API group.
    pub group: String,
    /// Matches the API version.
    pub version: String,
    /// Matches the kind.
    pub kind: String,
    /// Matches the name.
    pub name: String,
    /// Matches the namespace.
    pub namespace: String,
    /// Selects by labels, in label-selector syntax.
    pub label_selector: String,
    /// Selects by annotations, in label-selector syntax.
    pub annotation_selector: String,
}

/// Tells why rules could not be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to create ignore rule selector: invalid {what}: {cause}")]
pub struct InvalidRule {
    what: &'static str,
    cause: String,
}

/// A compiled target.
#[derive(Clone, Debug)]
pub(super) struct Selector {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
}

impl Selector {
    pub(super) fn compile(target: &Target) -> Result<Self, InvalidRule> {
        Ok(Self {
            group: anchored(&target.group, "group regex")?,
            version: anchored(&target.version, "version regex")?,
            kind: anchored(&target.kind, "kind regex")?,
            name: anchored(&target.name, "name regex")?,
            namespace: anchored(&target.namespace, "namespace regex")?,
            labels: requirements(&target.label_selector, "label selector")?,
            annotations: requirements(&target.annotation_selector, "annotation selector")?,
        })
    }

    pub(super) fn matches(&self, object: &Object) -> bool {
        let fits = |regex: &Option<Regex>, text: &str| {
            regex.as_ref().is_none_or(|regex| regex.is_match(text))
        };
        fits(&self.group, object.group())
            && fits(&self.version, object.version())
            && fits(&self.kind, object.kind())
            && fits(&self.name, object.name())
            && fits(&self.namespace, object.namespace())
            && self.labels.iter().all(|r| r.matches(object.label(&r.key)))
            && self
                .annotations
                .iter()
                .all(|r| r.matches(object.annotation(&r.key)))
    }
}

fn anchored(pattern: &str, what: &'static str) -> Result<Option<Regex>, InvalidRule> {
    if pattern.is_empty() {
        return Ok(None);
    }
    match Regex::new(&format!("^(?:{pattern})$")) {
        Ok(regex) => Ok(Some(regex)),
        Err(error) => Err(InvalidRule {
            what,
            cause: error.to_string(),
        }),
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Above(i64),
    Below(i64),
}

impl Requirement {
    fn matches(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.test {
            Test::In(values) => value.is_some_and(|v| values.iter().any(|listed| listed == v)),
            Test::NotIn(values) => value.is_none_or(|v| values.iter().all(|listed| listed != v)),
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
            Test::Above(limit) => number().is_some_and(|number| number > *limit),
            Test::Below(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

/// Parses label-selector syntax: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`.
fn requirements(text: &str, what: &'static str) -> Result<Vec<Requirement>, InvalidRule> {
    let mut found = Vec::new();
    for part in split_outside_parentheses(text) {
        let part = part.trim();
        if part.is_empty() {
            continue;
        }
        let requirement = requirement(part).ok_or_else(|| InvalidRule {
            what,
            cause: format!("unable to parse {part:?}"),
        })?;
        found.push(requirement);
    }
    Ok(found)
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn requirement(part: &str) -> Option<Requirement> {
    let make = |key: &str, test: Test| {
        let key = key.trim();
        let plain = !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
        plain.then(|| Requirement {
            key: key.to_owned(),
            test,
        })
    };
    if let Some(key) = part.strip_prefix('!') {
        return make(key, Test::Absent);
    }
    if let Some((head, list)) = part.split_once('(') {
        let values: Vec<String> = list
            .trim_end()
            .strip_suffix(')')?
            .split(',')
            .map(|v| v.trim().to_owned())
            .collect();
        let mut words = head.split_whitespace();
        let (key, word) = (words.next()?, words.next()?);
        return match (word, words.next()) {
            ("in", None) => make(key, Test::In(values)),
            ("notin", None) => make(key, Test::NotIn(values)),
            _ => None,
        };
    }
    if let Some((key, value)) = part.split_once("!=") {
        return make(key, Test::NotIn(vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return make(key, Test::In(vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = part.split_once('>') {
        return make(key, Test::Above(value.trim().parse().ok()?));
    }
    if let Some((key, value)) = part.split_once('<') {
        return make(key, Test::Below(value.trim().parse().ok()?));
    }
    make(part, Test::Exists)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object() -> Object {
        Object::try_from(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "web", "namespace": "prod",
                "labels": {"app": "web", "tier": "3"}, "annotations": {"team": "a"},
            },
        }))
        .unwrap()
    }

    #[test]
    fn label_selectors_follow_kubernetes_syntax() {
        for (selector, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web", true),
            ("app = web , tier=3", true),
            ("app=other", false),
            ("app!=other", true),
            ("missing!=x", true),
            ("app in (a, web)", true),
            ("app notin (a,b)", true),
            ("missing notin (a)", true),
            ("missing in (a)", false),
            ("app", true),
            ("!app", false),
            ("!missing", true),
            ("tier>2", true),
            ("tier<2", false),
        ] {
            let target = Target {
                label_selector: selector.into(),
                ..Target::default()
            };
            assert_eq!(
                Selector::compile(&target).unwrap().matches(&object()),
                expected,
                "{selector}"
            );
        }
    }

    #[test]
    fn patterns_are_anchored() {
        for (name, expected) in [("web", true), ("we", false), ("w.*", true), ("a|web", true)] {
            let target = Target {
                name: name.into(),
                ..Target::default()
            };
            assert_eq!(
                Selector::compile(&target).unwrap().matches(&object()),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn an_invalid_target_is_an_error() {
        let target = Target {
            kind: "(".into(),
            ..Target::default()
        };
        let error = Selector::compile(&target).unwrap_err().to_string();
        assert!(error.starts_with("failed to create ignore rule selector: invalid kind regex: "));
        for selector in ["a in b", "a ~ (b)", "=x", "a>b"] {
            let target = Target {
                label_selector: selector.into(),
                ..Target::default()
            };
            assert!(Selector::compile(&target).is_err(), "{selector}");
        }
    }
}
