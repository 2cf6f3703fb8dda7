//! Pipelines, commands and operands: the expressions.

use super::number::number;
use super::token::Kind;
use super::{Parser, Result_};
use crate::Text;
use crate::node::{Callee, Command, Operand, Pipe, Term};
use crate::quote::{quote, unquote};
use std::sync::Arc;

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result_<Pipe> {
        let mut pipe = Pipe {
            position: self.peek_after_space().position,
            assigns: false,
            variables: Vec::new(),
            commands: Vec::new(),
        };
        while self.declaration(&mut pipe, context)? {}
        loop {
            let token = self.next_after_space();
            match token.kind {
                kind if kind == end => {
                    self.check(&pipe, context)?;
                    pipe.commands.shrink_to_fit();
                    pipe.variables.shrink_to_fit();
                    return Ok(pipe);
                }
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParenthesis => {
                    self.back();
                    pipe.commands.push(self.command()?);
                }
                _ => return Err(self.unexpected(&token, context)),
            }
        }
    }

    /// Reads `$x :=`, `$x =` or `$x,`; says whether another declaration follows.
    fn declaration(&mut self, pipe: &mut Pipe, context: &str) -> Result_<bool> {
        let variable = self.peek_after_space();
        if variable.kind != Kind::Variable {
            return Ok(false);
        }
        self.next();
        // A space may matter after a variable that only begins a command: it is put back too.
        let after = self.peek().clone();
        let next = self.peek_after_space();
        let is_comma = next.kind == Kind::Char && *next.text == *b",";
        if matches!(next.kind, Kind::Assign | Kind::Declare) || is_comma {
            self.next_after_space();
            let name: Arc<str> = String::from_utf8_lossy(&variable.text).into();
            pipe.variables.push(name.clone());
            self.body.variables.push(name);
            if !is_comma {
                pipe.assigns = next.kind == Kind::Assign;
                return Ok(false);
            }
            if context == "range" && pipe.variables.len() < 2 {
                return match self.peek_after_space().kind {
                    Kind::Variable | Kind::RightDelimiter | Kind::RightParenthesis => Ok(true),
                    _ => Err(self.error("range can only initialize variables")),
                };
            }
            return Err(self.error(format!("too many declarations in {context}")));
        }
        if after.kind == Kind::Space {
            self.tokens[1] = after;
            self.tokens[2] = variable;
            self.peeked = 3;
        } else {
            self.tokens[1] = variable;
            self.peeked = 2;
        }
        Ok(false)
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Result_<()> {
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            if let Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::String { .. } =
                command.arguments[0].term
            {
                return Err(self.error(format!(
                    "non executable command in pipeline stage {}",
                    index + 1
                )));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result_<Command> {
        let position = self.peek_after_space().position;
        let mut arguments = Vec::new();
        loop {
            self.peek_after_space();
            if let Some(operand) = self.operand()? {
                arguments.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelimiter | Kind::RightParenthesis => self.back(),
                Kind::Pipe => {}
                _ => return Err(self.unexpected(&token, "operand")),
            }
            break;
        }
        if arguments.is_empty() {
            return Err(self.error("empty command"));
        }
        arguments.shrink_to_fit();
        Ok(Command {
            position,
            arguments,
        })
    }

    fn operand(&mut self) -> Result_<Option<Operand>> {
        let Some(mut operand) = self.term()? else {
            return Ok(None);
        };
        if self.peek().kind != Kind::Field {
            return Ok(Some(operand));
        }
        let position = self.peek().position;
        let mut fields: Vec<Arc<str>> = Vec::new();
        while self.peek().kind == Kind::Field {
            let token = self.next();
            fields.push(String::from_utf8_lossy(&token.text[1..]).into());
        }
        match &mut operand.term {
            Term::Field(names) | Term::Variable(names) => {
                names.append(&mut fields);
                operand.position = position;
            }
            Term::Bool(_) | Term::String { .. } | Term::Number(_) | Term::Nil | Term::Dot => {
                let text = operand.to_string();
                return Err(self.error(format!(
                    "unexpected . after term {}",
                    quote(text.as_bytes())
                )));
            }
            Term::Identifier { .. } | Term::Pipe(_) | Term::Chain { .. } => {
                operand = Operand {
                    position,
                    term: Term::Chain {
                        receiver: Box::new(operand),
                        fields,
                    },
                };
            }
        }
        Ok(Some(operand))
    }

    fn term(&mut self) -> Result_<Option<Operand>> {
        let token = self.next_after_space();
        let text = || -> Arc<str> { String::from_utf8_lossy(&token.text).into() };
        let term = match token.kind {
            Kind::Identifier => {
                let name = text();
                let function = self.functions.shared(&name).cloned();
                let callee = match (function, crate::builtin::get(&name)) {
                    (Some(function), _) => Callee::Function(function),
                    (None, Some(builtin)) => Callee::Builtin(builtin),
                    (None, None) => {
                        let name = quote(name.as_bytes());
                        return Err(self.error(format!("function {name} not defined")));
                    }
                };
                Term::Identifier { name, callee }
            }
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable => {
                let name = text();
                if !self.body.variables.contains(&name) {
                    return Err(
                        self.error(format!("undefined variable {}", quote(name.as_bytes())))
                    );
                }
                Term::Variable(vec![name])
            }
            Kind::Field => Term::Field(vec![String::from_utf8_lossy(&token.text[1..]).into()]),
            Kind::Bool => Term::Bool(*token.text == *b"true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => Term::Number(Box::new(
                number(&token).map_err(|message| self.error(message))?,
            )),
            Kind::LeftParenthesis => {
                if self.body.expression_depth >= self.limits.expression_depth {
                    return Err(self.error("max expression depth exceeded"));
                }
                self.body.expression_depth += 1;
                let pipe = crate::grow(|| {
                    self.pipeline("parenthesized pipeline", Kind::RightParenthesis)
                })?;
                self.body.expression_depth -= 1;
                // Parity: the place of a parenthesized pipeline is what stands in it.
                return Ok(Some(Operand {
                    position: pipe.position,
                    term: Term::Pipe(pipe),
                }));
            }
            Kind::String | Kind::RawString => Term::String {
                text: Text::from(unquote(&token.text).ok_or_else(|| self.error("invalid syntax"))?),
                quoted: self.excerpt(&token),
            },
            _ => {
                self.back();
                return Ok(None);
            }
        };
        Ok(Some(Operand {
            position: token.position,
            term,
        }))
    }
}
