//! The read set: what a build looked at, found or not.

use super::{Error, FileSystem, Place, clean};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Everything that could change the outcome of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadSet {
    /// Files whose content was read, by the path asked for and by the real one.
    pub files: BTreeSet<String>,
    /// Folders that were entered.
    pub dirs: BTreeSet<String>,
    /// Paths that were looked for and are not there.
    pub missing: BTreeSet<String>,
}

/// A file system that keeps a [`ReadSet`] of what passes through.
pub struct Recorder<'a> {
    inner: &'a dyn FileSystem,
    seen: Mutex<ReadSet>,
}

impl<'a> Recorder<'a> {
    /// Wraps a file system.
    pub fn new(inner: &'a dyn FileSystem) -> Self {
        Self {
            inner,
            seen: Mutex::default(),
        }
    }

    /// Returns a copy of the record so far.
    pub fn read_set(&self) -> ReadSet {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, write: impl FnOnce(&mut ReadSet)) {
        write(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl FileSystem for Recorder<'_> {
    fn resolve(&self, path: &str) -> Result<Place, Error> {
        let result = self.inner.resolve(path);
        self.note(|seen| match &result {
            Ok(Place::Dir(dir)) => {
                seen.dirs.insert(clean(path));
                seen.dirs.insert(dir.clone());
            }
            Ok(place) => {
                seen.files.insert(clean(path));
                seen.files.insert(place.path());
            }
            Err(_) => {
                seen.missing.insert(clean(path));
            }
        });
        result
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        let result = self.inner.read(path);
        self.note(|seen| {
            match &result {
                Ok(_) => seen.files.insert(clean(path)),
                Err(Error::IsDirectory { .. }) => seen.dirs.insert(clean(path)),
                Err(_) => seen.missing.insert(clean(path)),
            };
        });
        result
    }
}
