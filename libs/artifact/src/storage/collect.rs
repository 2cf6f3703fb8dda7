//! Garbage collection of one object's folder (source-controller.md §3.4).
//!
//! First what is older than the time to live, then the oldest beyond the number of records; never
//! the current artifact, never a file that is being sent. Left-over temporary files of a killed
//! process count as files like any other. Both bounds on the work of one pass are Flux's.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::{Error, Storage, lock};
use crate::SafePath;

pub(super) const TEMPORARY: &str = ".tmp";
const MAX_FILES: usize = 1000;
const MAX_TIME: Duration = Duration::from_secs(5);

impl Storage {
    /// Collects the folder that `current` lies in and returns what was removed.
    pub fn collect(&self, current: &SafePath) -> Result<Vec<SafePath>, Error> {
        let folder = current.parent().unwrap_or_else(SafePath::root);
        let mut old = Vec::new();
        let end = Instant::now() + MAX_TIME;
        list(&folder, &folder.under(self.root()), &mut old, end)
            .map_err(|error| Error::io("list", &folder, error))?;
        old.retain(|(_, path)| path != current);
        old.sort();
        let kept = self.inner.retention.records.saturating_sub(1);
        let now = SystemTime::now();
        let surplus = old.len().saturating_sub(kept);
        let mut removed = Vec::new();
        for (at, (modified, path)) in old.into_iter().enumerate() {
            let age = now.duration_since(modified).unwrap_or_default();
            let is_due = age > self.inner.retention.ttl || at < surplus;
            if is_due && !lock(&self.inner.reading).contains_key(&path) {
                self.remove(&path)?;
                removed.push(path);
            }
        }
        Ok(removed)
    }
}

fn list(
    folder: &SafePath,
    at: &Path,
    found: &mut Vec<(SystemTime, SafePath)>,
    end: Instant,
) -> io::Result<()> {
    let entries = match fs::read_dir(at) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        if found.len() >= MAX_FILES || Instant::now() > end {
            return Ok(());
        }
        let entry = entry?;
        let name = entry.file_name();
        let Some(path) = name.to_str().and_then(|name| folder.join(name).ok()) else {
            continue;
        };
        let meta = entry.metadata()?;
        if meta.is_dir() {
            list(&path, &entry.path(), found, end)?;
        } else if meta.is_file() && !path.as_str().ends_with(".lock") {
            found.push((meta.modified()?, path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Algorithm, Retention};

    fn storage(ttl: u64, records: usize, files: &[(&str, u64)]) -> (tempfile::TempDir, Storage) {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("k/ns/app");
        fs::create_dir_all(&folder).unwrap();
        for (name, age) in files {
            let file = fs::File::create(folder.join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(*age))
                .unwrap();
        }
        let retention = Retention {
            ttl: Duration::from_secs(ttl),
            records,
        };
        let storage = Storage::open(root.path(), "x", Algorithm::Sha256, retention).unwrap();
        (root, storage)
    }

    fn collect(storage: &Storage) -> Vec<String> {
        let current = SafePath::parse("k/ns/app/current").unwrap();
        let removed = storage.collect(&current).unwrap();
        removed
            .iter()
            .map(|path| path.file_name().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn what_is_too_old_goes_but_never_the_current_artifact() {
        let (_root, storage) = storage(
            60,
            5,
            &[
                ("current", 900),
                ("old", 100),
                ("new", 10),
                ("old.lock", 900),
            ],
        );
        assert_eq!(collect(&storage), ["old"]);
    }

    #[test]
    fn the_oldest_beyond_the_records_go() {
        let (_root, storage) = storage(600, 2, &[("current", 0), ("a", 3), ("b", 2), ("c", 1)]);
        assert_eq!(collect(&storage), ["a", "b"]);
    }

    #[test]
    fn a_file_that_is_being_sent_stays_until_it_is_sent() {
        let (_root, storage) = storage(60, 2, &[("current", 0), ("a", 900), ("b", 800)]);
        let reading = storage
            .read(&SafePath::parse("k/ns/app/a").unwrap())
            .unwrap();
        assert_eq!(collect(&storage), ["b"]);
        drop(reading);
        assert_eq!(collect(&storage), ["a"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty() {
        let (root, storage) = storage(60, 2, &[]);
        fs::remove_dir_all(root.path().join("k")).unwrap();
        assert_eq!(collect(&storage), [""; 0]);
    }
}
