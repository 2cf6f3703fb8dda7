//! Types and kinds, and `deepEqual`.

use super::arguments::{ANY, STRING, text, value};
use super::function;
use crate::function::{Failure, Function, Scope};
use crate::value::Value;

pub(super) const TABLE: &[Function] = &[
    function("deepEqual", &[ANY, ANY], deep_equal),
    function("kindIs", &[STRING, ANY], kind_is),
    function("kindOf", &[ANY], kind_of),
    function("typeIs", &[STRING, ANY], type_is),
    function("typeIsLike", &[STRING, ANY], type_is_like),
    function("typeOf", &[ANY], type_of),
];

type Result_ = Result<Value, Failure>;

fn deep_equal(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let equal = value(arguments, 0).deep_equal(&value(arguments, 1))?;
    Ok(Value::Bool(equal))
}

fn kind_is(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let kind = value(arguments, 1).kind().name();
    Ok(Value::Bool(text(arguments, 0) == kind))
}

fn kind_of(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::from(value(arguments, 0).kind().name()))
}

fn type_is(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let name = value(arguments, 1).type_name();
    Ok(Value::Bool(text(arguments, 0) == name))
}

fn type_is_like(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let name = value(arguments, 1).type_name();
    let target = text(arguments, 0);
    let pointed = name.strip_prefix('*').is_some_and(|name| target == name);
    Ok(Value::Bool(pointed || target == name))
}

fn type_of(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::from(value(arguments, 0).type_name()))
}
