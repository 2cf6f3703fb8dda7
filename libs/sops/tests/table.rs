//! Files that the real sops encrypted decrypt to the real sops's bytes (`tests/oracle/sops`).

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use fjord_sops::{AgeIdentities, Error, Format, KeyService, Mac, PgpKeys, Unbuilt, decrypt};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops")
}

fn keys() -> Vec<Box<dyn KeyService>> {
    let mut keys = AgeIdentities::default();
    for name in ["first", "second", "third"] {
        let path = folder().join(format!("keys/{name}.age"));
        keys.add_lines(&std::fs::read_to_string(path).unwrap())
            .unwrap();
    }
    for name in ["ssh_ed25519", "ssh_rsa"] {
        keys.add_ssh(&std::fs::read(folder().join("keys").join(name)).unwrap())
            .unwrap();
    }
    let mut pgp = PgpKeys::default();
    let mut exports: Vec<PathBuf> = std::fs::read_dir(folder().join("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "asc"))
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("pgp_")
        })
        .collect();
    exports.sort();
    for path in exports {
        let added = pgp.add(&std::fs::read(&path).unwrap());
        assert_eq!(added, Ok(()), "{}", path.display());
    }
    vec![Box::new(keys), Box::new(pgp), Box::new(Unbuilt)]
}

struct Case {
    name: String,
    encrypted: Vec<u8>,
    format: Format,
    mac: Mac,
    /// What the real tool prints; none where it refuses the file.
    expected: Option<Vec<u8>>,
    text: String,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder().join("cases")).unwrap() {
        let path = entry.unwrap().path();
        let file = std::fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.file_stem().is_some_and(|stem| stem == "encrypted"))
            .unwrap();
        let flags = std::fs::read_to_string(path.join("flags")).unwrap_or_default();
        let encrypted = std::fs::read(&file).unwrap();
        cases.push(Case {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            format: Format::of_path(file.to_str().unwrap()),
            mac: if flags.contains("--ignore-mac") {
                Mac::Skip
            } else {
                Mac::Verify
            },
            expected: std::fs::read(path.join("expected")).ok(),
            text: String::from_utf8_lossy(&encrypted).into_owned(),
            encrypted,
        });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(cases.len() > 150, "{} cases", cases.len());
    cases
}

fn run(case: &Case, keys: &dyn KeyService) -> Result<Vec<u8>, Error> {
    let decrypted = decrypt(&case.encrypted, case.format, keys, case.mac)?;
    Ok(decrypted.write(case.format)?.to_vec())
}

/// What the real tool opens and this library refuses by name: `docs/deviations.md`.
const REFUSED_HERE: [(&str, &str); 8] = [
    ("pgp-compress-bzip2", "bzip2 in an OpenPGP message"),
    ("pgp-encrypted-twice", "an OpenPGP message within another"),
    (
        "pgp-key-brainpool256",
        "an OpenPGP key on a Brainpool curve",
    ),
    (
        "pgp-key-brainpool384",
        "an OpenPGP key on a Brainpool curve",
    ),
    (
        "pgp-key-brainpool512",
        "an OpenPGP key on a Brainpool curve",
    ),
    ("pgp-key-elgamal", "an ElGamal key of OpenPGP"),
    ("pgp-key-secp256k1", "one of the OpenPGP keys at hand"),
    ("pgp-message-partial", "the key does not open it"),
];

/// What the real tool refuses and this library opens.
const OPENED_HERE: [&str; 1] = ["pgp-message-recipient-broken-first"];

#[test]
fn what_sops_encrypted_decrypts_to_what_sops_decrypts() {
    let keys = keys();
    let mut wrong = Vec::new();
    let (mut same, mut refused) = (0, 0);
    for case in cases() {
        let result = run(&case, &keys);
        let deviation = REFUSED_HERE.iter().find(|(name, _)| *name == case.name);
        if let Some((name, reason)) = deviation {
            let error = result.unwrap_err().to_string();
            assert!(case.expected.is_some(), "{name} is no deviation");
            assert!(error.contains(reason), "{name}: {error}");
            continue;
        }
        if OPENED_HERE.contains(&&*case.name) {
            assert!(case.expected.is_none() && result.is_ok(), "{}", case.name);
            continue;
        }
        match (&case.expected, result) {
            (Some(expected), Ok(got)) if *expected == got => same += 1,
            (None, Err(_)) => refused += 1,
            (Some(expected), Ok(got)) => wrong.push(format!(
                "{}:\nwant {}\ngot  {}",
                case.name,
                String::from_utf8_lossy(expected),
                String::from_utf8_lossy(&got)
            )),
            (Some(_), Err(error)) => wrong.push(format!("{}: {error}", case.name)),
            (None, Ok(_)) => wrong.push(format!("{}: should be refused", case.name)),
        }
    }
    println!("{same} decrypt to the real tool's bytes, {refused} are refused by both");
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn a_case_without_its_key_names_the_recipients_that_were_tried() {
    let none = AgeIdentities::default();
    for case in cases() {
        if case.expected.is_none() || case.text.is_empty() {
            continue;
        }
        let error = run(&case, &none).unwrap_err();
        let Error::NoKey { tried, retryable } = &error else {
            panic!("{}: {error}", case.name);
        };
        assert!(!tried.is_empty() && !retryable, "{}: {error}", case.name);
    }
}

#[test]
fn no_error_and_no_debug_output_shows_a_value() {
    const PLANTED: [&str; 6] = [
        "p4ss",
        "admin",
        "dTpw",
        "redis://",
        "postgres://",
        "a binary file",
    ];
    let keys = keys();
    for case in cases() {
        let shown = match decrypt(&case.encrypted, case.format, &keys, case.mac) {
            Ok(decrypted) => format!("{decrypted:?} {:?}", decrypted.documents()),
            Err(error) => format!("{error} {error:?}"),
        };
        for value in PLANTED {
            assert!(!shown.contains(value), "{}: {shown}", case.name);
        }
    }
}

#[test]
fn no_cut_or_changed_file_makes_decryption_panic() {
    let keys = keys();
    for case in cases() {
        // Unwrapping with RSA takes long, and what is cut after it was opened is the same for every key.
        if !case.name.ends_with("-age") {
            continue;
        }
        for at in (0..case.encrypted.len()).step_by(61) {
            let mut changed = case.encrypted.clone();
            changed[at] = changed[at].wrapping_add(at as u8 | 1);
            for input in [&case.encrypted[..at], &changed] {
                let decrypted = decrypt(input, case.format, &keys, Mac::Skip);
                let _ = decrypted.and_then(|decrypted| decrypted.write(case.format));
            }
        }
    }
}
