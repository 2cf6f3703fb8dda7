//! Nodes as Go prints them in `executing "x" at <...>`.

use super::{Branch, Command, Node, Operand, Pipe, Term};
use crate::quote::quote;
use std::fmt::{Display, Formatter, Result};

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Text { text, .. } => write!(f, "{text}"),
            Self::Action { pipe, .. } => write!(f, "{{{{{pipe}}}}}"),
            Self::Break => f.write_str("{{break}}"),
            Self::Continue => f.write_str("{{continue}}"),
            Self::If(branch) => print_branch(f, "if", branch),
            Self::With(branch) => print_branch(f, "with", branch),
            Self::Range(branch) => print_branch(f, "range", branch),
            Self::Template { name, pipe, .. } => {
                write!(f, "{{{{template {}", quote(name.as_bytes()))?;
                if let Some(pipe) = pipe {
                    write!(f, " {pipe}")?;
                }
                f.write_str("}}")
            }
        }
    }
}

fn print_branch(f: &mut Formatter<'_>, keyword: &str, branch: &Branch) -> Result {
    write!(f, "{{{{{keyword} {}}}}}", branch.pipe)?;
    for node in &branch.list {
        node.fmt(f)?;
    }
    if let Some(otherwise) = &branch.otherwise {
        f.write_str("{{else}}")?;
        for node in otherwise {
            node.fmt(f)?;
        }
    }
    f.write_str("{{end}}")
}

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (index, variable) in self.variables.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(variable)?;
        }
        if !self.variables.is_empty() {
            f.write_str(if self.assigns { " = " } else { " := " })?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            if index > 0 {
                f.write_str(" | ")?;
            }
            command.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (index, argument) in self.arguments.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            match &argument.term {
                Term::Pipe(pipe) => write!(f, "({pipe})")?,
                _ => argument.fmt(f)?,
            }
        }
        Ok(())
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.term {
            Term::Bool(b) => write!(f, "{b}"),
            Term::Dot => f.write_str("."),
            Term::Nil => f.write_str("nil"),
            Term::Field(names) => print_fields(f, names),
            Term::Variable(names) => f.write_str(&names.join(".")),
            Term::Identifier { name, .. } => f.write_str(name),
            Term::Number(number) => f.write_str(&number.text),
            Term::String { quoted, .. } => write!(f, "{quoted}"),
            Term::Pipe(pipe) => pipe.fmt(f),
            Term::Chain { receiver, fields } => {
                match &receiver.term {
                    Term::Pipe(pipe) => write!(f, "({pipe})")?,
                    _ => receiver.fmt(f)?,
                }
                print_fields(f, fields)
            }
        }
    }
}

fn print_fields(f: &mut Formatter<'_>, names: &[std::sync::Arc<str>]) -> Result {
    for name in names {
        write!(f, ".{name}")?;
    }
    Ok(())
}
