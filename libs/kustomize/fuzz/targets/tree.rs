#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/tree.rs"]
mod tree;

fuzz_target!(
    // The parser's own panics are caught and become errors; libFuzzer's hook would abort first.
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| tree::check(data)
);
