//! A fetched commit as a folder of files, read from its pack.
//!
//! Symbolic links are followed within the repository; one that leads out is refused.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use fjord_git::{Entry, Kind, Tree};
use fjord_kustomize::fs::{Error, Place, clean, within};

/// Symbolic links that one path may lead through.
const LINKS: usize = 40;

/// The files of one commit under a folder that exists nowhere else.
pub(super) struct Checkout {
    folder: String,
    entries: BTreeMap<String, Entry>,
    // Reading keeps a cache inside.
    tree: Mutex<Tree>,
}

impl Checkout {
    /// Lists the files; a repository with submodules is refused where they are wanted.
    pub(super) fn new(folder: String, tree: Tree, submodules: bool) -> Result<Self, String> {
        let entries = tree.entries().map_err(|error| error.to_string())?;
        let submodule = entries.iter().find(|entry| entry.kind == Kind::Submodule);
        if let Some(found) = submodule.filter(|_| submodules) {
            return Err(format!(
                "submodule '{}' of a remote base is not supported yet: add submodules=false to the URL to go without",
                found.path
            ));
        }
        let by_path = |entry: Entry| (entry.path.clone(), entry);
        Ok(Self {
            folder,
            entries: entries.into_iter().map(by_path).collect(),
            tree: Mutex::new(tree),
        })
    }

    /// Returns the folder.
    pub(super) fn folder(&self) -> &str {
        &self.folder
    }

    pub(super) fn resolve(&self, path: &str) -> Result<Place, Error> {
        let real = self.real(path)?;
        let shown = self.shown(&real);
        match self.entries.get(&real).map(|entry| entry.kind) {
            Some(Kind::File { .. }) => {
                let (folder, name) = shown.rsplit_once('/').unwrap_or(("", &shown));
                Ok(Place::File(folder.to_owned(), name.to_owned()))
            }
            _ => Ok(Place::Dir(shown)),
        }
    }

    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        let real = self.real(path)?;
        match self.entries.get(&real) {
            Some(entry) if matches!(entry.kind, Kind::File { .. }) => self.content(entry),
            _ => Err(Error::IsDirectory {
                path: path.to_owned(),
            }),
        }
    }

    fn shown(&self, real: &str) -> String {
        clean(&format!("{}/{real}", self.folder))
    }

    /// Follows links and returns the path from the top, empty for the top itself.
    fn real(&self, path: &str) -> Result<String, Error> {
        let cleaned = clean(path);
        let mut wanted: Vec<String> = components(&cleaned[self.folder.len().min(cleaned.len())..]);
        wanted.reverse();
        let (mut real, mut links) = (String::new(), 0);
        while let Some(name) = wanted.pop() {
            let next = if real.is_empty() {
                name
            } else {
                format!("{real}/{name}")
            };
            let Some(entry) = self.entries.get(&next) else {
                let path = path.to_owned();
                let above = self.entries.get(&real).map(|entry| entry.kind);
                return Err(if matches!(above, Some(Kind::File { .. })) {
                    Error::NotDirectory { path }
                } else {
                    let missing = self.shown(&next);
                    Error::NotFound { path, missing }
                });
            };
            if entry.kind != Kind::Link {
                real = next;
                continue;
            }
            links += 1;
            let target = String::from_utf8_lossy(&self.content(entry)?).into_owned();
            let from = self.shown(&real);
            let lands = clean(&format!("{from}/{target}"));
            if target.starts_with('/') || !within(&lands, &self.folder) || links > LINKS {
                return Err(Error::Outside {
                    op: "open",
                    path: path.to_owned(),
                    root: self.folder.clone(),
                });
            }
            let mut steps = components(&lands[self.folder.len()..]);
            steps.reverse();
            wanted.extend(steps);
            real.clear();
        }
        Ok(real)
    }

    fn content(&self, entry: &Entry) -> Result<Vec<u8>, Error> {
        let tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        tree.read(entry).map_err(|error| Error::Io {
            op: "read",
            path: self.shown(&entry.path),
            message: error.to_string(),
        })
    }
}

fn components(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}
