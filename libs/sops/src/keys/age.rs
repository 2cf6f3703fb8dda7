//! age identities: X25519 and SSH keys.

use super::{KeyError, KeyService, Recipient};
use age::armor::ArmoredReader;
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
    /// A post-quantum identity.
    #[error("line {line}: post-quantum age identities are not supported")]
    PostQuantum {
        /// From 1.
        line: usize,
    },
    /// An SSH key that needs a passphrase or is of another kind.
    #[error("the SSH key is encrypted or neither ed25519 nor RSA")]
    Ssh,
}

/// Private keys of age.
#[derive(Default)]
pub struct AgeIdentities(Vec<Box<dyn age::Identity + Send + Sync>>);

impl std::fmt::Debug for AgeIdentities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} age identities", self.0.len())
    }
}

impl AgeIdentities {
    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the identities of a file: one a line, blank lines and comments between.
    ///
    /// # Errors
    /// A line is no identity, or of a kind that is not supported.
    pub fn add_lines(&mut self, text: &str) -> Result<(), IdentityError> {
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with("AGE-SECRET-KEY-PQ-") {
                return Err(IdentityError::PostQuantum { line: line_number });
            }
            if line.starts_with("AGE-PLUGIN-") {
                return Err(IdentityError::Plugin { line: line_number });
            }
            let identity = age::x25519::Identity::from_str(line)
                .map_err(|_| IdentityError::Malformed { line: line_number })?;
            self.0.push(Box::new(identity));
        }
        Ok(())
    }

    /// Adds a private SSH key without a passphrase.
    ///
    /// # Errors
    /// It has a passphrase, or is neither ed25519 nor RSA.
    pub fn add_ssh(&mut self, pem: &[u8]) -> Result<(), IdentityError> {
        let identity = age::ssh::Identity::from_buffer(BufReader::new(pem), None)
            .map_err(|_| IdentityError::Ssh)?;
        match identity {
            age::ssh::Identity::Unencrypted(_) => {
                self.0.push(Box::new(identity));
                Ok(())
            }
            _ => Err(IdentityError::Ssh),
        }
    }
}

impl KeyService for AgeIdentities {
    fn open(&self, recipient: &Recipient) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let Recipient::Age { ciphertext, .. } = recipient else {
            return Err(KeyError::Missing);
        };
        if self.0.is_empty() {
            return Err(KeyError::Missing);
        }
        let armored = ArmoredReader::new(ciphertext.as_bytes());
        let decryptor = age::Decryptor::new(armored).map_err(|_| KeyError::Refused)?;
        let identities = self
            .0
            .iter()
            .map(|identity| &**identity as &dyn age::Identity);
        let mut reader = match decryptor.decrypt(identities) {
            Ok(reader) => reader,
            Err(age::DecryptError::NoMatchingKeys) => return Err(KeyError::Missing),
            Err(_) => return Err(KeyError::Refused),
        };
        let mut key = Zeroizing::new(Vec::with_capacity(64));
        reader
            .by_ref()
            .take(KEY_BYTES)
            .read_to_end(&mut key)
            .map_err(|_| KeyError::Refused)?;
        Ok(key)
    }
}
