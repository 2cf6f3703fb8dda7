//! The cache's folder: `<number>/<algorithm>-<hex>/{index,tree/}`, renamed into place when complete.
//! The number is the process's own among those that share the base folder at the same time.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Error, Index};
use crate::Digest;
use crate::untar::{self, Limits};

const INDEX: &str = "index";
const TREE: &str = "tree";
const WORK: &str = "work-";
const BOOT: &str = "boot-id";
/// Processes on one machine that may share a base folder.
const MAX_PROCESSES: usize = 256;
/// Changes at every boot of the machine; constant where the file is absent.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// An artifact found or put on disk.
pub(super) struct Opened {
    pub(super) root: PathBuf,
    pub(super) index: Arc<Index>,
    pub(super) bytes: u64,
}

/// Takes the first numbered folder below `base` that no other living process holds.
///
/// The lock ends with the process, however that ends, so that its successor finds the same folder.
pub(super) fn claim(base: &Path) -> io::Result<(PathBuf, fs::File)> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(base)?;
    for number in 0..MAX_PROCESSES {
        let lock = fs::File::create(base.join(format!("{number}.lock")))?;
        match lock.try_lock() {
            Ok(()) => return Ok((base.join(number.to_string()), lock)),
            Err(fs::TryLockError::WouldBlock) => {}
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

/// Prepares the folder and returns the complete artifacts in it; everything else is removed.
pub(super) fn take_over(folder: &Path) -> Result<Vec<(Digest, u64)>, Error> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let boot = fs::read(BOOT_ID).unwrap_or_default();
    let is_same_boot = fs::read(folder.join(BOOT)).is_ok_and(|known| known == boot);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let digest = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(parse_name);
        match (digest, Index::load_size(&path.join(INDEX))) {
            (Some(digest), Ok(bytes)) if is_same_boot => found.push((digest, bytes)),
            (Some(_), _) => remove(&path),
            (None, _) if is_work(&path) => remove(&path),
            (None, _) => {}
        }
    }
    fs::write(folder.join(BOOT), boot)?;
    Ok(found)
}

/// Opens an artifact that is on disk.
pub(super) fn open(folder: &Path, digest: &Digest) -> Result<Opened, Error> {
    let home = folder.join(name(digest));
    let (index, bytes) = Index::load(&home.join(INDEX))?;
    Ok(Opened {
        root: home.join(TREE),
        index: Arc::new(index),
        bytes,
    })
}

/// Opens an artifact whose index is in memory, if its files are still on disk.
pub(super) fn reopen(
    folder: &Path,
    digest: &Digest,
    index: Arc<Index>,
    bytes: u64,
) -> Result<Opened, Error> {
    let root = folder.join(name(digest)).join(TREE);
    fs::metadata(&root)?;
    Ok(Opened { root, index, bytes })
}

/// Unpacks a verified archive into its place.
pub(super) fn unpack(
    folder: &Path,
    digest: &Digest,
    archive: fs::File,
    limits: &Limits,
) -> Result<Opened, Error> {
    let work = tempfile::Builder::new().prefix(WORK).tempdir_in(folder)?;
    let tree = work.path().join(TREE);
    fs::create_dir(&tree)?;
    let unpacked = match untar::unpack(io::BufReader::new(archive), &tree, limits) {
        Ok(unpacked) => unpacked,
        Err(error) => {
            remove(&work.keep());
            return Err(error.into());
        }
    };
    let index = Index::from(unpacked.files);
    index.save(&work.path().join(INDEX), unpacked.bytes)?;
    seal(&tree)?;
    let home = folder.join(name(digest));
    if home.exists() {
        remove(&retire(folder, digest)?);
    }
    fs::rename(work.keep(), &home)?;
    Ok(Opened {
        root: home.join(TREE),
        index: Arc::new(index),
        bytes: unpacked.bytes,
    })
}

/// Moves an artifact out of its place, so that it can be removed without a lock.
pub(super) fn retire(folder: &Path, digest: &Digest) -> io::Result<PathBuf> {
    let grave = tempfile::Builder::new()
        .prefix(WORK)
        .tempdir_in(folder)?
        .keep();
    let target = grave.join(name(digest));
    fs::rename(folder.join(name(digest)), &target).inspect_err(|_| remove(&grave))?;
    Ok(grave)
}

/// Removes a folder of ours with its read-only folders; what cannot be removed now is at the next
/// start.
pub(super) fn remove(path: &Path) {
    let _ = unseal(path);
    if let Err(error) = fs::remove_dir_all(path) {
        tracing::warn!(%error, path = %path.display(), "artifact cache cannot remove a folder");
    }
}

/// Makes every folder read-only; the files are so from their creation.
fn seal(folder: &Path) -> io::Result<()> {
    for_each_folder(folder, &mut |folder| set_mode(folder, 0o500), false)
}

fn unseal(folder: &Path) -> io::Result<()> {
    for_each_folder(folder, &mut |folder| set_mode(folder, 0o700), true)
}

fn for_each_folder(
    folder: &Path,
    change: &mut impl FnMut(&Path) -> io::Result<()>,
    before: bool,
) -> io::Result<()> {
    if before {
        change(folder)?;
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            for_each_folder(&entry.path(), change, before)?;
        }
    }
    if before { Ok(()) } else { change(folder) }
}

fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn name(digest: &Digest) -> String {
    format!("{}-{}", digest.algorithm(), digest.hex())
}

fn parse_name(name: &str) -> Option<Digest> {
    let (algorithm, hex) = name.split_once('-')?;
    format!("{algorithm}:{hex}").parse().ok()
}

fn is_work(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with(WORK))
}
