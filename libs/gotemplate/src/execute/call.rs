//! Calls: arguments against parameter types, and what failures become.

use super::{At, Slot, State, Stop};
use crate::builtin::{self, Builtin};
use crate::function::{Failure, Function};
use crate::node::{Operand, Term};
use crate::types::Type;
use crate::value::Value;

/// What a call is checked against.
pub(super) struct Signature<'a> {
    pub(super) name: &'static str,
    pub(super) parameters: &'static [Type],
    pub(super) variadic: bool,
    /// What an error of the function points at.
    pub(super) node: At<'a>,
}

impl<'a> State<'a, '_> {
    /// Calls a function; the arguments are without its name.
    pub(super) fn function(
        &mut self,
        dot: &Slot,
        node: At<'a>,
        function: &'a Function,
        arguments: &'a [Operand],
        last: Option<Slot>,
    ) -> Result<Slot, Stop> {
        let signature = Signature {
            name: function.name,
            parameters: function.parameters,
            variadic: function.variadic,
            node,
        };
        let arguments = self.arguments(dot, &signature, arguments, last)?;
        let result = (function.call)(self.scope, &arguments);
        self.called(&signature, result)
    }

    /// Turns the result of a function into a value, or its failure into an error of the template.
    pub(super) fn called(
        &mut self,
        signature: &Signature<'a>,
        result: Result<Value, Failure>,
    ) -> Result<Slot, Stop> {
        match result {
            Ok(value) => Ok(Slot {
                boxed: matches!(value, Value::Nil),
                value,
            }),
            Err(failure) => {
                self.at(signature.node);
                let message = match failure {
                    Failure::Limit(_) => String::new(),
                    _ => format!("error calling {}: ", signature.name),
                };
                Err(self.error(message, Some(failure)))
            }
        }
    }

    /// Evaluates arguments and checks them against the parameters.
    pub(super) fn arguments(
        &mut self,
        dot: &Slot,
        signature: &Signature<'a>,
        operands: &'a [Operand],
        last: Option<Slot>,
    ) -> Result<Vec<Value>, Stop> {
        let Signature {
            name,
            parameters,
            variadic,
            ..
        } = signature;
        let given = operands.len() + usize::from(last.is_some());
        if *variadic {
            let fixed = parameters.len().saturating_sub(1);
            if given < fixed {
                // Parity: Go counts the piped value on one side only.
                return self.fail(format!(
                    "wrong number of args for {name}: want at least {fixed} got {}",
                    operands.len()
                ));
            }
        } else if given != parameters.len() {
            return self.fail(format!(
                "wrong number of args for {name}: want {} got {given}",
                parameters.len()
            ));
        }
        let of = |index: usize| {
            let last = parameters.len().saturating_sub(1);
            parameters
                .get(index.min(last))
                .copied()
                .unwrap_or(Type::Any)
        };
        let mut values = Vec::with_capacity(given);
        for (index, operand) in operands.iter().enumerate() {
            values.push(self.argument(dot, of(index), operand)?);
        }
        if let Some(last) = last {
            values.push(self.checked(last, of(operands.len()))?);
        }
        Ok(values)
    }

    /// Evaluates one argument for a parameter of a type.
    pub(super) fn argument(
        &mut self,
        dot: &Slot,
        of: Type,
        operand: &'a Operand,
    ) -> Result<Value, Stop> {
        self.at(At::Operand(operand));
        let shown = self.shown_part(operand);
        match &operand.term {
            Term::Nil if of.can_be_nil() => return Ok(Value::Nil),
            Term::Nil => return self.fail(format!("cannot assign nil to {}", of.name())),
            Term::Bool(_) | Term::Number(_) | Term::String { .. } => {}
            _ => {
                let slot = self.operand(dot, operand)?;
                return self.checked(slot, of);
            }
        }
        match (of, &operand.term) {
            (Type::Any, _) => Ok(self.operand(dot, operand)?.value),
            (Type::String, Term::String { text, .. }) => Ok(Value::String(text.clone())),
            (Type::String, _) => self.fail(format!("expected string; found {shown}")),
            (Type::Bool, Term::Bool(b)) => Ok(Value::Bool(*b)),
            (Type::Bool, _) => self.fail(format!("expected bool; found {shown}")),
            (Type::Int | Type::Int64, term) => match term {
                Term::Number(number) => match number.int {
                    Some(int) if of == Type::Int => Ok(Value::Int(int)),
                    Some(int) => Ok(Value::Int64(int)),
                    None => self.fail(format!("expected integer; found {shown}")),
                },
                _ => self.fail(format!("expected integer; found {shown}")),
            },
            (Type::Uint64 | Type::Uint32, term) => match term {
                Term::Number(number) if number.uint.is_some() => {
                    Ok(Value::Uint64(number.uint.unwrap_or_default()))
                }
                _ => self.fail(format!("expected unsigned integer; found {shown}")),
            },
            (Type::Float64, term) => match term {
                Term::Number(number) if number.float.is_some() => {
                    Ok(Value::Float64(number.float.unwrap_or_default()))
                }
                _ => self.fail(format!("expected float; found {shown}")),
            },
            _ => self.fail(format!(
                "can't handle {shown} for arg of type {}",
                of.name()
            )),
        }
    }

    /// Evaluates an operand where any type is taken.
    pub(super) fn operand(&mut self, dot: &Slot, operand: &'a Operand) -> Result<Slot, Stop> {
        self.at(At::Operand(operand));
        match &operand.term {
            Term::Bool(b) => Ok(Slot::bare(Value::Bool(*b))),
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Ok(Slot::invalid()),
            Term::Field(span) => {
                let fields = self.text(*span);
                self.fields(dot, dot.clone(), operand, fields, &[], None)
            }
            Term::Variable(_) => self.variable(dot, operand, &[], None),
            Term::Function(function) => {
                self.function(dot, At::Operand(operand), function, &[], None)
            }
            Term::Builtin(builtin) => self.builtin(dot, At::Operand(operand), builtin, &[], None),
            Term::Number(number) => self.constant(operand, number),
            Term::String { text, .. } => Ok(Slot::bare(Value::String(text.clone()))),
            Term::Pipe(pipe) => crate::grow(|| self.pipeline(dot, pipe)),
            Term::Chain { .. } => self.chain(dot, operand, &[], None),
        }
    }

    /// Checks a value against a parameter type.
    fn checked(&self, slot: Slot, of: Type) -> Result<Value, Stop> {
        if slot.is_invalid() {
            if of.can_be_nil() {
                return Ok(Value::Nil);
            }
            return self.fail(format!("invalid value; expected {}", of.name()));
        }
        if of == Type::Any || !matches!(slot.value, Value::Nil) && of.accepts(&slot.value) {
            return Ok(slot.value);
        }
        // Parity: a nil that stands in an interface is not unwrapped, and so is of the wrong type.
        let got = match slot.value {
            Value::Nil => "interface {}",
            ref value => value.type_name(),
        };
        self.fail(format!(
            "wrong type for value; expected {}; got {got}",
            of.name()
        ))
    }

    /// Calls one of Go's own functions.
    pub(super) fn builtin(
        &mut self,
        dot: &Slot,
        node: At<'a>,
        builtin: &'static Builtin,
        operands: &'a [Operand],
        last: Option<Slot>,
    ) -> Result<Slot, Stop> {
        let name = builtin.name;
        let signature = Signature {
            name,
            parameters: builtin.parameters,
            variadic: builtin.variadic,
            node,
        };
        let given = operands.len() + usize::from(last.is_some());
        let fixed = builtin.parameters.len() - usize::from(builtin.variadic);
        if builtin.variadic && given < fixed {
            return self.fail(format!(
                "wrong number of args for {name}: want at least {fixed} got {}",
                operands.len()
            ));
        }
        if !builtin.variadic && given != fixed {
            return self.fail(format!(
                "wrong number of args for {name}: want {fixed} got {given}"
            ));
        }
        if let builtin::Body::Logic(decides) = builtin.body {
            return self.logic(dot, decides, operands, last);
        }
        let mut slots = Vec::with_capacity(given);
        for (index, operand) in operands.iter().enumerate() {
            let slot = if index < fixed && builtin.parameters[index] != Type::Any {
                Slot::bare(self.argument(dot, builtin.parameters[index], operand)?)
            } else {
                self.operand(dot, operand)?
            };
            slots.push(slot);
        }
        if let Some(last) = last {
            let index = slots.len();
            let slot = if index < fixed && builtin.parameters[index] != Type::Any {
                Slot::bare(self.checked(last, builtin.parameters[index])?)
            } else {
                last
            };
            slots.push(slot);
        }
        let result = match builtin.body {
            builtin::Body::Slots(call) => call(&slots),
            builtin::Body::Values(call) => {
                let values: Vec<Value> = slots.into_iter().map(|slot| slot.value).collect();
                call(&values).map(Slot::bare)
            }
            builtin::Body::Call => {
                let callee = operands.first().map_or_else(
                    || match &slots[0].value {
                        Value::String(text) => text.to_string(),
                        _ => format!("<{} Value>", slots[0].type_name()),
                    },
                    |operand| self.shown_part(operand).to_string(),
                );
                Err(match &slots[0].value {
                    Value::Nil => Failure::new("call of nil"),
                    value => Failure::new(format!(
                        "non-function {callee} of type {}",
                        value.type_name()
                    )),
                })
            }
            builtin::Body::Logic(_) => Ok(Slot::invalid()),
        };
        match result {
            Ok(slot) => Ok(slot),
            Err(failure) => self.called(&signature, Err(failure)),
        }
    }

    /// Evaluates `and` (which a false value decides) and `or` (which a true one does), no further than needed.
    fn logic(
        &mut self,
        dot: &Slot,
        decides: bool,
        operands: &'a [Operand],
        last: Option<Slot>,
    ) -> Result<Slot, Stop> {
        let mut value = Slot::invalid();
        for operand in operands {
            value = self.operand(dot, operand)?;
            if value.value.is_true() == decides {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }
}
