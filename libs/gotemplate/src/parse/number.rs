//! Numbers: what an untyped constant can be.

use super::token::{Kind, Token};
use crate::node::Number;
use crate::quote::{quote, unquote_rune};

/// Reads a number with Go's rules: a text may be an integer, an unsigned one and a float at once.
pub(super) fn number(token: &Token<'_>) -> Result<Number, String> {
    let text = String::from_utf8_lossy(&token.text);
    let mut number = Number {
        text: token.span(),
        int: None,
        uint: None,
        float: None,
        is_complex: false,
    };
    if token.kind == Kind::CharConstant {
        let code = unquote_rune(&token.text)
            .ok_or_else(|| format!("malformed character constant: {text}"))?;
        number.int = Some(code);
        number.uint = u64::try_from(code).ok();
        number.float = Some(code as f64);
        return Ok(number);
    }
    let bad = || format!("bad number syntax: {}", quote(text.as_bytes()));
    if token.kind == Kind::Complex {
        let (real, imaginary) = complex(&text).ok_or_else(bad)?;
        simplify(&mut number, real, imaginary);
        return Ok(number);
    }
    if let Some(imaginary) = text.strip_suffix('i')
        && let Some(imaginary) = float(imaginary)
    {
        simplify(&mut number, 0.0, imaginary);
        return Ok(number);
    }
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text.as_ref()),
    };
    let magnitude = unsigned(digits);
    if text.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        number.uint = magnitude;
    }
    number.int = magnitude.and_then(|magnitude| {
        if negative {
            0i64.checked_sub_unsigned(magnitude)
        } else {
            i64::try_from(magnitude).ok()
        }
    });
    if number.int == Some(0) {
        // Parity: `-0` is an unsigned zero too.
        number.uint = Some(0);
    }
    if let Some(int) = number.int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else if let Some(value) = float(&text) {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quote(text.as_bytes())));
        }
        number.float = Some(value);
        if value.trunc() == value {
            if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) {
                number.int = Some(value as i64);
            }
            if (0.0..18_446_744_073_709_551_616.0).contains(&value) {
                number.uint = Some(value as u64);
            }
        }
    }
    if number.int.is_none() && number.uint.is_none() && number.float.is_none() {
        return Err(format!("illegal number syntax: {}", quote(text.as_bytes())));
    }
    Ok(number)
}

/// Takes the real part of a complex constant for a float or an integer where there is no imaginary one.
fn simplify(number: &mut Number, real: f64, imaginary: f64) {
    number.is_complex = true;
    if imaginary == 0.0 {
        number.float = Some(real);
        if real.trunc() == real && real.abs() < 9.2e18 {
            number.int = Some(real as i64);
            number.uint = u64::try_from(real as i64).ok();
        }
    }
}

fn complex(text: &str) -> Option<(f64, f64)> {
    let body = text.strip_suffix('i')?;
    let bytes = body.as_bytes();
    let split = (1..bytes.len())
        .rev()
        .find(|at| matches!(bytes[*at], b'+' | b'-') && !matches!(bytes[at - 1], b'e' | b'E'))?;
    Some((float(&body[..split])?, float(&body[split..])?))
}

/// Reads an integer with its base prefix; underscores stand between digits only.
fn unsigned(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (radix, digits, prefixed) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest, true)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest, true)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest, true)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..], true)
    } else {
        (10, lower.as_str(), false)
    };
    let digits = separated(digits, prefixed)?;
    u64::from_str_radix(&digits, radix).ok()
}

/// Reads a float, decimal or hexadecimal.
fn float(text: &str) -> Option<f64> {
    let (sign, body) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let lower = body.to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("0x") {
        return Some(sign * hexadecimal(rest)?);
    }
    if lower.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    // Parity: Go takes underscores in floats only with a base prefix.
    let value: f64 = lower.parse().ok()?;
    value.is_finite().then_some(sign * value)
}

fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let mantissa = separated(mantissa, true)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    let value = u64::from_str_radix(&digits, 16).ok()? as f64;
    let shift = exponent - 4 * i32::try_from(fraction.len()).ok()?;
    let result = value * 2f64.powi(shift);
    result.is_finite().then_some(result)
}

/// Takes underscores out, if each stands between two digits (or between prefix and digit).
fn separated(digits: &str, prefixed: bool) -> Option<String> {
    if !digits.contains('_') {
        return Some(digits.to_owned());
    }
    let body = if prefixed {
        digits.strip_prefix('_').unwrap_or(digits)
    } else {
        digits
    };
    let well = !body.starts_with('_') && !body.ends_with('_') && !body.contains("__");
    well.then(|| body.replace('_', ""))
}
