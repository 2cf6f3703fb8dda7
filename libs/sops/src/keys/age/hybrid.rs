//! The post-quantum identities of age 1.3: X-Wing (ML-KEM-768 with X25519) under HPKE.
//!
//! The primitives are those of the crates the workspace has; only how they are put together stands here (RFC 9180, base mode,
//! and draft-ietf-hpke-pq for the key pair).

use age::DecryptError;
use age_core::format::{FileKey, Stanza};
use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bech32::Bech32;
use bech32::primitives::decode::CheckedHrpstring;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ml_kem::kem::Decapsulate as _;
use ml_kem::{Ciphertext, KemCore, MlKem768};
use sha2::Sha256;
use sha3::digest::{ExtendableOutput as _, Update as _, XofReader as _};
use sha3::{Digest as _, Sha3_256, Shake256};
use zeroize::{Zeroize as _, Zeroizing};

const TAG: &str = "mlkem768x25519";
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
/// X-Wing, HKDF-SHA256, ChaCha20-Poly1305.
const SUITE: &[u8] = b"HPKE\x64\x7a\x00\x01\x00\x03";
const X_WING: &[u8] = br"\.//^\";
/// The bytes of an ML-KEM-768 ciphertext, before those of the X25519 key.
const POST_QUANTUM: usize = 1088;
/// A file key of 16 bytes and its tag.
const BODY: usize = 32;

/// An identity that begins with `AGE-SECRET-KEY-PQ-1`.
pub(super) struct HybridIdentity {
    post_quantum: <MlKem768 as KemCore>::DecapsulationKey,
    classic: PrivateKey,
    classic_public: Vec<u8>,
}

impl HybridIdentity {
    /// Reads an identity; none if it is malformed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parsed = CheckedHrpstring::new::<Bech32>(text).ok()?;
        if !parsed
            .hrp()
            .as_str()
            .eq_ignore_ascii_case("AGE-SECRET-KEY-PQ-")
        {
            return None;
        }
        let seed: Zeroizing<Vec<u8>> = Zeroizing::new(parsed.byte_iter().collect());
        if seed.len() != 32 {
            return None;
        }
        let mut seeds = Zeroizing::new([0; 96]);
        let mut shake = Shake256::default();
        shake.update(&seed);
        shake.finalize_xof().read(&mut seeds[..]);
        let part = |at: usize| <[u8; 32]>::try_from(&seeds[at..at + 32]).ok();
        let (d, z) = (Zeroizing::new(part(0)?), Zeroizing::new(part(32)?));
        let (post_quantum, _) = MlKem768::generate_deterministic(&(*d).into(), &(*z).into());
        let classic = PrivateKey::from_private_key(&X25519, &seeds[64..]).ok()?;
        Some(Self {
            post_quantum,
            classic_public: classic.compute_public_key().ok()?.as_ref().to_vec(),
            classic,
        })
    }

    /// Returns the secret that both sides share.
    fn shared(&self, encapsulated: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let (post_quantum, classic) = encapsulated.split_at_checked(POST_QUANTUM)?;
        let ciphertext = Ciphertext::<MlKem768>::try_from(post_quantum).ok()?;
        let mut secret = self.post_quantum.decapsulate(&ciphertext).ok()?;
        let from_lattice = Zeroizing::new(secret.to_vec());
        secret.as_mut_slice().zeroize();
        let from_curve = agree(
            &self.classic,
            UnparsedPublicKey::new(&X25519, classic),
            (),
            |secret| Ok(Zeroizing::new(secret.to_vec())),
        )
        .ok()?;
        let mut hash = Sha3_256::new();
        for part in [
            &from_lattice[..],
            &from_curve,
            classic,
            &self.classic_public,
            X_WING,
        ] {
            sha3::Digest::update(&mut hash, part);
        }
        Some(Zeroizing::new(hash.finalize().into()))
    }
}

impl age::Identity for HybridIdentity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if stanza.tag != TAG {
            return None;
        }
        let invalid = Some(Err(DecryptError::InvalidHeader));
        let [encapsulated] = stanza.args.as_slice() else {
            return invalid;
        };
        let Ok(encapsulated) = STANDARD_NO_PAD.decode(encapsulated) else {
            return invalid;
        };
        if stanza.body.len() != BODY {
            return invalid;
        }
        let Some(shared) = self.shared(&encapsulated) else {
            return invalid;
        };
        // A file of another recipient is only told apart here.
        let key = open(&shared, &stanza.body)?;
        Some(Ok(FileKey::new(Box::new(*key))))
    }
}

/// Opens the first message of an HPKE sender.
fn open(shared: &[u8; 32], message: &[u8]) -> Option<Zeroizing<[u8; 16]>> {
    let context = [
        &[0][..],
        &extract(b"", b"psk_id_hash", b"")?[..],
        &extract(b"", b"info_hash", INFO)?[..],
    ]
    .concat();
    let secret = extract(shared, b"secret", b"")?;
    let key = expand(&secret, b"key", &context, 32)?;
    let nonce = expand(&secret, b"base_nonce", &context, 12)?;
    let cipher = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
    let mut message = Zeroizing::new(message.to_vec());
    let plain = cipher
        .open_in_place(nonce, Aad::empty(), &mut message)
        .ok()?;
    Some(Zeroizing::new(<[u8; 16]>::try_from(&*plain).ok()?))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Option<Zeroizing<Vec<u8>>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        hmac::Mac::update(&mut mac, part);
    }
    Some(Zeroizing::new(mac.finalize().into_bytes().to_vec()))
}

fn extract(salt: &[u8], label: &[u8], input: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    mac(salt, &[b"HPKE-v1", SUITE, label, input])
}

/// Derives up to 32 bytes, for which HKDF needs one round.
fn expand(secret: &[u8], label: &[u8], info: &[u8], length: u8) -> Option<Zeroizing<Vec<u8>>> {
    let parts = [&[0, length], &b"HPKE-v1"[..], SUITE, label, info, &[1]];
    let mut derived = mac(secret, &parts)?;
    derived.truncate(usize::from(length));
    Some(derived)
}
