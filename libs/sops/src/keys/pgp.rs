//! OpenPGP keys: what `gpg --export-secret-keys` writes, and the messages that SOPS lets `gpg` make for them.
//!
//! Owns armor, limits and the choice among keys; packets, ciphers and curves are rPGP's, RSA is aws-lc's. The surprise: as for
//! `gpg`, the fingerprint in a file's metadata does not matter. The message itself says which subkey opens it, or keeps silent,
//! and then each key is tried.

mod armor;
mod message;
mod packets;
mod secret;

use super::{KeyError, KeyService, Recipient};
use message::{Fault, Message};
use pgp::packet::{SecretKey, SecretSubkey};
use pgp::types::Tag;
use secret::{Part, Secret};
use std::panic::{AssertUnwindSafe, catch_unwind};
use zeroize::Zeroizing;

/// The most bytes of a file of keys.
const FILE: usize = 4 << 20;
/// The most bytes of an armored message.
const MESSAGE: usize = 512 << 10;
/// The most private keys, subkeys among them.
const KEYS: usize = 1000;

/// A file of OpenPGP keys that cannot be used; no message holds a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PgpKeysError {
    /// Neither armored nor binary OpenPGP, or damaged.
    #[error("no OpenPGP keys, or damaged ones: expected what gpg --export-secret-keys writes")]
    Malformed,
    /// Nothing but public keys, or keys whose private part is elsewhere.
    #[error("no private OpenPGP key: export it with gpg --export-secret-keys")]
    Public,
    /// A limit against hostile input.
    #[error("{what} exceeds the limit of {limit}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

/// Private keys of OpenPGP.
#[derive(Default)]
pub struct PgpKeys(Vec<Secret>);

impl std::fmt::Debug for PgpKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} OpenPGP keys", self.0.len())
    }
}

impl PgpKeys {
    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the keys of a file: binary, or armored and then as many blocks as there are.
    ///
    /// A key with a passphrase, or of an algorithm that is not supported, is taken and refused by name where a message needs it.
    ///
    /// # Errors
    /// The file is damaged, or holds no private key.
    pub fn add(&mut self, file: &[u8]) -> Result<(), PgpKeysError> {
        if file.len() > FILE {
            return Err(PgpKeysError::Limit {
                what: "the file of keys",
                limit: FILE,
            });
        }
        // Parity with the library's own panics on numbers that no real key has.
        let read = catch_unwind(|| read_file(file));
        let keys = read.unwrap_or(Err(PgpKeysError::Malformed))?;
        if self.0.len() + keys.len() > KEYS {
            return Err(PgpKeysError::Limit {
                what: "the number of OpenPGP keys",
                limit: KEYS,
            });
        }
        self.0.extend(keys);
        Ok(())
    }

    fn open_message(&self, armored: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        if armored.len() > MESSAGE {
            return Err(KeyError::Refused);
        }
        let blocks = armor::blocks(armored.as_bytes(), &["MESSAGE"]);
        let blocks = blocks.map_err(|_| KeyError::Refused)?;
        let bytes = blocks.first().ok_or(KeyError::Refused)?;
        let message = Message::read(bytes)?;
        let mut failed = KeyError::Missing;
        for wrapped in &message.keys {
            for key in self.0.iter().filter(|key| key.matches(wrapped)) {
                let opened = key.open(wrapped).and_then(|session| message.open(&session));
                match opened.map_err(KeyError::from) {
                    Ok(plain) => return Ok(plain),
                    // A key that is not supported says more than one that does not fit.
                    Err(KeyError::Refused) if failed != KeyError::Missing => {}
                    Err(error) => failed = error,
                }
            }
        }
        Err(failed)
    }
}

impl From<Fault> for KeyError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Broken => Self::Refused,
            Fault::Unsupported(what) => Self::Unsupported(what),
        }
    }
}

impl KeyService for PgpKeys {
    fn open(&self, recipient: &Recipient) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let Recipient::Pgp { ciphertext, .. } = recipient else {
            return Err(KeyError::Missing);
        };
        if self.0.is_empty() {
            return Err(KeyError::Missing);
        }
        catch_unwind(AssertUnwindSafe(|| self.open_message(ciphertext)))
            .unwrap_or(Err(KeyError::Refused))
    }
}

fn read_file(file: &[u8]) -> Result<Vec<Secret>, PgpKeysError> {
    const KINDS: [&str; 2] = ["PRIVATE KEY BLOCK", "PUBLIC KEY BLOCK"];
    // The first octet of a packet has its highest bit set; text has not.
    if file.first().is_some_and(|octet| octet & 0x80 != 0) {
        return read_keys(file);
    }
    let blocks = armor::blocks(file, &KINDS).map_err(|_| PgpKeysError::Malformed)?;
    if blocks.is_empty() {
        return Err(PgpKeysError::Malformed);
    }
    let mut keys = Vec::new();
    let mut public = false;
    for block in blocks {
        match read_keys(&block) {
            Ok(found) => keys.extend(found),
            Err(PgpKeysError::Public) => public = true,
            Err(error) => return Err(error),
        }
    }
    if keys.is_empty() && public {
        return Err(PgpKeysError::Public);
    }
    Ok(keys)
}

fn read_keys(bytes: &[u8]) -> Result<Vec<Secret>, PgpKeysError> {
    let malformed = || PgpKeysError::Malformed;
    let mut keys = Vec::new();
    let mut public = false;
    for packet in packets::split(bytes).map_err(|_| malformed())? {
        let body = &packet.body[..];
        let part = match packet.tag() {
            Tag::SecretKey => SecretKey::try_from_reader(packet.header, body).map(Part::Primary),
            Tag::SecretSubkey => {
                SecretSubkey::try_from_reader(packet.header, body).map(Part::Subkey)
            }
            Tag::PublicKey | Tag::PublicSubkey => {
                public = true;
                continue;
            }
            // Names, signatures and what else belongs to a key.
            _ => continue,
        };
        let secret = Secret::new(part.map_err(|_| malformed())?);
        public |= !secret.is_present();
        keys.extend(secret.is_present().then_some(secret));
    }
    if !keys.is_empty() {
        return Ok(keys);
    }
    Err(if public {
        PgpKeysError::Public
    } else {
        malformed()
    })
}
