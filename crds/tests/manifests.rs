//! The files in `crds/manifests` are what the types say.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use fjord_crds::manifest;

#[test]
fn the_manifests_are_what_the_types_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests");
    let rendered = manifest::render().unwrap();
    let on_disk: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected: BTreeSet<String> = rendered.iter().map(|m| m.file.clone()).collect();
    assert_eq!(
        on_disk, expected,
        "run `cargo run -p fjord-crds --bin crdgen`"
    );
    for manifest in &rendered {
        let text = fs::read_to_string(folder.join(&manifest.file)).unwrap();
        assert!(
            text == manifest.yaml,
            "{} is stale: run `cargo run -p fjord-crds --bin crdgen`",
            manifest.file
        );
    }
}

#[test]
fn programs_carry_every_manifest() {
    let rendered = manifest::render().unwrap();
    let texts: BTreeSet<&str> = rendered.iter().map(|m| m.yaml.as_str()).collect();
    let carried: BTreeSet<&str> = fjord_crds::manifests().iter().copied().collect();
    assert_eq!(carried.len(), 11);
    assert!(
        carried == texts,
        "manifest::manifests() misses a file of crds/manifests"
    );
}
