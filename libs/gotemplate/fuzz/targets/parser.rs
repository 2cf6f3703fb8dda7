#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/parser.rs"]
mod parser;

fuzz_target!(
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| parser::check(data)
);
