//! Any text as a SealedSecret and as a file of keys: it ends in a Secret, in keys or in an error.
//!
//! Seeds: `../tests/sealed_secret/*/sealed.yaml` and the key files beside them.

#![no_main]

use std::sync::LazyLock;

use fjord_sops::sealed_secret::{Keys, unseal};
use fjord_yaml::{Limits, Merge, parse_all};
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let mut keys = Keys::default();
    let _ = keys.add(include_bytes!("../../tests/sealed_secret/first.key"));
    keys
});

fuzz_target!(
    // The parser's own panics are caught and become errors; libFuzzer's hook would abort first.
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| {
        let _ = Keys::default().add(data);
        let limits = Limits {
            nodes: 20_000,
            ..Limits::default()
        };
        let Ok(documents) = parse_all(data, Merge::V2, &limits) else {
            return;
        };
        for object in documents.iter().filter_map(|node| node.to_json().ok()) {
            if let Ok(secret) = unseal(&object, &KEYS) {
                let _ = secret.to_manifest();
            }
        }
    }
);
