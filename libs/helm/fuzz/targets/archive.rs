#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/archive.rs"]
mod archive;

fuzz_target!(
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| archive::check(data)
);
