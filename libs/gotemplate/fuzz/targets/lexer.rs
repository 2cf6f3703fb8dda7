#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/lexer.rs"]
mod lexer;

fuzz_target!(
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| lexer::check(data)
);
