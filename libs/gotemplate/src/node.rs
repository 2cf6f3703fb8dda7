//! The syntax tree of a template, and how Go prints it in errors.

mod print;

use crate::Text;
use crate::builtin::Builtin;
use crate::function::Function;
use std::fmt;
use std::sync::Arc;

/// A template as parsed; immutable, so threads share it.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The name it is called by.
    pub(crate) name: Text,
    /// The file it was parsed from.
    pub(crate) source: Arc<Source>,
    /// Its body.
    pub(crate) root: Vec<Node>,
}

/// A parsed file; kept for the places in errors.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: Text,
}

impl Source {
    /// Returns the line from 1 and the byte in it from 0.
    pub(crate) fn line_and_column(&self, position: usize) -> (usize, usize) {
        let text = self.text.as_bytes();
        let before = &text[..position.min(text.len())];
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        let column = match before.iter().rposition(|b| *b == b'\n') {
            Some(at) => before.len() - at - 1,
            None => before.len(),
        };
        (line, column)
    }
}

impl Tree {
    /// Says whether the body is nothing but space and comments; such a definition replaces no other.
    pub(crate) fn is_blank(&self) -> bool {
        self.root.iter().all(|node| match node {
            Node::Text { text, .. } => is_blank(text.as_bytes()),
            _ => false,
        })
    }
}

fn is_blank(text: &[u8]) -> bool {
    match std::str::from_utf8(text) {
        Ok(text) => text.trim().is_empty(),
        Err(_) => false,
    }
}

/// A part of a parsed file, which is not copied.
#[derive(Clone)]
pub(crate) struct Excerpt {
    source: Arc<Source>,
    start: usize,
    end: usize,
}

impl Excerpt {
    /// Names what stands in a file from a position on.
    pub(crate) fn new(source: &Arc<Source>, start: usize, length: usize) -> Self {
        Self {
            source: source.clone(),
            start,
            end: start + length,
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        let text = self.source.text.as_bytes();
        text.get(self.start..self.end).unwrap_or_default()
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(self.as_bytes()), f)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

/// What a name calls; known once the template is parsed.
#[derive(Debug)]
pub(crate) enum Callee {
    Function(Arc<Function>),
    Builtin(&'static Builtin),
}

/// A part of a body.
#[derive(Debug)]
pub(crate) enum Node {
    Text {
        text: Excerpt,
    },
    Action {
        position: usize,
        pipe: Pipe,
    },
    Break,
    Continue,
    If(Box<Branch>),
    With(Box<Branch>),
    Range(Box<Branch>),
    Template {
        position: usize,
        name: Text,
        pipe: Option<Pipe>,
    },
}

#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) position: usize,
    pub(crate) pipe: Pipe,
    pub(crate) list: Vec<Node>,
    pub(crate) otherwise: Option<Vec<Node>>,
}

#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) position: usize,
    /// `=` rather than `:=`.
    pub(crate) assigns: bool,
    /// Names with their `$`.
    pub(crate) variables: Vec<Arc<str>>,
    pub(crate) commands: Vec<Command>,
}

#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) position: usize,
    /// Never empty.
    pub(crate) arguments: Vec<Operand>,
}

#[derive(Debug)]
pub(crate) struct Operand {
    pub(crate) position: usize,
    pub(crate) term: Term,
}

#[derive(Debug)]
pub(crate) enum Term {
    Bool(bool),
    Dot,
    Nil,
    Field(Vec<Arc<str>>),
    /// The first name is the variable's.
    Variable(Vec<Arc<str>>),
    Identifier {
        name: Arc<str>,
        callee: Callee,
    },
    Number(Box<Number>),
    String {
        quoted: Excerpt,
        text: Text,
    },
    Pipe(Pipe),
    Chain {
        receiver: Box<Operand>,
        fields: Vec<Arc<str>>,
    },
}

/// An untyped number: what it can be, and its text.
#[derive(Debug)]
pub(crate) struct Number {
    pub(crate) text: Arc<str>,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    /// An imaginary or complex constant; no function here takes one.
    pub(crate) complex: Option<(f64, f64)>,
}
