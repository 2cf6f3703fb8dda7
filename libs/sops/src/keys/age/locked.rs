//! Identities behind a passphrase, which is asked for once and only when a file may need it.

use super::AgeIdentities;
use age::DecryptError;
use age::armor::ArmoredReader;
use age::secrecy::SecretString;
use age::ssh::EncryptedKey;
use age_core::format::{FileKey, Stanza};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};
use std::io::Read as _;
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

/// The most scrypt work accepted (2^20 rounds and 1 GiB); `age -p` writes 18.
const WORK: u8 = 20;
/// The most bytes of identities in a file.
const IDENTITIES: u64 = 1 << 20;

/// Asks the user for the passphrase of what is named; none where nobody answers.
pub type Ask = Arc<dyn Fn(&str) -> Option<SecretString> + Send + Sync>;

/// A file that `age -p` made of a list of identities.
pub(super) struct LockedFile {
    file: Vec<u8>,
    name: String,
    ask: Ask,
    opened: OnceLock<Option<AgeIdentities>>,
}

impl LockedFile {
    pub(super) fn new(file: &[u8], name: &str, ask: &Ask) -> Self {
        Self {
            file: file.to_vec(),
            name: name.to_owned(),
            ask: Arc::clone(ask),
            opened: OnceLock::new(),
        }
    }

    fn open(&self) -> Option<AgeIdentities> {
        let passphrase = (self.ask)(&self.name)?;
        let mut identity = age::scrypt::Identity::new(passphrase);
        identity.set_max_work_factor(WORK);
        let armored = ArmoredReader::new(self.file.as_slice());
        let decryptor = age::Decryptor::new(armored).ok()?;
        let identity: &dyn age::Identity = &identity;
        let reader = decryptor.decrypt(std::iter::once(identity)).ok()?;
        let mut text = Zeroizing::new(String::with_capacity(self.file.len()));
        reader.take(IDENTITIES).read_to_string(&mut text).ok()?;
        let mut identities = AgeIdentities::default();
        identities.add_lines(&text).ok()?;
        Some(identities)
    }
}

impl age::Identity for LockedFile {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        // Such a list has neither SSH keys nor passphrases.
        if !matches!(stanza.tag.as_str(), "X25519" | "mlkem768x25519") {
            return None;
        }
        match self.opened.get_or_init(|| self.open()) {
            Some(identities) => identities
                .all()
                .find_map(|identity| identity.unwrap_stanza(stanza)),
            None => Some(Err(DecryptError::KeyDecryptionFailed)),
        }
    }
}

/// An OpenSSH key with a passphrase.
pub(super) struct LockedSsh {
    key: EncryptedKey,
    /// What files call the key by.
    fingerprint: String,
    name: String,
    ask: Ask,
    opened: OnceLock<Option<age::ssh::Identity>>,
}

impl LockedSsh {
    pub(super) fn new(pem: &[u8], key: EncryptedKey, name: &str, ask: &Ask) -> Option<Self> {
        let digest = Sha256::digest(public(pem)?);
        Some(Self {
            key,
            fingerprint: STANDARD_NO_PAD.encode(&digest[..4]),
            name: name.to_owned(),
            ask: Arc::clone(ask),
            opened: OnceLock::new(),
        })
    }

    fn open(&self) -> Option<age::ssh::Identity> {
        let passphrase = (self.ask)(&self.name)?;
        self.key.decrypt(passphrase).ok().map(Into::into)
    }
}

impl age::Identity for LockedSsh {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if !matches!(stanza.tag.as_str(), "ssh-ed25519" | "ssh-rsa")
            || stanza.args.first() != Some(&self.fingerprint)
        {
            return None;
        }
        match self.opened.get_or_init(|| self.open()) {
            Some(identity) => identity.unwrap_stanza(stanza),
            None => Some(Err(DecryptError::KeyDecryptionFailed)),
        }
    }
}

/// Returns the public key that stands in clear in an OpenSSH private key.
fn public(pem: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(pem).ok()?;
    let (_, text) = text.split_once("-----BEGIN OPENSSH PRIVATE KEY-----")?;
    let (text, _) = text.split_once("-----END")?;
    let text: String = text.split_whitespace().collect();
    let bytes = STANDARD.decode(text).ok()?;
    let mut rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    // Cipher, key derivation and its options.
    for _ in 0..3 {
        (_, rest) = counted(rest)?;
    }
    let rest = rest.strip_prefix(&[0, 0, 0, 1])?;
    counted(rest).map(|(key, _)| key.to_vec())
}

fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}
