#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/yaml.rs"]
mod yaml;

fuzz_target!(
    // The parser's own panics are caught and become errors; libFuzzer's hook would abort first.
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| yaml::check(data)
);
