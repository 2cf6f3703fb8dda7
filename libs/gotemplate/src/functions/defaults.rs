//! Defaults and flow: `default`, `empty`, `coalesce`, `ternary`, `fail`.

use super::arguments::{ANY, BOOL, STRING, text, value};
use super::{function, variadic};
use crate::function::{Failure, Function, Scope};
use crate::value::{Kind, Value};

pub(super) const TABLE: &[Function] = &[
    variadic("all", &[ANY], all),
    variadic("any", &[ANY], any),
    variadic("coalesce", &[ANY], coalesce),
    variadic("default", &[ANY, ANY], default),
    function("empty", &[ANY], empty),
    function("fail", &[STRING], fail),
    function("hello", &[], hello),
    function("ternary", &[ANY, ANY, BOOL], ternary),
];

type Result_ = Result<Value, Failure>;

/// Says whether a value is nil, zero or has no content; structs never are.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) => match object.kind() {
            Kind::Struct | Kind::Ptr => false,
            _ => object.integer() == Some(0),
        },
        other => !other.is_true(),
    }
}

fn all(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::Bool(!arguments.iter().any(is_empty)))
}

fn any(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::Bool(!arguments.iter().all(is_empty)))
}

fn coalesce(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let found = arguments.iter().find(|value| !is_empty(value));
    Ok(found.cloned().unwrap_or_default())
}

fn default(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(match arguments.get(1) {
        Some(given) if !is_empty(given) => given.clone(),
        _ => value(arguments, 0),
    })
}

fn empty(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::Bool(is_empty(&value(arguments, 0))))
}

fn fail(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Err(Failure::Message(text(arguments, 0).to_string()))
}

fn hello(_: &Scope<'_>, _: &[Value]) -> Result_ {
    Ok(Value::from("Hello!"))
}

fn ternary(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let chosen = usize::from(!value(arguments, 2).is_true());
    Ok(value(arguments, chosen))
}
