//! Arithmetic: integers wrap as Go's, floats go through exact decimals.

mod decimal;

use super::arguments::{ANY, FLOAT, INT, int, value};
use super::convert::{float64, int64, steps};
use super::{function, variadic};
use crate::function::{Failure, Function, Scope};
use crate::value::Value;
use decimal::Decimal;

pub(super) const TABLE: &[Function] = &[
    variadic("add", &[ANY], add),
    function("add1", &[ANY], add1),
    function("add1f", &[ANY], add1f),
    variadic("addf", &[ANY], addf),
    variadic("biggest", &[ANY, ANY], max),
    function("ceil", &[ANY], ceil),
    function("div", &[ANY, ANY], div),
    variadic("divf", &[ANY, ANY], divf),
    function("floor", &[ANY], floor),
    variadic("max", &[ANY, ANY], max),
    variadic("maxf", &[ANY, ANY], maxf),
    variadic("min", &[ANY, ANY], min),
    variadic("minf", &[ANY, ANY], minf),
    function("mod", &[ANY, ANY], modulo),
    variadic("mul", &[ANY, ANY], mul),
    variadic("mulf", &[ANY, ANY], mulf),
    variadic("round", &[ANY, INT, FLOAT], round),
    variadic("seq", &[INT], seq),
    function("sub", &[ANY, ANY], sub),
    variadic("subf", &[ANY, ANY], subf),
];

type Result_ = Result<Value, Failure>;

fn integers(arguments: &[Value]) -> impl Iterator<Item = i64> + '_ {
    arguments.iter().map(int64)
}

fn floats(arguments: &[Value]) -> impl Iterator<Item = f64> + '_ {
    arguments.iter().map(float64)
}

fn add(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::Int64(integers(arguments).fold(0, i64::wrapping_add)))
}

fn add1(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::Int64(int64(&value(arguments, 0)).wrapping_add(1)))
}

fn sub(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (a, b) = (int64(&value(arguments, 0)), int64(&value(arguments, 1)));
    Ok(Value::Int64(a.wrapping_sub(b)))
}

fn mul(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::Int64(integers(arguments).fold(1, i64::wrapping_mul)))
}

const BY_ZERO: &str = "runtime error: integer divide by zero";

fn div(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (a, b) = (int64(&value(arguments, 0)), int64(&value(arguments, 1)));
    if b == 0 {
        return Err(BY_ZERO.into());
    }
    Ok(Value::Int64(a.wrapping_div(b)))
}

fn modulo(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (a, b) = (int64(&value(arguments, 0)), int64(&value(arguments, 1)));
    if b == 0 {
        return Err(BY_ZERO.into());
    }
    Ok(Value::Int64(a.wrapping_rem(b)))
}

fn max(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::Int64(integers(arguments).max().unwrap_or(0)))
}

fn min(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::Int64(integers(arguments).min().unwrap_or(0)))
}

/// Chooses as Go's `math.Max` and `math.Min`, for which not a number wins.
fn extreme(arguments: &[Value], take: fn(f64, f64) -> f64) -> Result_ {
    let mut numbers = floats(arguments);
    let first = numbers.next().unwrap_or(0.0);
    Ok(Value::Float64(numbers.fold(first, |a, b| {
        if a.is_nan() || b.is_nan() {
            f64::NAN
        } else {
            take(a, b)
        }
    })))
}

fn maxf(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    extreme(arguments, f64::max)
}

fn minf(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    extreme(arguments, f64::min)
}

fn ceil(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::Float64(float64(&value(arguments, 0)).ceil()))
}

fn floor(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::Float64(float64(&value(arguments, 0)).floor()))
}

fn round(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let number = float64(&value(arguments, 0));
    let places = int(arguments, 1);
    let threshold = arguments.get(2).map_or(0.5, float64);
    let power = power_of_ten(places);
    let digit = power * number;
    // Parity: the fraction of a negative number is negative, so it is always rounded down.
    let rounded = if digit.fract() >= threshold {
        digit.ceil()
    } else {
        digit.floor()
    };
    Ok(Value::Float64(rounded / power))
}

/// Raises ten to a power by squaring, as Go does: its last digits are not those of other ways.
fn power_of_ten(exponent: i64) -> f64 {
    let mut left = exponent.unsigned_abs();
    if left > 400 {
        return if exponent > 0 { f64::INFINITY } else { 0.0 };
    }
    // Ten as a fraction between a half and one, and the power of two that it was divided by.
    let (mut factor, mut shift) = (0.625, 4i32);
    let (mut product, mut exponent_of_two) = (1.0, 0i32);
    while left > 0 {
        if left & 1 == 1 {
            product *= factor;
            exponent_of_two += shift;
        }
        factor *= factor;
        shift <<= 1;
        if factor < 0.5 {
            factor += factor;
            shift -= 1;
        }
        left >>= 1;
    }
    if exponent < 0 {
        product = 1.0 / product;
        exponent_of_two = -exponent_of_two;
    }
    // In two steps, since neither alone may fit.
    let half = exponent_of_two / 2;
    product * 2f64.powi(half) * 2f64.powi(exponent_of_two - half)
}

fn seq(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let at = |index| int(arguments, index);
    let (start, end, step) = match arguments.len() {
        1 => (1, at(0), if at(0) < 1 { -1 } else { 1 }),
        2 => (at(0), at(1), if at(1) < at(0) { -1 } else { 1 }),
        3 => (at(0), at(2), at(1)),
        _ => return Ok(Value::from("")),
    };
    if end < start && step > 0 {
        return Ok(Value::from(""));
    }
    let increment = if end < start { -1 } else { 1 };
    let numbers = steps(scope, start, end.saturating_add(increment), step)?;
    let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    Ok(Value::from(words.join(" ")))
}

/// Runs an operation over decimals from left to right.
fn decimals(
    first: f64,
    others: &[Value],
    run: fn(&Decimal, &Decimal) -> Result<Decimal, Failure>,
) -> Result_ {
    let mut result = Decimal::from_float(first)?;
    for other in others {
        result = run(&result, &Decimal::from_float(float64(other))?)?;
    }
    Ok(Value::Float64(result.to_float()))
}

fn add1f(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    decimals(float64(&value(arguments, 0)), &[Value::Int(1)], |a, b| {
        Ok(a.add(b))
    })
}

fn addf(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    decimals(0.0, arguments, |a, b| Ok(a.add(b)))
}

fn subf(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    decimals(float64(&value(arguments, 0)), &arguments[1..], |a, b| {
        Ok(a.subtract(b))
    })
}

fn mulf(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    decimals(float64(&value(arguments, 0)), &arguments[1..], |a, b| {
        Ok(a.multiply(b))
    })
}

fn divf(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    decimals(
        float64(&value(arguments, 0)),
        &arguments[1..],
        Decimal::divide,
    )
}
