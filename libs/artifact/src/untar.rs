//! Unpacking an archive that may be hostile into a fresh folder of our own.
//!
//! Only folders and regular files are made; symbolic links are left out as Flux's consumer does
//! (kustomize-controller.md §2.4.4), hard links and devices are refused. Every dimension has a
//! limit, counted on the decompressed stream, so that a bomb ends early. Names are read here and
//! not by the tar crate, which would read a name of any length into memory.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tar::EntryType;

use crate::digest::{Algorithm, Digest};
use crate::{SafePath, safe_path};

const MAX_EXTENDED_HEADER: u64 = 64 * 1024;

/// Bounds what one archive may become.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes after decompression, headers included.
    pub unpacked_bytes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Entries of any type.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unpacked_bytes: 2 << 30,
            file_bytes: 512 << 20,
            entries: 200_000,
        }
    }
}

/// Says what was unpacked.
#[derive(Debug, Default)]
pub struct Unpacked {
    /// Each regular file with the SHA-256 of its content.
    pub files: BTreeMap<SafePath, Digest>,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Unpacks gzip over tar from `reader` into the existing, empty folder `into`.
pub fn unpack(reader: impl Read, into: &Path, limits: &Limits) -> Result<Unpacked, Error> {
    let plain = Bounded {
        inner: MultiGzDecoder::new(reader),
        left: limits.unpacked_bytes,
    };
    let mut archive = tar::Archive::new(plain);
    let mut unpacked = Unpacked::default();
    let mut long_name: Option<Vec<u8>> = None;
    let entries = archive.entries().map_err(Error::from_read)?.raw(true);
    for (seen, entry) in entries.enumerate() {
        if seen >= limits.entries {
            return Err(Error::TooManyEntries(limits.entries));
        }
        let mut entry = entry.map_err(Error::from_read)?;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::XGlobalHeader => continue,
            EntryType::XHeader => {
                let content = extended(&mut entry)?;
                long_name = pax_path(&content)?.or(long_name);
                continue;
            }
            EntryType::GNULongName => {
                let mut content = extended(&mut entry)?;
                while content.last() == Some(&0) {
                    content.pop();
                }
                long_name = Some(content);
                continue;
            }
            EntryType::GNULongLink => {
                extended(&mut entry)?;
                continue;
            }
            _ => {}
        }
        let name = long_name
            .take()
            .unwrap_or_else(|| entry.header().path_bytes().into_owned());
        let path = parse_name(&name)?;
        match kind {
            EntryType::Directory => make_dir(&path.under(into))?,
            EntryType::Regular | EntryType::Continuous => {
                if entry.size() > limits.file_bytes {
                    return Err(Error::FileTooLarge {
                        path,
                        limit: limits.file_bytes,
                    });
                }
                let executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
                let digest = write_file(&mut entry, &path, into, executable)?;
                unpacked.bytes += entry.size();
                unpacked.files.insert(path, digest);
            }
            EntryType::Symlink => {}
            other => {
                return Err(Error::UnsupportedType {
                    path,
                    kind: other.as_byte(),
                });
            }
        }
    }
    Ok(unpacked)
}

fn parse_name(name: &[u8]) -> Result<SafePath, Error> {
    let name = std::str::from_utf8(name).map_err(|_| {
        Error::NameNotUtf8(String::from_utf8_lossy(name).chars().take(256).collect())
    })?;
    // Parity: an empty name is refused, while `.` is the root entry that every artifact begins with.
    if name.is_empty() {
        return Err(Error::EmptyName);
    }
    Ok(SafePath::parse(name)?)
}

fn write_file(
    content: &mut impl Read,
    path: &SafePath,
    into: &Path,
    executable: bool,
) -> Result<Digest, Error> {
    let target = path.under(into);
    if let Some(parent) = path.parent() {
        make_dir(&parent.under(into))?;
    }
    let mode = if executable { 0o500 } else { 0o400 };
    // A second entry of the same name replaces the first, as everywhere else.
    match fs::remove_file(&target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&target)?;
    let mut hasher = Algorithm::Sha256.hasher();
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = content.read(&mut buffer).map_err(Error::from_read)?;
        if read == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&buffer[..read]);
        file.write_all(&buffer[..read])?;
    }
}

fn make_dir(path: &Path) -> Result<(), Error> {
    Ok(fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)?)
}

fn extended(entry: &mut tar::Entry<'_, impl Read>) -> Result<Vec<u8>, Error> {
    if entry.size() > MAX_EXTENDED_HEADER {
        return Err(Error::HeaderTooLarge);
    }
    let mut content = Vec::new();
    entry.read_to_end(&mut content).map_err(Error::from_read)?;
    Ok(content)
}

fn pax_path(content: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let mut path = None;
    for record in tar::PaxExtensions::new(content) {
        let record = record.map_err(Error::from_read)?;
        match record.key_bytes() {
            b"path" => path = Some(record.value_bytes().to_vec()),
            // The size in the plain header would be wrong, and what follows misread.
            b"size" => return Err(Error::UnsupportedHeader("size")),
            _ => {}
        }
    }
    Ok(path)
}

/// Gives at most `left` bytes, then fails.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::FileTooLarge, "unpacked size limit reached")
        })?;
        Ok(read)
    }
}

/// Says why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name would leave the folder, or is not a path.
    #[error(transparent)]
    IllegalPath(#[from] safe_path::Error),
    /// A name is not UTF-8.
    #[error("name {0:?} is not UTF-8")]
    NameNotUtf8(String),
    /// A name is empty.
    #[error("entry with an empty name")]
    EmptyName,
    /// Something else than a folder or a regular file.
    #[error("entry '{path}' has the unsupported type {:?}", char::from(*kind))]
    UnsupportedType {
        /// The entry.
        path: SafePath,
        /// Its type byte.
        kind: u8,
    },
    /// An extended header that would change how the archive is read.
    #[error("extended header '{0}' is not supported")]
    UnsupportedHeader(&'static str),
    /// An extended header is longer than any name can be.
    #[error("extended header exceeds {MAX_EXTENDED_HEADER} bytes")]
    HeaderTooLarge,
    /// One file is too large.
    #[error("file '{path}' exceeds {limit} bytes")]
    FileTooLarge {
        /// The file.
        path: SafePath,
        /// The limit.
        limit: u64,
    },
    /// The whole is too large.
    #[error("archive exceeds the limit of unpacked bytes")]
    TooLarge,
    /// There are too many entries.
    #[error("archive has more than {0} entries")]
    TooManyEntries(usize),
    /// The bytes are not a whole archive.
    #[error("malformed archive: {0}")]
    Malformed(#[source] io::Error),
    /// Our own file system failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Error {
    fn from_read(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::FileTooLarge => Self::TooLarge,
            _ => Self::Malformed(error),
        }
    }
}
