//! A tree in memory, for tests and for callers that hold their files already.

use super::{Error, FileSystem, Place, clean, not_found};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Files by absolute path; folders exist where a file is below them.
#[derive(Clone, Debug, Default)]
pub struct MemoryFs {
    files: BTreeMap<String, Arc<[u8]>>,
    dirs: BTreeSet<String>,
}

impl MemoryFs {
    /// Makes an empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a file and makes its folders.
    pub fn write(&mut self, path: &str, content: impl AsRef<[u8]>) {
        let path = clean(&format!("/{path}"));
        let mut dir = path.as_str();
        while let Some((parent, _)) = dir.rsplit_once('/') {
            self.dirs.insert(if parent.is_empty() {
                "/".to_owned()
            } else {
                parent.to_owned()
            });
            dir = parent;
        }
        self.files.insert(path, content.as_ref().into());
    }

    fn missing(&self, path: &str) -> Error {
        not_found(path, |part| {
            let is_dir = self.dirs.contains(part);
            (is_dir || self.files.contains_key(part)).then_some(is_dir)
        })
    }
}

impl FileSystem for MemoryFs {
    fn resolve(&self, path: &str) -> Result<Place, Error> {
        let path = clean(path);
        if self.dirs.contains(&path) {
            return Ok(Place::Dir(path));
        }
        if !self.files.contains_key(&path) {
            return Err(self.missing(&path));
        }
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", &path));
        Ok(Place::File(
            if dir.is_empty() { "/" } else { dir }.to_owned(),
            name.to_owned(),
        ))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        let path = clean(path);
        match self.files.get(&path) {
            Some(content) => Ok(content.to_vec()),
            None if self.dirs.contains(&path) => Err(Error::IsDirectory { path }),
            None => Err(self.missing(&path)),
        }
    }
}
