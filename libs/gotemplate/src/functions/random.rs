//! Randomness, from the host: names, passwords, numbers, UUIDs.

use super::arguments::{INT, STRING, int, text};
use super::convert::check_size;
use super::function;
use crate::function::{Failure, Function, Scope};
use crate::rune::runes;
use crate::value::Value;
use base64::Engine as _;

pub(super) const TABLE: &[Function] = &[
    function("randAlpha", &[INT], rand_alpha),
    function("randAlphaNum", &[INT], rand_alpha_num),
    function("randAscii", &[INT], rand_ascii),
    function("randBytes", &[INT], rand_bytes),
    function("randInt", &[INT, INT], rand_int),
    function("randNumeric", &[INT], rand_numeric),
    function("shuffle", &[STRING], shuffle),
    function("uuidv4", &[], uuidv4),
];

type Result_ = Result<Value, Failure>;

/// Draws a number below a bound, each equally likely.
fn below(scope: &Scope<'_>, bound: u64) -> Result<u64, Failure> {
    let rest = u64::MAX % bound.max(1);
    loop {
        let mut bytes = [0; 8];
        scope.host().random(&mut bytes)?;
        let number = u64::from_le_bytes(bytes);
        // What lies above the last multiple of the bound would favour small numbers.
        if number < u64::MAX - rest || rest == bound.saturating_sub(1) {
            return Ok(number % bound.max(1));
        }
    }
}

fn draw(scope: &Scope<'_>, arguments: &[Value], alphabet: &[u8]) -> Result_ {
    let count = int(arguments, 0);
    // Parity: a negative count is an error that sprig drops.
    let count = usize::try_from(count).unwrap_or(0);
    check_size(scope, count)?;
    let size = u64::try_from(alphabet.len()).unwrap_or(1);
    let mut letters = Vec::with_capacity(count);
    for _ in 0..count {
        letters.push(alphabet[usize::try_from(below(scope, size)?).unwrap_or(0)]);
    }
    Ok(Value::string(letters))
}

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789";

fn rand_alpha(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    draw(scope, arguments, LETTERS)
}

fn rand_alpha_num(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    draw(scope, arguments, &[LETTERS, DIGITS].concat())
}

fn rand_ascii(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let printable: Vec<u8> = (b' '..=b'~').collect();
    draw(scope, arguments, &printable)
}

fn rand_numeric(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    draw(scope, arguments, DIGITS)
}

fn rand_bytes(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let Ok(count) = usize::try_from(int(arguments, 0)) else {
        return Err("runtime error: makeslice: len out of range".into());
    };
    check_size(scope, count)?;
    let mut bytes = vec![0; count];
    scope.host().random(&mut bytes)?;
    let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
    Ok(Value::from(encoded))
}

fn rand_int(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (low, high) = (int(arguments, 0), int(arguments, 1));
    let span = high
        .checked_sub(low)
        .and_then(|span| u64::try_from(span).ok());
    match span {
        Some(span) if span > 0 => {
            let drawn = i64::try_from(below(scope, span)?).unwrap_or(0);
            Ok(Value::Int(low + drawn))
        }
        _ => Err("invalid argument to Intn".into()),
    }
}

fn shuffle(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut letters: Vec<char> = runes(text(arguments, 0).as_bytes()).collect();
    for at in (1..letters.len()).rev() {
        let bound = u64::try_from(at + 1).unwrap_or(1);
        letters.swap(at, usize::try_from(below(scope, bound)?).unwrap_or(0));
    }
    Ok(Value::from(letters.into_iter().collect::<String>()))
}

fn uuidv4(scope: &Scope<'_>, _: &[Value]) -> Result_ {
    let mut bytes = [0u8; 16];
    scope.host().random(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text += &format!("{byte:02x}");
    }
    Ok(Value::from(text))
}
