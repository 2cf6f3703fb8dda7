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
use pgp::types::{PkeskVersion, Seipdv1ReadMode, Tag};
use std::io::{Error, ErrorKind, Read};
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
                    let body = &packet.body[..];
                    let key = PublicKeyEncryptedSessionKey::try_from_reader(packet.header, body);
                    let key = key.map_err(|_| Fault::Broken)?;
                    if key.version() != PkeskVersion::V3 {
                        return Err(Fault::Broken);
                    }
                    keys.push(key);
                }
                // Passphrases are not asked for.
                Tag::SymKeyEncryptedSessionKey => {}
                tag if says_nothing(tag) => {}
                Tag::SymEncryptedProtectedData | Tag::GnupgAeadData | Tag::SymEncryptedData => {
                    break packet;
                }
                _ => return Err(Fault::Broken),
            }
        };
        if !packets.all(|packet| says_nothing(packet.tag())) {
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
        unpack(plain)
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
        whole(reader.map_err(|_| Fault::Broken)?)
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
        whole(reader.map_err(|_| Fault::Broken)?)
    }
}

/// Says whether a packet is passed over wherever it stands.
fn says_nothing(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::Marker | Tag::Padding | Tag::UnassignedNonCritical(_) | Tag::Experimental(_)
    )
}

/// Takes the layers of compression off and returns the one literal text below.
fn unpack(plain: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut layer = plain;
    for _ in 0..=DEPTH {
        let mut packets = split(&layer)?
            .into_iter()
            .filter(|packet| !says_nothing(packet.tag()));
        let packet = packets.next().ok_or(Fault::Broken)?;
        match packet.tag() {
            Tag::CompressedData if packet.body.first() == Some(&BZIP2) => {
                return Err(Fault::Unsupported("bzip2 in an OpenPGP message"));
            }
            // Parity: for gpg compression goes on to the end, and what follows in the same layer is not looked at.
            Tag::CompressedData => layer = decompress(&packet.body)?,
            Tag::LiteralData if packets.next().is_none() => return literal(&packet.body),
            Tag::Signature | Tag::OnePassSignature => {
                return Err(Fault::Unsupported("a signed OpenPGP message"));
            }
            Tag::PublicKeyEncryptedSessionKey => {
                return Err(Fault::Unsupported("an OpenPGP message within another"));
            }
            _ => return Err(Fault::Broken),
        }
    }
    Err(Fault::Broken)
}

fn decompress(body: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let reader = Decompressor::from_reader(body).map_err(|_| Fault::Broken)?;
    let (plain, failed) = bounded(reader)?;
    match failed {
        // Parity: gpg takes what there is of compression that ends too early.
        Some(error) if error.kind() != ErrorKind::UnexpectedEof => Err(Fault::Broken),
        _ => Ok(plain),
    }
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

/// Reads to the end, to an error, or to the limit.
fn bounded(reader: impl Read) -> Result<(Zeroizing<Vec<u8>>, Option<Error>), Fault> {
    let mut plain = Zeroizing::new(Vec::with_capacity(1024));
    let failed = reader.take(LAYER as u64 + 1).read_to_end(&mut plain).err();
    if plain.len() > LAYER {
        return Err(Fault::Broken);
    }
    Ok((plain, failed))
}

/// Reads a layer whose integrity is known once it was read.
fn whole(reader: impl Read) -> Result<Zeroizing<Vec<u8>>, Fault> {
    match bounded(reader)? {
        (plain, None) => Ok(plain),
        (_, Some(_)) => Err(Fault::Broken),
    }
}
