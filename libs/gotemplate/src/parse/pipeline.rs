//! Pipelines, commands and operands: the expressions.

use super::number::number;
use super::token::Kind;
use super::{Parser, Result_};
use crate::node::{Begin, Operand, Pipe, Shown, Span, Term};
use crate::quote::quote;

/// What a pipeline declares or assigns.
#[derive(Default)]
struct Declared {
    assigns: bool,
    variables: Vec<Span>,
}

impl Declared {
    fn names(&self) -> Option<Box<[Span; 2]>> {
        let name = *self.variables.first()?;
        let none = Span {
            start: 0,
            length: 0,
        };
        Some(Box::new([name, *self.variables.get(1).unwrap_or(&none)]))
    }
}

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result_<Pipe> {
        let position = self.peek_after_space().span().start;
        let mut declared = Declared::default();
        while self.declaration(&mut declared, context)? {}
        let mut operands = Vec::new();
        loop {
            let token = self.next_after_space();
            match token.kind {
                kind if kind == end => {
                    self.check(&operands, context)?;
                    return Ok(Pipe {
                        position,
                        assigns: declared.assigns,
                        variables: declared.names(),
                        operands: operands.into(),
                    });
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
                    self.command(&mut operands)?;
                }
                _ => return Err(self.unexpected(&token, context)),
            }
        }
    }

    /// Reads `$x :=`, `$x =` or `$x,`; says whether another declaration follows.
    fn declaration(&mut self, declared: &mut Declared, context: &str) -> Result_<bool> {
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
            declared.variables.push(variable.span());
            self.body.variables.push(variable.text);
            if !is_comma {
                declared.assigns = next.kind == Kind::Assign;
                return Ok(false);
            }
            if context == "range" && declared.variables.len() < 2 {
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

    fn check(&self, operands: &[Operand], context: &str) -> Result_<()> {
        if operands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        let called = operands.iter().filter(|operand| operand.command.is_some());
        for (index, operand) in called.enumerate().skip(1) {
            if let Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::String { .. } =
                operand.term
            {
                return Err(self.error(format!(
                    "non executable command in pipeline stage {}",
                    index + 1
                )));
            }
        }
        Ok(())
    }

    /// Reads a command behind those that were read before it.
    fn command(&mut self, operands: &mut Vec<Operand>) -> Result_<()> {
        let position = self.peek_after_space().span().start;
        let mut begin = Some(Begin::MIN.saturating_add(position));
        loop {
            self.peek_after_space();
            if let Some(mut operand) = self.operand()? {
                operand.command = begin.take();
                operands.push(operand);
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
        if begin.is_some() {
            return Err(self.error("empty command"));
        }
        Ok(())
    }

    fn operand(&mut self) -> Result_<Option<Operand>> {
        let Some(mut operand) = self.term()? else {
            return Ok(None);
        };
        if self.peek().kind != Kind::Field {
            return Ok(Some(operand));
        }
        let mut fields = self.peek().span();
        while self.peek().kind == Kind::Field {
            // Fields follow each other without a space.
            fields.length = self.next().span().end() - fields.start;
        }
        match &mut operand.term {
            Term::Field(names) | Term::Variable(names) => {
                names.length = fields.end() - names.start;
                operand.position = fields.start;
            }
            Term::Bool(_) | Term::String { .. } | Term::Number(_) | Term::Nil | Term::Dot => {
                let text = self.source.text.as_bytes();
                let part = &operand;
                let term = Shown { part, text }.to_string();
                return Err(self.error(format!(
                    "unexpected . after term {}",
                    quote(term.as_bytes())
                )));
            }
            Term::Function(_) | Term::Builtin(_) | Term::Pipe(_) | Term::Chain { .. } => {
                operand = Operand {
                    position: fields.start,
                    command: None,
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
        let term = match token.kind {
            Kind::Identifier => {
                let name = String::from_utf8_lossy(&token.text);
                let function = self.functions.shared(&name).cloned();
                match (function, crate::builtin::get(&name)) {
                    (Some(function), _) => Term::Function(function),
                    (None, Some(builtin)) => Term::Builtin(builtin),
                    (None, None) => {
                        let name = quote(name.as_bytes());
                        return Err(self.error(format!("function {name} not defined")));
                    }
                }
            }
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable => {
                if !self.body.variables.contains(&token.text) {
                    let name = quote(&token.text);
                    return Err(self.error(format!("undefined variable {name}")));
                }
                Term::Variable(token.span())
            }
            Kind::Field => Term::Field(token.span()),
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
                    command: None,
                    term: Term::Pipe(Box::new(pipe)),
                }));
            }
            Kind::String | Kind::RawString => Term::String {
                text: self.literal(&token)?,
                length: token.span().length,
            },
            _ => {
                self.back();
                return Ok(None);
            }
        };
        Ok(Some(Operand {
            position: token.span().start,
            command: None,
            term,
        }))
    }
}
