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

const TABLE: &[(&str, Builtin)] = &[
    ("and", new(&[ANY, ANY], true, Body::Logic(false))),
    ("call", new(&[ANY, ANY], true, Body::Call)),
    ("eq", new(&[ANY, ANY], true, Body::Slots(compare::eq))),
    ("ge", new(&[ANY, ANY], false, Body::Slots(compare::ge))),
    ("gt", new(&[ANY, ANY], false, Body::Slots(compare::gt))),
    ("html", new(&[ANY], true, Body::Values(escape::html))),
    ("index", new(&[ANY, ANY], true, Body::Slots(index::index))),
    ("js", new(&[ANY], true, Body::Values(escape::js))),
    ("le", new(&[ANY, ANY], false, Body::Slots(compare::le))),
    ("len", new(&[ANY], false, Body::Slots(index::len))),
    ("lt", new(&[ANY, ANY], false, Body::Slots(compare::lt))),
    ("ne", new(&[ANY, ANY], false, Body::Slots(compare::ne))),
    ("not", new(&[ANY], false, Body::Values(not))),
    ("or", new(&[ANY, ANY], true, Body::Logic(true))),
    ("print", new(&[ANY], true, Body::Values(print))),
    (
        "printf",
        new(&[Type::String, ANY], true, Body::Values(printf)),
    ),
    ("println", new(&[ANY], true, Body::Values(println))),
    ("slice", new(&[ANY, ANY], true, Body::Slots(index::slice))),
    (
        "urlquery",
        new(&[ANY], true, Body::Values(escape::urlquery)),
    ),
];

const fn new(parameters: &'static [Type], variadic: bool, body: Body) -> Builtin {
    Builtin {
        parameters,
        variadic,
        body,
    }
}

pub(crate) fn get(name: &str) -> Option<&'static Builtin> {
    let at = TABLE.binary_search_by(|(n, _)| (*n).cmp(name)).ok()?;
    Some(&TABLE[at].1)
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
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
    }
}
