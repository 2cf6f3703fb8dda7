//! The consumer's side: each artifact is fetched, verified and unpacked once, then shared.
//!
//! The cache is a folder of read-only folders named by digest. A [`Handle`] keeps its folder from
//! being evicted; beyond the byte limit the least recently used folder without a handle goes. The
//! bytes are verified against the digest before anything is unpacked (kustomize-controller.md §2.4).
//!
//! Surprise: what an earlier process left is used again, but not after a reboot of the machine:
//! folders are renamed into place without `fsync`, which a killed process survives and a power cut
//! does not.

mod disk;
mod fetch;
mod index;
mod warm;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

pub use fetch::Error as FetchError;
pub use index::Index;

use crate::digest::{self, Digest};
use crate::untar::{self, Limits};

/// Environment variable that overrides the host of artifact addresses, for controllers that run
/// outside the cluster.
pub const HOST_OVERRIDE: &str = "SOURCE_CONTROLLER_LOCALHOST";

/// Configures a [`Cache`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder for caches alone; it is created. Processes that share it do not meet in it.
    pub folder: PathBuf,
    /// Bytes of unpacked files above which unused folders are evicted.
    pub max_bytes: u64,
    /// Bytes that one download may have.
    pub max_download: u64,
    /// What one archive may become.
    pub limits: Limits,
    /// Tries after the first one that failed (`--http-retry`).
    pub retries: u32,
    /// Shortest wait between two tries; it doubles up to [`Options::retry_wait_max`].
    pub retry_wait_min: Duration,
    /// Longest wait between two tries.
    pub retry_wait_max: Duration,
    /// Time within which a server must connect, and within which each piece must arrive.
    pub idle_timeout: Duration,
    /// Host (with port) to use instead of the one in the address ([`HOST_OVERRIDE`]).
    pub host: Option<String>,
}

impl Options {
    /// Returns Flux's retry defaults with our limits.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            max_bytes: 2 << 30,
            max_download: 1 << 30,
            limits: Limits::default(),
            retries: 9,
            retry_wait_min: Duration::from_secs(5),
            retry_wait_max: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(30),
            host: None,
        }
    }
}

/// Shares unpacked artifacts between everyone in the process.
#[derive(Clone)]
pub struct Cache {
    inner: Arc<Inner>,
}

struct Inner {
    /// With the folder that is this process's own.
    options: Options,
    /// Held as long as the folder is used.
    _lock: std::fs::File,
    client: reqwest::Client,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    by_digest: HashMap<Digest, Slot>,
    warm: warm::Warm,
    clock: u64,
}

#[derive(Default)]
struct Slot {
    /// Serialises the fetch, so that many consumers cause one.
    gate: Arc<tokio::sync::Mutex<()>>,
    /// Bytes on disk once unpacked.
    bytes: Option<u64>,
    used: u64,
    /// Present while somebody holds a handle.
    open: Weak<Folder>,
}

struct Folder {
    root: PathBuf,
    index: Arc<Index>,
}

/// Gives read access to one unpacked artifact and keeps it in the cache.
#[derive(Clone)]
pub struct Handle {
    folder: Arc<Folder>,
}

impl Handle {
    /// Returns the folder with the artifact's files, which must not be written to.
    pub fn root(&self) -> &Path {
        &self.folder.root
    }

    /// Returns the content hash of every file, by path.
    pub fn index(&self) -> &Index {
        &self.folder.index
    }
}

impl Cache {
    /// Opens the cache, taking over what an earlier process of this boot left complete.
    pub fn open(options: Options) -> Result<Self, Error> {
        let (folder, lock) = disk::claim(&options.folder)?;
        let options = Options { folder, ..options };
        let mut slots = Slots::default();
        for (digest, bytes) in disk::take_over(&options.folder)? {
            slots.by_digest.insert(
                digest,
                Slot {
                    bytes: Some(bytes),
                    ..Slot::default()
                },
            );
        }
        let client = fetch::client(&options)?;
        let cache = Self {
            inner: Arc::new(Inner {
                options,
                _lock: lock,
                client,
                slots: Mutex::new(slots),
            }),
        };
        cache.evict();
        Ok(cache)
    }

    /// Returns the artifact at `url` whose file has `digest`, fetching it unless it is there.
    ///
    /// Dropping the future stops the fetch. Errors are not remembered.
    pub async fn get(&self, url: &str, digest: &str) -> Result<Handle, Error> {
        let digest: Digest = digest.parse()?;
        let gate = match self.lookup(&digest) {
            Ok(handle) => return Ok(handle),
            Err(gate) => gate,
        };
        let _turn = gate.lock().await;
        if let Ok(handle) = self.lookup(&digest) {
            return Ok(handle);
        }
        let result = self.fill(url, &digest).await;
        if result.is_err() {
            self.forget_if_unused(&digest, &gate);
        }
        result
    }

    async fn fill(&self, url: &str, digest: &Digest) -> Result<Handle, Error> {
        let options = &self.inner.options;
        let (on_disk, warm) = {
            let mut slots = self.slots();
            let on_disk = slots.by_digest.get(digest).and_then(|slot| slot.bytes);
            (on_disk, slots.warm.get(digest))
        };
        let folder = options.folder.clone();
        if let Some(bytes) = on_disk {
            let wanted = digest.clone();
            let open = move || match warm {
                Some(index) => disk::reopen(&folder, &wanted, index, bytes),
                None => disk::open(&folder, &wanted),
            };
            if let Ok(opened) = blocking(open).await {
                return Ok(self.admit(digest, opened));
            }
        }
        let archive = fetch::download(&self.inner.client, options, url, digest).await?;
        let (folder, limits, wanted) = (
            options.folder.clone(),
            options.limits.clone(),
            digest.clone(),
        );
        let opened = blocking(move || disk::unpack(&folder, &wanted, archive, &limits)).await?;
        let handle = self.admit(digest, opened);
        let cache = self.clone();
        tokio::task::spawn_blocking(move || cache.evict());
        Ok(handle)
    }

    /// Returns the open folder, or the gate to pass before opening or fetching it.
    fn lookup(&self, digest: &Digest) -> Result<Handle, Arc<tokio::sync::Mutex<()>>> {
        let mut slots = self.slots();
        slots.clock += 1;
        let used = slots.clock;
        let slot = slots.by_digest.entry(digest.clone()).or_default();
        slot.used = used;
        slot.open
            .upgrade()
            .map(|folder| Handle { folder })
            .ok_or_else(|| slot.gate.clone())
    }

    fn admit(&self, digest: &Digest, opened: disk::Opened) -> Handle {
        let folder = Arc::new(Folder {
            root: opened.root,
            index: opened.index,
        });
        let mut slots = self.slots();
        slots.clock += 1;
        let used = slots.clock;
        slots.warm.keep(digest, &folder.index);
        let slot = slots.by_digest.entry(digest.clone()).or_default();
        slot.bytes = Some(opened.bytes);
        slot.used = used;
        slot.open = Arc::downgrade(&folder);
        Handle { folder }
    }

    /// Keeps the map from growing with digests that never arrived.
    fn forget_if_unused(&self, digest: &Digest, gate: &Arc<tokio::sync::Mutex<()>>) {
        let mut slots = self.slots();
        let is_alone = Arc::strong_count(gate) <= 2;
        if is_alone
            && slots
                .by_digest
                .get(digest)
                .is_some_and(|slot| slot.bytes.is_none())
        {
            slots.by_digest.remove(digest);
        }
    }

    /// Removes the least recently used folders that nobody holds until the rest fits.
    fn evict(&self) {
        let doomed: Vec<PathBuf> = {
            let mut slots = self.slots();
            let mut total: u64 = slots.by_digest.values().filter_map(|slot| slot.bytes).sum();
            let mut idle: Vec<(u64, Digest)> = slots
                .by_digest
                .iter()
                .filter(|(_, slot)| {
                    // One owner of the gate is the slot; a second one is about to open the folder.
                    slot.bytes.is_some()
                        && slot.open.strong_count() == 0
                        && Arc::strong_count(&slot.gate) == 1
                })
                .map(|(digest, slot)| (slot.used, digest.clone()))
                .collect();
            idle.sort_by_key(|(used, _)| *used);
            let mut doomed = Vec::new();
            for (_, digest) in idle {
                if total <= self.inner.options.max_bytes {
                    break;
                }
                let slot = slots.by_digest.remove(&digest);
                slots.warm.forget(&digest);
                total -= slot.and_then(|slot| slot.bytes).unwrap_or_default();
                match disk::retire(&self.inner.options.folder, &digest) {
                    Ok(path) => doomed.push(path),
                    Err(error) => tracing::warn!(%error, %digest, "artifact cache cannot evict"),
                }
            }
            doomed
        };
        for path in doomed {
            disk::remove(&path);
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.inner
            .slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Io(io::Error::other(error)))?
}

/// Says why an artifact is not available.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server answered 404: the source has collected it or has not stored it yet.
    #[error("artifact not found at '{0}'")]
    NotFound(String),
    /// The file has another digest than the source's status says.
    #[error(
        "failed to verify archive: computed digest doesn't match provided '{expected}' \
         (check whether file size exceeds max download size)"
    )]
    DigestMismatch {
        /// Digest in the status.
        expected: Digest,
        /// Digest of what was downloaded.
        computed: Digest,
    },
    /// The digest in the status cannot be used.
    #[error("failed to verify archive: {0}")]
    Digest(#[from] digest::Error),
    /// The download ended early, was refused or failed otherwise.
    #[error("failed to download archive: {0}")]
    Fetch(#[from] fetch::Error),
    /// The verified file is no archive that may be unpacked.
    #[error("failed to untar archive: {0}")]
    Unpack(#[from] untar::Error),
    /// The cache's own folder failed.
    #[error("artifact cache: {0}")]
    Io(#[from] io::Error),
}
