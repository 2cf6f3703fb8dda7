//! One private key: what is needed to open a session key that is encrypted for it.
//!
//! RSA is done by aws-lc, in constant time; all else by rPGP. Whether a key or subkey has expired or was revoked does not matter:
//! that is about new messages, and `gpg` opens old ones with it.

use super::message::{Fault, SessionKey};
use aws_lc_rs::rsa::{Pkcs1PrivateDecryptingKey, PrivateDecryptingKey};
use pgp::composed::PlainSessionKey;
use pgp::crypto::ecc_curve::ECCCurve;
use pgp::crypto::sym::SymmetricKeyAlgorithm;
use pgp::packet::{PublicKeyEncryptedSessionKey, SecretKey, SecretSubkey};
use pgp::types::{
    DecryptionKey, EskType, KeyDetails, Password, PkeskBytes, PlainSecretParams, PublicParams,
    S2kParams, SecretParams, StringToKey,
};
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{BigUint, RsaPrivateKey};
use zeroize::Zeroizing;

/// A primary key or a subkey, as a file has it.
pub(super) enum Part {
    Primary(SecretKey),
    Subkey(SecretSubkey),
}

impl Part {
    fn details(&self) -> &dyn KeyDetails {
        match self {
            Self::Primary(key) => key,
            Self::Subkey(key) => key,
        }
    }

    fn params(&self) -> &SecretParams {
        match self {
            Self::Primary(key) => key.secret_params(),
            Self::Subkey(key) => key.secret_params(),
        }
    }
}

/// A private key, and how it is used.
pub(super) struct Secret {
    part: Part,
    kind: Kind,
}

enum Kind {
    Rsa(Pkcs1PrivateDecryptingKey),
    Library,
    Unsupported(&'static str),
    /// The file tells of the key and does not hold it.
    Absent,
}

impl Secret {
    pub(super) fn new(part: Part) -> Self {
        let kind = match (part.params(), part.details().public_params()) {
            (SecretParams::Encrypted(params), _) => match params.string_to_key_params() {
                // What gpg writes for a key that is kept offline or on a card.
                S2kParams::Cfb {
                    s2k: StringToKey::Private { .. },
                    ..
                } => Kind::Absent,
                _ => Kind::Unsupported("an OpenPGP key with a passphrase"),
            },
            (SecretParams::Plain(PlainSecretParams::RSA(key)), PublicParams::RSA(public)) => {
                constant_time(key, &public.key).map_or(Kind::Library, Kind::Rsa)
            }
            (SecretParams::Plain(PlainSecretParams::ECDH(key)), _) => match key.curve() {
                ECCCurve::Curve25519Legacy | ECCCurve::P256 | ECCCurve::P384 | ECCCurve::P521 => {
                    Kind::Library
                }
                ECCCurve::BrainpoolP256r1
                | ECCCurve::BrainpoolP384r1
                | ECCCurve::BrainpoolP512r1 => {
                    Kind::Unsupported("an OpenPGP key on a Brainpool curve")
                }
                ECCCurve::Secp256k1 => Kind::Unsupported("an OpenPGP key on secp256k1"),
                _ => Kind::Unsupported("an OpenPGP key on an unknown curve"),
            },
            (SecretParams::Plain(PlainSecretParams::Elgamal(_)), _) => {
                Kind::Unsupported("an ElGamal key of OpenPGP")
            }
            (SecretParams::Plain(PlainSecretParams::Unknown { .. }), _) => {
                Kind::Unsupported("an OpenPGP key of an unknown algorithm")
            }
            (SecretParams::Plain(_), _) => Kind::Library,
        };
        Self { part, kind }
    }

    /// Says whether the key is there at all.
    pub(super) fn is_present(&self) -> bool {
        !matches!(self.kind, Kind::Absent)
    }

    /// Says whether a session key is encrypted for this key, or does not say for whom.
    pub(super) fn matches(&self, wrapped: &PublicKeyEncryptedSessionKey) -> bool {
        match &self.part {
            Part::Primary(key) => wrapped.match_identity(key),
            Part::Subkey(key) => wrapped.match_identity(key),
        }
    }

    /// Opens a session key.
    pub(super) fn open(&self, wrapped: &PublicKeyEncryptedSessionKey) -> Result<SessionKey, Fault> {
        let values = wrapped.values().map_err(|_| Fault::Broken)?;
        match (&self.kind, values) {
            (Kind::Rsa(key), PkeskBytes::Rsa { mpi }) => open_rsa(key, mpi.as_ref()),
            (Kind::Library, values) => self.open_by_library(values),
            (Kind::Unsupported(what), _) => Err(Fault::Unsupported(what)),
            (Kind::Rsa(_) | Kind::Absent, _) => Err(Fault::Broken),
        }
    }

    fn open_by_library(&self, values: &PkeskBytes) -> Result<SessionKey, Fault> {
        let password = Password::empty();
        let opened = match &self.part {
            Part::Primary(key) => key.decrypt(&password, values, EskType::V3_4),
            Part::Subkey(key) => key.decrypt(&password, values, EskType::V3_4),
        };
        match opened {
            Ok(Ok(PlainSessionKey::V3_4 { sym_alg, ref key })) => Ok(SessionKey {
                cipher: sym_alg,
                key: Zeroizing::new(key.as_ref().to_vec()),
            }),
            _ => Err(Fault::Broken),
        }
    }
}

/// Hands a key to aws-lc; none where it does not take it, as with less than 2048 bits.
fn constant_time(
    key: &pgp::crypto::rsa::SecretKey,
    public: &rsa::RsaPublicKey,
) -> Option<Pkcs1PrivateDecryptingKey> {
    let (d, p, q, u) = key.to_bytes();
    let [d, p, q, _] = [d, p, q, u].map(Zeroizing::new);
    let [d, p, q] = [d, p, q].map(|number| BigUint::from_bytes_be(&number));
    let key = RsaPrivateKey::from_components(public.n().clone(), public.e().clone(), d, vec![p, q]);
    let der = key.ok()?.to_pkcs8_der().ok()?;
    let key = PrivateDecryptingKey::from_pkcs8(der.as_bytes()).ok()?;
    Pkcs1PrivateDecryptingKey::new(key).ok()
}

fn open_rsa(key: &Pkcs1PrivateDecryptingKey, number: &[u8]) -> Result<SessionKey, Fault> {
    // Zeros at the front are not written.
    let missing = key.key_size_bytes().checked_sub(number.len());
    let mut wrapped = vec![0; missing.ok_or(Fault::Broken)?];
    wrapped.extend_from_slice(number);
    let mut plain = Zeroizing::new(vec![0; key.min_output_size()]);
    let plain = key.decrypt(&wrapped, &mut plain);
    read_session_key(plain.map_err(|_| Fault::Broken)?)
}

/// Reads the octet of the cipher, the session key, and the sum of its octets.
fn read_session_key(plain: &[u8]) -> Result<SessionKey, Fault> {
    let (cipher, rest) = plain.split_first().ok_or(Fault::Broken)?;
    let (key, sum) = rest.split_last_chunk::<2>().ok_or(Fault::Broken)?;
    let cipher = SymmetricKeyAlgorithm::from(*cipher);
    let computed = key
        .iter()
        .fold(0_u16, |sum, octet| sum.wrapping_add(u16::from(*octet)));
    if key.is_empty() || key.len() != cipher.key_size() || computed.to_be_bytes() != *sum {
        return Err(Fault::Broken);
    }
    Ok(SessionKey {
        cipher,
        key: Zeroizing::new(key.to_vec()),
    })
}
