//! What a build depends on: the state of every path it looked at, as one hash.
//!
//! A new revision of the source whose files give the same hash builds to the same objects, so it
//! needs no build (DESIGN §5). Paths that were looked for and not found count as much as files.

use fjord_artifact::SafePath;
use fjord_artifact::cache::Index;
use fjord_kustomize::ReadSet;
use sha2::{Digest as _, Sha256};

use crate::checkout::Checkout;
use crate::generate::{self, Origin};

/// Paths above which remembering costs more than building again.
const MAX_PATHS: usize = 20_000;

/// What the outcome of a build depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inputs {
    paths: Vec<SafePath>,
    scanned: Option<SafePath>,
    hash: [u8; 32],
    complete: bool,
}

impl Inputs {
    /// Takes the record of a build of the shown `path`.
    pub(crate) fn new(
        checkout: &Checkout,
        read: &ReadSet,
        path: &str,
        origin: Origin,
        index: &Index,
    ) -> Self {
        let all = read.files.iter().chain(&read.dirs).chain(&read.missing);
        let mut paths: Vec<SafePath> = all.filter_map(|path| checkout.inside(path)).collect();
        paths.sort();
        paths.dedup();
        // A generated kustomization depends on which manifests there are, wherever they lie.
        let scanned = (origin == Origin::Generated)
            .then(|| checkout.inside(path))
            .flatten();
        let complete = paths.len() <= MAX_PATHS;
        if !complete {
            paths.clear();
        }
        let hash = hash(&paths, scanned.as_ref(), index);
        Self {
            paths,
            scanned,
            hash,
            complete,
        }
    }

    /// Tells that the outcome also depends on what is not in the artifact.
    pub(crate) fn never_hold(&mut self) {
        self.complete = false;
    }

    /// Whether a build of the artifact with this index gives the same outcome.
    pub(crate) fn hold_for(&self, index: &Index) -> bool {
        self.complete && hash(&self.paths, self.scanned.as_ref(), index) == self.hash
    }
}

fn hash(paths: &[SafePath], scanned: Option<&SafePath>, index: &Index) -> [u8; 32] {
    let mut hash = Sha256::new();
    for path in paths {
        hash.update(path.as_str());
        let state = match index.get(path) {
            Some(digest) => digest.to_string(),
            None if index.below(path).next().is_some() => "folder".to_owned(),
            None => "missing".to_owned(),
        };
        hash.update(format!("\0{state}\n"));
    }
    for (path, digest) in scanned.into_iter().flat_map(|folder| index.below(folder)) {
        let name = path.file_name().unwrap_or_default();
        if generate::is_manifest(name) || generate::is_kustomization(name) {
            hash.update(format!("{}\0{digest}\n", path.as_str()));
        }
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fjord_artifact::{Algorithm, Digest};
    use std::collections::BTreeMap;
    use std::path::Path;

    fn index(files: &[(&str, &str)]) -> Index {
        let entry = |(path, content): &(&str, &str)| {
            let digest = Digest::of(Algorithm::Sha256, content.as_bytes());
            (SafePath::parse(path).unwrap(), digest)
        };
        Index::from(files.iter().map(entry).collect::<BTreeMap<_, _>>())
    }

    fn inputs(origin: Origin) -> Inputs {
        let checkout = Checkout::new(Path::new("/x"), "uid", "digest");
        let set = |paths: &[&str]| paths.iter().map(|path| checkout.join(path)).collect();
        let read = ReadSet {
            files: set(&["app/kustomization.yaml", "base/a.yaml"]),
            dirs: set(&["app", "base"]),
            missing: set(&["app/kustomization.yml"]),
        };
        Inputs::new(
            &checkout,
            &read,
            &checkout.join("app"),
            origin,
            &index(FILES),
        )
    }

    const FILES: &[(&str, &str)] = &[
        ("app/kustomization.yaml", "k"),
        ("base/a.yaml", "a"),
        ("other/o.yaml", "o"),
    ];

    #[test]
    fn a_change_elsewhere_does_not_matter() {
        let changed = index(&[
            ("app/kustomization.yaml", "k"),
            ("app/unread.yaml", "new"),
            ("base/a.yaml", "a"),
            ("other/o.yaml", "changed"),
        ]);
        assert!(inputs(Origin::Found).hold_for(&changed));
        // The manifests below the path are the kustomization where it was generated.
        assert!(!inputs(Origin::Generated).hold_for(&changed));
    }

    #[test]
    fn a_changed_missing_or_new_file_that_was_looked_for_matters() {
        let keep = |path: &str| *FILES.iter().find(|(p, _)| *p == path).unwrap();
        let kustomization = keep("app/kustomization.yaml");
        let variants: [&[(&str, &str)]; 3] = [
            &[kustomization, ("base/a.yaml", "changed")],
            &[kustomization, ("base/b.yaml", "a")],
            &[
                kustomization,
                keep("base/a.yaml"),
                ("app/kustomization.yml", "new"),
            ],
        ];
        for files in variants {
            assert!(!inputs(Origin::Found).hold_for(&index(files)), "{files:?}");
        }
        assert!(inputs(Origin::Found).hold_for(&index(FILES)));
    }
}
