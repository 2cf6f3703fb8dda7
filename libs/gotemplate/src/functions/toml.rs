//! TOML: written as BurntSushi/toml writes it, read by the toml crate.

mod read;
mod write;

use super::arguments::{ANY, STRING, text, value};
use super::function;
use super::json::error_map;
use crate::function::{Failure, Function, Scope};
use crate::value::Value;

pub(super) const TABLE: &[Function] = &[
    function("fromToml", &[STRING], from_toml),
    function("mustToToml", &[ANY], must_to_toml),
    function("toToml", &[ANY], to_toml),
];

type Result_ = Result<Value, Failure>;

fn from_toml(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(read::read(&text(arguments, 0).to_str()).unwrap_or_else(error_map))
}

fn must_to_toml(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    match write::encode(&value(arguments, 0))? {
        Ok(text) => Ok(Value::string(text)),
        Err(message) => Err(Failure::Message(
            String::from_utf8_lossy(&message).into_owned(),
        )),
    }
}

fn to_toml(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    // Parity: the text of an error is the result.
    Ok(match write::encode(&value(arguments, 0))? {
        Ok(text) | Err(text) => Value::string(text),
    })
}
