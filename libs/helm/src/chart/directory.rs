//! Charts from folders: the walk, `.helmignore`, and what a folder may hold.

use super::content::is_deferred;
use super::{
    Chart, Content, Error as LoadError, File, Ignore, IgnoreError, Limits, Reader, archive, load,
};
use crate::{go, notice::Notices};

/// A folder with a chart in it, wherever it lies; links are followed by whoever implements it.
pub trait Directory {
    /// Names the folder in errors, without a slash at its end.
    fn name(&self) -> String;

    /// Lists what is in the folder at a path below it (`""` for itself).
    ///
    /// # Errors
    /// The reason in the words of the system.
    fn list(&self, path: &str) -> Result<Vec<Entry>, String>;

    /// Reads the file at a path below the folder.
    ///
    /// # Errors
    /// The reason in the words of the system, such as `no such file or directory`.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;

    /// Makes sure that the file at a path can be read, and returns how to do that later; none where files are better
    /// read at once.
    ///
    /// # Errors
    /// As for [`Directory::read`].
    fn defer(&self, _path: &str) -> Result<Option<Reader>, String> {
        Ok(None)
    }
}

/// What lies in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The last part of the path.
    pub name: String,
    /// What it is, once links are followed.
    pub kind: Kind,
}

/// What can lie in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Directory,
    /// A file of so many bytes.
    File(u64),
    /// A device, a socket and the like, which no chart may hold.
    Irregular,
}

/// A folder that cannot be read as a chart, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no `Chart.yaml`, or it cannot be read.
    #[error("unable to detect chart at {path}: open {path}: {reason}")]
    NoChart {
        /// The path of `Chart.yaml`.
        path: String,
        /// The words of the system.
        reason: String,
    },
    /// A rule of `.helmignore` is malformed.
    #[error(transparent)]
    Ignore(#[from] IgnoreError),
    /// There is what is neither a file nor a folder.
    #[error("cannot load irregular file {0} as it has file mode type bits set")]
    Irregular(String),
    /// A file is too large.
    #[error("chart file {} is larger than the maximum file size {limit}", go::quote(.name))]
    FileTooLarge {
        /// Its name.
        name: String,
        /// The limit.
        limit: u64,
    },
    /// A file or folder cannot be read.
    #[error("error reading {path}: {reason}")]
    Unreadable {
        /// The path below the folder.
        path: String,
        /// The words of the system.
        reason: String,
    },
    /// There are too many files.
    #[error("chart folder has more than the maximum of {0} files")]
    TooManyEntries(usize),
    /// Folders are nested too deeply, as when a link leads back up.
    #[error("folders are nested deeper than the maximum of {0}")]
    TooDeep(usize),
}

/// How deep folders may nest.
const MAX_DEPTH: usize = 128;

impl Chart {
    /// Makes a chart of a folder, leaving out what its `.helmignore` says.
    ///
    /// # Errors
    /// The folder is no chart, cannot be read, or holds what no chart may hold.
    pub fn from_directory(
        directory: &dyn Directory,
        limits: &Limits,
        notices: &mut Notices,
    ) -> Result<Self, LoadError> {
        let metadata = directory.read("Chart.yaml").map_err(|reason| {
            let path = format!("{}/Chart.yaml", directory.name());
            Error::NoChart { path, reason }
        })?;
        let format = load::check_version(&metadata)?;
        let ignore = match directory.read(".helmignore") {
            Ok(text) => Ignore::parse(&text).map_err(Error::from)?,
            Err(_) => Ignore::default(),
        };
        let mut walk = Walk {
            directory,
            limits,
            ignore,
            files: Vec::new(),
        };
        walk.folder("", 0)?;
        format.installable(Self::from_files(walk.files, limits, notices)?)
    }
}

struct Walk<'a> {
    directory: &'a dyn Directory,
    limits: &'a Limits,
    ignore: Ignore,
    files: Vec<File>,
}

impl Walk<'_> {
    fn folder(&mut self, path: &str, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep(MAX_DEPTH));
        }
        let unreadable = |reason| Error::Unreadable {
            path: path.to_owned(),
            reason,
        };
        let mut entries = self.directory.list(path).map_err(unreadable)?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        for entry in entries {
            let below = if path.is_empty() {
                entry.name.clone()
            } else {
                format!("{path}/{}", entry.name)
            };
            if self.ignore.ignores(&below, entry.kind == Kind::Directory) {
                continue;
            }
            match entry.kind {
                Kind::Directory => self.folder(&below, depth + 1)?,
                Kind::File(size) => self.file(below, &entry.name, size)?,
                Kind::Irregular => {
                    let path = format!("{}/{below}", self.directory.name());
                    return Err(Error::Irregular(path));
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, path: String, name: &str, size: u64) -> Result<(), Error> {
        let limit = self.limits.file_bytes;
        if size > limit {
            return Err(Error::FileTooLarge {
                name: name.to_owned(),
                limit,
            });
        }
        if self.files.len() >= self.limits.entries {
            return Err(Error::TooManyEntries(self.limits.entries));
        }
        let unreadable = |reason| Error::Unreadable {
            path: path.clone(),
            reason,
        };
        if is_deferred(&path, size) {
            let reader = self.directory.defer(&path).map_err(unreadable)?;
            if let Some(reader) = reader {
                let data = Content::deferred(reader);
                self.files.push(File { name: path, data });
                return Ok(());
            }
        }
        let data = self.directory.read(&path).map_err(unreadable)?;
        self.files
            .push(File::new(path, archive::without_mark(data)));
        Ok(())
    }
}
