//! ASCII armor: the text form of keys and messages, read as `gpg` reads it.
//!
//! The surprise: only the checksum ends a block. What stands behind it does not matter, not even whether there is an end, and the
//! label of a block does not say what it holds; but a character that is not base64 is refused, as is a lost checksum.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Labels that begin a block which may hold keys or messages.
const LABELS: [&[u8]; 6] = [
    b"MESSAGE",
    b"PRIVATE KEY BLOCK",
    b"PUBLIC KEY BLOCK",
    b"SECRET KEY BLOCK",
    b"SIGNATURE",
    b"ARMORED FILE",
];

/// A block that is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// Reads every block of a text, decoded.
pub(super) fn blocks(mut text: &[u8]) -> Result<Vec<Zeroizing<Vec<u8>>>, Broken> {
    let mut found = Vec::new();
    while let Some(line) = next_line(&mut text) {
        let label = line
            .strip_prefix(b"-----BEGIN PGP ")
            .and_then(|rest| rest.strip_suffix(b"-----"));
        if label.is_some_and(|label| LABELS.contains(&label)) {
            skip_headers(&mut text)?;
            found.push(body(&mut text)?);
        }
    }
    Ok(found)
}

/// Takes a line off a text, without the white space at its end.
fn next_line<'a>(text: &mut &'a [u8]) -> Option<&'a [u8]> {
    if text.is_empty() {
        return None;
    }
    let end = text.iter().position(|byte| *byte == b'\n');
    let (line, rest) = text.split_at(end.map_or(text.len(), |end| end + 1));
    *text = rest;
    Some(line.trim_ascii_end())
}

/// Headers (`Version:`, `Comment:`) go up to the first empty line.
fn skip_headers(text: &mut &[u8]) -> Result<(), Broken> {
    loop {
        let line = next_line(text).ok_or(Broken)?;
        if line.is_empty() {
            return Ok(());
        }
        if !line.contains(&b':') {
            return Err(Broken);
        }
    }
}

/// Reads base64 and the checksum behind it.
fn body(text: &mut &[u8]) -> Result<Zeroizing<Vec<u8>>, Broken> {
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut characters = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| !byte.is_ascii_whitespace());
    for (_, byte) in characters.by_ref() {
        match *byte {
            // A checksum begins where four digits are full, padding where they are not.
            b'=' if digits.len() % 4 == 0 => break,
            b'=' | b'+' | b'/' => digits.push(*byte),
            _ if byte.is_ascii_alphanumeric() => digits.push(*byte),
            _ => return Err(Broken),
        }
    }
    let sum: Vec<(usize, &u8)> = characters.take(4).collect();
    let [.., (end, _)] = sum[..] else {
        return Err(Broken);
    };
    let sum: Vec<u8> = sum.into_iter().map(|(_, byte)| *byte).collect();
    *text = text.get(end + 1..).unwrap_or_default();

    let data = STANDARD.decode(&digits[..]).map(Zeroizing::new);
    let data = data.map_err(|_| Broken)?;
    let sum = STANDARD.decode(sum).map_err(|_| Broken)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "-----BEGIN PGP MESSAGE-----\nComment: x\n\naGVsbG8=\n=8xzR\n";

    /// Writes a block with the right checksum.
    fn block(data: &[u8]) -> String {
        format!(
            "-----BEGIN PGP MESSAGE-----\n\n{}\n={}\n-----END PGP MESSAGE-----\n",
            STANDARD.encode(data),
            STANDARD.encode(crc24(data))
        )
    }

    #[test]
    fn several_blocks_and_text_between_them_are_read() {
        let text = format!("before\n{}between\n{}", block(b"one"), block(b"three"));
        let blocks = blocks(text.as_bytes()).unwrap_or_default();
        let read: Vec<&[u8]> = blocks.iter().map(|block| &block[..]).collect();
        assert_eq!(read, [&b"one"[..], b"three"]);
    }

    #[test]
    fn a_wrong_or_missing_checksum_is_refused() {
        assert_eq!(blocks(BLOCK.as_bytes()), Err(Broken));
        let whole = block(b"hello");
        for end in 0..whole.len() {
            let cut = blocks(&whole.as_bytes()[..end]).unwrap_or_default();
            assert!(cut.is_empty() || cut[0][..] == b"hello"[..], "{end}");
        }
    }
}
