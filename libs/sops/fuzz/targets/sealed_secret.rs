//! Any text as a SealedSecret: it ends in a Secret or in an error.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/sealed_secret.rs"]
mod sealed_secret;

fuzz_target!(
    // The parser's own panics are caught and become errors; libFuzzer's hook would abort first.
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| sealed_secret::check(data)
);
