//! Messages: who can open one, and what it holds once its session key is known.
//!
//! Each layer is decrypted, decompressed and checked as a whole, and is bounded, before the next one is looked at. The surprise:
//! what `gpg` opens with a warning and an exit code that is not zero (no integrity protection, signatures) is refused, as SOPS does.

use super::packets::{Malformed, Packet, split};
use pgp::crypto::sym::SymmetricKeyAlgorithm;
use pgp::packet::{
    DataMode, Decompressor, GnupgAeadDataConfig, LiteralDataHeader, PublicKeyEncryptedSessionKey,
    StreamDecryptor,
};
use pgp::types::{Seipdv1ReadMode, Tag};
use std::io::{BufRead, Read};
use zeroize::Zeroizing;

/// The most bytes of a layer; a data key is 32.
const LAYER: usize = 64 << 10;
/// The most layers of compression.
const DEPTH: usize = 8;
/// The one compression that gpg has and this library has not.
const BZIP2: u8 = 3;
/// The most recipients.
const RECIPIENTS: usize = 256;

/// Why a message gives no data key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is damaged, too large, or the session key is wrong.
    Broken,
    /// It is of a kind that is not supported.
    Unsupported(&'static str),
}

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self::Broken
    }
}

/// A session key and what it is for.
pub(super) struct SessionKey {
    pub(super) cipher: SymmetricKeyAlgorithm,
    pub(super) key: Zeroizing<Vec<u8>>,
}

/// An encrypted message.
pub(super) struct Message {
    /// The session key, encrypted for each recipient.
    pub(super) keys: Vec<PublicKeyEncryptedSessionKey>,
    container: Packet,
}

impl Message {
    /// Reads a message up to where its encryption begins.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let mut keys = Vec::new();
        let mut packets = split(bytes)?.into_iter();
        let container = loop {
            let packet = packets.next().ok_or(Fault::Broken)?;
            match packet.tag() {
                Tag::PublicKeyEncryptedSessionKey => {
                    if keys.len() >= RECIPIENTS {
                        return Err(Fault::Broken);
                    }
                    // A recipient of an unknown kind does not keep the others out.
                    let key = PublicKeyEncryptedSessionKey::try_from_reader(
                        packet.header,
                        &packet.body[..],
                    );
                    keys.extend(key);
                }
                // Passphrases are not asked for; markers say nothing.
                Tag::SymKeyEncryptedSessionKey | Tag::Marker => {}
                Tag::SymEncryptedProtectedData | Tag::GnupgAeadData | Tag::SymEncryptedData => {
                    break packet;
                }
                _ => return Err(Fault::Broken),
            }
        };
        if packets.next().is_some() {
            return Err(Fault::Broken);
        }
        Ok(Self { keys, container })
    }

    /// Decrypts the message and returns what it holds.
    pub(super) fn open(&self, session: &SessionKey) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let plain = match self.container.tag() {
            Tag::SymEncryptedProtectedData => self.open_protected(session),
            Tag::GnupgAeadData => self.open_aead(session),
            _ => Err(Fault::Unsupported(
                "an OpenPGP message without integrity protection",
            )),
        }?;
        unpack(&plain)
    }

    /// Encryption with a checksum, which every version of OpenPGP knows.
    fn open_protected(&self, session: &SessionKey) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let (version, body) = self.container.body.split_first().ok_or(Fault::Broken)?;
        if *version != 1 {
            return Err(Fault::Unsupported("an OpenPGP message of version 2"));
        }
        let mode = Seipdv1ReadMode::CheckFirst {
            max_message_size: LAYER,
        };
        let reader = StreamDecryptor::v1(session.cipher, mode, &session.key, body);
        bounded(reader.map_err(|_| Fault::Broken)?)
    }

    /// Authenticated encryption as GnuPG has it since 2.3.
    fn open_aead(&self, session: &SessionKey) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let mut body = &self.container.body[..];
        let config = GnupgAeadDataConfig::try_from_reader(&mut body).map_err(|_| Fault::Broken)?;
        if config.sym_alg != session.cipher {
            return Err(Fault::Broken);
        }
        let reader = StreamDecryptor::gnupg_aead(
            config.sym_alg,
            config.aead,
            config.chunk_size,
            &session.key,
            &config.iv,
            body,
        );
        bounded(reader.map_err(|_| Fault::Broken)?)
    }
}

/// Takes the layers of compression off and returns the one literal text below.
fn unpack(plain: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut layer = Zeroizing::new(plain.to_vec());
    for _ in 0..=DEPTH {
        let mut packets = split(&layer)?
            .into_iter()
            .filter(|packet| packet.tag() != Tag::Marker);
        let packet = packets.next().ok_or(Fault::Broken)?;
        if matches!(packet.tag(), Tag::Signature | Tag::OnePassSignature) {
            return Err(Fault::Unsupported("a signed OpenPGP message"));
        }
        if packets.next().is_some() {
            return Err(Fault::Broken);
        }
        match packet.tag() {
            Tag::CompressedData if packet.body.first() == Some(&BZIP2) => {
                return Err(Fault::Unsupported("bzip2 in an OpenPGP message"));
            }
            Tag::CompressedData => {
                let reader = Decompressor::from_reader(&packet.body[..]);
                layer = bounded(reader.map_err(|_| Fault::Broken)?)?;
            }
            Tag::LiteralData => return literal(&packet.body),
            _ => return Err(Fault::Broken),
        }
    }
    Err(Fault::Broken)
}

fn literal(mut body: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let header = LiteralDataHeader::try_from_reader(&mut body).map_err(|_| Fault::Broken)?;
    let mut text = Zeroizing::new(body.to_vec());
    if matches!(header.mode(), DataMode::Text | DataMode::Utf8) {
        // Parity: gpg drops every carriage return of a text.
        text.retain(|byte| *byte != b'\r');
    }
    Ok(text)
}

fn bounded(reader: impl BufRead) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut plain = Zeroizing::new(Vec::with_capacity(1024));
    let mut reader = reader.take(LAYER as u64 + 1);
    reader.read_to_end(&mut plain).map_err(|_| Fault::Broken)?;
    if plain.len() > LAYER {
        return Err(Fault::Broken);
    }
    Ok(plain)
}
