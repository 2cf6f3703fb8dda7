//! Runs what a fuzz target found worth keeping again: `fuzz/seeds/TARGET/` of the crate that includes this file.
//!
//! It needs no fuzzer and no special compiler. It is included by path, so that the engines' crates depend on nothing for it.

use std::fs;
use std::path::Path;

/// Gives each seed of a target to its check, and fails where there is none.
pub(crate) fn replay(target: &str, check: impl Fn(&[u8])) {
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
