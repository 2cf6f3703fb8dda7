//! age identities: X25519, post-quantum and SSH keys, and files of them behind a passphrase.
//!
//! Identities of plugins are refused by name: a plugin is a program. What needs a passphrase is tried last, so that nobody is
//! asked where a key without one serves.

mod hybrid;
mod locked;

pub use locked::Ask;

use super::{KeyError, KeyService, Recipient};
use age::armor::ArmoredReader;
use hybrid::HybridIdentity;
use locked::{LockedFile, LockedSsh};
use std::io::{BufReader, Read as _};
use std::str::FromStr as _;
use zeroize::Zeroizing;

/// The most bytes that an encrypted data key opens to.
const KEY_BYTES: u64 = 1024;

/// A file of identities that cannot be used; no message holds one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A line that is no identity.
    #[error("line {line} is no age identity")]
    Malformed {
        /// From 1.
        line: usize,
    },
    /// An identity of a plugin, which is a program.
    #[error("line {line}: identities of age plugins are not supported")]
    Plugin {
        /// From 1.
        line: usize,
    },
    /// A file that is neither text nor an age file.
    #[error("it is neither a list of age identities nor an age file")]
    Format,
    /// A file behind a passphrase where nobody can be asked for one.
    #[error("the identities are protected by a passphrase")]
    Locked,
    /// An SSH key of another kind.
    #[error("the SSH key is neither ed25519 nor RSA, or cannot be read")]
    Ssh,
    /// An SSH key behind a passphrase where nobody can be asked for one, or in a form that is not supported.
    #[error("the SSH key is protected by a passphrase")]
    LockedSsh,
}

/// Private keys of age.
#[derive(Default)]
pub struct AgeIdentities {
    open: Vec<Box<dyn age::Identity + Send + Sync>>,
    locked: Vec<Box<dyn age::Identity + Send + Sync>>,
}

impl std::fmt::Debug for AgeIdentities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} age identities", self.open.len() + self.locked.len())
    }
}

impl AgeIdentities {
    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.locked.is_empty()
    }

    /// Adds identities in text: one or more a line, blank lines and comments between.
    ///
    /// # Errors
    /// A word is no identity, or of a kind that is not supported; nothing is added then.
    pub fn add_lines(&mut self, text: &str) -> Result<(), IdentityError> {
        let mut added: Vec<Box<dyn age::Identity + Send + Sync>> = Vec::new();
        for (index, text) in text.lines().enumerate() {
            let line = index + 1;
            if text.starts_with('#') {
                continue;
            }
            for word in text.split_whitespace() {
                added.push(if word.starts_with("AGE-PLUGIN-") {
                    return Err(IdentityError::Plugin { line });
                } else if word.starts_with("AGE-SECRET-KEY-PQ-1") {
                    Box::new(HybridIdentity::parse(word).ok_or(IdentityError::Malformed { line })?)
                } else {
                    let identity = age::x25519::Identity::from_str(word);
                    Box::new(identity.map_err(|_| IdentityError::Malformed { line })?)
                });
            }
        }
        self.open.append(&mut added);
        Ok(())
    }

    /// Adds the identities of a file that may be encrypted with a passphrase, as `age -p` does it. The passphrase is asked
    /// for when it is needed; `name` tells the user for what.
    ///
    /// # Errors
    /// As [`Self::add_lines`], or nobody can be asked for a passphrase.
    pub fn add_file(
        &mut self,
        file: &[u8],
        name: &str,
        ask: Option<&Ask>,
    ) -> Result<(), IdentityError> {
        if file.starts_with(b"age-encryption") || file.starts_with(b"-----BEGIN AGE") {
            let ask = ask.ok_or(IdentityError::Locked)?;
            self.locked.push(Box::new(LockedFile::new(file, name, ask)));
            return Ok(());
        }
        let text = std::str::from_utf8(file).map_err(|_| IdentityError::Format)?;
        self.add_lines(text)
    }

    /// Adds a private SSH key without a passphrase.
    ///
    /// # Errors
    /// It has a passphrase, or is neither ed25519 nor RSA.
    pub fn add_ssh(&mut self, pem: &[u8]) -> Result<(), IdentityError> {
        self.add_ssh_file(pem, "", None)
    }

    /// Adds a private SSH key that may have a passphrase, which is asked for when a file needs the key.
    ///
    /// # Errors
    /// It is neither ed25519 nor RSA, or nobody can be asked for its passphrase.
    pub fn add_ssh_file(
        &mut self,
        pem: &[u8],
        name: &str,
        ask: Option<&Ask>,
    ) -> Result<(), IdentityError> {
        let identity = age::ssh::Identity::from_buffer(BufReader::new(pem), None)
            .map_err(|_| IdentityError::Ssh)?;
        match identity {
            age::ssh::Identity::Unencrypted(_) => self.open.push(Box::new(identity)),
            age::ssh::Identity::Encrypted(key) => {
                let ask = ask.ok_or(IdentityError::LockedSsh)?;
                let key = LockedSsh::new(pem, key, name, ask).ok_or(IdentityError::Ssh)?;
                self.locked.push(Box::new(key));
            }
            age::ssh::Identity::Unsupported(age::ssh::UnsupportedKey::EncryptedPem) => {
                return Err(IdentityError::LockedSsh);
            }
            age::ssh::Identity::Unsupported(_) => return Err(IdentityError::Ssh),
        }
        Ok(())
    }

    fn all(&self) -> impl Iterator<Item = &dyn age::Identity> {
        let all = self.open.iter().chain(&self.locked);
        all.map(|identity| &**identity as &dyn age::Identity)
    }
}

impl KeyService for AgeIdentities {
    fn open(&self, recipient: &Recipient) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let Recipient::Age { ciphertext, .. } = recipient else {
            return Err(KeyError::Missing);
        };
        if self.is_empty() {
            return Err(KeyError::Missing);
        }
        let armored = ArmoredReader::new(ciphertext.as_bytes());
        let decryptor = age::Decryptor::new(armored).map_err(|_| KeyError::Refused)?;
        let mut reader = match decryptor.decrypt(self.all()) {
            Ok(reader) => reader,
            Err(age::DecryptError::NoMatchingKeys) => return Err(KeyError::Missing),
            Err(age::DecryptError::KeyDecryptionFailed) => return Err(KeyError::Passphrase),
            Err(_) => return Err(KeyError::Refused),
        };
        let mut key = Zeroizing::new(Vec::with_capacity(KEY_BYTES as usize));
        reader
            .by_ref()
            .take(KEY_BYTES)
            .read_to_end(&mut key)
            .map_err(|_| KeyError::Refused)?;
        Ok(key)
    }
}
