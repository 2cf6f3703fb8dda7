//! The controller's private keys: PEM files, or the Secrets that a backup of it holds.

use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fjord_yaml::{Limits, Merge, parse_all};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer};
use serde_json::Value;
use zeroize::Zeroizing;

/// The most keys: a controller that renews monthly has them for eight years.
const MOST: usize = 100;

/// Private keys to try, in the order they were given.
#[derive(Default)]
pub struct Keys(Vec<OaepPrivateDecryptingKey>);

/// A file that gives no sealing keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Neither PEM nor YAML.
    #[error("neither a private key in PEM form nor Secrets with a tls.key")]
    Format,
    /// A private key of another kind or size.
    #[error("a private key is not an RSA key of 2048 to 8192 bits without a passphrase")]
    Key,
    /// A Secret without a key.
    #[error("Secret {0} has no tls.key")]
    NoKey(String),
    /// Too many.
    #[error("more than {MOST} keys")]
    TooMany,
}

impl Keys {
    /// Adds the keys of a file: PEM (PKCS #1 or #8), or one or more Secrets, or a List of them.
    pub fn add(&mut self, file: &[u8]) -> Result<(), KeysError> {
        if file.trim_ascii_start().starts_with(b"-----BEGIN") {
            return self.add_pem(file);
        }
        let documents = parse_all(file, Merge::V2, &Limits::default());
        for document in documents.map_err(|_| KeysError::Format)? {
            let object = document.to_json().map_err(|_| KeysError::Format)?;
            match object["items"].as_array() {
                Some(items) => items.iter().try_for_each(|item| self.add_secret(item))?,
                None => self.add_secret(&object)?,
            }
        }
        if self.0.is_empty() {
            return Err(KeysError::Format);
        }
        Ok(())
    }

    /// Returns how many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &OaepPrivateDecryptingKey> {
        self.0.iter()
    }

    fn add_secret(&mut self, secret: &Value) -> Result<(), KeysError> {
        if secret["kind"] != "Secret" {
            return Err(KeysError::Format);
        }
        let name = secret["metadata"]["name"].as_str().unwrap_or_default();
        let missing = || KeysError::NoKey(name.to_owned());
        if let Some(pem) = secret["stringData"]["tls.key"].as_str() {
            return self.add_pem(pem.as_bytes());
        }
        let pem = secret["data"]["tls.key"].as_str().ok_or_else(missing)?;
        let pem = STANDARD.decode(pem.replace(['\r', '\n'], ""));
        self.add_pem(&Zeroizing::new(pem.map_err(|_| missing())?))
    }

    fn add_pem(&mut self, pem: &[u8]) -> Result<(), KeysError> {
        if self.0.len() >= MOST {
            return Err(KeysError::TooMany);
        }
        // A certificate may stand before the key, as in the controller's own Secrets.
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| KeysError::Key)?;
        let key = match &key {
            PrivateKeyDer::Pkcs8(der) => PrivateDecryptingKey::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => PrivateDecryptingKey::from_pkcs8(&pkcs8(der)),
            _ => return Err(KeysError::Key),
        };
        let key = key.and_then(|key| OaepPrivateDecryptingKey::new(key).map_err(Into::into));
        self.0.push(key.map_err(|_| KeysError::Key)?);
        Ok(())
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Keys({} [REDACTED])", self.0.len())
    }
}

/// Wraps a PKCS #1 key as PKCS #8, the one form that the RSA of aws-lc-rs takes.
fn pkcs8(key: &PrivatePkcs1KeyDer<'_>) -> Zeroizing<Vec<u8>> {
    /// Version 0, and the algorithm rsaEncryption with null parameters.
    const START: &[u8] = &[
        0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
        0x01, 0x05, 0x00,
    ];
    let octets = tagged(0x04, key.secret_pkcs1_der());
    let content = Zeroizing::new([START, &octets].concat());
    tagged(0x30, &content)
}

/// Writes one DER value.
fn tagged(tag: u8, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut out = Zeroizing::new(Vec::with_capacity(content.len() + 10));
    out.push(tag);
    match (content.len(), u8::try_from(digits.len())) {
        (short @ 0..128, _) => out.push(short as u8),
        (_, Ok(count)) => {
            out.push(0x80 | count);
            out.extend_from_slice(&digits);
        }
        // A length has at most eight digits.
        (_, Err(_)) => {}
    }
    out.extend_from_slice(content);
    out
}
