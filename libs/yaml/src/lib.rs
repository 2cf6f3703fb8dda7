//! The one YAML layer of the project.
//!
//! Text becomes [`Node`]s (scalars keep their source text, tag, style and line), nodes become values by
//! the rules of either Go library, and values become text again by either Go emitter. kustomize reads
//! with yaml.v3 and prints with goyaml.v2; Helm and every typed decode go through goyaml.v2.
//! No file access, no global state, no panic on any input; [`Limits`] bound aliases, depth and size.
//!
//! ```
//! use fjord_yaml::{Limits, Merge, parse_first, to_v2};
//!
//! let text = b"mode: 0644\nanswer: yes\nitems: [b, a]\n";
//! let node = parse_first(text, Merge::Kyaml, &Limits::default())?.unwrap();
//! assert_eq!(to_v2(&node)?, "answer: \"yes\"\nitems:\n- b\n- a\nmode: 420\n");
//! # Ok::<(), fjord_yaml::Error>(())
//! ```

mod caught;
pub mod commented;
mod emit;
mod error;
mod fast;
mod go_syntax;
mod limits;
mod node;
mod number;
mod parse;
mod quote;
mod resolve;
mod timestamp;
mod value;

pub use compact_str::CompactString;
pub use emit::{json_to_v2, natural_order, to_v2, to_v3, to_v3_indented, v3_string, write_v2};
pub use error::Error;
pub use limits::Limits;
pub use node::{Map, Node, Scalar, Seq, Style, Tag};
pub use number::{format_g, json_integer};
pub use parse::{Merge, parse_all, parse_first};
pub use quote::{is_print, quote};
pub use resolve::{Dialect, Resolved, resolve};
pub use value::{Typed, to_json, v2_json};
