//! Parsed templates, kept from one render to the next.
//!
//! Parsing is most of what a render costs, and the same chart is rendered again for every change of its values. Owns
//! what was parsed; nothing of a run is kept. Threads may share one.

use fjord_gotemplate::Set;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// The templates of the charts rendered last.
#[derive(Debug)]
pub struct Cache {
    kept: Mutex<VecDeque<Kept>>,
    charts: usize,
}

/// A chart's templates as they were when they were parsed.
#[derive(Debug)]
struct Kept {
    files: Vec<(String, Arc<[u8]>)>,
    strict: bool,
    set: Arc<Set>,
}

impl Default for Cache {
    /// Keeps the templates of 16 charts.
    fn default() -> Self {
        Self::new(16)
    }
}

impl Cache {
    /// Makes a cache that keeps the templates of so many charts.
    pub fn new(charts: usize) -> Self {
        Self {
            kept: Mutex::default(),
            charts,
        }
    }

    /// Returns what was parsed from exactly these files, or parses them.
    pub(super) fn get<E>(
        &self,
        files: &[(&String, &Arc<[u8]>)],
        strict: bool,
        parse: impl FnOnce() -> Result<Set, E>,
    ) -> Result<Arc<Set>, E> {
        // What is kept is whole at any time, so a panic of another thread harms nothing.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|kept| kept.is(files, strict))
            && let Some(found) = kept.remove(at)
        {
            let set = found.set.clone();
            kept.push_front(found);
            return Ok(set);
        }
        drop(kept);
        let set = Arc::new(parse()?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front(Kept {
            files: files
                .iter()
                .map(|(path, data)| ((*path).clone(), (*data).clone()))
                .collect(),
            strict,
            set: set.clone(),
        });
        kept.truncate(self.charts);
        Ok(set)
    }
}

impl Kept {
    fn is(&self, files: &[(&String, &Arc<[u8]>)], strict: bool) -> bool {
        let is_same = |a: &Arc<[u8]>, b: &Arc<[u8]>| Arc::ptr_eq(a, b) || a == b;
        self.strict == strict
            && self.files.len() == files.len()
            && self
                .files
                .iter()
                .zip(files)
                .all(|((path, data), (other, bytes))| path == *other && is_same(data, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::Cache;
    use fjord_gotemplate::{Functions, Limits, Set};
    use std::sync::Arc;

    fn set(text: &[u8]) -> Result<Set, fjord_gotemplate::ParseError> {
        let mut set = Set::new("t", Functions::default());
        set.parse("a", text, &Limits::default())?;
        Ok(set)
    }

    #[test]
    fn the_same_files_are_parsed_once_and_others_anew() {
        let cache = Cache::new(1);
        let (path, one, two) = ("a".to_owned(), Arc::from(*b"1"), Arc::from(*b"2"));
        let first = cache.get(&[(&path, &one)], false, || set(b"1")).unwrap();
        let again = cache.get(&[(&path, &one)], false, || set(b"1")).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let other = cache.get(&[(&path, &two)], false, || set(b"2")).unwrap();
        assert!(!Arc::ptr_eq(&first, &other));
        let evicted = cache.get(&[(&path, &one)], false, || set(b"1")).unwrap();
        assert!(!Arc::ptr_eq(&first, &evicted));
    }

    #[test]
    fn a_cache_may_be_shared_between_threads() {
        fn shareable<T: Send + Sync>() {}
        shareable::<Cache>();
    }
}
