//! Go's text/template for Rust, with the functions of sprig and Helm.
//!
//! A [`Set`] holds parsed templates and is shared between threads; a [`Session`] runs them over [`Value`]s, which are
//! Go's: typed numbers, shared mutable maps, nil apart from missing. Output and error texts are Go's byte for byte.
//! The crate does no I/O: time, chance and the cluster come through a [`Host`]. The surprise: strings are bytes
//! ([`Text`]), because templates cut them in the middle of characters.
//!
//! ```
//! use fjord_gotemplate::{Functions, Limits, Nowhere, Session, Set, Value};
//!
//! let mut set = Set::new("example", Functions::default());
//! set.parse("greeting", b"Hello, {{ .name | printf \"%q\" }}!", &Limits::default())?;
//! let session = Session::new(&Nowhere, Limits::default());
//! let data = Value::map([("name", Value::from("world"))]);
//! assert_eq!(session.execute(&set, "greeting", data)?, b"Hello, \"world\"!");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builtin;
mod error;
mod execute;
pub mod format;
mod function;
pub mod functions;
mod keys;
mod limits;
mod node;
mod parse;
mod quote;
mod rune;
mod template;
mod text;
mod types;
pub mod value;

pub use error::{ExecuteError, ParseError, Place};
pub use execute::Session;
pub use function::{Call, Failure, Function, Functions, Host, KeyAlgorithm, Nowhere, Scope};
pub use keys::{generate_key, random};
pub use limits::Limits;
pub use quote::quote;
pub use rune::is_print;
pub use template::{MissingKey, Set};
pub use text::Text;
pub use types::Type;
pub use value::Value;

/// Runs what recurses as deeply as a value nests, without asking for more stack on the way: another crate's walk.
pub(crate) fn grow_for<T>(value: &Value, run: impl FnOnce() -> T) -> T {
    const SHALLOW: usize = 32;
    const ENOUGH: usize = 16 * 1024 * 1024;
    if value.nests_within(SHALLOW) {
        run()
    } else {
        stacker::maybe_grow(ENOUGH / 2, ENOUGH, run)
    }
}

/// Runs what may recurse deeply on a stack that grows when it must.
pub(crate) fn grow<T>(run: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(128 * 1024, 2 * 1024 * 1024, run)
}
