//! Files of OpenPGP keys: their forms, those that hold no usable key, and damaged ones.

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fjord_sops::keys::PgpKeysError;
use fjord_sops::{Error, Format, KeyService as _, Mac, PgpKeys, Recipient, decrypt};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops")
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join("keys").join(name)).unwrap()
}

fn keys(name: &str) -> PgpKeys {
    let mut keys = PgpKeys::default();
    keys.add(&file(name)).unwrap();
    keys
}

/// Decrypts a case of YAML with some keys.
fn open(case: &str, keys: &PgpKeys) -> Result<Vec<u8>, Error> {
    let case = folder().join("cases").join(case);
    let text = std::fs::read(case.join("encrypted.yaml")).unwrap();
    let plain = decrypt(&text, Format::Yaml, keys, Mac::Verify)?.write(Format::Yaml)?;
    if let Ok(expected) = std::fs::read(case.join("expected")) {
        assert_eq!(*plain, expected);
    }
    Ok(plain.to_vec())
}

/// Returns the message of a case of JSON.
fn message(case: &str) -> String {
    let case = folder().join("cases").join(case).join("encrypted.json");
    let file: Value = serde_json::from_slice(&std::fs::read(case).unwrap()).unwrap();
    file["sops"]["pgp"][0]["enc"].as_str().unwrap().to_owned()
}

fn open_message(keys: &PgpKeys, ciphertext: String) -> bool {
    let fingerprint = String::new();
    let recipient = Recipient::Pgp {
        fingerprint,
        ciphertext,
    };
    keys.open(&recipient).is_ok()
}

#[test]
fn binary_files_and_files_of_several_keys_are_read() {
    assert!(open("pgp-key-p256", &keys("pgp_p256.gpg")).is_ok());
    for bundle in ["bundle_one_block.asc", "bundle_two_blocks.asc"] {
        let keys = keys(bundle);
        assert!(open("pgp-key-bundled", &keys).is_ok(), "{bundle}");
        assert!(open("yaml-simple-pgp-rsa", &keys).is_ok(), "{bundle}");
        assert!(open("pgp-key-p256", &keys).is_err(), "{bundle}");
    }
    // The file has the subkeys only, as for a primary key that is kept offline.
    assert!(open("pgp-key-card", &keys("pgp_card.asc")).is_ok());
}

#[test]
fn files_without_a_private_key_are_refused_and_say_what_is_missing() {
    let add = |file: &[u8]| PgpKeys::default().add(file);
    assert_eq!(add(&file("public.asc")), Err(PgpKeysError::Public));
    assert_eq!(add(b""), Err(PgpKeysError::Malformed));
    assert_eq!(add(b"just a text\n"), Err(PgpKeysError::Malformed));
    assert_eq!(add(&file("first.age")), Err(PgpKeysError::Malformed));
    assert_eq!(
        add(message("pgp-cipher-AES256").as_bytes()),
        Err(PgpKeysError::Malformed)
    );
    let armored = file("pgp_ecc.asc");
    assert_eq!(
        add(&armored[..armored.len() / 2]),
        Err(PgpKeysError::Malformed)
    );
    let binary = file("pgp_p256.gpg");
    assert_eq!(
        add(&binary[..binary.len() - 1]),
        Err(PgpKeysError::Malformed)
    );
    let large = vec![b'a'; (4 << 20) + 1];
    assert!(matches!(add(&large), Err(PgpKeysError::Limit { .. })));
}

#[test]
fn a_key_with_a_passphrase_is_refused_by_name_where_a_file_needs_it() {
    let mut keys = keys("pgp_locked.asc");
    let error = open("pgp-key-locked", &keys).unwrap_err().to_string();
    assert!(error.contains("tried: pgp CABE36853249DF81300345E49D0459A9215DEE38: an OpenPGP key with a passphrase is not supported"), "{error}");
    // It does not keep the others from being used.
    keys.add(&file("pgp_p256.gpg")).unwrap();
    assert!(open("pgp-key-p256", &keys).is_ok());
}

#[test]
fn a_file_for_another_key_says_that_no_such_key_is_at_hand() {
    let error = open("pgp-key-p256", &keys("pgp_ecc.asc")).unwrap_err();
    assert!(
        error.to_string().ends_with("no such key is at hand"),
        "{error}"
    );
    let none = PgpKeys::default();
    assert!(none.is_empty());
    let error = open("pgp-key-p256", &none).unwrap_err();
    assert!(
        error.to_string().ends_with("no such key is at hand"),
        "{error}"
    );
}

/// Writes binary data as a message.
fn armored(data: &[u8]) -> String {
    let mut crc = 0x00b7_04ce_u32;
    for byte in data {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            let carry = crc & 0x0080_0000 != 0;
            crc = (crc << 1) ^ if carry { 0x0186_4cfb } else { 0 };
        }
    }
    let [data, sum] = [data, &crc.to_be_bytes()[1..]].map(|bytes| STANDARD.encode(bytes));
    format!("-----BEGIN PGP MESSAGE-----\n\n{data}\n={sum}\n")
}

#[test]
fn a_message_that_names_its_recipient_very_often_is_given_up() {
    let keys = keys("pgp_ecc.asc");
    let message = message("pgp-cipher-AES256");
    let (_, body) = message.split_once("\n\n").unwrap();
    let (body, _) = body.split_once("\n=").unwrap();
    let data = STANDARD.decode(body.replace('\n', "")).unwrap();
    // One octet each for kind and length, and then the recipient.
    let (recipient, rest) = data.split_at(2 + usize::from(data[1]));
    let mut broken = recipient.to_vec();
    *broken.last_mut().unwrap() ^= 1;
    for (times, opens) in [(0, true), (63, true), (64, false), (250, false)] {
        let many = [broken.repeat(times), recipient.to_vec(), rest.to_vec()].concat();
        assert_eq!(open_message(&keys, armored(&many)), opens, "{times}");
    }
}

#[test]
fn no_debug_output_shows_a_key() {
    assert_eq!(format!("{:?}", keys("pgp_ecc.asc")), "2 OpenPGP keys");
}

#[test]
fn no_cut_or_changed_key_makes_loading_or_opening_panic() {
    let whole = file("pgp_p256.gpg");
    let text = std::fs::read(folder().join("cases/pgp-key-p256/encrypted.yaml")).unwrap();
    let mut read = 0;
    for at in (0..whole.len()).step_by(5) {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        for input in [&whole[..at], &changed] {
            let mut keys = PgpKeys::default();
            if keys.add(input).is_ok() {
                read += 1;
                let _ = decrypt(&text, Format::Yaml, &keys, Mac::Skip);
            }
        }
    }
    assert!(read > 20, "{read}");
}

#[test]
fn no_cut_or_changed_message_opens() {
    let keys = keys("pgp_ecc.asc");
    for case in ["pgp-cipher-AES256", "pgp-authenticated-AES256"] {
        let whole = message(case).replace('\r', "");
        assert!(open_message(&keys, whole.clone()));
        let body = whole.find("\n\n").unwrap() + 2;
        let checksum = whole.rfind("\n=").unwrap();
        for at in (body..checksum).filter(|at| whole.as_bytes()[*at].is_ascii_alphanumeric()) {
            let mut changed = whole.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(
                changed == whole || !open_message(&keys, changed),
                "{case} {at}"
            );
            assert!(!open_message(&keys, whole[..at].to_owned()), "{case} {at}");
        }
    }
}
