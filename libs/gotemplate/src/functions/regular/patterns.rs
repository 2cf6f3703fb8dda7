//! Compiled patterns, kept with the templates that ask for them again and again.
//!
//! Compiling costs a thousand times what matching does. Owns how many are kept and how large they may be, so that a
//! hostile chart cannot fill the memory with them.

use super::syntax;
use crate::Text;
use regex::bytes::Regex;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many patterns are kept.
const KEPT: usize = 64;
/// How long they may be.
const LENGTH: usize = 256;

/// The patterns that the templates of a set used; threads share them.
#[derive(Debug, Default)]
pub(crate) struct Patterns(Mutex<HashMap<Text, Arc<Regex>>>);

impl Patterns {
    /// Returns what a pattern compiles to, as it was kept or made anew; the error is Go's.
    pub(super) fn get(&self, pattern: &Text) -> Result<Arc<Regex>, String> {
        // What is kept is whole at any time, so a panic of another thread harms nothing.
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regex) = known.get(pattern) {
            return Ok(regex.clone());
        }
        drop(known);
        let (regex, is_small) = syntax::compile(&pattern.to_str())?;
        let regex = Arc::new(regex);
        if is_small && pattern.len() <= LENGTH {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= KEPT {
                kept.clear();
            }
            kept.insert(pattern.clone(), regex.clone());
        }
        Ok(regex)
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Patterns};
    use crate::Text;
    use std::sync::Arc;

    #[test]
    fn a_pattern_is_compiled_once_unless_it_is_large() {
        let patterns = Patterns::default();
        let compiled = |pattern: &str| patterns.get(&Text::from(pattern)).unwrap();
        assert!(Arc::ptr_eq(&compiled("^a+$"), &compiled("^a+$")));
        let large = r"[\p{L}]{50}";
        assert!(!Arc::ptr_eq(&compiled(large), &compiled(large)));
        assert!(compiled(large).is_match("x".repeat(50).as_bytes()));
    }

    #[test]
    fn only_so_many_are_kept() {
        let patterns = Patterns::default();
        for number in 0..KEPT * 3 {
            let pattern = Text::from(format!("a{number}"));
            assert!(patterns.get(&pattern).is_ok());
            assert!(patterns.0.lock().unwrap().len() <= KEPT);
        }
    }

    #[test]
    fn a_bad_pattern_is_an_error_each_time() {
        let patterns = Patterns::default();
        for _ in 0..2 {
            assert!(patterns.get(&Text::from("a(")).is_err());
        }
    }
}
