//! The errors of parsing and executing, with Go's texts.

use crate::function::Failure;
use std::error::Error;
use std::fmt;

/// A template that does not parse: `template: NAME:LINE: MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template: {name}:{line}: {message}")]
pub struct ParseError {
    /// The name of the file that was parsed.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// A template that failed while it ran.
///
/// Its text is Go's: `template: FILE:LINE:COLUMN: executing "NAME" at <NODE>: MESSAGE`. Where a function failed because
/// a template that it ran failed, that error is the [source](Error::source), and its text ends this one's.
#[derive(Debug)]
pub struct ExecuteError {
    /// The name of the template that was running.
    pub template: String,
    /// Where it happened; none before the first node.
    pub place: Option<Place>,
    /// What happened; of a function's failure only `error calling NAME: `.
    pub message: String,
    /// The failure of the function that was called.
    pub failure: Option<Box<Failure>>,
}

/// Where in a template something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file that was parsed.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The byte in the line, from 0.
    pub column: usize,
    /// The node as Go prints it.
    pub node: String,
}

impl ExecuteError {
    /// Says whether a limit of the engine ended the render.
    pub fn is_limit(&self) -> bool {
        match self.failure.as_deref() {
            Some(Failure::Limit(_)) => true,
            Some(Failure::Template { source, .. }) => source.is_limit(),
            _ => false,
        }
    }
}

impl fmt::Display for ExecuteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(
                f,
                "template: {}:{}:{}: executing {} at <{}>: {}",
                place.file,
                place.line,
                place.column,
                crate::quote::quote(self.template.as_bytes()),
                place.node,
                self.message
            )?,
            None => write!(f, "{}", self.message)?,
        }
        match &self.failure {
            // As many as templates ran within each other.
            Some(failure) => crate::grow(|| write!(f, "{failure}")),
            None => Ok(()),
        }
    }
}

impl Error for ExecuteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure
            .as_deref()
            .map(|failure| failure as &(dyn Error + 'static))
    }
}
