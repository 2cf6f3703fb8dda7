//! What a template function is, what it may ask for, and how it fails.
//!
//! A function gets arguments whose types were checked against its signature, and a [`Scope`] through which it
//! runs other templates or asks the [`Host`] for what is not pure.

mod host;

pub use host::{Host, KeyAlgorithm, Nowhere};

use crate::error::ExecuteError;
use crate::execute::Session;
use crate::template::{Layer, Set};
use crate::types::Type;
use crate::value::{Map, Value};
use crate::{Limits, Text};
use std::collections::HashMap;
use std::sync::Arc;

/// A function that templates call by name.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// The name in templates.
    pub name: &'static str,
    /// The types of the parameters; the last repeats when it is variadic.
    pub parameters: &'static [Type],
    /// Whether the last parameter repeats, none included.
    pub variadic: bool,
    /// What it does.
    pub call: Call,
}

/// The body of a function; the arguments fit its signature. Nil stands for a nil argument of any type that has one.
pub type Call = fn(&Scope<'_>, &[Value]) -> Result<Value, Failure>;

/// Functions by name; later additions replace earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Functions(HashMap<&'static str, Arc<Function>>);

impl Functions {
    /// Adds functions, in place of those with the same names.
    #[must_use]
    pub fn with(mut self, functions: &[Function]) -> Self {
        for function in functions {
            self.0.insert(function.name, Arc::new(*function));
        }
        self
    }

    /// Takes functions away.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        self.0.retain(|name, _| !names.contains(name));
        self
    }

    /// Returns a function.
    pub fn get(&self, name: &str) -> Option<&Function> {
        self.0.get(name).map(Arc::as_ref)
    }

    pub(crate) fn shared(&self, name: &str) -> Option<&Arc<Function>> {
        self.0.get(name)
    }

    /// Lists the names, in order.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.0.keys().copied().collect();
        names.sort_unstable();
        names
    }
}

/// Why a function failed. Templates show it as `error calling NAME: MESSAGE`.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What the function says, be it an error or a panic in Go.
    #[error("{0}")]
    Message(String),
    /// A template that the function ran failed; the message begins with the function's own words.
    #[error("{context}{source}")]
    Template {
        /// What the function puts in front of the error.
        context: String,
        /// The error of the template.
        source: Box<ExecuteError>,
    },
    /// A limit of the engine was reached: the render is over, whatever the template does with errors.
    #[error("{0}")]
    Limit(String),
}

impl Failure {
    /// Makes one from a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }

    /// Makes the one for values that nest too deeply or hold themselves.
    pub fn too_deep() -> Self {
        Self::Limit(format!(
            "a value nests deeper than {} levels or holds itself",
            crate::value::MAX_DEPTH
        ))
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Message(message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self::Message(message.to_owned())
    }
}

/// What a function may use besides its arguments.
pub struct Scope<'a> {
    pub(crate) set: &'a Set,
    pub(crate) layer: &'a Layer<'a>,
    pub(crate) session: &'a Session<'a>,
}

impl Scope<'_> {
    /// Returns the source of what is not pure.
    pub fn host(&self) -> &dyn Host {
        self.session.host
    }

    /// Returns the limits of the render.
    pub fn limits(&self) -> &Limits {
        &self.session.limits
    }

    /// Must be called with a map that the function changed in place: it may now hold itself, and is emptied when the
    /// session ends so that nothing leaks.
    pub fn changed(&self, map: &Map) {
        self.session.remember(map);
    }

    /// Runs a named template, as Helm's `include`: what it wrote is the result.
    ///
    /// # Errors
    /// No such template, its failure, or nesting of one name beyond [`Limits::include_depth`].
    pub fn include(&self, name: &Text, data: Value) -> Result<Text, Failure> {
        crate::execute::include(self, name, data)
    }

    /// Parses a text and runs it among the templates of the set, as Helm's `tpl`; what it defines is visible inside
    /// only.
    ///
    /// # Errors
    /// The text does not parse, or its execution fails.
    pub fn evaluate(&self, text: &Text, data: Value) -> Result<Text, Failure> {
        crate::execute::evaluate(self, text, data)
    }
}
