//! Conversions: `toString`, `int`, `float64` and kin, by the rules of spf13/cast.

use super::arguments::{ANY, INT, STRING, int, text, value};
use super::function;
use crate::Text;
use crate::format;
use crate::function::{Failure, Function, Scope};
use crate::value::{List, ListType, Value};

pub(super) const TABLE: &[Function] = &[
    function("atoi", &[STRING], atoi),
    function("float64", &[ANY], to_float64),
    function("int", &[ANY], to_int),
    function("int64", &[ANY], to_int64),
    function("toDecimal", &[ANY], to_decimal),
    function("toString", &[ANY], to_string),
    function("toStrings", &[ANY], to_strings),
    function("until", &[INT], until),
    function("untilStep", &[INT, INT, INT], until_step),
];

/// Makes text of a value: strings and bytes as they are, all else as `%v`.
pub(super) fn strval(value: &Value) -> Result<Text, Failure> {
    match value {
        Value::String(text) | Value::Bytes(text) => Ok(text.clone()),
        other => {
            let mut out = Vec::new();
            format::display(&mut out, other)?;
            Ok(out.into())
        }
    }
}

/// Makes a list of texts; nils in it are dropped, a scalar becomes a list of one.
pub(super) fn strslice(value: &Value) -> Result<Vec<Text>, Failure> {
    match value {
        Value::List(list) => list
            .to_vec()
            .iter()
            .filter(|item| !matches!(item, Value::Nil))
            .map(strval)
            .collect(),
        Value::Bytes(bytes) => bytes
            .as_bytes()
            .iter()
            .map(|byte| strval(&Value::Uint8(*byte)))
            .collect(),
        Value::Nil => Ok(Vec::new()),
        other => Ok(vec![strval(other)?]),
    }
}

/// Makes an integer of anything: floats lose their fraction, texts are read with their base prefix, all else is 0.
pub(super) fn int64(value: &Value) -> i64 {
    match value {
        Value::Int(i) | Value::Int64(i) => *i,
        Value::Uint8(i) => i64::from(*i),
        Value::Uint64(i) => *i as i64,
        Value::Float64(f) => truncate(*f),
        Value::String(text) => parse_int(without_zero_decimal(text)).unwrap_or(0),
        Value::Bool(b) => i64::from(*b),
        Value::Object(object) => object.calendar_number().unwrap_or(0),
        _ => 0,
    }
}

/// Converts as the processors Go runs on do: what does not fit becomes the smallest integer.
fn truncate(float: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float) {
        float as i64
    } else {
        i64::MIN
    }
}

/// Makes a float of anything; what is no number is 0.
pub(super) fn float64(value: &Value) -> f64 {
    match value {
        Value::Float64(f) => *f,
        Value::Int(i) | Value::Int64(i) => *i as f64,
        Value::Uint8(i) => f64::from(*i),
        Value::Uint64(i) => *i as f64,
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::String(text) => text.as_str().and_then(parse_float).unwrap_or(0.0),
        Value::Object(object) => object.calendar_number().unwrap_or(0) as f64,
        _ => 0.0,
    }
}

/// Reads a float as `strconv.ParseFloat`, which also takes `inf`, `nan`, hexadecimal and its underscores.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = body.to_ascii_lowercase();
    if let Some(hexadecimal) = lower.strip_prefix("0x") {
        let (mantissa, exponent) = hexadecimal.split_once('p')?;
        let mantissa = mantissa.replace('_', "");
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
        let digits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
        let shift = exponent.parse::<i32>().ok()? - 4 * i32::try_from(fraction.len()).ok()?;
        let value = digits as f64 * 2f64.powi(shift);
        return Some(if text.starts_with('-') { -value } else { value });
    }
    let known = matches!(lower.as_str(), "inf" | "infinity" | "nan");
    if !known && !lower.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    (known || value.is_finite()).then_some(value)
}

/// Cuts `.0`, `.00` and so on off.
fn without_zero_decimal(text: &Text) -> &str {
    let text = text.as_str().unwrap_or_default();
    let trimmed = text.trim_end_matches('0');
    if trimmed.len() < text.len() {
        trimmed.strip_suffix('.').unwrap_or(text)
    } else {
        text
    }
}

/// Reads an integer as `strconv.ParseInt` with base 0: prefixes and underscores count, octal is a leading zero.
pub(super) fn parse_int(text: &str) -> Option<i64> {
    let (negative, body) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = body.to_ascii_lowercase();
    let (radix, digits, prefixed) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..], true),
        [b'0', b'b', ..] => (2, &lower[2..], true),
        [b'0', b'o', ..] => (8, &lower[2..], true),
        [b'0', _, ..] => (8, &lower[1..], true),
        _ => (10, lower.as_str(), false),
    };
    let body = if prefixed {
        digits.strip_prefix('_').unwrap_or(digits)
    } else {
        digits
    };
    if body.starts_with(['_', '+', '-']) || body.ends_with('_') || body.contains("__") {
        return None;
    }
    let magnitude = u64::from_str_radix(&body.replace('_', ""), radix).ok()?;
    if negative {
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

fn atoi(_: &Scope<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let text = text(arguments, 0);
    let text = text.as_str().unwrap_or_default();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let number = if digits.bytes().all(|b| b.is_ascii_digit()) && !digits.is_empty() {
        // Parity: out of range Go returns the bound beside the error that is dropped.
        text.parse().unwrap_or(if text.starts_with('-') {
            i64::MIN
        } else {
            i64::MAX
        })
    } else {
        0
    };
    Ok(Value::Int(number))
}

fn to_float64(_: &Scope<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Float64(float64(&value(arguments, 0))))
}

fn to_int(_: &Scope<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Int(int64(&value(arguments, 0))))
}

fn to_int64(_: &Scope<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Int64(int64(&value(arguments, 0))))
}

fn to_decimal(_: &Scope<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let text = strval(&value(arguments, 0))?;
    let text = text.as_str().unwrap_or_default();
    let digits = text.strip_prefix('+').unwrap_or(text);
    let number = if digits.starts_with('+') {
        None
    } else {
        i64::from_str_radix(digits, 8).ok()
    };
    Ok(Value::Int64(number.unwrap_or(0)))
}

fn to_string(_: &Scope<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::String(strval(&value(arguments, 0))?))
}

fn to_strings(_: &Scope<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    match arguments.first() {
        // Parity: a `[]string` is returned as it is, shared.
        Some(Value::List(list)) if list.of().name == ListType::STRINGS.name => {
            Ok(Value::List(list.clone()))
        }
        argument => {
            let texts = strslice(argument.unwrap_or(&Value::Nil))?;
            Ok(super::arguments::list_of_strings(texts))
        }
    }
}

fn until(scope: &Scope<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let count = int(arguments, 0);
    let numbers = steps(scope, 0, count, if count < 0 { -1 } else { 1 })?;
    Ok(ints(numbers))
}

fn until_step(scope: &Scope<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (start, stop, step) = (int(arguments, 0), int(arguments, 1), int(arguments, 2));
    Ok(ints(steps(scope, start, stop, step)?))
}

fn ints(numbers: Vec<i64>) -> Value {
    Value::List(List::new(
        numbers.into_iter().map(Value::Int).collect(),
        &ListType::INTS,
    ))
}

/// Counts from start to stop, which is left out; a step in the wrong direction counts nothing.
pub(super) fn steps(
    scope: &Scope<'_>,
    start: i64,
    stop: i64,
    step: i64,
) -> Result<Vec<i64>, Failure> {
    let wrong = if stop < start { step >= 0 } else { step <= 0 };
    if wrong {
        return Ok(Vec::new());
    }
    let count = start.abs_diff(stop).div_ceil(step.unsigned_abs());
    check_size(scope, usize::try_from(count).unwrap_or(usize::MAX))?;
    let mut numbers = Vec::new();
    let mut next = Some(start);
    while let Some(number) = next.filter(|n| if step > 0 { *n < stop } else { *n > stop }) {
        numbers.push(number);
        next = number.checked_add(step);
    }
    Ok(numbers)
}

/// Refuses results that are too large.
pub(super) fn check_size(scope: &Scope<'_>, size: usize) -> Result<(), Failure> {
    let most = scope.limits().size;
    if size > most {
        return Err(Failure::Limit(format!(
            "a function would make a value larger than {most} bytes or elements"
        )));
    }
    Ok(())
}
