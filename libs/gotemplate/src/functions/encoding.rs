//! Encodings and checksums.

use super::arguments::{STRING, text};
use super::function;
use crate::Text;
use crate::function::{Failure, Function, Scope};
use crate::value::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use sha2::{Sha256, Sha512};

pub(super) const TABLE: &[Function] = &[
    function("adler32sum", &[STRING], adler32sum),
    function("b32dec", &[STRING], b32dec),
    function("b32enc", &[STRING], b32enc),
    function("b64dec", &[STRING], b64dec),
    function("b64enc", &[STRING], b64enc),
    function("sha1sum", &[STRING], sha1sum),
    function("sha256sum", &[STRING], sha256sum),
    function("sha512sum", &[STRING], sha512sum),
];

type Result_ = Result<Value, Failure>;

fn adler32sum(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    const MODULUS: u32 = 65_521;
    let (mut a, mut b) = (1u32, 0u32);
    for byte in text(arguments, 0).as_bytes() {
        a = (a + u32::from(*byte)) % MODULUS;
        b = (b + a) % MODULUS;
    }
    Ok(Value::from((b << 16 | a).to_string()))
}

fn hex(digest: &[u8]) -> Value {
    Value::from(
        digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>(),
    )
}

fn sha1sum(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(hex(&Sha1::digest(text(arguments, 0).as_bytes())))
}

fn sha256sum(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(hex(&Sha256::digest(text(arguments, 0).as_bytes())))
}

fn sha512sum(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(hex(&Sha512::digest(text(arguments, 0).as_bytes())))
}

fn b64enc(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::from(STANDARD.encode(text(arguments, 0).as_bytes())))
}

fn b64dec(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    // Parity: the error is the result.
    Ok(match decode_base64(text(arguments, 0).as_bytes()) {
        Ok(bytes) => Value::string(bytes),
        Err(at) => Value::from(format!("illegal base64 data at input byte {at}")),
    })
}

/// Decodes as Go's standard encoding: line feeds are skipped, padding is needed; an error is the place of the fault.
pub(super) fn decode_base64(text: &[u8]) -> Result<Vec<u8>, usize> {
    decode(text, &BASE64, 6, 4)
}

const BASE64: fn(u8) -> Option<u32> = |byte| {
    Some(match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
};

const BASE32: fn(u8) -> Option<u32> = |byte| {
    Some(match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'2'..=b'7' => u32::from(byte - b'2') + 26,
        _ => return None,
    })
};

/// Decodes groups of so many letters of so many bits.
fn decode(
    text: &[u8],
    digit: &fn(u8) -> Option<u32>,
    bits: u32,
    group: usize,
) -> Result<Vec<u8>, usize> {
    let letters: Vec<(usize, u8)> = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| !matches!(byte, b'\n' | b'\r'))
        .map(|(at, byte)| (at, *byte))
        .collect();
    let mut out = Vec::with_capacity(text.len());
    for (index, chunk) in letters.chunks(group).enumerate() {
        let mut buffer = 0u64;
        let mut count = 0;
        for (at, byte) in chunk {
            if *byte == b'=' {
                break;
            }
            let value = digit(*byte).ok_or(*at)?;
            buffer = buffer << bits | u64::from(value);
            count += 1;
        }
        let padding = &chunk[count..];
        if count < group {
            let useful = usize::try_from(bits).unwrap_or(6) * count / 8;
            let fewest = (useful * 8).div_ceil(usize::try_from(bits).unwrap_or(6));
            if let Some((at, _)) = padding.first()
                && (useful == 0 || count != fewest)
            {
                return Err(*at);
            }
            if chunk.len() < group {
                return Err(match padding.first() {
                    None => text.len() - count,
                    Some(_) => text.len(),
                });
            }
            if let Some((at, _)) = padding.iter().find(|(_, byte)| *byte != b'=') {
                return Err(*at);
            }
            if let Some((at, _)) = letters.get((index + 1) * group) {
                return Err(*at);
            }
        }
        let total = bits * u32::try_from(count).unwrap_or(0);
        let mut left = total;
        while left >= 8 {
            left -= 8;
            out.push((buffer >> left & 0xFF) as u8);
        }
    }
    Ok(out)
}

fn b32enc(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let source: Text = text(arguments, 0);
    let mut out = Vec::with_capacity(source.len().div_ceil(5) * 8);
    for chunk in source.as_bytes().chunks(5) {
        let mut buffer = 0u64;
        for index in 0..5 {
            buffer = buffer << 8 | u64::from(chunk.get(index).copied().unwrap_or(0));
        }
        let letters = (chunk.len() * 8).div_ceil(5);
        for index in 0..8 {
            let value = usize::try_from(buffer >> (35 - 5 * index) & 31).unwrap_or(0);
            out.push(if index < letters {
                ALPHABET[value]
            } else {
                b'='
            });
        }
    }
    Ok(Value::string(out))
}

fn b32dec(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    // Parity: unlike base64, the place of a fault does not count line feeds.
    let mut letters = text(arguments, 0).as_bytes().to_vec();
    letters.retain(|byte| !matches!(byte, b'\n' | b'\r'));
    Ok(match decode(&letters, &BASE32, 5, 8) {
        Ok(bytes) => Value::string(bytes),
        Err(at) => Value::from(format!("illegal base32 data at input byte {at}")),
    })
}
