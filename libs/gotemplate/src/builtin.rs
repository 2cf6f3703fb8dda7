//! The functions that Go's templates always have.

mod compare;
mod escape;
mod index;

use crate::Text;
use crate::execute::Slot;
use crate::format;
use crate::function::Failure;
use crate::types::Type;
use crate::value::Value;

/// A function of Go's own; unlike others it may see which nil an argument is.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Type],
    pub(crate) variadic: bool,
    pub(crate) body: Body,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Body {
    /// `and` and `or`: the truth that decides.
    Logic(bool),
    /// `call`: there is no value that is a function.
    Call,
    Slots(fn(&[Slot]) -> Result<Slot, Failure>),
    Values(fn(&[Value]) -> Result<Value, Failure>),
}

const ANY: Type = Type::Any;

const TABLE: &[Builtin] = &[
    new("and", &[ANY, ANY], true, Body::Logic(false)),
    new("call", &[ANY, ANY], true, Body::Call),
    new("eq", &[ANY, ANY], true, Body::Slots(compare::eq)),
    new("ge", &[ANY, ANY], false, Body::Slots(compare::ge)),
    new("gt", &[ANY, ANY], false, Body::Slots(compare::gt)),
    new("html", &[ANY], true, Body::Values(escape::html)),
    new("index", &[ANY, ANY], true, Body::Slots(index::index)),
    new("js", &[ANY], true, Body::Values(escape::js)),
    new("le", &[ANY, ANY], false, Body::Slots(compare::le)),
    new("len", &[ANY], false, Body::Slots(index::len)),
    new("lt", &[ANY, ANY], false, Body::Slots(compare::lt)),
    new("ne", &[ANY, ANY], false, Body::Slots(compare::ne)),
    new("not", &[ANY], false, Body::Values(not)),
    new("or", &[ANY, ANY], true, Body::Logic(true)),
    new("print", &[ANY], true, Body::Values(print)),
    new("printf", &[Type::String, ANY], true, Body::Values(printf)),
    new("println", &[ANY], true, Body::Values(println)),
    new("slice", &[ANY, ANY], true, Body::Slots(index::slice)),
    new("urlquery", &[ANY], true, Body::Values(escape::urlquery)),
];

const fn new(
    name: &'static str,
    parameters: &'static [Type],
    variadic: bool,
    body: Body,
) -> Builtin {
    Builtin {
        name,
        parameters,
        variadic,
        body,
    }
}

pub(crate) fn get(name: &str) -> Option<&'static Builtin> {
    let at = TABLE
        .binary_search_by(|builtin| builtin.name.cmp(name))
        .ok()?;
    Some(&TABLE[at])
}

fn not(arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Bool(!arguments.iter().any(Value::is_true)))
}

fn print(arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::String(format::sprint(arguments)?.into()))
}

fn println(arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::String(format::sprintln(arguments)?.into()))
}

fn printf(arguments: &[Value]) -> Result<Value, Failure> {
    let format = arguments.first().and_then(Value::as_text).cloned();
    let text = format::sprintf(
        format.unwrap_or_else(Text::default).as_bytes(),
        arguments.get(1..).unwrap_or_default(),
    )?;
    Ok(Value::String(text.into()))
}

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn the_table_is_sorted_for_its_search() {
        assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
    }
}
