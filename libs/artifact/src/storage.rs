//! The write side: a folder of artifacts, their addresses, integrity and garbage collection.
//!
//! Files appear whole (temporary name, then rename) and are never changed afterwards; the current
//! artifact of an object is never collected, nor is a file that the server is sending right now.
//! All methods block on the file system: call them where blocking is allowed. Paths are relative to
//! the root, `<kind>/<namespace>/<name>/<file>` (source-controller.md §3.1).

mod collect;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::digest::HashingWriter;
use crate::{Algorithm, ArchiveWriter, Digest, SafePath};

/// Keeps the artifacts of one controller.
#[derive(Clone)]
pub struct Storage {
    inner: Arc<Inner>,
}

struct Inner {
    root: PathBuf,
    base_url: String,
    algorithm: Algorithm,
    retention: Retention,
    /// Files being sent, with the number of readers.
    reading: Mutex<HashMap<SafePath, usize>>,
    /// What each verified file looked like, so that an untouched one is not hashed again.
    verified: Mutex<HashMap<SafePath, (Stamp, Digest)>>,
}

/// Says how long artifacts live that are no longer current (`--artifact-retention-*`).
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Age at which one is removed.
    pub ttl: Duration,
    /// Number of files that stay per object, the current one included.
    pub records: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(60),
            records: 2,
        }
    }
}

/// Describes an artifact that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Digest of the file.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Changes whenever a file is replaced or written to.
#[derive(Clone, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(meta: &fs::Metadata) -> Self {
        Self {
            inode: meta.ino(),
            size: meta.len(),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }
}

impl Storage {
    /// Opens the existing folder `root`; `address` is what consumers reach it by.
    pub fn open(
        root: impl Into<PathBuf>,
        address: &str,
        algorithm: Algorithm,
        retention: Retention,
    ) -> Result<Self, Error> {
        let root = root.into();
        if !fs::metadata(&root)
            .map_err(|source| Error::root(&root, source))?
            .is_dir()
        {
            return Err(Error::root(&root, io::ErrorKind::NotADirectory.into()));
        }
        let base_url = if address.starts_with("http://") || address.starts_with("https://") {
            address.trim_end_matches('/').to_owned()
        } else {
            format!("http://{address}")
        };
        Ok(Self {
            inner: Arc::new(Inner {
                root,
                base_url,
                algorithm,
                retention,
                reading: Mutex::default(),
                verified: Mutex::default(),
            }),
        })
    }

    /// Returns the address of an artifact.
    pub fn url(&self, path: &SafePath) -> String {
        format!("{}/{path}", self.inner.base_url)
    }

    /// Writes the archive that `fill` describes to `path`, replacing what is there.
    pub fn write<E: From<Error> + From<io::Error>>(
        &self,
        path: &SafePath,
        fill: impl FnOnce(&mut ArchiveWriter<&mut dyn Write>) -> Result<(), E>,
    ) -> Result<Stored, E> {
        let target = self.prepare(path)?;
        let folder = target.parent().unwrap_or(&self.inner.root);
        let name = path.file_name().unwrap_or_default();
        let temporary = tempfile::Builder::new()
            .prefix(name)
            .suffix(collect::TEMPORARY)
            .tempfile_in(folder)?;
        let mut hashing = HashingWriter::new(
            io::BufWriter::new(temporary.as_file()),
            self.inner.algorithm,
        );
        let mut archive = ArchiveWriter::new(&mut hashing as &mut dyn Write)?;
        fill(&mut archive)?;
        archive.finish()?;
        let (mut buffered, digest, size) = hashing.finish();
        buffered.flush()?;
        drop(buffered);
        let file = temporary.persist(&target).map_err(|failed| failed.error)?;
        self.remember(path, &file.metadata()?, &digest);
        Ok(Stored { digest, size })
    }

    /// Checks that the file of an artifact is there and has the digest it should have.
    ///
    /// The file is hashed only if it changed since this process last saw it whole.
    pub fn verify(&self, path: &SafePath, digest: &Digest) -> Result<(), Integrity> {
        let file = path.under(&self.inner.root);
        let meta = match fs::symlink_metadata(&file) {
            Ok(meta) if meta.is_file() => meta,
            Ok(_) => return Err(Integrity::Missing),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Integrity::Missing);
            }
            Err(error) => return Err(error.into()),
        };
        let known = lock(&self.inner.verified).get(path).cloned();
        if known.is_some_and(|(stamp, known)| stamp == Stamp::of(&meta) && known == *digest) {
            return Ok(());
        }
        let computed = Digest::of_reader(digest.algorithm(), File::open(&file)?)?;
        if computed != *digest {
            return Err(Integrity::Mismatch {
                expected: digest.clone(),
                computed,
            });
        }
        self.remember(path, &meta, digest);
        Ok(())
    }

    /// Tells whether a regular file is at `path`.
    pub fn exists(&self, path: &SafePath) -> bool {
        fs::symlink_metadata(path.under(&self.inner.root)).is_ok_and(|meta| meta.is_file())
    }

    /// Removes one artifact.
    pub fn remove(&self, path: &SafePath) -> Result<(), Error> {
        lock(&self.inner.verified).remove(path);
        match fs::remove_file(path.under(&self.inner.root)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("remove", path, error))
            }
            _ => Ok(()),
        }
    }

    /// Removes the whole folder of an object; true if there was one.
    pub fn remove_folder(&self, folder: &SafePath) -> Result<bool, Error> {
        if folder.is_root() {
            return Err(Error::io(
                "remove",
                folder,
                io::ErrorKind::InvalidInput.into(),
            ));
        }
        let prefix = format!("{}/", folder.as_str());
        lock(&self.inner.verified).retain(|path, _| !path.as_str().starts_with(&prefix));
        match fs::remove_dir_all(folder.under(&self.inner.root)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("remove", folder, error)),
        }
    }

    /// Returns the root folder.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    fn prepare(&self, path: &SafePath) -> Result<PathBuf, Error> {
        let folder = path.parent().unwrap_or_else(SafePath::root);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder.under(&self.inner.root))
            .map_err(|error| Error::io("create folder", &folder, error))?;
        Ok(path.under(&self.inner.root))
    }

    fn remember(&self, path: &SafePath, meta: &fs::Metadata, digest: &Digest) {
        lock(&self.inner.verified).insert(path.clone(), (Stamp::of(meta), digest.clone()));
    }
}

/// Keeps a file from being collected while it is sent.
pub(crate) struct Reading {
    storage: Storage,
    path: SafePath,
    /// The open file.
    pub(crate) file: Option<File>,
}

impl Storage {
    /// Opens a regular file for sending; symbolic links are never followed to outside the root.
    pub(crate) fn read(&self, path: &SafePath) -> io::Result<Reading> {
        *lock(&self.inner.reading).entry(path.clone()).or_insert(0) += 1;
        let mut reading = Reading {
            storage: self.clone(),
            path: path.clone(),
            file: None,
        };
        let target = path.under(&self.inner.root);
        if !fs::symlink_metadata(&target)?.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        reading.file = Some(File::open(target)?);
        Ok(reading)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut reading = lock(&self.storage.inner.reading);
        if let Some(count) = reading.get_mut(&self.path) {
            *count -= 1;
            if *count == 0 {
                reading.remove(&self.path);
            }
        }
    }
}

/// A panic elsewhere cannot leave these maps half-changed, so poisoning is ignored.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says why a stored artifact cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Integrity {
    /// There is no such file.
    #[error("artifact is missing")]
    Missing,
    /// The file has other content.
    #[error("computed digest '{computed}' does not match '{expected}'")]
    Mismatch {
        /// What the artifact says.
        expected: Digest,
        /// What the file has.
        computed: Digest,
    },
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Says why the storage could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The root is no usable folder.
    #[error("storage path '{path}' is not a usable directory: {source}")]
    Root {
        /// The root.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file operation failed.
    #[error("failed to {action} '{path}': {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: SafePath,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    fn root(path: &Path, source: io::Error) -> Self {
        Self::Root {
            path: path.to_owned(),
            source,
        }
    }

    fn io(action: &'static str, path: &SafePath, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storage() -> (tempfile::TempDir, Storage) {
        let root = tempfile::tempdir().unwrap();
        let storage = Storage::open(
            root.path(),
            "source.local.",
            Algorithm::Sha256,
            Retention::default(),
        );
        (root, storage.unwrap())
    }

    fn write(storage: &Storage, path: &SafePath, content: &[u8]) -> Stored {
        let file = SafePath::parse("a").unwrap();
        storage
            .write::<anyhow::Error>(path, |archive| Ok(archive.file(&file, false, content)?))
            .unwrap()
    }

    #[test]
    fn what_was_written_is_verified_until_it_changes() {
        let (root, storage) = storage();
        let path = SafePath::parse("gitrepository/ns/app/x.tar.gz").unwrap();
        let stored = write(&storage, &path, b"one");
        assert_eq!(
            storage.url(&path),
            "http://source.local./gitrepository/ns/app/x.tar.gz"
        );
        assert_eq!(
            stored.size,
            fs::metadata(path.under(root.path())).unwrap().len()
        );
        storage.verify(&path, &stored.digest).unwrap();

        fs::write(path.under(root.path()), b"tampered").unwrap();
        assert!(matches!(
            storage.verify(&path, &stored.digest),
            Err(Integrity::Mismatch { .. })
        ));
        storage.remove(&path).unwrap();
        assert!(matches!(
            storage.verify(&path, &stored.digest),
            Err(Integrity::Missing)
        ));
    }

    #[test]
    fn a_failed_write_leaves_the_old_artifact_and_no_rubbish() {
        let (root, storage) = storage();
        let path = SafePath::parse("k/ns/app/x.tar.gz").unwrap();
        let stored = write(&storage, &path, b"one");
        let failed: anyhow::Result<Stored> = storage.write(&path, |_| anyhow::bail!("no"));
        assert!(failed.is_err());
        storage.verify(&path, &stored.digest).unwrap();
        assert_eq!(
            fs::read_dir(root.path().join("k/ns/app")).unwrap().count(),
            1
        );
    }

    #[test]
    fn a_root_that_is_no_folder_is_refused() {
        let open = |path: &str| Storage::open(path, "x", Algorithm::Sha256, Retention::default());
        assert!(open("/nowhere/at/all").is_err());
        assert!(open("/dev/null").is_err());
    }

    #[test]
    fn an_objects_folder_is_removed_whole() {
        let (root, storage) = storage();
        write(
            &storage,
            &SafePath::parse("k/ns/app/x.tar.gz").unwrap(),
            b"one",
        );
        let folder = SafePath::parse("k/ns/app").unwrap();
        assert!(storage.remove_folder(&folder).unwrap());
        assert!(!storage.remove_folder(&folder).unwrap());
        assert!(storage.remove_folder(&SafePath::root()).is_err());
        assert!(root.path().exists());
    }
}
