//! The one type for paths that come from an artifact, a chart or a request (DESIGN §2.3).
//!
//! A [`SafePath`] is relative, normalised, UTF-8 and cannot leave the folder it is joined to,
//! provided that nothing below that folder is a symbolic link: whoever unpacks never makes one.
//! The empty path is the folder itself and prints as `.`.

use std::fmt;
use std::path::{Path, PathBuf};

/// Longest accepted path in bytes (`PATH_MAX` on Linux, terminator included).
pub const MAX_LENGTH: usize = 4095;
/// Longest accepted component in bytes (`NAME_MAX` on Linux).
pub const MAX_COMPONENT: usize = 255;

/// Holds a relative path with `/` between components that stays below its root.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SafePath(Box<str>);

impl SafePath {
    /// Parses `path`, dropping `.` components and repeated slashes.
    ///
    /// Refused are: absolute paths, `..` components, backslashes, NUL bytes, over-long paths
    /// (source-controller.md §9, kustomize-controller.md §2.4.4).
    pub fn parse(path: &str) -> Result<Self, Error> {
        let refuse = |reason| {
            Err(Error {
                path: path.chars().take(256).collect(),
                reason,
            })
        };
        if path.starts_with('/') {
            return refuse(Reason::Absolute);
        }
        if path.contains('\\') {
            return refuse(Reason::Backslash);
        }
        if path.contains('\0') {
            return refuse(Reason::Nul);
        }
        if path.len() > MAX_LENGTH {
            return refuse(Reason::TooLong);
        }
        let mut clean = String::with_capacity(path.len());
        for component in path.split('/') {
            match component {
                "" | "." => continue,
                ".." => return refuse(Reason::Traversal),
                long if long.len() > MAX_COMPONENT => return refuse(Reason::TooLong),
                _ => {}
            }
            if !clean.is_empty() {
                clean.push('/');
            }
            clean.push_str(component);
        }
        Ok(Self(clean.into_boxed_str()))
    }

    /// Returns the root itself.
    pub fn root() -> Self {
        Self(Box::default())
    }

    /// Tells whether this is the root itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the path without a leading `./`; the root is the empty string.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Iterates over the components from the root down.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|component| !component.is_empty())
    }

    /// Returns the last component, or nothing for the root.
    pub fn file_name(&self) -> Option<&str> {
        self.components().next_back()
    }

    /// Returns the folder this path lies in, or nothing for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(match self.0.rfind('/') {
            Some(slash) => Self(self.0[..slash].into()),
            None => Self::root(),
        })
    }

    /// Appends `relative`, which must itself be safe.
    pub fn join(&self, relative: &str) -> Result<Self, Error> {
        let relative = Self::parse(relative)?;
        if self.is_root() || relative.is_root() {
            return Ok(if self.is_root() {
                relative
            } else {
                self.clone()
            });
        }
        Self::parse(&format!("{}/{}", self.0, relative.0))
    }

    /// Returns the path below `root` in the file system.
    pub fn under(&self, root: &Path) -> PathBuf {
        if self.is_root() {
            root.to_path_buf()
        } else {
            root.join(&*self.0)
        }
    }
}

impl fmt::Display for SafePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "." } else { &self.0 })
    }
}

impl fmt::Debug for SafePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl std::str::FromStr for SafePath {
    type Err = Error;
    fn from_str(path: &str) -> Result<Self, Error> {
        Self::parse(path)
    }
}

/// Says which path was refused and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("illegal path {path:?}: {reason}")]
pub struct Error {
    path: String,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("it is absolute")]
    Absolute,
    #[error("it leaves its root")]
    Traversal,
    #[error("it contains a backslash")]
    Backslash,
    #[error("it contains a NUL byte")]
    Nul,
    #[error("it is too long")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_could_leave_its_root_is_refused() {
        for hostile in [
            "/etc/passwd",
            "..",
            "../x",
            "a/../../x",
            "a/..",
            "a\\..\\x",
            "a\0b",
            "./../x",
        ] {
            assert!(SafePath::parse(hostile).is_err(), "{hostile:?}");
        }
        assert!(SafePath::parse(&"a/".repeat(2048)).is_err());
        assert!(SafePath::parse(&"a".repeat(256)).is_err());
    }

    #[test]
    fn harmless_spellings_are_normalised() {
        for (spelling, clean) in [
            ("./a//b/", "a/b"),
            ("", ""),
            (".", ""),
            ("a..b/...", "a..b/..."),
            ("ü x", "ü x"),
        ] {
            assert_eq!(
                SafePath::parse(spelling).unwrap().as_str(),
                clean,
                "{spelling:?}"
            );
        }
        assert_eq!(SafePath::root().to_string(), ".");
    }

    #[test]
    fn joining_and_parents_stay_inside() {
        let base = SafePath::parse("a/b").unwrap();
        assert_eq!(base.join("./c/d").unwrap().as_str(), "a/b/c/d");
        assert!(base.join("../c").is_err());
        assert_eq!(base.parent().unwrap().as_str(), "a");
        assert_eq!(base.parent().unwrap().parent().unwrap(), SafePath::root());
        assert_eq!(SafePath::root().parent(), None);
        assert_eq!(base.under(Path::new("/r")), Path::new("/r/a/b"));
    }
}
