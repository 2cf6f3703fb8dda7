//! Pipelines and commands; variables.

use super::{At, Slot, State, Stop};
use crate::node::{Command, Number, Operand, Pipe, Term};
use crate::value::Value;

impl<'a> State<'a, '_> {
    /// Evaluates a pipeline and declares or assigns its variables.
    pub(super) fn pipeline(&mut self, dot: &Slot, pipe: &'a Pipe) -> Result<Slot, Stop> {
        self.at(At::Pipe(pipe));
        let mut value: Option<Slot> = None;
        for command in &pipe.commands {
            // What goes through a pipeline leaves its interface.
            value = Some(self.command(dot, command, value)?.unboxed());
        }
        let value = value.unwrap_or_else(Slot::invalid);
        for name in &pipe.variables {
            if pipe.assigns {
                self.assign(name, value.clone())?;
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    pub(super) fn assign(&mut self, name: &str, value: Slot) -> Result<(), Stop> {
        match self.variables.iter_mut().rev().find(|(n, _)| *n == name) {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    /// Evaluates a command, given what the command before it left.
    fn command(
        &mut self,
        dot: &Slot,
        command: &'a Command,
        last: Option<Slot>,
    ) -> Result<Slot, Stop> {
        let first = &command.arguments[0];
        match &first.term {
            Term::Field(names) => {
                self.at(At::Operand(first));
                return self.fields(dot, dot.clone(), first, names, &command.arguments, last);
            }
            Term::Chain { .. } => return self.chain(dot, first, &command.arguments, last),
            Term::Identifier { name, callee } => {
                self.at(At::Operand(first));
                return self.function(
                    dot,
                    At::Command(command),
                    (name, callee),
                    &command.arguments[1..],
                    last,
                );
            }
            Term::Pipe(pipe) => {
                self.not_a_function(&command.arguments, last.as_ref())?;
                return crate::grow(|| self.pipeline(dot, pipe));
            }
            Term::Variable(_) => return self.variable(dot, first, &command.arguments, last),
            _ => {}
        }
        self.at(At::Operand(first));
        self.not_a_function(&command.arguments, last.as_ref())?;
        match &first.term {
            Term::Bool(b) => Ok(Slot::bare(Value::Bool(*b))),
            Term::Dot => Ok(dot.clone()),
            Term::Number(number) => self.constant(first, number),
            Term::String { text, .. } => Ok(Slot::bare(Value::String(text.clone()))),
            _ => self.fail("nil is not a command"),
        }
    }

    fn not_a_function(&self, arguments: &[Operand], last: Option<&Slot>) -> Result<(), Stop> {
        if arguments.len() > 1 || last.is_some() {
            return self.fail(format!(
                "can't give argument to non-function {}",
                arguments[0]
            ));
        }
        Ok(())
    }

    /// Gives an untyped number the type it has where any type is taken.
    pub(super) fn constant(&mut self, operand: &'a Operand, number: &Number) -> Result<Slot, Stop> {
        self.at(At::Operand(operand));
        let text = number.text.as_bytes();
        let is_hex = text.len() > 2
            && text[0] == b'0'
            && matches!(text[1], b'x' | b'X')
            && !number.text.contains(['p', 'P']);
        let is_rune = text.first() == Some(&b'\'');
        if number.complex.is_some() {
            return self.fail(format!(
                "complex constants are not supported: {}",
                number.text
            ));
        }
        match number.float {
            Some(float)
                if !is_hex && !is_rune && number.text.contains(['.', 'e', 'E', 'p', 'P']) =>
            {
                Ok(Slot::bare(Value::Float64(float)))
            }
            _ => match number.int {
                Some(int) => Ok(Slot::bare(Value::Int(int))),
                None => self.fail(format!("{} overflows int", number.text)),
            },
        }
    }

    pub(super) fn variable(
        &mut self,
        dot: &Slot,
        operand: &'a Operand,
        arguments: &'a [Operand],
        last: Option<Slot>,
    ) -> Result<Slot, Stop> {
        let Term::Variable(names) = &operand.term else {
            return Ok(Slot::invalid());
        };
        self.at(At::Operand(operand));
        let name = &names[0];
        let found = self.variables.iter().rev().find(|(n, _)| **n == **name);
        let Some((_, value)) = found else {
            return self.fail(format!("undefined variable: {name}"));
        };
        let value = value.clone();
        if names.len() == 1 {
            self.not_a_function_of(operand, arguments, last.as_ref())?;
            return Ok(value);
        }
        self.fields(dot, value, operand, &names[1..], arguments, last)
    }

    fn not_a_function_of(
        &self,
        operand: &Operand,
        arguments: &[Operand],
        last: Option<&Slot>,
    ) -> Result<(), Stop> {
        if arguments.len() > 1 || last.is_some() {
            return self.fail(format!("can't give argument to non-function {operand}"));
        }
        Ok(())
    }

    pub(super) fn chain(
        &mut self,
        dot: &Slot,
        operand: &'a Operand,
        arguments: &'a [Operand],
        last: Option<Slot>,
    ) -> Result<Slot, Stop> {
        let Term::Chain { receiver, fields } = &operand.term else {
            return Ok(Slot::invalid());
        };
        self.at(At::Operand(operand));
        self.at(At::Operand(receiver));
        let value = match &receiver.term {
            Term::Pipe(pipe) => crate::grow(|| self.pipeline(dot, pipe))?,
            Term::Identifier { name, callee } => {
                self.function(dot, At::Operand(receiver), (name, callee), &[], None)?
            }
            Term::Chain { .. } => self.chain(dot, receiver, &[], None)?,
            _ => self.fail(format!("indirection through explicit nil in {operand}"))?,
        };
        self.fields(dot, value, operand, fields, arguments, last)
    }
}
