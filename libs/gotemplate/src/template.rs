//! A set of parsed templates that know each other by name.

use crate::error::ParseError;
use crate::function::Functions;
use crate::functions::Patterns;
use crate::node::{Shown, Tree};
use crate::{Limits, Text};
use std::collections::HashMap;
use std::sync::Arc;

/// Parsed templates and the functions they may call; shareable between threads.
#[derive(Clone, Debug)]
pub struct Set {
    pub(crate) name: String,
    pub(crate) functions: Functions,
    pub(crate) missing_key: MissingKey,
    pub(crate) trees: Trees,
    /// What the regular expressions in the templates compiled to.
    pub(crate) patterns: Arc<Patterns>,
}

pub(crate) type Trees = HashMap<Text, Arc<Tree>>;

/// What a field that a map lacks evaluates to: Go's option `missingkey`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// No value at all, printed as `<no value>`.
    #[default]
    Invalid,
    /// The zero value of the element type; of an interface that is nil.
    Zero,
    /// An error.
    Error,
}

impl Set {
    /// Makes an empty set; the name is that of the template all others are associated with (Helm's `gotpl`).
    pub fn new(name: impl Into<String>, functions: Functions) -> Self {
        Self {
            name: name.into(),
            functions,
            missing_key: MissingKey::default(),
            trees: Trees::new(),
            patterns: Arc::default(),
        }
    }

    /// Chooses what missing keys evaluate to.
    #[must_use]
    pub fn missing_key(mut self, missing_key: MissingKey) -> Self {
        self.missing_key = missing_key;
        self
    }

    /// Parses a file under a name and adds what it defines. A later definition replaces an earlier one, unless it is
    /// blank.
    ///
    /// # Errors
    /// [`ParseError`]; the set is then as it was.
    pub fn parse(&mut self, name: &str, text: &[u8], limits: &Limits) -> Result<(), ParseError> {
        self.parse_text(name, Text::from_bytes(text), limits)
    }

    /// Parses a file as [`Set::parse`] does, without copying its text.
    ///
    /// # Errors
    /// [`ParseError`]; the set is then as it was.
    pub fn parse_text(
        &mut self,
        name: &str,
        text: Text,
        limits: &Limits,
    ) -> Result<(), ParseError> {
        for tree in crate::parse::parse(name, text, &self.functions, limits)? {
            let blank = tree.is_blank();
            if !(blank && self.trees.contains_key(&tree.name)) {
                self.trees.insert(tree.name.clone(), Arc::new(tree));
            }
        }
        Ok(())
    }

    /// Says whether a template is defined.
    pub fn contains(&self, name: impl AsRef<[u8]>) -> bool {
        self.trees.contains_key(name.as_ref())
    }

    /// Prints the body of a template as Go prints its tree, without comments and trimmed space; none if there is none.
    pub fn print(&self, name: impl AsRef<[u8]>) -> Option<String> {
        let tree = self.trees.get(name.as_ref())?;
        let text = tree.source.text.as_bytes();
        let nodes = tree.root.iter();
        Some(nodes.map(|part| Shown { part, text }.to_string()).collect())
    }

    /// Lists the templates, in order.
    pub fn names(&self) -> Vec<Text> {
        let mut names: Vec<_> = self.trees.keys().cloned().collect();
        names.sort();
        names
    }
}

/// Templates over templates: those of a text that a running template evaluates hide what lies below.
pub(crate) struct Layer<'a> {
    pub(crate) trees: &'a Trees,
    pub(crate) below: Option<&'a Self>,
}

impl<'a> Layer<'a> {
    pub(crate) fn get(&self, name: &[u8]) -> Option<&'a Arc<Tree>> {
        let mut layer = Some(self);
        while let Some(Layer { trees, below }) = layer {
            if let Some(tree) = trees.get(name) {
                return Some(tree);
            }
            layer = *below;
        }
        None
    }
}
