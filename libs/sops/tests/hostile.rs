//! The fuzz target's corpus on a stable compiler: each sealed case and key file, cut and changed.

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use fjord_sops::sealed_secret::{Keys, unseal};
use fjord_yaml::{Limits, Merge, parse_all};

fn corpus() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sealed_secret");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        files.push(if path.is_dir() {
            path.join("sealed.yaml")
        } else {
            path
        });
    }
    files.sort();
    files
}

#[test]
fn no_text_makes_unsealing_panic() {
    let first = corpus()
        .into_iter()
        .find(|path| path.ends_with("first.key"));
    let mut keys = Keys::default();
    keys.add(&std::fs::read(first.unwrap()).unwrap()).unwrap();
    for path in corpus() {
        let text = std::fs::read(&path).unwrap();
        for at in (0..text.len()).step_by(97) {
            let mut changed = text.clone();
            changed[at] = changed[at].wrapping_add(at as u8 | 1);
            for input in [&text[..at], &changed] {
                let _ = Keys::default().add(input);
                let documents = parse_all(input, Merge::V2, &Limits::default());
                for node in documents.unwrap_or_default() {
                    if let Ok(object) = node.to_json() {
                        let _ = unseal(&object, &keys);
                    }
                }
            }
        }
    }
}
