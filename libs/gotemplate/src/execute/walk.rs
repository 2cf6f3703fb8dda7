//! The walk over nodes: text, actions and control structures.

use super::{At, Slot, State, Stop};
use crate::Text;
use crate::format;
use crate::function::Failure;
use crate::node::{Branch, Node, Pipe};
use crate::quote::quote;
use crate::value::Value;

/// How a list of nodes ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl<'a> State<'a, '_> {
    pub(super) fn walk_all(&mut self, dot: &Slot, nodes: &'a [Node]) -> Result<Flow, Stop> {
        for node in nodes {
            let flow = self.walk(dot, node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn walk(&mut self, dot: &Slot, node: &'a Node) -> Result<Flow, Stop> {
        self.count_step()?;
        match node {
            Node::Text(span) => {
                let text = self.text(*span);
                self.count_bytes(text.len())?;
                self.out.extend_from_slice(text);
            }
            Node::Action(pipe) => {
                self.at(At::Node(node, pipe.position));
                let value = self.pipeline(dot, pipe)?;
                if pipe.variables.is_none() {
                    self.at(At::Node(node, pipe.position));
                    self.print(&value)?;
                }
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
            Node::If(branch) | Node::With(branch) => {
                self.at(At::Node(node, branch.pipe.position));
                let mark = self.variables.len();
                let flow = self.choose(dot, branch, matches!(node, Node::With(_)));
                self.variables.truncate(mark);
                return flow;
            }
            Node::Range(branch) => {
                self.at(At::Node(node, branch.pipe.position));
                let mark = self.variables.len();
                let flow = self.range(dot, branch);
                self.variables.truncate(mark);
                flow?;
            }
            Node::Template(call) => {
                self.at(At::Node(node, call.position));
                self.template(dot, &call.name, call.pipe.as_ref())?;
            }
        }
        Ok(Flow::Next)
    }

    fn count_step(&mut self) -> Result<(), Stop> {
        match self.scope.session.step() {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.error(String::new(), Some(failure))),
        }
    }

    fn count_bytes(&mut self, count: usize) -> Result<(), Stop> {
        match self.scope.session.wrote(count) {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.error(String::new(), Some(failure))),
        }
    }

    fn print(&mut self, slot: &Slot) -> Result<(), Stop> {
        let before = self.out.len();
        let result: Result<(), Failure> = match &slot.value {
            Value::Nil => {
                self.out.extend_from_slice(b"<no value>");
                Ok(())
            }
            Value::Object(object) if object.display_in_place().is_some() => {
                let shown = object.display_in_place().unwrap_or_default();
                self.out.extend_from_slice(shown.as_bytes());
                Ok(())
            }
            value => format::display(self.out, value),
        };
        if let Err(failure) = result {
            return Err(self.error(String::new(), Some(failure)));
        }
        self.count_bytes(self.out.len() - before)
    }

    fn choose(&mut self, dot: &Slot, branch: &'a Branch, is_with: bool) -> Result<Flow, Stop> {
        let value = self.pipeline(dot, &branch.pipe)?;
        crate::grow(|| {
            if value.value.is_true() {
                self.walk_all(if is_with { &value } else { dot }, &branch.list)
            } else if let Some(otherwise) = &branch.otherwise {
                self.walk_all(dot, otherwise)
            } else {
                Ok(Flow::Next)
            }
        })
    }

    fn range(&mut self, dot: &Slot, branch: &'a Branch) -> Result<(), Stop> {
        let over = self.pipeline(dot, &branch.pipe)?;
        let mark = self.variables.len();
        let mut ran = false;
        match &over.value {
            Value::Int(_) | Value::Int64(_) | Value::Uint8(_) | Value::Uint64(_) => {
                if branch.pipe.variables().len() > 1 {
                    let number = self.shown(&over.value);
                    return self.fail(format!(
                        "can't use {number} to iterate over more than one variable"
                    ));
                }
                let (end, make): (u64, fn(u64) -> Value) = match over.value {
                    Value::Int(end) => (u64::try_from(end).unwrap_or(0), |i| {
                        Value::Int(i64::try_from(i).unwrap_or(i64::MAX))
                    }),
                    Value::Int64(end) => (u64::try_from(end).unwrap_or(0), |i| {
                        Value::Int64(i64::try_from(i).unwrap_or(i64::MAX))
                    }),
                    Value::Uint8(end) => (u64::from(end), |i| {
                        Value::Uint8(u8::try_from(i).unwrap_or(u8::MAX))
                    }),
                    Value::Uint64(end) => (end, Value::Uint64),
                    _ => (0, Value::Uint64),
                };
                for index in 0..end {
                    ran = true;
                    let element = Slot::bare(make(index));
                    if !self.iterate(branch, mark, Slot::invalid(), element)? {
                        break;
                    }
                }
            }
            Value::List(list) => {
                for (index, item) in list.to_vec().into_iter().enumerate() {
                    ran = true;
                    let index = Slot::bare(Value::Int(i64::try_from(index).unwrap_or(i64::MAX)));
                    let element = Slot::element(item, list.of().element);
                    if !self.iterate(branch, mark, index, element)? {
                        break;
                    }
                }
            }
            Value::Bytes(bytes) => {
                for (index, byte) in bytes.as_bytes().iter().enumerate() {
                    ran = true;
                    let index = Slot::bare(Value::Int(i64::try_from(index).unwrap_or(i64::MAX)));
                    let element = Slot::bare(Value::Uint8(*byte));
                    if !self.iterate(branch, mark, index, element)? {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, value) in map.entries() {
                    ran = true;
                    let key = Slot::bare(Value::String(key));
                    let element = Slot::element(value, map.of().element);
                    if !self.iterate(branch, mark, key, element)? {
                        break;
                    }
                }
            }
            Value::Nil => {}
            other => {
                let shown = self.shown(other);
                return self.fail(format!("range can't iterate over {shown}"));
            }
        }
        if let (false, Some(otherwise)) = (ran, &branch.otherwise) {
            crate::grow(|| self.walk_all(dot, otherwise))?;
        }
        Ok(())
    }

    /// Runs the body once; says whether to go on.
    fn iterate(
        &mut self,
        branch: &'a Branch,
        mark: usize,
        index: Slot,
        element: Slot,
    ) -> Result<bool, Stop> {
        // A body without a node takes time too.
        self.count_step()?;
        let names = branch.pipe.variables();
        if branch.pipe.assigns {
            match names {
                [value] => self.assign(*value, element.clone())?,
                [key, value] => {
                    self.assign(*key, index)?;
                    self.assign(*value, element.clone())?;
                }
                _ => {}
            }
        } else {
            // Parity: the pipeline pushed its own value under each name; the iterations overwrite it.
            if !names.is_empty() {
                self.variables[mark - 1].1 = element.clone();
            }
            if names.len() > 1 {
                self.variables[mark - 2].1 = index;
            }
        }
        let flow = crate::grow(|| self.walk_all(&element, &branch.list))?;
        self.variables.truncate(mark);
        Ok(flow != Flow::Break)
    }

    fn template(&mut self, dot: &Slot, name: &Text, pipe: Option<&'a Pipe>) -> Result<(), Stop> {
        let scope = self.scope;
        let Some(tree) = scope.layer.get(name.as_bytes()) else {
            return self.fail(format!("template {} not defined", quote(name.as_bytes())));
        };
        let limit = scope.session.limits.template_depth;
        if self.depth == limit {
            return self.fail(format!("exceeded maximum template depth ({limit})"));
        }
        let dot = match pipe {
            None => Slot::invalid(),
            Some(pipe) => self.pipeline(dot, pipe)?,
        };
        let mut inner = State {
            scope,
            tree,
            out: &mut *self.out,
            variables: vec![(b"$", dot.clone())],
            depth: self.depth + 1,
            at: At::Start,
        };
        crate::grow(|| inner.walk_all(&dot, &tree.root))?;
        Ok(())
    }

    /// Shows a value in an error.
    pub(super) fn shown(&self, value: &Value) -> String {
        let mut out = Vec::new();
        match format::display(&mut out, value) {
            Ok(()) => String::from_utf8_lossy(&out).into_owned(),
            Err(_) => value.type_name().to_owned(),
        }
    }
}
