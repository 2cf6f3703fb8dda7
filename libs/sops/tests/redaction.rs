//! Values planted in every position of every input: no error, no Debug output and no panic shows one.

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use aes_gcm::aead::consts::U32;
use aes_gcm::aead::{AeadInPlace as _, KeyInit as _};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fjord_sops::sealed_secret::{Keys, unseal};
use fjord_sops::{AgeIdentities, Ask, Format, KeyError, KeyService, Mac, Recipient, decrypt};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Found in no message, whatever it is part of, nor is its base64.
const PLANTED: &str = "pl4nt3d";
const PLANTED_BASE64: &str = "cGw0bnQzZ";
const DATA_KEY: [u8; 32] = *b"pl4nt3d-data-key-of-32-bytes-...";
const FORMATS: [Format; 5] = [
    Format::Yaml,
    Format::Json,
    Format::Dotenv,
    Format::Ini,
    Format::Binary,
];

/// Opens every data key to the planted one, or to another.
#[derive(Debug)]
struct Fixed([u8; 32]);

impl KeyService for Fixed {
    fn open(&self, _: &Recipient) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        Ok(Zeroizing::new(self.0.to_vec()))
    }
}

/// Encrypts as SOPS does.
fn sealed(plain: &str, additional: &str, kind: &str) -> String {
    let nonce = [9; 32];
    let mut data = plain.as_bytes().to_vec();
    let tag = AesGcm::<Aes256, U32>::new_from_slice(&DATA_KEY)
        .unwrap()
        .encrypt_in_place_detached(Nonce::from_slice(&nonce), additional.as_bytes(), &mut data)
        .unwrap();
    let [data, iv, tag] = [&data[..], &nonce, &tag].map(|bytes| STANDARD.encode(bytes));
    format!("ENC[AES256_GCM,data:{data},iv:{iv},tag:{tag},type:{kind}]")
}

/// Writes a file of one value at `section.data`, as far as the format has sections.
fn file(format: Format, value: &str, metadata: &[(&str, String)]) -> String {
    let lines = |start: &str, between: &str| -> String {
        let lines = metadata.iter();
        let lines = lines.map(|(key, value)| format!("{start}{key}{between}{value}\n"));
        lines.collect()
    };
    match format {
        Format::Yaml => format!(
            "section:\n    data: {value}\nsops:\n    age:\n        - recipient: age1x\n          enc: x\n{}",
            lines("    ", ": ")
        ),
        Format::Json | Format::Binary => {
            let mut sops = json!({ "age": [{ "recipient": "age1x", "enc": "x" }] });
            for (key, value) in metadata {
                sops[*key] = json!(value);
            }
            json!({ "data": value, "sops": sops }).to_string()
        }
        Format::Dotenv => format!(
            "data={value}\nsops_age__list_0__map_recipient=age1x\nsops_age__list_0__map_enc=x\n{}",
            lines("sops_", "=")
        ),
        Format::Ini => format!(
            "[section]\ndata = {value}\n\n[sops]\nage__list_0__map_recipient = age1x\nage__list_0__map_enc = x\n{}",
            lines("", " = ")
        ),
    }
}

fn path(format: Format) -> &'static str {
    match format {
        Format::Yaml | Format::Ini => "section:data:",
        _ => "data:",
    }
}

fn metadata(mac: &str) -> Vec<(&'static str, String)> {
    vec![
        ("lastmodified", "2026-01-01T00:00:00Z".into()),
        ("mac", mac.into()),
        ("version", "3.13.2".into()),
    ]
}

/// Panics if a text shows what was planted.
fn look(shown: &str, where_from: &str) {
    for planted in [PLANTED, PLANTED_BASE64] {
        assert!(!shown.contains(planted), "{where_from}: {shown}");
    }
    // A list of bytes shows as numbers.
    assert!(
        !shown.contains("112, 108, 52, 110"),
        "{where_from}: {shown}"
    );
}

/// Decrypts every way there is, and looks at all that can be printed of it.
fn try_all(text: &str, format: Format, where_from: &str) -> usize {
    let mut succeeded = 0;
    for key in [DATA_KEY, [1; 32]] {
        for mac in [Mac::Verify, Mac::Skip] {
            let tried =
                std::panic::catch_unwind(|| decrypt(text.as_bytes(), format, &Fixed(key), mac));
            let result = tried.unwrap_or_else(|_| panic!("{where_from}: a panic"));
            match result {
                Ok(decrypted) => {
                    succeeded += 1;
                    look(
                        &format!("{decrypted:?} {:?}", decrypted.documents()),
                        where_from,
                    );
                    for format in FORMATS {
                        if let Err(error) = decrypted.write(format) {
                            look(&format!("{error} {error:?}"), where_from);
                        }
                    }
                }
                Err(error) => look(&format!("{error} {error:?} {error:#?}"), where_from),
            }
        }
    }
    succeeded
}

#[test]
fn no_message_shows_a_value_of_any_type_that_decrypts_or_does_not() {
    const KINDS: [&str; 9] = [
        "str", "int", "float", "bool", "bytes", "comment", "time", "what", "",
    ];
    let mac = sealed(PLANTED, "2026-01-01T00:00:00Z", "str");
    let mut decrypted = 0;
    for format in FORMATS {
        for kind in KINDS {
            let good = sealed(PLANTED, path(format), kind);
            let elsewhere = sealed(PLANTED, "other:", kind);
            let plain = format!("{PLANTED}-in-clear");
            let broken = good.replace("iv:", "iv:pl4nt3d");
            let cut = good.trim_end_matches(']').to_owned();
            let number = sealed("12", path(format), kind);
            for value in [good, elsewhere, plain, broken, cut, number] {
                let text = file(format, &value, &metadata(&mac));
                decrypted += try_all(&text, format, &format!("{format:?} {kind}"));
            }
        }
    }
    assert!(
        decrypted > 20,
        "only {decrypted} decrypt, so little was looked at"
    );
}

#[test]
fn no_message_shows_what_stands_in_the_metadata_where_a_secret_may() {
    let planted = || PLANTED.to_owned();
    for format in FORMATS {
        let good = sealed(PLANTED, path(format), "str");
        for field in [
            "mac",
            "lastmodified",
            "version",
            "shamir_threshold",
            "encrypted_regex",
        ] {
            for value in [planted(), format!("{PLANTED}("), String::new()] {
                let mut fields = metadata("x");
                fields.retain(|(key, _)| *key != field);
                fields.push((field, value));
                try_all(&file(format, &good, &fields), format, field);
            }
        }
        for at in [
            "", "\n", "{", "[", "\"", "- ", ": ", "&", "*x", "!x ", "\t", "=", ";", "\u{0}",
        ] {
            let text = format!("{at}{PLANTED}{at}");
            try_all(&text, format, at);
            let text = file(format, &format!("{at}{PLANTED}{at}"), &metadata("x"));
            try_all(&text, format, at);
        }
    }
}

#[test]
fn no_message_shows_a_private_key_or_a_passphrase() {
    let asked: Ask = Arc::new(|_| Some(format!("{PLANTED}-passphrase").into()));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops/keys");
    for text in [
        "AGE-SECRET-KEY-1PL4NT3D-pl4nt3d".to_owned(),
        "AGE-SECRET-KEY-PQ-1pl4nt3d".to_owned(),
        "AGE-PLUGIN-X-1pl4nt3d".to_owned(),
        format!(
            "-----BEGIN OPENSSH PRIVATE KEY-----\n{PLANTED}\n-----END OPENSSH PRIVATE KEY-----\n"
        ),
        format!("-----BEGIN RSA PRIVATE KEY-----\n{PLANTED}\n-----END RSA PRIVATE KEY-----\n"),
        format!("-----BEGIN PRIVATE KEY-----\n{PLANTED_BASE64}\n-----END PRIVATE KEY-----\n"),
        format!("kind: Secret\nmetadata: {{name: n}}\ndata: {{tls.key: {PLANTED_BASE64}A=}}\n"),
        format!("kind: Secret\nmetadata: {{name: n}}\nstringData: {{tls.key: {PLANTED}}}\n"),
        PLANTED.to_owned(),
    ] {
        let mut keys = AgeIdentities::default();
        let mut sealing = Keys::default();
        let errors = [
            format!("{:?}", keys.add_file(text.as_bytes(), "f", Some(&asked))),
            format!(
                "{:?}",
                keys.add_ssh_file(text.as_bytes(), "f", Some(&asked))
            ),
            format!("{:?}", sealing.add(text.as_bytes())),
            format!("{keys:?} {sealing:?}"),
        ];
        for shown in errors {
            look(&shown, &text);
            assert!(!shown.to_uppercase().contains("PL4NT3D"), "{shown}");
        }
    }
    // A real key behind a passphrase, and the wrong one.
    let mut keys = AgeIdentities::default();
    keys.add_ssh_file(
        &read(&folder.join("../../age/ssh_ed25519_locked")),
        "f",
        Some(&asked),
    )
    .unwrap();
    let case = folder.join("../../age/locked-ssh-ed25519-yaml/encrypted.yaml");
    let error = decrypt(&read(&case), Format::Yaml, &keys, Mac::Verify).unwrap_err();
    look(&format!("{error} {error:?} {keys:?}"), "a wrong passphrase");
    assert!(error.to_string().contains("passphrase"), "{error}");
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[test]
fn no_message_of_a_sealed_secret_shows_a_value() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sealed_secret");
    let mut keys = Keys::default();
    keys.add(&read(&folder.join("first.key"))).unwrap();
    let of = |spec: Value| {
        json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
               "metadata": {"name": "n", "namespace": "ns"}, "spec": spec})
    };
    let planted = || json!(PLANTED);
    let mut shown = Vec::new();
    for spec in [
        json!({ "encryptedData": { "a": planted() } }),
        json!({ "encryptedData": { "a": [planted()] } }),
        json!({ "encryptedData": planted() }),
        json!({ "data": planted() }),
        json!({ "data": PLANTED_BASE64.to_owned() + "A==" }),
        json!({ "template": planted() }),
        json!({ "template": { "data": planted() } }),
        json!({ "template": { "immutable": planted(), "type": [planted()] } }),
    ] {
        let result = unseal(&of(spec), &keys);
        shown.push(format!(
            "{result:?} {:?}",
            result.as_ref().map_err(ToString::to_string).err()
        ));
    }
    // What a template does with a value that it may name.
    for template in [
        "{{ fail .value }}",
        "{{ .value.field }}",
        "{{ index .value 99 }}",
        "{{ .value | fromJson }}",
        "{{ .value | b64dec | toDate \"2006\" }}",
        "{{ regexMatch .value \"(\" }}{{ mustRegexMatch (printf \"(%s\" .value) \"x\" }}",
        "{{ template .value }}",
        "{{ if .value }}",
    ] {
        let spec = json!({ "template": { "data": { "value": planted(), "made": template } } });
        if let Err(error) = unseal(&of(spec), &keys) {
            shown.push(format!("{error} {error:?}"));
        }
    }
    assert!(shown.len() > 12, "{shown:#?}");
    for shown in shown {
        look(&shown, "a SealedSecret");
    }
}
