#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/values.rs"]
mod values;

fuzz_target!(
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| values::check(data)
);
