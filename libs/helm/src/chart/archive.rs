//! Packaged charts: a gzipped tar with one folder on top, read against hostile input.
//!
//! The first part of each path is dropped whatever it says. Sizes and the number of entries are capped
//! before memory is taken; nothing is ever written anywhere.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};

use super::content::is_deferred;
use super::{Content, File};
use crate::go;

/// What one chart may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files of one archive together.
    pub archive_bytes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Entries of one archive or folder; Helm has no such limit.
    pub entries: usize,
    /// Charts nested in one another; Helm has no such limit.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            archive_bytes: 100 << 20,
            file_bytes: 5 << 20,
            entries: 50_000,
            depth: 32,
        }
    }
}

/// An archive that is no packaged chart, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no gzipped tar.
    #[error("{0}")]
    Broken(String),
    /// A path is absolute below its first part.
    #[error("chart illegally contains absolute paths")]
    AbsolutePath,
    /// A file lies beside the folder on top.
    #[error("chart illegally contains content outside the base directory: {}", go::quote(.0))]
    OutsideBase(String),
    /// A path leads out of the chart.
    #[error("chart illegally references parent directory")]
    ParentDirectory,
    /// A path begins with the letter of a drive.
    #[error("chart contains illegally named files")]
    IllegalName,
    /// There is no folder on top.
    #[error("chart yaml not in base directory")]
    NoBase,
    /// All files together are too large.
    #[error("decompressed chart is larger than the maximum size {0}")]
    ArchiveTooLarge(u64),
    /// One file is too large.
    #[error("decompressed chart file {} is larger than the maximum file size {limit}", go::quote(.name))]
    FileTooLarge {
        /// The path in the archive.
        name: String,
        /// The limit.
        limit: u64,
    },
    /// There are too many files.
    #[error("chart archive has more than the maximum of {0} entries")]
    TooManyEntries(usize),
    /// There are no files.
    #[error("no files in chart archive")]
    Empty,
}

/// A packaged chart somewhere: in memory, in a file.
pub trait Package: Send + Sync {
    /// Opens it at its beginning; only one reader is open at a time.
    ///
    /// # Errors
    /// It is not there any more.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;
}

impl<B: AsRef<[u8]> + Send + Sync> Package for B {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.as_ref()))
    }
}

/// Reads the files of a packaged chart.
///
/// # Errors
/// The archive is broken, too large, or names files where none may be.
pub fn read(package: &dyn Package, limits: &Limits) -> Result<Vec<File>, Error> {
    let mut files = Vec::new();
    walk(package, limits, &mut |_, found| {
        let data = found.read()?;
        files.push(File::new(found.take_name(), without_mark(data)));
        Ok(())
    })?;
    Ok(files)
}

/// Reads the files of a packaged chart; large ones that nothing may ever ask for are unpacked when something does.
pub(super) fn read_lazily(package: Arc<dyn Package>, limits: &Limits) -> Result<Vec<File>, Error> {
    let packed = Arc::new(Packed {
        package: package.clone(),
        limits: *limits,
        unpacked: Mutex::default(),
    });
    let mut files = Vec::new();
    walk(&*package, limits, &mut |number, found| {
        if !is_deferred(&found.name, found.size) {
            let data = found.read()?;
            files.push(File::new(found.take_name(), without_mark(data)));
            return Ok(());
        }
        found.skip()?;
        let (packed, name) = (packed.clone(), found.take_name());
        let wanted = name.clone();
        let data = Content::deferred(Box::new(move || packed.unpack(number, &wanted)));
        files.push(File { name, data });
        Ok(())
    })?;
    Ok(files)
}

/// An archive that was found to be sound, for what is still packed.
struct Packed {
    package: Arc<dyn Package>,
    limits: Limits,
    /// What was unpacked along with a file, until it is asked for.
    unpacked: Mutex<Option<Unpacked>>,
}

/// Files by number and name.
type Unpacked = HashMap<(usize, String), Vec<u8>>;

impl Packed {
    /// Unpacks a file, and with the first one all others: who asks for one often asks for all.
    fn unpack(&self, number: usize, name: &str) -> Result<Vec<u8>, String> {
        // What is kept is whole at any time, so a panic of another thread harms nothing.
        let mut unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        if unpacked.is_none() {
            let mut all = Unpacked::new();
            let read = walk(&*self.package, &self.limits, &mut |number, found| {
                if is_deferred(&found.name, found.size) {
                    let data = found.read()?;
                    all.insert((number, found.take_name()), data);
                }
                Ok(())
            });
            read.map_err(|error| error.to_string())?;
            *unpacked = Some(all);
        }
        let file = (number, name.to_owned());
        let data = unpacked.as_mut().and_then(|all| all.remove(&file));
        data.ok_or_else(|| "the archive is another one by now".to_owned())
    }
}

/// Goes through the files of an archive, each with its number.
fn walk(
    package: &dyn Package,
    limits: &Limits,
    each: &mut dyn FnMut(usize, &mut Found<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut bytes = package.open().map_err(broken)?;
    let mut head = Vec::new();
    (&mut bytes)
        .take(2)
        .read_to_end(&mut head)
        .map_err(broken)?;
    match head.as_slice() {
        [0x1f, 0x8b] => {}
        [_, _] => return Err(Error::Broken("gzip: invalid header".to_owned())),
        _ => return Err(Error::Broken("EOF".to_owned())),
    }
    let gzip = MultiGzDecoder::new(head.as_slice().chain(bytes));
    let mut archive = Archive::new(gzip.take(stream_limit(limits)));
    let mut files = 0;
    let mut remaining = limits.archive_bytes;
    let mut entries = 0_usize;
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        entries += 1;
        if entries > limits.entries {
            return Err(Error::TooManyEntries(limits.entries));
        }
        let Some(name) = name(&entry)? else {
            continue;
        };
        let mut found = Found::new(name, &mut entry, limits, &mut remaining)?;
        each(files, &mut found)?;
        files += 1;
    }
    if files == 0 {
        return Err(Error::Empty);
    }
    Ok(())
}

/// Headers and padding come on top of the files.
fn stream_limit(limits: &Limits) -> u64 {
    limits
        .archive_bytes
        .saturating_add((limits.entries as u64).saturating_mul(2048))
}

/// Returns the name that an entry has below the folder on top; none if it is no file.
fn name<R: Read>(entry: &Entry<'_, R>) -> Result<Option<String>, Error> {
    let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let kind = entry.header().entry_type();
    let is_skipped = matches!(
        kind,
        EntryType::Directory | EntryType::XGlobalHeader | EntryType::XHeader
    );
    if is_skipped || path.ends_with('/') {
        return Ok(None);
    }
    below_base(&path).map(Some)
}

/// A file of an archive whose bytes come next.
struct Found<'e> {
    name: String,
    size: u64,
    entry: &'e mut dyn Read,
    archive_bytes: u64,
    remaining: &'e mut u64,
}

impl<'e> Found<'e> {
    fn new<R: Read>(
        name: String,
        entry: &'e mut Entry<'_, R>,
        limits: &Limits,
        remaining: &'e mut u64,
    ) -> Result<Self, Error> {
        let size = entry.size();
        if size > *remaining {
            return Err(Error::ArchiveTooLarge(limits.archive_bytes));
        }
        if size > limits.file_bytes {
            return Err(Error::FileTooLarge {
                name: String::from_utf8_lossy(&entry.path_bytes()).into_owned(),
                limit: limits.file_bytes,
            });
        }
        Ok(Self {
            name,
            size,
            entry,
            archive_bytes: limits.archive_bytes,
            remaining,
        })
    }

    fn take_name(&mut self) -> String {
        std::mem::take(&mut self.name)
    }

    fn read(&mut self) -> Result<Vec<u8>, Error> {
        // Both limits were compared with the size above.
        let mut data = Vec::with_capacity(usize::try_from(self.size).unwrap_or(0));
        let entry = &mut *self.entry;
        let read = entry.take(*self.remaining).read_to_end(&mut data);
        self.counted(read.map_err(broken)? as u64)?;
        Ok(data)
    }

    fn skip(&mut self) -> Result<(), Error> {
        let mut entry = (&mut *self.entry).take(*self.remaining);
        let skipped = io::copy(&mut entry, &mut io::sink());
        self.counted(skipped.map_err(broken)?)
    }

    fn counted(&mut self, read: u64) -> Result<(), Error> {
        *self.remaining -= read.min(*self.remaining);
        if read < self.size || *self.remaining == 0 {
            return Err(Error::ArchiveTooLarge(self.archive_bytes));
        }
        Ok(())
    }
}

/// Drops the first part of a path and refuses what leads elsewhere.
fn below_base(path: &str) -> Result<String, Error> {
    // Archives made on Windows may separate by backslashes.
    let separator = if path.contains('\\') { '\\' } else { '/' };
    let (base, below) = path.split_once(separator).unwrap_or((path, ""));
    let below = below.replace(separator, "/");
    if below.starts_with('/') {
        return Err(Error::AbsolutePath);
    }
    let name = clean(&below);
    if name == "." {
        return Err(Error::OutsideBase(path.to_owned()));
    }
    if name.starts_with("..") {
        return Err(Error::ParentDirectory);
    }
    let mut characters = name.chars();
    let drive = (characters.next(), characters.next(), characters.next());
    if matches!(drive, (Some(letter), Some(':'), Some('/')) if letter.is_ascii_alphabetic()) {
        return Err(Error::IllegalName);
    }
    if base == "Chart.yaml" {
        return Err(Error::NoBase);
    }
    Ok(name)
}

/// Cleans a relative path as Go's `path.Clean`.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

/// Drops the byte order mark, which Helm drops from every file.
pub(super) fn without_mark(mut data: Vec<u8>) -> Vec<u8> {
    if data.starts_with(&[0xef, 0xbb, 0xbf]) {
        data.drain(..3);
    }
    data
}

fn broken(error: std::io::Error) -> Error {
    Error::Broken(error.to_string())
}
