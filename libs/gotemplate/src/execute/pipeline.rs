//! Pipelines and commands; variables.

use super::{At, Slot, State, Stop};
use crate::node::{Number, Operand, Pipe, Span, Term};
use crate::value::Value;

impl<'a> State<'a, '_> {
    /// Evaluates a pipeline and declares or assigns its variables.
    pub(super) fn pipeline(&mut self, dot: &Slot, pipe: &'a Pipe) -> Result<Slot, Stop> {
        self.at(At::Pipe(pipe));
        let mut value: Option<Slot> = None;
        for command in pipe.commands() {
            // What goes through a pipeline leaves its interface.
            value = Some(self.command(dot, command, value)?.unboxed());
        }
        let value = value.unwrap_or_else(Slot::invalid);
        for name in pipe.variables() {
            if pipe.assigns {
                self.assign(*name, value.clone())?;
            } else {
                self.variables.push((self.text(*name), value.clone()));
            }
        }
        Ok(value)
    }

    pub(super) fn assign(&mut self, name: Span, value: Slot) -> Result<(), Stop> {
        let name = self.text(name);
        match self.variables.iter_mut().rev().find(|(n, _)| *n == name) {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => self.undefined(name),
        }
    }

    fn undefined<T>(&self, name: &[u8]) -> Result<T, Stop> {
        let name = String::from_utf8_lossy(name);
        self.fail(format!("undefined variable: {name}"))
    }

    /// Evaluates a command, given what the command before it left.
    fn command(
        &mut self,
        dot: &Slot,
        command: &'a [Operand],
        last: Option<Slot>,
    ) -> Result<Slot, Stop> {
        let first = &command[0];
        match &first.term {
            Term::Field(span) => {
                self.at(At::Operand(first));
                let fields = self.text(*span);
                return self.fields(dot, dot.clone(), first, fields, command, last);
            }
            Term::Chain { .. } => return self.chain(dot, first, command, last),
            Term::Function(function) => {
                self.at(At::Operand(first));
                let arguments = &command[1..];
                return self.function(dot, At::Command(command), function, arguments, last);
            }
            Term::Builtin(builtin) => {
                self.at(At::Operand(first));
                let arguments = &command[1..];
                return self.builtin(dot, At::Command(command), builtin, arguments, last);
            }
            Term::Pipe(pipe) => {
                self.not_a_function(command, last.as_ref())?;
                return crate::grow(|| self.pipeline(dot, pipe));
            }
            Term::Variable(_) => return self.variable(dot, first, command, last),
            _ => {}
        }
        self.at(At::Operand(first));
        self.not_a_function(command, last.as_ref())?;
        match &first.term {
            Term::Bool(b) => Ok(Slot::bare(Value::Bool(*b))),
            Term::Dot => Ok(dot.clone()),
            Term::Number(number) => self.constant(first, number),
            Term::String { text, .. } => Ok(Slot::bare(Value::String(text.clone()))),
            _ => self.fail("nil is not a command"),
        }
    }

    fn not_a_function(&self, arguments: &'a [Operand], last: Option<&Slot>) -> Result<(), Stop> {
        if arguments.len() > 1 || last.is_some() {
            return self.fail(format!(
                "can't give argument to non-function {}",
                self.shown_part(&arguments[0])
            ));
        }
        Ok(())
    }

    /// Gives an untyped number the type it has where any type is taken.
    pub(super) fn constant(&mut self, operand: &'a Operand, number: &Number) -> Result<Slot, Stop> {
        self.at(At::Operand(operand));
        let text = self.text(number.text);
        let has = |letters: &[u8]| text.iter().any(|byte| letters.contains(byte));
        let is_hex =
            text.len() > 2 && text[0] == b'0' && matches!(text[1], b'x' | b'X') && !has(b"pP");
        let is_rune = text.first() == Some(&b'\'');
        let shown = || String::from_utf8_lossy(text);
        if number.is_complex {
            return self.fail(format!("complex constants are not supported: {}", shown()));
        }
        match number.float {
            Some(float) if !is_hex && !is_rune && has(b".eEpP") => {
                Ok(Slot::bare(Value::Float64(float)))
            }
            _ => match number.int {
                Some(int) => Ok(Slot::bare(Value::Int(int))),
                None => self.fail(format!("{} overflows int", shown())),
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
        let Term::Variable(span) = &operand.term else {
            return Ok(Slot::invalid());
        };
        self.at(At::Operand(operand));
        let text = self.text(*span);
        let end = text.iter().position(|byte| *byte == b'.');
        let (name, fields) = text.split_at(end.unwrap_or(text.len()));
        let found = self.variables.iter().rev().find(|(n, _)| *n == name);
        let Some((_, value)) = found else {
            return self.undefined(name);
        };
        let value = value.clone();
        if fields.is_empty() {
            self.not_a_function_of(operand, arguments, last.as_ref())?;
            return Ok(value);
        }
        self.fields(dot, value, operand, fields, arguments, last)
    }

    fn not_a_function_of(
        &self,
        operand: &'a Operand,
        arguments: &[Operand],
        last: Option<&Slot>,
    ) -> Result<(), Stop> {
        if arguments.len() > 1 || last.is_some() {
            let shown = self.shown_part(operand);
            return self.fail(format!("can't give argument to non-function {shown}"));
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
            Term::Function(function) => {
                self.function(dot, At::Operand(receiver), function, &[], None)?
            }
            Term::Builtin(builtin) => {
                self.builtin(dot, At::Operand(receiver), builtin, &[], None)?
            }
            Term::Chain { .. } => self.chain(dot, receiver, &[], None)?,
            _ => {
                let shown = self.shown_part(operand);
                self.fail(format!("indirection through explicit nil in {shown}"))?
            }
        };
        let fields = self.text(*fields);
        self.fields(dot, value, operand, fields, arguments, last)
    }
}
