//! What the fuzz targets found worth keeping, run again: `fuzz/seeds/TARGET/`, without a fuzzer and on any compiler.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use std::fs;
use std::path::Path;

#[path = "../fuzz/checks/archive.rs"]
mod archive;
#[path = "../fuzz/checks/render.rs"]
mod render;
#[path = "../fuzz/checks/set.rs"]
mod set;
#[path = "../fuzz/checks/values.rs"]
mod values;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        check(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    println!("{target}: {count} seeds");
    assert!(count > 0, "{target} has no seeds");
}

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
