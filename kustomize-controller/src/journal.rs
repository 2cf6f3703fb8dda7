//! What a first apply is about to create, on disk until the status tells it.
//!
//! A Kustomization without a stored inventory has nowhere to announce what it creates, short of one
//! more request for each new object. A file bridges the gap: a controller killed in its first apply
//! of an object finds there what it may have left behind. Later applies announce in the status.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use fjord_apply::{Entry, Inventory};

/// Entries that one file may have; more means the file is not ours.
const MAX_BYTES: u64 = 64 << 20;

/// The announcements of this replica; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    folder: PathBuf,
    known: Arc<Mutex<HashSet<String>>>,
}

impl Journal {
    /// Opens the folder, which is created, with what an earlier process left.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut known = HashSet::new();
        for entry in fs::read_dir(&folder)? {
            known.extend(entry?.file_name().into_string().ok());
        }
        Ok(Self {
            folder,
            known: Arc::new(Mutex::new(known)),
        })
    }

    /// Announces what is about to be created for the object with this uid.
    pub(crate) fn write(&self, uid: &str, inventory: &Inventory) -> io::Result<()> {
        let Some(path) = self.path(uid) else {
            return Ok(());
        };
        let line = |entry: &Entry| format!("{} {}\n", entry.id.to_inventory(), entry.version);
        let text: String = inventory.entries.iter().map(line).collect();
        let draft = path.with_extension("new");
        fs::write(&draft, text)?;
        fs::rename(draft, path)?;
        self.known().insert(uid.to_owned());
        Ok(())
    }

    /// Returns what was announced and never recorded.
    pub(crate) fn read(&self, uid: &str) -> Inventory {
        let known = self.known().contains(uid);
        let Some(path) = self.path(uid).filter(|_| known) else {
            return Inventory::default();
        };
        let fits = fs::metadata(&path).is_ok_and(|found| found.len() <= MAX_BYTES);
        let text = if fits {
            fs::read_to_string(path).unwrap_or_default()
        } else {
            String::new()
        };
        let parse = |line: &str| {
            let (id, version) = line.rsplit_once(' ')?;
            Entry::parse(id, version).ok()
        };
        Inventory {
            entries: text.lines().filter_map(parse).collect(),
        }
    }

    /// Forgets what was announced, once the status tells it.
    pub(crate) fn clear(&self, uid: &str) {
        if self.known().remove(uid)
            && let Some(path) = self.path(uid)
        {
            // What stays behind is read once more and pruned like anything else that left.
            let _ = fs::remove_file(path);
        }
    }

    fn path(&self, uid: &str) -> Option<PathBuf> {
        let is_plain =
            !uid.is_empty() && uid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        is_plain.then(|| self.folder.join(uid))
    }

    fn known(&self) -> MutexGuard<'_, HashSet<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(ids: &[&str]) -> Inventory {
        let entries = ids.iter().map(|id| Entry::parse(id, "v1").unwrap());
        Inventory {
            entries: entries.collect(),
        }
    }

    #[test]
    fn a_later_process_finds_what_was_announced_until_it_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Journal::open(folder.path().join("journal")).unwrap();
        let announced = inventory(&["n_a__ConfigMap", "_n_rbac.authorization.k8s.io_ClusterRole"]);
        open().write("uid-1", &announced).unwrap();
        let later = open();
        assert_eq!(later.read("uid-1"), announced);
        assert_eq!(later.read("uid-2"), Inventory::default());
        later.clear("uid-1");
        assert_eq!(open().read("uid-1"), Inventory::default());
    }

    #[test]
    fn a_uid_that_is_no_plain_name_touches_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path().join("journal")).unwrap();
        journal
            .write("../evil", &inventory(&["n_a__ConfigMap"]))
            .unwrap();
        assert!(!folder.path().join("evil").exists());
        assert_eq!(journal.read("../evil"), Inventory::default());
    }
}
