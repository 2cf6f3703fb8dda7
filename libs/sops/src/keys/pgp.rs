//! OpenPGP keys: what `gpg --export-secret-keys` writes, and the messages that SOPS lets `gpg` make for them.
//!
//! Owns armor, limits and the choice among keys; packets, ciphers and curves are rPGP's, RSA is aws-lc's. The surprise: as for
//! `gpg`, the fingerprint in a file's metadata does not matter. The message itself says which subkey opens it, or keeps silent,
//! and then each key is tried.
//!
//! What is overwritten when it is no longer needed: files, session keys and data keys here, the numbers of private keys in rPGP and
//! aws-lc. What is not, as the libraries leave it: the buffers in which rPGP reads a key's numbers, and those of its ciphers and of
//! decompression.

mod armor;
mod message;
mod packets;
mod secret;

use super::{KeyError, KeyService, Recipient};
use message::{Fault, Message};
use pgp::errors::Error;
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
/// How often a private key is used for one message, which may hide its recipients or name one many times.
const TRIES: usize = 64;

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
pub struct PgpKeys {
    secret: Vec<Secret>,
    /// Whether there was one of a kind of which not even its fingerprint can be told.
    unknown: bool,
}

impl std::fmt::Debug for PgpKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} OpenPGP keys", self.secret.len())
    }
}

impl PgpKeys {
    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.secret.is_empty() && !self.unknown
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
        // rPGP and the arithmetic below it panic on some numbers that no real key has.
        let read = catch_unwind(|| read_file(file));
        let found = read.unwrap_or(Err(PgpKeysError::Malformed))?;
        if self.secret.len() + found.secret.len() > KEYS {
            return Err(PgpKeysError::Limit {
                what: "the number of OpenPGP keys",
                limit: KEYS,
            });
        }
        self.secret.extend(found.secret);
        self.unknown |= found.unknown;
        Ok(())
    }

    fn open_message(&self, armored: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        if armored.len() > MESSAGE {
            return Err(KeyError::Refused);
        }
        let blocks = armor::blocks(armored.as_bytes());
        let blocks = blocks.map_err(|_| KeyError::Refused)?;
        let [block] = &blocks[..] else {
            return Err(KeyError::Refused);
        };
        let message = Message::read(block)?;
        let mut failed = if self.unknown {
            KeyError::Unsupported("one of the OpenPGP keys at hand")
        } else {
            KeyError::Missing
        };
        let fitting = message.keys.iter().flat_map(|wrapped| {
            let keys = self.secret.iter().filter(|key| key.matches(wrapped));
            keys.map(move |key| (key, wrapped))
        });
        for (key, wrapped) in fitting.take(TRIES) {
            let opened = key.open(wrapped).and_then(|session| message.open(&session));
            match opened.map_err(KeyError::from) {
                Ok(plain) => return Ok(plain),
                // A key that is not supported says more than one that does not fit.
                Err(KeyError::Refused) if failed != KeyError::Missing => {}
                Err(error) => failed = error,
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
        if self.is_empty() {
            return Err(KeyError::Missing);
        }
        catch_unwind(AssertUnwindSafe(|| self.open_message(ciphertext)))
            .unwrap_or(Err(KeyError::Refused))
    }
}

fn read_file(file: &[u8]) -> Result<Found, PgpKeysError> {
    let mut found = Found::default();
    // The first octet of a packet has its highest bit set; text has not.
    if file.first().is_some_and(|octet| octet & 0x80 != 0) {
        found.read(file)?;
    } else {
        for block in armor::blocks(file).map_err(|_| PgpKeysError::Malformed)? {
            found.read(&block)?;
        }
    }
    if found.unknown || !found.secret.is_empty() {
        return Ok(found);
    }
    Err(if found.public {
        PgpKeysError::Public
    } else {
        PgpKeysError::Malformed
    })
}

/// The keys of a file.
#[derive(Default)]
struct Found {
    secret: Vec<Secret>,
    /// Whether there are keys without their private part.
    public: bool,
    /// Whether there are keys of an unknown kind.
    unknown: bool,
}

impl Found {
    fn read(&mut self, bytes: &[u8]) -> Result<(), PgpKeysError> {
        for packet in packets::split(bytes).map_err(|_| PgpKeysError::Malformed)? {
            let body = &packet.body[..];
            let part = match packet.tag() {
                Tag::SecretKey => {
                    SecretKey::try_from_reader(packet.header, body).map(Part::Primary)
                }
                Tag::SecretSubkey => {
                    SecretSubkey::try_from_reader(packet.header, body).map(Part::Subkey)
                }
                Tag::PublicKey | Tag::PublicSubkey => {
                    self.public = true;
                    continue;
                }
                // Names, signatures and what else belongs to a key.
                _ => continue,
            };
            let secret = match part {
                Ok(part) => Secret::new(part),
                // What rPGP says about curves and algorithms that it does not have.
                Err(
                    Error::Unsupported { .. } | Error::Unimplemented { .. } | Error::Message { .. },
                ) => {
                    self.unknown = true;
                    continue;
                }
                Err(_) => return Err(PgpKeysError::Malformed),
            };
            if secret.is_present() {
                self.secret.push(secret);
            } else {
                self.public = true;
            }
        }
        Ok(())
    }
}
