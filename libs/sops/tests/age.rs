//! age's less usual keys, of which the real sops made the files (`tests/oracle/sops/generate-age.sh`): post-quantum identities,
//! and identities and SSH keys behind a passphrase.

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fjord_sops::{AgeIdentities, Ask, Error, Format, IdentityError, Mac, decrypt};

const PASSPHRASE: &str = "throw-away";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/age")
}

fn key(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

/// Answers with a text, and counts how often it was asked.
fn answer(text: Option<&'static str>) -> (Ask, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let ask: Ask = Arc::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        text.map(Into::into)
    });
    (ask, count)
}

struct Case {
    name: String,
    text: Vec<u8>,
    format: Format,
    expected: Vec<u8>,
}

/// Returns the cases whose names begin so, one for each format at least.
fn cases(start: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !path.is_dir() || !name.starts_with(start) {
            continue;
        }
        let kind = name.rsplit('-').next().unwrap();
        cases.push(Case {
            text: std::fs::read(path.join(format!("encrypted.{kind}"))).unwrap(),
            format: Format::of_path(&format!("x.{kind}")),
            expected: std::fs::read(path.join("expected")).unwrap(),
            name,
        });
    }
    assert!(cases.len() >= 5, "{start}: {} cases", cases.len());
    cases
}

fn run(case: &Case, keys: &AgeIdentities) -> Result<Vec<u8>, Error> {
    let decrypted = decrypt(&case.text, case.format, keys, Mac::Verify)?;
    Ok(decrypted.write(case.format)?.to_vec())
}

/// Decrypts all cases of a name with the keys, to the real tool's bytes.
fn all_decrypt(start: &str, keys: &AgeIdentities) {
    for case in cases(start) {
        let decrypted = run(&case, keys).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(decrypted, case.expected, "{}", case.name);
    }
}

#[test]
fn post_quantum_identities_open_what_sops_encrypted_for_them() {
    let mut keys = AgeIdentities::default();
    keys.add_file(&key("hybrid.key"), "", None).unwrap();
    all_decrypt("hybrid-", &keys);

    let mut other = AgeIdentities::default();
    other.add_file(&key("hybrid-other.key"), "", None).unwrap();
    all_decrypt("hybrid-and-classic", &other);
    for case in cases("hybrid-") {
        if !case.name.contains("classic") {
            let error = run(&case, &other).unwrap_err().to_string();
            assert!(error.contains("no such key is at hand"), "{error}");
        }
    }
}

#[test]
fn a_post_quantum_identity_with_a_changed_letter_is_none() {
    let text = String::from_utf8(key("hybrid.key")).unwrap();
    let identity = text.lines().find(|line| line.starts_with("AGE-")).unwrap();
    for at in [19, 30, 60, identity.len() - 1] {
        let mut changed = identity.to_owned();
        let letter = if &identity[at..=at] == "Q" { "P" } else { "Q" };
        changed.replace_range(at..=at, letter);
        let error = AgeIdentities::default().add_lines(&changed).unwrap_err();
        assert_eq!(error, IdentityError::Malformed { line: 1 });
    }
}

#[test]
fn a_changed_post_quantum_header_opens_nothing_and_does_not_panic() {
    let mut keys = AgeIdentities::default();
    keys.add_file(&key("hybrid.key"), "", None).unwrap();
    let mut cases = cases("hybrid-");
    cases.retain(|case| case.name == "hybrid-yaml");
    let mut case = cases.remove(0);
    let start = case
        .text
        .windows(9)
        .position(|part| part == b"BEGIN AGE")
        .unwrap();
    for at in (start + 20..start + 1900).step_by(67) {
        let good = case.text[at];
        case.text[at] = if good == b'A' { b'B' } else { b'A' };
        assert!(run(&case, &keys).is_err(), "byte {at}");
        case.text[at] = good;
    }
}

#[test]
fn a_file_behind_a_passphrase_is_opened_once_and_only_when_it_is_needed() {
    for file in ["locked.key", "locked-armored.key"] {
        let (ask, asked) = answer(Some(PASSPHRASE));
        let mut keys = AgeIdentities::default();
        keys.add_file(&key(file), "f", Some(&ask)).unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        all_decrypt("locked-classic", &keys);
        all_decrypt("locked-hybrid", &keys);
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{file}");
    }
    // Another key serves the only recipient: nobody is asked.
    let (ask, asked) = answer(Some(PASSPHRASE));
    let mut keys = AgeIdentities::default();
    keys.add_file(&key("locked.key"), "f", Some(&ask)).unwrap();
    keys.add_file(&key("hybrid.key"), "f", None).unwrap();
    for case in cases("hybrid-") {
        if !case.name.contains("classic") {
            assert_eq!(run(&case, &keys).unwrap(), case.expected, "{}", case.name);
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn an_ssh_key_behind_a_passphrase_is_asked_for_by_its_own_files_alone() {
    for kind in ["ed25519", "rsa"] {
        let (ask, asked) = answer(Some(PASSPHRASE));
        let mut keys = AgeIdentities::default();
        let pem = key(&format!("ssh_{kind}_locked"));
        keys.add_ssh_file(&pem, "f", Some(&ask)).unwrap();
        for case in cases("hybrid-").iter().chain(&cases("locked-classic")) {
            run(case, &keys).unwrap_err();
        }
        assert_eq!(asked.load(Ordering::SeqCst), 0, "{kind}");
        all_decrypt(&format!("locked-ssh-{kind}"), &keys);
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{kind}");
    }
}

#[test]
fn a_wrong_passphrase_and_none_are_told_from_a_missing_key() {
    for given in [None, Some("wrong")] {
        let (ask, asked) = answer(given);
        let mut keys = AgeIdentities::default();
        keys.add_file(&key("locked.key"), "f", Some(&ask)).unwrap();
        keys.add_ssh_file(&key("ssh_ed25519_locked"), "f", Some(&ask))
            .unwrap();
        for start in ["locked-classic", "locked-ssh-ed25519"] {
            for case in cases(start) {
                let error = run(&case, &keys).unwrap_err().to_string();
                let words = "the passphrase of its key is wrong or was not given";
                assert!(error.contains(words), "{error}");
            }
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2, "each was asked for once");
    }
}

#[test]
fn without_anybody_to_ask_a_passphrase_is_refused_by_name() {
    let mut keys = AgeIdentities::default();
    let refused = keys.add_file(&key("locked.key"), "f", None);
    assert_eq!(refused, Err(IdentityError::Locked));
    let refused = keys.add_ssh(&key("ssh_rsa_locked"));
    assert_eq!(refused, Err(IdentityError::LockedSsh));
    // The controllers take lists of identities and no files.
    let armored = String::from_utf8(key("locked-armored.key")).unwrap();
    let refused = keys.add_lines(&armored);
    assert_eq!(refused, Err(IdentityError::Malformed { line: 1 }));
    assert!(keys.is_empty());
}
