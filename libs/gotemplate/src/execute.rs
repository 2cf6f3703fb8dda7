//! Running templates.
//!
//! Owns sessions, `include` and `tpl`; the walk over nodes is in `walk`, expressions in `pipeline`, fields in `field`,
//! calls in `call`. The surprise: the node of an error is the one last looked at, so the order of [`State::at`]'s calls
//! is part of the error texts.

mod call;
mod field;
mod pipeline;
mod slot;
mod walk;

pub(crate) use slot::Slot;

use crate::error::{ExecuteError, Place};
use crate::function::{Failure, Host, Scope};
use crate::node::{Node, Operand, Pipe, Shown, Span, Tree};
use crate::quote::quote;
use crate::template::{Layer, Set, Trees};
use crate::value::{Map, Value, WeakMap};
use crate::{Limits, Text};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// A run of templates over the same values: what they change in maps stays changed until the session ends.
pub struct Session<'a> {
    pub(crate) host: &'a dyn Host,
    pub(crate) limits: Limits,
    steps: Cell<u64>,
    written: Cell<usize>,
    included: RefCell<HashMap<Text, usize>>,
    changed: RefCell<Vec<WeakMap>>,
    /// Texts given to `tpl`, which charts evaluate again and again.
    evaluated: RefCell<HashMap<Text, Rc<Vec<Arc<Tree>>>>>,
}

impl<'a> Session<'a> {
    /// Begins a session.
    pub fn new(host: &'a dyn Host, limits: Limits) -> Self {
        Self {
            host,
            limits,
            steps: Cell::new(0),
            written: Cell::new(0),
            included: RefCell::default(),
            changed: RefCell::default(),
            evaluated: RefCell::default(),
        }
    }

    /// Runs a template of a set; returns what it wrote.
    ///
    /// # Errors
    /// No such template, an error of the template, or a limit.
    pub fn execute(
        &self,
        set: &Set,
        name: &str,
        data: Value,
    ) -> Result<Vec<u8>, Box<ExecuteError>> {
        let layer = Layer {
            trees: &set.trees,
            below: None,
        };
        let scope = Scope {
            set,
            layer: &layer,
            session: self,
        };
        let Some(tree) = layer.get(name.as_bytes()) else {
            return Err(Box::new(ExecuteError {
                template: name.to_owned(),
                place: None,
                message: no_template(set, name.as_bytes()),
                failure: None,
            }));
        };
        run(&scope, tree, data)
    }

    pub(crate) fn remember(&self, map: &Map) {
        const OFTEN: usize = 4096;
        let mut changed = self.changed.borrow_mut();
        if changed.len() >= OFTEN && changed.len().is_power_of_two() {
            changed.retain(WeakMap::is_alive);
        }
        changed.extend(map.downgrade());
    }

    fn step(&self) -> Result<(), Failure> {
        let steps = self.steps.get() + 1;
        self.steps.set(steps);
        if steps > self.limits.steps {
            return Err(Failure::Limit(format!(
                "the templates ran more than {} nodes",
                self.limits.steps
            )));
        }
        Ok(())
    }

    /// Counts bytes written.
    fn wrote(&self, count: usize) -> Result<(), Failure> {
        let written = self.written.get().saturating_add(count);
        self.written.set(written);
        if written > self.limits.output {
            return Err(Failure::Limit(format!(
                "the templates wrote more than {} bytes",
                self.limits.output
            )));
        }
        Ok(())
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // A map that holds itself would never be freed.
        for map in self.changed.borrow().iter() {
            map.clear();
        }
    }
}

fn no_template(set: &Set, name: &[u8]) -> String {
    format!(
        "template: no template {} associated with template {}",
        quote(name),
        quote(set.name.as_bytes())
    )
}

fn run(scope: &Scope<'_>, tree: &Tree, data: Value) -> Result<Vec<u8>, Box<ExecuteError>> {
    let mut out = Vec::new();
    let data = Slot::bare(data);
    let mut state = State {
        scope,
        tree,
        out: &mut out,
        variables: vec![(b"$", data.clone())],
        depth: 0,
        at: At::Start,
    };
    crate::grow(|| state.walk_all(&data, &tree.root))?;
    Ok(out)
}

/// Runs a named template for `include`.
pub(crate) fn include(scope: &Scope<'_>, name: &Text, data: Value) -> Result<Text, Failure> {
    let session = scope.session;
    {
        let mut included = session.included.borrow_mut();
        let depth = included.entry(name.clone()).or_insert(0);
        // Parity: Helm compares before it counts, so one more than the limit gets through.
        if *depth > session.limits.include_depth {
            return Err(Failure::new(format!(
                "rendering template has a nested reference name: {name}: unable to execute template"
            )));
        }
        *depth += 1;
    }
    let result = match scope.layer.get(name.as_bytes()) {
        None => Err(Failure::new(no_template(scope.set, name.as_bytes()))),
        Some(tree) => run(scope, tree, data)
            .map(Text::from)
            .map_err(|source| Failure::Template {
                context: String::new(),
                source,
            }),
    };
    if let Some(depth) = session.included.borrow_mut().get_mut(name) {
        *depth -= 1;
    }
    result
}

/// Parses and runs a text for `tpl`.
pub(crate) fn evaluate(scope: &Scope<'_>, text: &Text, data: Value) -> Result<Text, Failure> {
    const KEPT: usize = 4096;
    let session = scope.session;
    let known = session.evaluated.borrow().get(text).cloned();
    let parsed = match known {
        Some(parsed) => parsed,
        None => {
            let name = &scope.set.name;
            let trees =
                crate::parse::parse(name, text.clone(), &scope.set.functions, &session.limits)
                    .map_err(|error| {
                        let text = quote(text.as_bytes());
                        Failure::new(format!("cannot parse template {text}: {error}"))
                    })?;
            let parsed = Rc::new(trees.into_iter().map(Arc::new).collect::<Vec<_>>());
            let mut evaluated = session.evaluated.borrow_mut();
            if evaluated.len() >= KEPT {
                evaluated.clear();
            }
            evaluated.insert(text.clone(), parsed.clone());
            parsed
        }
    };
    let Some(main) = parsed.first() else {
        return Ok(Text::default());
    };
    let trees: Trees = parsed
        .iter()
        .filter(|tree| !(tree.is_blank() && scope.layer.get(tree.name.as_bytes()).is_some()))
        .map(|tree| (tree.name.clone(), tree.clone()))
        .collect();
    let layer = Layer {
        trees: &trees,
        below: Some(scope.layer),
    };
    let inner = Scope {
        set: scope.set,
        layer: &layer,
        session,
    };
    let out = run(&inner, main, data).map_err(|source| Failure::Template {
        context: format!(
            "error during tpl function execution for {}: ",
            quote(text.as_bytes())
        ),
        source,
    })?;
    Ok(Text::from(out))
}

type Stop = Box<ExecuteError>;

/// One template being run.
struct State<'a, 'o> {
    scope: &'a Scope<'a>,
    tree: &'a Tree,
    out: &'o mut Vec<u8>,
    variables: Vec<(&'a [u8], Slot)>,
    /// How deep `{{template}}` is nested.
    depth: usize,
    at: At<'a>,
}

/// The node last looked at.
#[derive(Clone, Copy)]
enum At<'a> {
    Start,
    Node(&'a Node, u32),
    Pipe(&'a Pipe),
    Command(&'a [Operand]),
    Operand(&'a Operand),
}

impl<'a> State<'a, '_> {
    fn at(&mut self, at: At<'a>) {
        self.at = at;
    }

    /// Returns what a node calls by a place of its file.
    fn text(&self, span: Span) -> &'a [u8] {
        span.of(self.tree.source.text.as_bytes())
    }

    /// Lets a part of the template print itself.
    fn shown_part<T: ?Sized>(&self, part: &'a T) -> Shown<'a, T> {
        Shown {
            part,
            text: self.tree.source.text.as_bytes(),
        }
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T, Stop> {
        Err(self.error(message.into(), None))
    }

    fn error(&self, message: String, failure: Option<Failure>) -> Stop {
        let (position, node) = match self.at {
            At::Start => (None, String::new()),
            At::Node(node, position) => (Some(position), self.shown_part(node).to_string()),
            At::Pipe(pipe) => (Some(pipe.position), self.shown_part(pipe).to_string()),
            At::Command(command) => {
                let begin = command.first().and_then(|operand| operand.command);
                let position = begin.map_or(0, |begin| begin.get() - 1);
                (Some(position), self.shown_part(command).to_string())
            }
            At::Operand(operand) => (Some(operand.position), self.shown_part(operand).to_string()),
        };
        let template = self.tree.name.to_string();
        let place = position.map(|position| {
            let (line, column) = self.tree.source.line_and_column(position as usize);
            Place {
                file: self.tree.source.name.clone(),
                line,
                column,
                node,
            }
        });
        Box::new(ExecuteError {
            message: match place {
                Some(_) => message,
                None => format!("template: {template}: {message}"),
            },
            template,
            place,
            failure: failure.map(Box::new),
        })
    }
}
