//! Text and actions: the statements of a body.

use super::token::{Kind, Token};
use super::{Parser, Result_, Stop};
use crate::Text;
use crate::node::{Branch, Call, Node};

impl<'a> Parser<'a> {
    /// Reads nodes up to `end` or `else`.
    pub(super) fn list(&mut self) -> Result_<(Box<[Node]>, Stop)> {
        self.control_depth += 1;
        if self.control_depth > self.limits.control_depth {
            return Err(self.error(format!(
                "control structures nest deeper than {} levels",
                self.limits.control_depth
            )));
        }
        let mut nodes = Vec::new();
        let stop = loop {
            if self.peek_after_space().kind == Kind::EndOfInput {
                return Err(self.error("unexpected EOF"));
            }
            match self.text_or_action()? {
                Ok(node) => nodes.push(node),
                Err(stop) => break stop,
            }
        };
        self.control_depth -= 1;
        Ok((nodes.into(), stop))
    }

    /// Reads one node, or what ends the list.
    pub(super) fn text_or_action(&mut self) -> Result_<Result<Node, Stop>> {
        let token = self.next_after_space();
        match token.kind {
            Kind::Text => Ok(Ok(Node::Text(token.span()))),
            Kind::LeftDelimiter => {
                self.body.action_line = token.line;
                let node = crate::grow(|| self.action());
                self.body.action_line = 0;
                node
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    fn action(&mut self) -> Result_<Result<Node, Stop>> {
        let token = self.next_after_space();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => {
                self.loop_control("break")?;
                Node::Break
            }
            Kind::Continue => {
                self.loop_control("continue")?;
                Node::Continue
            }
            Kind::Else => {
                // `else if` and `else with` are read by their control structure.
                if !matches!(self.peek_after_space().kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelimiter, "else")?;
                }
                return Ok(Err(Stop::Else));
            }
            Kind::End => {
                self.expect(Kind::RightDelimiter, "end")?;
                return Ok(Err(Stop::End));
            }
            Kind::If => Node::If(self.control("if")?),
            Kind::Range => Node::Range(self.control("range")?),
            Kind::With => Node::With(self.control("with")?),
            Kind::Template => self.template()?,
            _ => {
                self.back();
                Node::Action(self.pipeline("command", Kind::RightDelimiter)?)
            }
        };
        Ok(Ok(node))
    }

    fn loop_control(&mut self, word: &str) -> Result_<()> {
        let token = self.next_after_space();
        if token.kind != Kind::RightDelimiter {
            return Err(self.unexpected(&token, &format!("{{{{{word}}}}}")));
        }
        if self.body.ranges == 0 {
            return Err(self.error(format!("{{{{{word}}}}} outside {{{{range}}}}")));
        }
        Ok(())
    }

    fn control(&mut self, context: &str) -> Result_<Box<Branch>> {
        let known = self.body.variables.len();
        let pipe = self.pipeline(context, Kind::RightDelimiter)?;
        let is_range = context == "range";
        self.body.ranges += usize::from(is_range);
        let (list, stop) = self.list()?;
        self.body.ranges -= usize::from(is_range);
        let otherwise = match stop {
            Stop::End => None,
            Stop::Else => Some(self.otherwise(context)?),
        };
        self.body.variables.truncate(known);
        Ok(Box::new(Branch {
            pipe,
            list,
            otherwise,
        }))
    }

    fn otherwise(&mut self, context: &str) -> Result_<Box<[Node]>> {
        let chained = matches!(
            (context, self.peek().kind),
            ("if", Kind::If) | ("with", Kind::With)
        );
        if chained {
            self.next();
            self.control_depth += 1;
            if self.control_depth > self.limits.control_depth {
                return Err(self.error(format!(
                    "control structures nest deeper than {} levels",
                    self.limits.control_depth
                )));
            }
            let branch = crate::grow(|| self.control(context))?;
            self.control_depth -= 1;
            return Ok(Box::new([if context == "if" {
                Node::If(branch)
            } else {
                Node::With(branch)
            }]));
        }
        let (list, stop) = self.list()?;
        match stop {
            Stop::End => Ok(list),
            Stop::Else => Err(self.error("expected end; found {{else}}")),
        }
    }

    fn block(&mut self) -> Result_<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.next_after_space();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelimiter)?;
        let outer = std::mem::take(&mut self.body);
        let root = self.body_until_end(CONTEXT)?;
        self.body = outer;
        self.define(name.clone(), root)?;
        Ok(Node::Template(Box::new(Call {
            position: token.span().start,
            name,
            pipe: Some(pipe),
        })))
    }

    fn template(&mut self) -> Result_<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.next_after_space();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = if self.next_after_space().kind == Kind::RightDelimiter {
            None
        } else {
            self.back();
            Some(self.pipeline(CONTEXT, Kind::RightDelimiter)?)
        };
        Ok(Node::Template(Box::new(Call {
            position: token.span().start,
            name,
            pipe,
        })))
    }

    pub(super) fn template_name(&mut self, token: &Token<'a>, context: &str) -> Result_<Text> {
        match token.kind {
            Kind::String | Kind::RawString => self.literal(token),
            _ => Err(self.unexpected(token, context)),
        }
    }
}
