//! Where a build reads from: the trait, a tree in memory, a confined folder on disk, and the record.
//!
//! Paths are absolute and use `/`. A file system decides what exists; which of it a kustomization may
//! name is the loader's business. [`Recorder`] keeps the read set, negative look-ups included, so that
//! a controller can tell whether a change can matter to a build.

mod memory;
mod recorder;
mod rooted;

pub use memory::MemoryFs;
pub use recorder::{ReadSet, Recorder};
pub use rooted::RootedFs;

/// A failed look-up or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The path does not exist.
    #[error("evalsymlink failure on '{path}' : lstat {missing}: no such file or directory")]
    NotFound {
        /// The path as asked for.
        path: String,
        /// The first part of the way there that does not exist, the symlinks before it followed.
        missing: String,
    },
    /// The path goes on behind a file.
    #[error("evalsymlink failure on '{path}' : not a directory")]
    NotDirectory {
        /// The path as asked for.
        path: String,
    },
    /// The path, its symlinks followed, leaves the folder the file system is confined to.
    #[error("fs-security-constraint {op} {path}: path '{path}' is not in or below '{root}'")]
    Outside {
        /// What was tried.
        op: &'static str,
        /// The path as asked for.
        path: String,
        /// The folder that confines.
        root: String,
    },
    /// The path is a directory where a file is read.
    #[error("read {path}: is a directory")]
    IsDirectory {
        /// The path as asked for.
        path: String,
    },
    /// Anything else the operating system said.
    #[error("{op} {path}: {message}")]
    Io {
        /// What was tried.
        op: &'static str,
        /// The path as asked for.
        path: String,
        /// Its answer.
        message: String,
    },
}

/// What a path is once all symlinks are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A directory, with its real path.
    Dir(String),
    /// A file, with the real path of its directory and its name.
    File(String, String),
}

impl Place {
    /// Returns the real path.
    pub fn path(&self) -> String {
        match self {
            Self::Dir(path) => path.clone(),
            Self::File(dir, name) => join(dir, name),
        }
    }
}

/// The files a build may see.
pub trait FileSystem: Sync {
    /// Follows the symlinks of an absolute path and says what it is.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it does not exist.
    fn resolve(&self, path: &str) -> Result<Place, Error>;

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::IsDirectory`], or what the system says.
    fn read(&self, path: &str) -> Result<Vec<u8>, Error>;
}

/// Joins and cleans as Go's `filepath.Join`.
pub fn join(dir: &str, path: &str) -> String {
    clean(&format!("{dir}/{path}"))
}

/// Makes the shortest equal path as Go's `filepath.Clean`.
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if matches!(parts.last(), Some(&last) if last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            other => parts.push(other),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// Says whether `path` is `root` or lies below it.
pub fn within(path: &str, root: &str) -> bool {
    root == "/"
        || path == root
        || path
            .strip_prefix(root)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Words that an absolute path does not exist, by asking of each folder on the way what it is: whether it is a
/// directory, or nothing where it is not there.
pub fn not_found(path: &str, is_dir: impl Fn(&str) -> Option<bool>) -> Error {
    let path = path.to_owned();
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1);
    for end in ends {
        match is_dir(&path[..end]) {
            Some(true) => {}
            Some(false) => return Error::NotDirectory { path },
            None => {
                let missing = path[..end].to_owned();
                return Error::NotFound { path, missing };
            }
        }
    }
    let missing = path.clone();
    Error::NotFound { path, missing }
}

/// Returns the last element as Go's `path.Base`.
pub fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return if path.is_empty() { "." } else { "/" };
    }
    trimmed.rsplit('/').next().unwrap_or(trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_go_does() {
        for (given, want) in [
            ("/a/../b", "/b"),
            ("a/./b//c", "a/b/c"),
            ("../a/..", ".."),
            ("/..", "/"),
            ("", "."),
        ] {
            assert_eq!(clean(given), want);
        }
        assert!(within("/a/b", "/a") && !within("/ab", "/a") && within("/a", "/a"));
        assert_eq!(base("/a/b/"), "b");
    }
}
