//! What the fuzz targets found worth keeping, run again: `fuzz/seeds/TARGET/`, without a fuzzer and on any compiler.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

#[path = "../fuzz/checks/archive.rs"]
mod archive;
#[path = "../fuzz/checks/render.rs"]
mod render;
#[path = "../../../tests/shared/replay.rs"]
mod replay;
#[path = "../fuzz/checks/set.rs"]
mod set;
#[path = "../fuzz/checks/values.rs"]
mod values;

use replay::replay;

#[test]
fn seeds_of_archives_hold() {
    replay("archive", archive::check);
}

#[test]
fn seeds_of_values_hold() {
    replay("values", values::check);
}

#[test]
fn seeds_of_set_hold() {
    replay("set", set::check);
}

#[test]
fn seeds_of_renders_hold() {
    replay("render", render::check);
}
