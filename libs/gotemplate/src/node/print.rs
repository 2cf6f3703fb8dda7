//! Nodes as Go prints them in `executing "x" at <...>`.

use super::{Branch, Node, Operand, Pipe, Term};
use crate::quote::quote;
use std::fmt::{Display, Formatter, Result, Write as _};

/// A part of a template with the text of its file, in which its names stand.
pub(crate) struct Shown<'a, T: ?Sized> {
    pub(crate) part: &'a T,
    pub(crate) text: &'a [u8],
}

impl<T: ?Sized> Shown<'_, T> {
    fn of<'b, U: ?Sized>(&'b self, part: &'b U) -> Shown<'b, U> {
        Shown {
            part,
            text: self.text,
        }
    }
}

impl Display for Shown<'_, Node> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.part {
            Node::Text(span) => write(f, span.of(self.text)),
            Node::Action(pipe) => write!(f, "{{{{{}}}}}", self.of(pipe)),
            Node::Break => f.write_str("{{break}}"),
            Node::Continue => f.write_str("{{continue}}"),
            Node::If(branch) => write_branch(f, "if", &self.of(branch)),
            Node::With(branch) => write_branch(f, "with", &self.of(branch)),
            Node::Range(branch) => write_branch(f, "range", &self.of(branch)),
            Node::Template(call) => {
                write!(f, "{{{{template {}", quote(call.name.as_bytes()))?;
                if let Some(pipe) = &call.pipe {
                    write!(f, " {}", self.of(pipe))?;
                }
                f.write_str("}}")
            }
        }
    }
}

fn write(f: &mut Formatter<'_>, text: &[u8]) -> Result {
    f.write_str(&String::from_utf8_lossy(text))
}

fn write_branch(f: &mut Formatter<'_>, keyword: &str, shown: &Shown<'_, Box<Branch>>) -> Result {
    let branch = shown.part;
    write!(f, "{{{{{keyword} {}}}}}", shown.of(&branch.pipe))?;
    for node in &branch.list {
        shown.of(node).fmt(f)?;
    }
    if let Some(otherwise) = &branch.otherwise {
        f.write_str("{{else}}")?;
        for node in otherwise {
            shown.of(node).fmt(f)?;
        }
    }
    f.write_str("{{end}}")
}

impl Display for Shown<'_, Pipe> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let variables = self.part.variables();
        for (index, variable) in variables.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write(f, variable.of(self.text))?;
        }
        if !variables.is_empty() {
            f.write_str(if self.part.assigns { " = " } else { " := " })?;
        }
        for (index, command) in self.part.commands().enumerate() {
            if index > 0 {
                f.write_str(" | ")?;
            }
            self.of(command).fmt(f)?;
        }
        Ok(())
    }
}

/// A command.
impl Display for Shown<'_, [Operand]> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (index, argument) in self.part.iter().enumerate() {
            if index > 0 {
                f.write_char(' ')?;
            }
            write_nested(f, &self.of(argument))?;
        }
        Ok(())
    }
}

/// Writes an operand, a pipeline in the parentheses that it stands in.
fn write_nested(f: &mut Formatter<'_>, shown: &Shown<'_, Operand>) -> Result {
    match &shown.part.term {
        Term::Pipe(pipe) => write!(f, "({})", shown.of(&**pipe)),
        _ => shown.fmt(f),
    }
}

impl Display for Shown<'_, Operand> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.part.term {
            Term::Bool(b) => write!(f, "{b}"),
            Term::Dot => f.write_char('.'),
            Term::Nil => f.write_str("nil"),
            Term::Field(span) | Term::Variable(span) => write(f, span.of(self.text)),
            Term::Function(function) => f.write_str(function.name),
            Term::Builtin(builtin) => f.write_str(builtin.name),
            Term::Number(number) => write(f, number.text.of(self.text)),
            Term::String { .. } => write(f, self.part.literal(self.text)),
            Term::Pipe(pipe) => self.of(&**pipe).fmt(f),
            Term::Chain { receiver, fields } => {
                write_nested(f, &self.of(&**receiver))?;
                write(f, fields.of(self.text))
            }
        }
    }
}
