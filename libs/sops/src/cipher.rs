//! One value: `ENC[AES256_GCM,data:...,iv:...,tag:...,type:...]`.

use crate::metadata::time;
use crate::tree::Node;
use aes_gcm::aead::consts::{U12, U16, U32};
use aes_gcm::aead::{AeadInPlace as _, KeyInit as _};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Nonce, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The key that all values of a file are encrypted with.
pub(crate) struct DataKey(Zeroizing<Vec<u8>>);

impl DataKey {
    /// Takes a key of 32 bytes over.
    pub(crate) fn new(bytes: Vec<u8>) -> Option<Self> {
        let bytes = Zeroizing::new(bytes);
        (bytes.len() == 32).then_some(Self(bytes))
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a data key")
    }
}

/// Decrypts a value that is bound to the keys which lead to it; an empty text stays one.
pub(crate) fn decrypt(text: &str, key: &DataKey, additional: &str) -> Result<Node, &'static str> {
    if text.is_empty() {
        return Ok(Node::Text(String::new()));
    }
    let parts = Parts::parse(text).ok_or("it is not in the format of SOPS")?;
    let mut data = Zeroizing::new(parts.data);
    open(&parts.iv, &mut data, &parts.tag, key, additional)
        .ok_or("it does not decrypt: the value, its place or the key was changed")?;
    node(&data, parts.kind)
}

fn open(iv: &[u8], data: &mut [u8], tag: &[u8], key: &DataKey, additional: &str) -> Option<()> {
    if tag.len() != 16 {
        return None;
    }
    let tag = Tag::from_slice(tag);
    let additional = additional.as_bytes();
    // SOPS makes 32 bytes; other tools that write the format keep to fewer.
    match iv.len() {
        32 => AesGcm::<Aes256, U32>::new_from_slice(&key.0)
            .ok()?
            .decrypt_in_place_detached(Nonce::from_slice(iv), additional, data, tag),
        16 => AesGcm::<Aes256, U16>::new_from_slice(&key.0)
            .ok()?
            .decrypt_in_place_detached(Nonce::from_slice(iv), additional, data, tag),
        12 => AesGcm::<Aes256, U12>::new_from_slice(&key.0)
            .ok()?
            .decrypt_in_place_detached(Nonce::from_slice(iv), additional, data, tag),
        _ => return None,
    }
    .ok()
}

struct Parts<'t> {
    data: Vec<u8>,
    iv: Vec<u8>,
    tag: Vec<u8>,
    kind: &'t str,
}

impl<'t> Parts<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let body = text.strip_prefix("ENC[AES256_GCM,data:")?;
        // Parity: what follows the last bracket of the first line is passed over.
        let (body, _) = body.lines().next()?.rsplit_once(']')?;
        let (body, kind) = body.rsplit_once(",type:")?;
        let (body, tag) = body.rsplit_once(",tag:")?;
        let (data, iv) = body.rsplit_once(",iv:")?;
        if data.is_empty() || iv.is_empty() || tag.is_empty() || kind.is_empty() {
            return None;
        }
        Some(Self {
            data: STANDARD.decode(data).ok()?,
            iv: STANDARD.decode(iv).ok()?,
            tag: STANDARD.decode(tag).ok()?,
            kind,
        })
    }
}

/// Gives the plain bytes the type that is written beside them.
fn node(data: &[u8], kind: &str) -> Result<Node, &'static str> {
    let text = || std::str::from_utf8(data).map_err(|_| "it is not UTF-8");
    Ok(match kind {
        // Parity: a text that is not UTF-8 comes from binary files alone.
        "str" => match text() {
            Ok(text) => Node::Text(text.to_owned()),
            Err(_) => Node::Bytes(data.to_vec()),
        },
        // Parity: the real tool makes none, and dies of them.
        "bytes" => return Err("it is of the type bytes, which SOPS does not read"),
        "comment" => Node::Comment(text()?.to_owned().into()),
        "int" => Node::Int(text()?.parse().map_err(|_| "it is no integer")?),
        "float" => Node::Float(text()?.parse().map_err(|_| "it is no float")?),
        "bool" => match text()? {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Node::Bool(true),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Node::Bool(false),
            _ => return Err("it is no boolean"),
        },
        "time" => match text()? {
            text if time(text).is_some() => Node::Time(text.to_owned()),
            _ => return Err("it is no time"),
        },
        _ => return Err("its type is unknown"),
    })
}
