#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/set.rs"]
mod set;

fuzz_target!(
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| set::check(data)
);
