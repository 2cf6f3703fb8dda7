//! Any text as keys: identities, SSH keys, sealing keys, and as the data key that is encrypted for one.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/keys.rs"]
mod keys;

fuzz_target!(
    // The parser's own panics are caught and become errors; libFuzzer's hook would abort first.
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| keys::check(data)
);
