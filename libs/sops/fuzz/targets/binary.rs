//! Any text as a binary file of SOPS.

#![no_main]

use fjord_sops::Format;
use libfuzzer_sys::fuzz_target;

#[path = "../checks/sops.rs"]
mod sops;

fuzz_target!(
    // The parser's own panics are caught and become errors; libFuzzer's hook would abort first.
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| sops::check(data, Format::Binary)
);
