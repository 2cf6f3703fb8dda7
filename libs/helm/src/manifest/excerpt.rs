//! A part of a rendered file, which is not copied.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A text that is part of a larger one and keeps it; used as a `&str`.
#[derive(Clone)]
pub struct Excerpt {
    whole: Arc<str>,
    start: usize,
    end: usize,
}

impl Excerpt {
    /// Takes a part of a text; all of it where the part does not lie in it.
    pub(super) fn new(whole: &Arc<str>, part: Range<usize>) -> Self {
        let is_part = whole.get(part.clone()).is_some();
        Self {
            whole: whole.clone(),
            start: if is_part { part.start } else { 0 },
            end: if is_part { part.end } else { whole.len() },
        }
    }
}

impl Deref for Excerpt {
    type Target = str;

    fn deref(&self) -> &str {
        self.whole.get(self.start..self.end).unwrap_or_default()
    }
}

impl AsRef<str> for Excerpt {
    fn as_ref(&self) -> &str {
        self
    }
}

impl From<&str> for Excerpt {
    fn from(text: &str) -> Self {
        Self::new(&text.into(), 0..text.len())
    }
}

impl PartialEq for Excerpt {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Excerpt {}

impl PartialEq<&str> for Excerpt {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
