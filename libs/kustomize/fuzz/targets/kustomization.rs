#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/kustomization.rs"]
mod kustomization;

fuzz_target!(
    // The parser's own panics are caught and become errors; libFuzzer's hook would abort first.
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| kustomization::check(data)
);
