//! Small inputs of the fuzz targets, run again: `fuzz/seeds/TARGET/`, without a fuzzer and on any compiler.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::path::Path;

#[path = "../fuzz/checks/kustomization.rs"]
mod kustomization;
#[path = "../fuzz/checks/tree.rs"]
mod tree;
#[path = "../fuzz/checks/yaml.rs"]
mod yaml;

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
fn seeds_of_yaml_texts_hold() {
    replay("yaml", yaml::check);
}

#[test]
fn seeds_of_kustomization_files_hold() {
    replay("kustomization", kustomization::check);
}

#[test]
fn seeds_of_whole_trees_hold() {
    replay("tree", tree::check);
}
