//! Any bytes as a file of OpenPGP keys, as a message, and as what a message holds: it ends in keys, in a data key or in an error.
//!
//! Seeds: `seeds.sh` writes them from the cases of the tests; the files of keys are seeds, too.

#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fjord_sops::{KeyService as _, PgpKeys, Recipient};
use libfuzzer_sys::fuzz_target;
use pgp::composed::{Deserializable as _, RawSessionKey, SignedSecretKey};
use pgp::crypto::sym::SymmetricKeyAlgorithm::AES128;
use pgp::packet::{PacketTrait as _, PublicKeyEncryptedSessionKey, SymEncryptedProtectedData};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

const ECC: &str = include_str!("../../tests/sops/keys/pgp_ecc.asc");
const SESSION_KEY: [u8; 16] = *b"a session key...";

static KEYS: LazyLock<PgpKeys> = LazyLock::new(|| {
    let mut keys = PgpKeys::default();
    let _ = keys.add(ECC.as_bytes());
    let _ = keys.add(include_bytes!("../../tests/sops/keys/pgp_rsa.asc"));
    keys
});

/// The session key, encrypted for a key at hand.
static WRAPPED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let (key, _) = SignedSecretKey::from_string(ECC).expect("the key of the tests");
    let random = StdRng::seed_from_u64(0);
    let session = RawSessionKey::from(&SESSION_KEY[..]);
    let subkey = key.secret_subkeys[0].key.public_key();
    let packet =
        PublicKeyEncryptedSessionKey::from_session_key_v3(random, &session, AES128, subkey);
    let mut out = Vec::new();
    let packet = packet.expect("a session key");
    packet.to_writer_with_header(&mut out).expect("a packet");
    out
});

fn open(ciphertext: String) {
    let fingerprint = String::new();
    let _ = KEYS.open(&Recipient::Pgp {
        fingerprint,
        ciphertext,
    });
}

fn armored(data: &[u8]) -> String {
    let mut crc = 0x00b7_04ce_u32;
    for byte in data {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc = crc << 1
                ^ if crc & 0x0080_0000 == 0 {
                    0
                } else {
                    0x0186_4cfb
                };
        }
    }
    format!(
        "-----BEGIN PGP MESSAGE-----\n\n{}\n={}\n-----END PGP MESSAGE-----\n",
        STANDARD.encode(data),
        STANDARD.encode(&crc.to_be_bytes()[1..])
    )
}

/// Encrypts what a message holds, so that what comes behind the cipher is reached.
fn holding(data: &[u8]) -> Vec<u8> {
    let random = StdRng::seed_from_u64(0);
    let packet = SymEncryptedProtectedData::encrypt_seipdv1(random, AES128, &SESSION_KEY, data);
    let mut out = WRAPPED.clone();
    let packet = packet.expect("an encrypted packet");
    packet.to_writer_with_header(&mut out).expect("a packet");
    out
}

fuzz_target!(
    // The library's own panics are caught and become errors; libFuzzer's hook would abort first.
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| {
        let _ = PgpKeys::default().add(data);
        open(String::from_utf8_lossy(data).into_owned());
        open(armored(data));
        open(armored(&holding(data)));
    }
);
