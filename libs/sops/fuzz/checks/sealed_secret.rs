//! Any text as a SealedSecret: it ends in a Secret or in an error.

use std::sync::LazyLock;

use fjord_sops::sealed_secret::{Keys, unseal};
use fjord_yaml::{Limits, Merge, parse_all};

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let mut keys = Keys::default();
    let _ = keys.add(include_bytes!("../../tests/sealed_secret/first.key"));
    keys
});

pub(crate) fn check(text: &[u8]) {
    let limits = Limits {
        nodes: 20_000,
        ..Limits::default()
    };
    let Ok(documents) = parse_all(text, Merge::V2, &limits) else {
        return;
    };
    for object in documents.iter().filter_map(|node| node.to_json().ok()) {
        if let Ok(secret) = unseal(&object, &KEYS) {
            let again = unseal(&object, &KEYS).map(|secret| secret.to_manifest());
            assert!(
                again.is_ok_and(|again| again == secret.to_manifest()),
                "the same object unseals to the same Secret"
            );
        }
    }
}
