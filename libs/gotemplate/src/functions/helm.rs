//! Helm's own functions that run templates or ask the host.

use super::arguments::{ANY, STRING, text, value};
use super::function;
use crate::Text;
use crate::function::{Failure, Function, Scope};
use crate::value::{Map, Value};
use std::borrow::Cow;

pub(super) const TABLE: &[Function] = &[
    function("fail", &[STRING], fail),
    function("getHostByName", &[STRING], get_host_by_name),
    function("include", &[STRING, ANY], include),
    function("lookup", &[STRING, STRING, STRING, STRING], lookup),
    function("required", &[STRING, ANY], required),
    function("tpl", &[STRING, ANY], tpl),
];

type Result_ = Result<Value, Failure>;

/// What `required` and `fail` put before and after their message, for Helm to find it in a chain of errors.
pub const MARKS: [&str; 2] = ["HELM_ERR_START", "HELM_ERR_END"];

/// Fails with a message for the user.
fn raise(message: &Text) -> Failure {
    let [start, end] = MARKS;
    Failure::Message(format!("{start}{message}{end}"))
}

fn fail(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Err(raise(&text(arguments, 0)))
}

fn include(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let result = scope.include(&text(arguments, 0), value(arguments, 1))?;
    Ok(Value::String(result))
}

fn tpl(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let result = scope.evaluate(&text(arguments, 0), value(arguments, 1))?;
    Ok(match without_no_value(result.as_bytes()) {
        Cow::Owned(kept) => Value::string(kept),
        Cow::Borrowed(_) => Value::String(result),
    })
}

/// Deletes what a missing value printed, as Helm does of everything it renders.
pub fn without_no_value(text: &[u8]) -> Cow<'_, [u8]> {
    const NO_VALUE: &[u8] = b"<no value>";
    let mut rest = text;
    let mut out = Vec::new();
    while let Some(at) = memchr::memmem::find(rest, NO_VALUE) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + NO_VALUE.len()..];
    }
    if rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

fn required(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let given = value(arguments, 1);
    let missing = match &given {
        Value::Nil => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    if missing {
        return Err(raise(&text(arguments, 0)));
    }
    Ok(given)
}

fn lookup(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let at = |index| text(arguments, index);
    match scope.host().lookup(&at(0), &at(1), &at(2), &at(3))? {
        Value::Nil => Ok(Value::Map(Map::empty())),
        found => Ok(found),
    }
}

fn get_host_by_name(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::String(scope.host().resolve(&text(arguments, 0))))
}
