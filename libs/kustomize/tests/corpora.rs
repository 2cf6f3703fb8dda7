//! Small inputs of the fuzz targets, run again: `fuzz/seeds/TARGET/`, without a fuzzer and on any compiler.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../fuzz/checks/kustomization.rs"]
mod kustomization;
#[path = "../../../tests/shared/replay.rs"]
mod replay;
#[path = "../fuzz/checks/tree.rs"]
mod tree;
#[path = "../fuzz/checks/yaml.rs"]
mod yaml;

use replay::replay;

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
