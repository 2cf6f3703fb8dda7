//! Drift-ignore rules (`spec.ignore`): which fields of which objects others may own.
//!
//! A rule never hides a change of ours on create; it takes its fields out of the comparison, and
//! when an object is applied for another reason it keeps what others made of them.

mod pointer;
mod selector;

pub(crate) use pointer::{lookup, remove, replace, segments};
pub use selector::{InvalidRule, Target};

use crate::object::Object;
use selector::Selector;

/// One rule as the user wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Lists RFC 6901 pointers.
    pub paths: Vec<String>,
    /// Selects the objects; none selects all.
    pub target: Option<Target>,
}

/// Compiled rules.
#[derive(Clone, Debug, Default)]
pub struct IgnoreRules {
    rules: Vec<(Option<Selector>, Vec<String>)>,
}

impl IgnoreRules {
    /// Compiles rules.
    ///
    /// # Errors
    /// A target holds an invalid regular expression or selector.
    pub fn compile(rules: &[Rule]) -> Result<Self, InvalidRule> {
        let compile = |rule: &Rule| {
            let selector = rule.target.as_ref().map(Selector::compile).transpose()?;
            Ok((selector, rule.paths.clone()))
        };
        Ok(Self {
            rules: rules.iter().map(compile).collect::<Result<_, _>>()?,
        })
    }

    /// Tells whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns the pointers that are ignored on this object.
    ///
    /// Unlike Flux, which keeps only the last of several rules without a target, every rule counts.
    pub fn paths_for(&self, object: &Object) -> Vec<&str> {
        let matching = |(selector, _): &&(Option<Selector>, Vec<String>)| {
            selector
                .as_ref()
                .is_none_or(|selector| selector.matches(object))
        };
        self.rules
            .iter()
            .filter(matching)
            .flat_map(|(_, paths)| paths.iter().map(String::as_str))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_matching_rule_counts() {
        let rule = |path: &str, kind: Option<&str>| Rule {
            paths: vec![path.to_owned()],
            target: kind.map(|kind| Target {
                kind: kind.to_owned(),
                ..Target::default()
            }),
        };
        let rules = IgnoreRules::compile(&[
            rule("/a", None),
            rule("/b", None),
            rule("/c", Some("Deployment")),
            rule("/d", Some("Deploy")),
        ])
        .unwrap();
        let deployment =
            Object::try_from(json!({"apiVersion": "apps/v1", "kind": "Deployment"})).unwrap();
        assert_eq!(rules.paths_for(&deployment), ["/a", "/b", "/c"]);
    }
}
