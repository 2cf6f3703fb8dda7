//! ASCII armor: the text form of keys and messages, read as `gpg` reads it.
//!
//! The surprise: what `gpg` only warns about (a character that is not base64, text around the block) is passed over here too, and
//! what it refuses (a wrong or lost checksum, a block without its end) is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// A block that is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// Reads every block of a kind (`MESSAGE`, `PRIVATE KEY BLOCK`), decoded; none where the text has no such block.
pub(super) fn blocks(text: &[u8], kinds: &[&str]) -> Result<Vec<Zeroizing<Vec<u8>>>, Broken> {
    let mut lines = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end);
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let Some(kind) = label(line, b"-----BEGIN PGP ") else {
            continue;
        };
        if kinds.iter().any(|wanted| wanted.as_bytes() == kind) {
            found.push(body(kind, &mut lines)?);
        }
    }
    Ok(found)
}

/// Returns what stands between a start and the five dashes that end the line.
fn label<'a>(line: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(start)?.strip_suffix(b"-----")
}

fn body<'a>(
    kind: &[u8],
    lines: &mut impl Iterator<Item = &'a [u8]>,
) -> Result<Zeroizing<Vec<u8>>, Broken> {
    // Headers (`Version:`, `Comment:`) go up to the first empty line.
    loop {
        let line = lines.next().ok_or(Broken)?;
        if line.is_empty() {
            break;
        }
        if !line.contains(&b':') {
            return Err(Broken);
        }
    }
    let mut digits = Zeroizing::new(Vec::new());
    let mut checksum = None;
    for line in lines {
        if let Some(end) = label(line, b"-----END PGP ") {
            if end != kind {
                return Err(Broken);
            }
            return decode(&digits, checksum.ok_or(Broken)?);
        }
        match line.strip_prefix(b"=") {
            Some(sum) if checksum.is_none() => checksum = Some(sum),
            _ if checksum.is_some() && !line.is_empty() => return Err(Broken),
            _ => digits.extend(line.iter().filter(|byte| is_digit(**byte))),
        }
    }
    Err(Broken)
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

fn decode(digits: &[u8], checksum: &[u8]) -> Result<Zeroizing<Vec<u8>>, Broken> {
    let data = STANDARD.decode(digits).map(Zeroizing::new);
    let data = data.map_err(|_| Broken)?;
    let sum = STANDARD.decode(checksum).map_err(|_| Broken)?;
    if sum != crc24(&data) {
        return Err(Broken);
    }
    Ok(data)
}

/// The checksum of RFC 4880, 6.1.
fn crc24(data: &[u8]) -> [u8; 3] {
    let mut crc = 0x00b7_04ce_u32;
    for byte in data {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4cfb;
            }
        }
    }
    let [_, high, middle, low] = crc.to_be_bytes();
    [high, middle, low]
}
