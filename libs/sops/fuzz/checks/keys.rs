//! Any text as keys: identities, SSH keys, sealing keys, and as the data key that is encrypted for one.

use std::sync::{Arc, LazyLock};

use fjord_sops::sealed_secret::Keys;
use fjord_sops::{AgeIdentities, Ask, KeyService as _, Recipient};

static IDENTITIES: LazyLock<AgeIdentities> = LazyLock::new(|| {
    let mut keys = AgeIdentities::default();
    let _ = keys.add_lines(include_str!("../../tests/sops/keys/first.age"));
    let _ = keys.add_lines(include_str!("../../tests/age/hybrid.key"));
    let _ = keys.add_ssh(include_bytes!("../../tests/sops/keys/ssh_ed25519"));
    keys
});

pub(crate) fn check(text: &[u8]) {
    // Nobody answers: deriving a key from a passphrase is meant to take long.
    let nobody: Ask = Arc::new(|_| None);
    let mut keys = AgeIdentities::default();
    let added = keys.add_file(text, "a file", Some(&nobody));
    assert!(
        added.is_ok() || keys.is_empty(),
        "a refused file adds nothing"
    );
    let _ = keys.add_ssh_file(text, "a key", Some(&nobody));
    let _ = Keys::default().add(text);
    let recipient = Recipient::Age {
        recipient: "age1".to_owned(),
        ciphertext: String::from_utf8_lossy(text).into_owned(),
    };
    let _ = keys.open(&recipient);
    if let Ok(key) = IDENTITIES.open(&recipient) {
        assert!(key.len() <= 1024, "no more than a key is read");
    }
}
