//! The syntax tree of a template, and how Go prints it in errors.

mod print;

pub(crate) use print::Shown;

use crate::Text;
use crate::builtin::Builtin;
use crate::function::Function;
use std::sync::Arc;

/// A template as parsed; immutable, so threads share it.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The name it is called by.
    pub(crate) name: Text,
    /// The file it was parsed from.
    pub(crate) source: Arc<Source>,
    /// Its body.
    pub(crate) root: Box<[Node]>,
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
            Node::Text(span) => is_blank(span.of(self.source.text.as_bytes())),
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

/// Where in a parsed file something stands. Nodes say what they are called by their places: a set of templates holds
/// hundreds of thousands of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) length: u32,
}

impl Span {
    /// Returns where it ends.
    pub(crate) fn end(self) -> u32 {
        self.start + self.length
    }

    /// Returns what stands there in the text of the file.
    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        let start = self.start as usize;
        text.get(start..start + self.length as usize)
            .unwrap_or_default()
    }
}

/// A part of a body.
#[derive(Debug)]
pub(crate) enum Node {
    Text(Span),
    Action(Pipe),
    Break,
    Continue,
    If(Box<Branch>),
    With(Box<Branch>),
    Range(Box<Branch>),
    Template(Box<Call>),
}

#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) list: Box<[Node]>,
    pub(crate) otherwise: Option<Box<[Node]>>,
}

/// A template that is run with what a pipeline gives.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) position: u32,
    pub(crate) name: Text,
    pub(crate) pipe: Option<Pipe>,
}

#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) position: u32,
    /// `=` rather than `:=`.
    pub(crate) assigns: bool,
    /// Names with their `$`, the second one empty where there is one; most pipelines have none.
    pub(crate) variables: Option<Box<[Span; 2]>>,
    /// Those of all commands: most pipelines are one command, so they have no list of their own.
    pub(crate) operands: Box<[Operand]>,
}

impl Pipe {
    /// Returns the names of the variables that are declared or assigned.
    pub(crate) fn variables(&self) -> &[Span] {
        match self.variables.as_deref() {
            None => &[],
            Some([name, second]) if second.length == 0 => std::slice::from_ref(name),
            Some(names) => names,
        }
    }

    /// Returns the commands, each what is called and its arguments, and never empty.
    pub(crate) fn commands(&self) -> impl Iterator<Item = &[Operand]> {
        self.operands.chunk_by(|_, next| next.command.is_none())
    }
}

/// A word of a command, the first one being what is called.
#[derive(Debug)]
pub(crate) struct Operand {
    pub(crate) position: u32,
    /// Of the first word of a command, where that begins.
    pub(crate) command: Option<Begin>,
    pub(crate) term: Term,
}

/// A place in a file, counted from 1.
pub(crate) type Begin = std::num::NonZeroU32;

impl Operand {
    /// Returns the literal of a text, in its quotes.
    fn literal<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Term::String { length, .. } = self.term else {
            return &[];
        };
        Span {
            start: self.position,
            length,
        }
        .of(text)
    }
}

#[derive(Debug)]
pub(crate) enum Term {
    Bool(bool),
    Dot,
    Nil,
    /// `.a.b`.
    Field(Span),
    /// `$x.a.b`.
    Variable(Span),
    Function(Arc<Function>),
    Builtin(&'static Builtin),
    Number(Box<Number>),
    /// A text; the literal stands where the operand does, with so many bytes.
    String {
        length: u32,
        text: Text,
    },
    Pipe(Box<Pipe>),
    Chain {
        receiver: Box<Operand>,
        fields: Span,
    },
}

/// An untyped number: what it can be, and where its text is.
#[derive(Debug)]
pub(crate) struct Number {
    pub(crate) text: Span,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    /// An imaginary or complex constant; no function here takes one.
    pub(crate) is_complex: bool,
}
