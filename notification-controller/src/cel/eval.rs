//! Bounded evaluation by the `cel` crate.
//!
//! The parsed expression is rewritten once: equality and membership call our functions, and every round of
//! a comprehension first asks whether there is budget left.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kube_cel::KubeCelExt;
use kube_cel::cel::common::ast::{CallExpr, EntryExpr, Expr, operators};
use kube_cel::cel::objects::{Key, Map};
use kube_cel::cel::parser::Expression;
use kube_cel::cel::{Context, ExecutionError, IdedExpr, Value};
use serde_json::Value as Json;

/// How many rounds of comprehensions one evaluation may take.
const MAX_STEPS: u64 = 200_000;
/// How long one evaluation may take.
const MAX_TIME: Duration = Duration::from_secs(2);

const EQUALS: &str = "@equals";
const MEMBER: &str = "@member";
const STEP: &str = "@step";

/// Rewrites a parsed expression for [`evaluate`].
pub(super) fn prepare(mut expression: IdedExpr) -> IdedExpr {
    rewrite(&mut expression);
    expression
}

fn rewrite(node: &mut IdedExpr) {
    match &mut node.expr {
        Expr::Call(call) => {
            if let Some(target) = &mut call.target {
                rewrite(target);
            }
            call.args.iter_mut().for_each(rewrite);
            if call.target.is_none() && call.args.len() == 2 {
                match call.func_name.as_str() {
                    operators::EQUALS => call.func_name = EQUALS.to_owned(),
                    operators::IN => call.func_name = MEMBER.to_owned(),
                    operators::NOT_EQUALS => {
                        let equals = std::mem::take(call);
                        let equals = CallExpr {
                            func_name: EQUALS.to_owned(),
                            ..equals
                        };
                        *call = CallExpr {
                            func_name: operators::LOGICAL_NOT.to_owned(),
                            target: None,
                            args: vec![IdedExpr {
                                id: node.id,
                                expr: Expr::Call(equals),
                            }],
                        };
                    }
                    _ => {}
                }
            }
        }
        Expr::Comprehension(comprehension) => {
            for part in [
                &mut comprehension.iter_range,
                &mut comprehension.accu_init,
                &mut comprehension.loop_cond,
                &mut comprehension.loop_step,
                &mut comprehension.result,
            ] {
                rewrite(part);
            }
            let condition = std::mem::take(&mut comprehension.loop_cond);
            comprehension.loop_cond = IdedExpr {
                id: condition.id,
                expr: Expr::Call(CallExpr {
                    func_name: STEP.to_owned(),
                    target: None,
                    args: vec![condition],
                }),
            };
        }
        Expr::List(list) => list.elements.iter_mut().for_each(rewrite),
        Expr::Map(map) => {
            for entry in &mut map.entries {
                match &mut entry.expr {
                    EntryExpr::MapEntry(entry) => {
                        rewrite(&mut entry.key);
                        rewrite(&mut entry.value);
                    }
                    EntryExpr::StructField(field) => rewrite(&mut field.value),
                }
            }
        }
        Expr::Select(select) => rewrite(&mut select.operand),
        Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
    }
}

/// Evaluates a prepared expression to a boolean.
pub(super) fn evaluate(
    program: &Expression,
    variables: &BTreeMap<&str, &Json>,
) -> Result<bool, String> {
    let mut context = Context::default().with_all();
    context.add_function(EQUALS, |a: Value, b: Value| a == b);
    context.add_function(MEMBER, member);
    context.add_function("dyn", |value: Value| -> Result<Value, ExecutionError> {
        Ok(value)
    });
    context.add_function("bool", to_bool);
    let (steps, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
    context.add_function(STEP, move |go_on: bool| -> Result<bool, ExecutionError> {
        let taken = steps.fetch_add(1, Ordering::Relaxed);
        if taken >= MAX_STEPS || began.elapsed() > MAX_TIME {
            return Err(ExecutionError::function_error(
                STEP,
                "the evaluation takes too long",
            ));
        }
        Ok(go_on)
    });
    for (name, value) in variables {
        context.add_variable_from_value(*name, value_of(value));
    }
    match context.resolve(program).map_err(describe)? {
        Value::Bool(value) => Ok(value),
        _ => Err("the result is not a boolean".to_owned()),
    }
}

/// What went wrong, without the values that took part.
fn describe(error: ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("no such key: {key}"),
        ExecutionError::UndeclaredReference(name) => format!("no such attribute: {name}"),
        ExecutionError::FunctionError { message, .. } => message,
        ExecutionError::DivisionByZero(_) => "division by zero".to_owned(),
        ExecutionError::RemainderByZero(_) => "modulus by zero".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "index out of bounds".to_owned(),
        ExecutionError::Overflow(..) => "integer overflow".to_owned(),
        _ => "no such overload".to_owned(),
    }
}

fn member(item: Value, of: Value) -> Result<bool, ExecutionError> {
    match of {
        Value::List(items) => Ok(items.contains(&item)),
        Value::Map(map) => Ok(map.map.keys().any(|key| key_value(key) == item)),
        _ => Err(ExecutionError::NoSuchOverload),
    }
}

fn key_value(key: &Key) -> Value {
    match key {
        Key::Int(value) => Value::Int(*value),
        Key::Uint(value) => Value::UInt(*value),
        Key::Bool(value) => Value::Bool(*value),
        Key::String(value) => Value::String(Arc::clone(value)),
    }
}

fn to_bool(value: Value) -> Result<bool, ExecutionError> {
    match value {
        Value::Bool(value) => Ok(value),
        Value::String(text) => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
            _ => Err(ExecutionError::function_error(
                "bool",
                "type conversion error",
            )),
        },
        _ => Err(ExecutionError::NoSuchOverload),
    }
}

/// JSON as a protobuf Struct holds it: every number is a double.
fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Array(items) => Value::List(Arc::new(items.iter().map(value_of).collect())),
        Json::Object(fields) => {
            let map: HashMap<Key, Value> = fields
                .iter()
                .map(|(key, value)| (Key::String(Arc::new(key.clone())), value_of(value)))
                .collect();
            Value::Map(Map { map: Arc::new(map) })
        }
    }
}
