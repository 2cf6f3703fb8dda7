//! What is in a file of a chart; of files that only templates ask for, not before they do.
//!
//! Definitions and documentation are most of many charts, and most renders look at neither. The surprise: such a file
//! that can no longer be read is empty and remembered as unread; a render asks for that at its end.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::archive::without_mark;

/// From how many bytes on it pays to leave a file for later.
const DEFERRED: u64 = 4096;

/// Says whether a file of that size is better read when a template asks for it.
pub(super) fn is_deferred(path: &str, size: u64) -> bool {
    size >= DEFERRED && !is_for_loading(path)
}

/// Says whether a file is needed to load or to render a chart at all: others are for templates that ask for them.
fn is_for_loading(path: &str) -> bool {
    let mut path = path;
    while let Some(below) = path.strip_prefix("charts/") {
        match below.split_once('/') {
            Some((_, inside)) => path = inside,
            None => return true,
        }
    }
    path.starts_with("templates/")
        || matches!(
            path,
            "Chart.yaml"
                | "Chart.lock"
                | "values.yaml"
                | "values.schema.json"
                | "requirements.yaml"
                | "requirements.lock"
        )
}

/// Reads a file that was found before; the error is in the words of the system.
pub type Reader = Box<dyn Fn() -> Result<Vec<u8>, String> + Send + Sync>;

/// The bytes of a file; clones share them.
#[derive(Clone)]
pub struct Content(Inner);

#[derive(Clone)]
enum Inner {
    Held(Arc<[u8]>),
    Deferred(Arc<Deferred>),
}

struct Deferred {
    read: Reader,
    found: OnceLock<Found>,
}

/// What was read; of what could not be, nothing and why.
type Found = Result<Arc<[u8]>, (Arc<[u8]>, String)>;

impl Content {
    /// Leaves the reading to the first who asks.
    pub fn deferred(read: Reader) -> Self {
        Self(Inner::Deferred(Arc::new(Deferred {
            read,
            found: OnceLock::new(),
        })))
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &Arc<[u8]> {
        match &self.0 {
            Inner::Held(bytes) => bytes,
            Inner::Deferred(deferred) => {
                let found = deferred.found.get_or_init(|| match (deferred.read)() {
                    Ok(data) => Ok(without_mark(data).into()),
                    Err(reason) => Err(([].into(), reason)),
                });
                match found {
                    Ok(bytes) | Err((bytes, _)) => bytes,
                }
            }
        }
    }

    /// Says why the file could not be read, if it was asked for and could not.
    pub fn unread(&self) -> Option<&str> {
        match &self.0 {
            Inner::Held(_) => None,
            Inner::Deferred(deferred) => match deferred.found.get()? {
                Ok(_) => None,
                Err((_, reason)) => Some(reason),
            },
        }
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes()
    }
}

impl From<Vec<u8>> for Content {
    fn from(data: Vec<u8>) -> Self {
        Self(Inner::Held(data.into()))
    }
}

impl From<Arc<[u8]>> for Content {
    fn from(data: Arc<[u8]>) -> Self {
        Self(Inner::Held(data))
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Content {}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Held(bytes) => write!(f, "{} bytes", bytes.len()),
            Inner::Deferred(_) => f.write_str("not read yet"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Content;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_deferred_file_is_read_once_and_without_its_mark() {
        let times = Arc::new(AtomicU32::new(0));
        let counted = times.clone();
        let content = Content::deferred(Box::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(b"\xef\xbb\xbfx".to_vec())
        }));
        let other = content.clone();
        assert_eq!(times.load(Ordering::Relaxed), 0);
        assert_eq!((&*content, &*other), (b"x".as_slice(), b"x".as_slice()));
        assert_eq!((times.load(Ordering::Relaxed), content.unread()), (1, None));
    }

    #[test]
    fn a_file_that_is_gone_is_empty_and_remembered() {
        let content = Content::deferred(Box::new(|| Err("gone".to_owned())));
        assert_eq!(content.unread(), None);
        assert!(content.is_empty());
        assert_eq!(content.unread(), Some("gone"));
    }
}
