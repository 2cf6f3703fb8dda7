#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks/render.rs"]
mod render;

fuzz_target!(
    init: { drop(std::panic::take_hook()); },
    |data: &[u8]| render::check(data)
);
