//! Panics of the scanner, which asserts on some input that is no YAML (a comma behind a tag in brackets): each becomes an error.
//!
//! Owns nothing else. The surprise: the first use puts a hook before the process's panic hook, so that a user does not see the
//! scanner's own words and a stack; those of all other panics are printed as before.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::Error;

/// Part of the path of the scanner's sources.
const SCANNER: &str = "libyaml-safer";

/// Runs what scans, and turns a panic into an error.
pub(crate) fn caught<T>(run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let place = panic.location().map_or("", |place| place.file());
            if !place.contains(SCANNER) {
                before(panic);
            }
        }));
    });
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(Error::syntax("unknown problem parsing YAML content")))
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Merge, commented, parse_first};

    #[test]
    fn what_the_scanner_asserts_on_is_an_error() {
        for text in ["a: [!x,b]\n", "[!!str,b]\n", "a: {!x,b: c}\n"] {
            let limits = Limits::default();
            assert!(parse_first(text.as_bytes(), Merge::Keep, &limits).is_err());
            assert!(commented::parse(text.as_bytes(), &limits).is_err());
        }
    }
}
