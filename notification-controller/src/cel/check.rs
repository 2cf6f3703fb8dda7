//! The static checks that cel-go makes when it compiles: declared names, fitting overloads, the type of
//! the whole.

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue};

use super::functions::{Overload, TABLE};
use super::types::{Bindings, Type};

/// Finds the type of an expression over variables that are JSON objects.
pub(super) fn check(expression: &IdedExpr, variables: &[&str]) -> Result<Type, Issue> {
    let object = || Type::Map(Box::new(Type::String), Box::new(Type::Dyn));
    let mut checker = Checker {
        scope: variables
            .iter()
            .map(|name| ((*name).to_owned(), object()))
            .collect(),
        bindings: Bindings::default(),
    };
    // The signatures use the variables 0 and 1; none of them is ever bound.
    checker.bindings.fresh();
    let found = checker.expression(expression)?;
    Ok(checker.bindings.settle(&found))
}

/// How many expressions stand inside one another at the deepest place.
pub(super) fn depth(expression: &IdedExpr) -> usize {
    let below = match &expression.expr {
        Expr::Call(call) => call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .map(depth)
            .max(),
        Expr::Select(select) => Some(depth(&select.operand)),
        Expr::List(list) => list.elements.iter().map(depth).max(),
        Expr::Map(map) => map
            .entries
            .iter()
            .map(|entry| entry_depth(&entry.expr))
            .max(),
        Expr::Struct(message) => message
            .entries
            .iter()
            .map(|entry| entry_depth(&entry.expr))
            .max(),
        Expr::Comprehension(comprehension) => [
            &comprehension.iter_range,
            &comprehension.accu_init,
            &comprehension.loop_step,
        ]
        .into_iter()
        .map(depth)
        .max(),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => None,
    };
    1 + below.unwrap_or_default()
}

fn entry_depth(entry: &EntryExpr) -> usize {
    match entry {
        EntryExpr::MapEntry(entry) => depth(&entry.key).max(depth(&entry.value)),
        EntryExpr::StructField(field) => depth(&field.value),
    }
}

/// Something wrong with an expression, and the word to look for in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Issue {
    message: String,
    near: String,
}

impl Issue {
    fn new(message: String, near: &str) -> Self {
        Self {
            message,
            near: near.to_owned(),
        }
    }

    /// Prints as cel-go does, with the line and a pointer.
    pub(super) fn locate(&self, text: &str) -> String {
        let at = find_word(text, &self.near).unwrap_or(0);
        let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let number = text[..line_start].matches('\n').count() + 1;
        let column = text[line_start..at].chars().count();
        let dots = ".".repeat(column);
        format!(
            "ERROR: <input>:{number}:{}: {}\n | {line}\n | {dots}^",
            column + 1,
            self.message
        )
    }
}

/// Where a name stands as a whole word.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

struct Checker {
    scope: Vec<(String, Type)>,
    bindings: Bindings,
}

impl Checker {
    fn expression(&mut self, expression: &IdedExpr) -> Result<Type, Issue> {
        match &expression.expr {
            Expr::Literal(literal) => Ok(match literal {
                LiteralValue::Boolean(_) => Type::Bool,
                LiteralValue::Bytes(_) => Type::Bytes,
                LiteralValue::Double(_) => Type::Double,
                LiteralValue::Int(_) => Type::Int,
                LiteralValue::Null => Type::Null,
                LiteralValue::String(_) => Type::String,
                LiteralValue::UInt(_) => Type::Uint,
            }),
            Expr::Ident(name) => self.name(name),
            Expr::Select(select) => {
                let operand = self.expression(&select.operand)?;
                let found = self.select(&operand, &select.field)?;
                Ok(if select.test { Type::Bool } else { found })
            }
            Expr::List(list) => {
                let item = self.bindings.fresh();
                for element in &list.elements {
                    let found = self.expression(element)?;
                    self.same(&found, &item)?;
                }
                Ok(Type::List(Box::new(self.bindings.resolve(&item))))
            }
            Expr::Map(map) => {
                let (key, value) = (self.bindings.fresh(), self.bindings.fresh());
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else {
                        return Err(Issue::new("unexpected field in a map".to_owned(), ""));
                    };
                    let found = self.expression(&entry.key)?;
                    self.same(&found, &key)?;
                    let found = self.expression(&entry.value)?;
                    self.same(&found, &value)?;
                }
                let (key, value) = (self.bindings.resolve(&key), self.bindings.resolve(&value));
                Ok(Type::Map(Box::new(key), Box::new(value)))
            }
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Struct(message) => Err(undeclared(&message.type_name)),
            Expr::Unspecified => Err(Issue::new("empty expression".to_owned(), "")),
        }
    }

    fn name(&self, name: &str) -> Result<Type, Issue> {
        let found = self.scope.iter().rev().find(|(known, _)| known == name);
        found
            .map(|(_, found)| self.bindings.resolve(found))
            .ok_or_else(|| undeclared(name))
    }

    fn select(&self, operand: &Type, field: &str) -> Result<Type, Issue> {
        match self.bindings.resolve(operand) {
            Type::Map(_, value) => Ok(*value),
            Type::Dyn | Type::Var(_) => Ok(Type::Dyn),
            Type::Optional(inner) => Ok(Type::Optional(Box::new(self.select(&inner, field)?))),
            other => Err(Issue::new(
                format!("type '{other}' does not support field selection"),
                field,
            )),
        }
    }

    /// Elements of one literal are of one type (Flux sets HomogeneousAggregateLiterals).
    fn same(&mut self, found: &Type, wanted: &Type) -> Result<(), Issue> {
        if self.bindings.assignable(found, wanted) {
            return Ok(());
        }
        let (wanted, found) = (self.bindings.settle(wanted), self.bindings.settle(found));
        Err(Issue::new(
            format!("expected type '{wanted}' but found '{found}'"),
            "",
        ))
    }

    fn call(&mut self, call: &CallExpr) -> Result<Type, Issue> {
        let mut arguments = Vec::with_capacity(call.args.len());
        // A dotted prefix that names a function is a namespace, not a value.
        let qualified = call
            .target
            .as_deref()
            .and_then(path)
            .map(|p| format!("{p}.{}", call.func_name));
        if let Some(name) = qualified.filter(|name| TABLE.contains_key(name.as_str())) {
            for argument in &call.args {
                arguments.push(self.expression(argument)?);
            }
            return self.overloads(&name, None, &arguments, &call.func_name);
        }
        let receiver = match &call.target {
            Some(target) => Some(self.expression(target)?),
            None => None,
        };
        for argument in &call.args {
            arguments.push(self.expression(argument)?);
        }
        self.overloads(
            &call.func_name,
            receiver.as_ref(),
            &arguments,
            &call.func_name,
        )
    }

    fn overloads(
        &mut self,
        name: &str,
        receiver: Option<&Type>,
        arguments: &[Type],
        near: &str,
    ) -> Result<Type, Issue> {
        let Some(overloads) = TABLE.get(name) else {
            return Err(undeclared(name));
        };
        let mut result: Option<Type> = None;
        for overload in overloads {
            let Some(found) = self.overload(overload, receiver, arguments) else {
                continue;
            };
            result = Some(match result {
                None => found,
                Some(known) if known == found => known,
                // Several overloads fit: only the evaluation can tell.
                Some(_) => Type::Dyn,
            });
        }
        result.ok_or_else(|| {
            let settled = |list: &[Type]| -> String {
                list.iter()
                    .map(|t| self.bindings.settle(t).to_string())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let applied = match receiver {
                Some(receiver) => {
                    format!(
                        "{}.({})",
                        self.bindings.settle(receiver),
                        settled(arguments)
                    )
                }
                None => format!("({})", settled(arguments)),
            };
            Issue::new(
                format!("found no matching overload for '{name}' applied to '{applied}'"),
                near,
            )
        })
    }

    /// Returns the result type where an overload fits.
    fn overload(
        &mut self,
        overload: &Overload,
        receiver: Option<&Type>,
        arguments: &[Type],
    ) -> Option<Type> {
        if overload.receiver.is_some() != receiver.is_some()
            || overload.arguments.len() != arguments.len()
        {
            return None;
        }
        let (a, b) = (self.bindings.fresh(), self.bindings.fresh());
        let mut attempt = self.bindings.clone();
        let wanted = overload.receiver.iter().chain(&overload.arguments);
        for (found, wanted) in receiver.into_iter().chain(arguments).zip(wanted) {
            if !attempt.assignable(found, &instantiate(wanted, &a, &b)) {
                return None;
            }
        }
        let result = attempt.resolve(&instantiate(&overload.result, &a, &b));
        self.bindings = attempt;
        Some(result)
    }

    fn comprehension(&mut self, comprehension: &ComprehensionExpr) -> Result<Type, Issue> {
        let range = self.expression(&comprehension.iter_range)?;
        let item = match self.bindings.resolve(&range) {
            Type::List(item) => *item,
            Type::Map(key, _) => *key,
            Type::Dyn | Type::Var(_) => Type::Dyn,
            other => {
                return Err(Issue::new(
                    format!(
                        "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                    ),
                    "",
                ));
            }
        };
        let accumulator = self.expression(&comprehension.accu_init)?;
        let depth = self.scope.len();
        self.scope
            .push((comprehension.accu_var.clone(), accumulator.clone()));
        self.scope.push((comprehension.iter_var.clone(), item));
        let checked = self.steps(comprehension, &accumulator);
        self.scope.truncate(depth + 1);
        checked?;
        let result = self.expression(&comprehension.result);
        self.scope.truncate(depth);
        result
    }

    fn steps(
        &mut self,
        comprehension: &ComprehensionExpr,
        accumulator: &Type,
    ) -> Result<(), Issue> {
        let condition = self.expression(&comprehension.loop_cond)?;
        self.same(&condition, &Type::Bool)?;
        let step = self.expression(&comprehension.loop_step)?;
        self.same(&step, accumulator)
    }
}

fn instantiate(of: &Type, a: &Type, b: &Type) -> Type {
    match of {
        Type::Var(0) => a.clone(),
        Type::Var(_) => b.clone(),
        Type::List(item) => Type::List(Box::new(instantiate(item, a, b))),
        Type::Optional(item) => Type::Optional(Box::new(instantiate(item, a, b))),
        Type::Map(key, value) => Type::Map(
            Box::new(instantiate(key, a, b)),
            Box::new(instantiate(value, a, b)),
        ),
        other => other.clone(),
    }
}

/// The dotted name that a chain of selections spells.
fn path(expression: &IdedExpr) -> Option<String> {
    match &expression.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => {
            Some(format!("{}.{}", path(&select.operand)?, select.field))
        }
        _ => None,
    }
}

fn undeclared(name: &str) -> Issue {
    Issue::new(
        format!("undeclared reference to '{name}' (in container '')"),
        name,
    )
}
