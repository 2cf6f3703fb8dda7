//! Go's `fmt`: `Sprint`, `Sprintln`, `Sprintf` over [`Value`]s.
//!
//! Misuse never fails, it is printed: `%!d(string=x)`, `%!s(MISSING)`, `%!(EXTRA int=1)`. The only error is a value
//! that nests too deeply or holds itself, where Go would crash.

mod float;
mod printer;
mod printf;

pub use float::format_float;
pub use printf::sprintf;

use crate::function::Failure;
use crate::value::Value;
use printer::Printer;

/// Prints values as `fmt.Sprint`: a space between two operands of which neither is a string.
///
/// # Errors
/// [`Failure::Limit`] for a value that nests too deeply.
pub fn sprint(values: &[Value]) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let mut after_string = false;
    for (index, value) in values.iter().enumerate() {
        let is_string = matches!(value, Value::String(_));
        if index > 0 && !is_string && !after_string {
            out.push(b' ');
        }
        display(&mut out, value)?;
        after_string = is_string;
    }
    Ok(out)
}

/// Prints values as `fmt.Sprintln`: always a space between, a line feed at the end.
///
/// # Errors
/// [`Failure::Limit`] for a value that nests too deeply.
pub fn sprintln(values: &[Value]) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        display(&mut out, value)?;
    }
    out.push(b'\n');
    Ok(out)
}

/// Appends a value as `%v`; nil is `<nil>`.
///
/// # Errors
/// [`Failure::Limit`] for a value that nests too deeply.
pub fn display(out: &mut Vec<u8>, value: &Value) -> Result<(), Failure> {
    match value {
        Value::String(text) => out.extend_from_slice(text.as_bytes()),
        Value::Int(i) | Value::Int64(i) => out.extend_from_slice(i.to_string().as_bytes()),
        value => Printer::new(out).argument(value, 'v')?,
    }
    Ok(())
}
