//! YAML with its comments, read and written as yaml.v3 does.
//!
//! A module of its own: who needs no comments ([`crate::parse_all`], [`crate::to_v3`]) does not pay for them. It owns where
//! yaml.v3 finds comments, the node it attaches each to (above it, behind it, below it) and how it prints them; what they mean is
//! the caller's business. Only block style is written, apart from empty collections. The surprise: attachment follows from how far
//! Go's scanner has looked ahead, so its queue of tokens is kept here (`scan`), with the tokens themselves from `libyaml-safer`.
//!
//! ```
//! use fjord_yaml::{Limits, commented};
//!
//! let text = b"# above\na: 1 # behind\n";
//! let documents = commented::parse(text, &Limits::default())?;
//! let commented::Value::Map(entries) = &documents[0].root.value else { panic!() };
//! assert_eq!(entries[0].0.comments.head, "# above");
//! assert_eq!(entries[0].1.comments.line, "# behind");
//! assert_eq!(commented::write(&documents, 4), "# above\na: 1 # behind\n");
//! # Ok::<(), fjord_yaml::Error>(())
//! ```

mod blank;
mod compose;
mod scan;

use crate::emit::commented_text;
use crate::{Error, Limits, Scalar};

/// The comments of a node, each with its `#`; several lines are joined with line feeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// In the lines above.
    pub head: String,
    /// At the end of its line.
    pub line: String,
    /// In the lines below, before an empty one.
    pub foot: String,
}

/// A value with its comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The comments.
    pub comments: Comments,
    /// The value.
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A scalar.
    Scalar(Scalar),
    /// A sequence.
    Seq(Vec<Node>),
    /// A mapping; keys are scalars, or aliases of scalars, wherever the text has a meaning as JSON.
    Map(Vec<(Node, Node)>),
    /// What an alias stands for, with the comments that has at its own place.
    Alias(Box<Node>),
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The comments above and below the whole document.
    pub comments: Comments,
    /// Its only value.
    pub root: Node,
}

impl Node {
    /// Makes a value without comments.
    pub fn plain(value: Value) -> Self {
        Self {
            comments: Comments::default(),
            value,
        }
    }

    /// Follows aliases.
    pub fn target(&self) -> &Self {
        match &self.value {
            Value::Alias(target) => target.target(),
            _ => self,
        }
    }
}

/// Reads every document of a text.
///
/// # Errors
/// [`Error::Syntax`] or [`Error::Limit`], whose depth is 160 at most.
pub fn parse(text: &[u8], limits: &Limits) -> Result<Vec<Document>, Error> {
    compose::documents(text, limits)
}

/// Writes documents as yaml.v3's encoder with an indent.
pub fn write(documents: &[Document], indent: u8) -> String {
    commented_text(documents, indent)
}

#[cfg(test)]
mod tests;
