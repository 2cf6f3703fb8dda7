//! PEM blocks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A block: what stands between its dashes, and its data.
pub(crate) struct Block {
    pub(crate) label: String,
    pub(crate) data: Vec<u8>,
}

/// Writes a block in lines of 64 letters.
pub(crate) fn encode(label: &str, data: &[u8]) -> String {
    let body = STANDARD.encode(data);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out += line;
        out.push('\n');
        rest = after;
    }
    out + &format!("-----END {label}-----\n")
}

/// Reads the first block; headers in it are passed over.
pub(crate) fn decode(text: &[u8]) -> Option<Block> {
    let text = std::str::from_utf8(text).ok()?;
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let letters: String = body
        .lines()
        .filter(|line| !line.contains(':'))
        .flat_map(|line| line.trim().chars())
        .collect();
    Some(Block {
        label: label.to_owned(),
        data: STANDARD.decode(letters).ok()?,
    })
}
