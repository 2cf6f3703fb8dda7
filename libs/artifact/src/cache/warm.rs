//! The indices of the artifacts used last, kept in memory between two uses.
//!
//! A reconcile holds its artifact only while it builds, so consumers that come one after another
//! would each read the index of the whole repository from disk: consumers times files. What is
//! kept is bounded by the number of files, whatever the number of artifacts.

use std::sync::Arc;

use super::Index;
use crate::Digest;

/// Files that the kept indices may have together (about 100 bytes each).
const MAX_FILES: usize = 50_000;

/// Keeps indices by digest, the one used last at the end.
#[derive(Default)]
pub(super) struct Warm {
    kept: Vec<(Digest, Arc<Index>)>,
}

impl Warm {
    /// Returns the index of an artifact if it is kept, and counts that as a use.
    pub(super) fn get(&mut self, digest: &Digest) -> Option<Arc<Index>> {
        let place = self.kept.iter().position(|(kept, _)| kept == digest)?;
        self.kept[place..].rotate_left(1);
        self.kept.last().map(|(_, index)| index.clone())
    }

    /// Keeps an index, and lets go of those used longest ago beyond [`MAX_FILES`].
    ///
    /// An index that alone is larger is not kept.
    pub(super) fn keep(&mut self, digest: &Digest, index: &Arc<Index>) {
        self.forget(digest);
        self.kept.push((digest.clone(), index.clone()));
        let mut files = 0;
        let within = |(_, index): &&(Digest, Arc<Index>)| {
            files += index.len().max(1);
            files <= MAX_FILES
        };
        let fitting = self.kept.iter().rev().take_while(within).count();
        self.kept.drain(..self.kept.len() - fitting);
    }

    /// Lets go of an artifact that left the disk.
    pub(super) fn forget(&mut self, digest: &Digest) {
        self.kept.retain(|(kept, _)| kept != digest);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Algorithm, SafePath};

    fn digest(name: &str) -> Digest {
        Digest::of(Algorithm::Sha256, name.as_bytes())
    }

    fn index(files: usize) -> Arc<Index> {
        let entry = |number| (SafePath::parse(&format!("f{number}")).unwrap(), digest(""));
        Arc::new(Index::from(
            (0..files).map(entry).collect::<BTreeMap<_, _>>(),
        ))
    }

    #[test]
    fn the_index_used_longest_ago_goes_first() {
        let (first, second, third) = (digest("1"), digest("2"), digest("3"));
        let mut warm = Warm::default();
        let half = index(MAX_FILES / 2);
        warm.keep(&first, &half);
        warm.keep(&second, &half);
        assert!(warm.get(&first).is_some());
        warm.keep(&third, &index(1));
        assert!(warm.get(&second).is_none());
        assert!(warm.get(&first).is_some());
        assert!(warm.get(&third).is_some());
    }

    #[test]
    fn an_index_beyond_the_limit_is_not_kept() {
        let mut warm = Warm::default();
        warm.keep(&digest("1"), &index(MAX_FILES + 1));
        assert!(warm.get(&digest("1")).is_none());
    }
}
