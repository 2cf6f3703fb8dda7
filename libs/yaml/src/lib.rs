//! The one YAML layer of the project.
//!
//! Text becomes [`Node`]s (scalars keep their source text, tag, style and line), nodes become values by
//! the rules of either Go library, and values become text again by either Go emitter. kustomize reads
//! with yaml.v3 and prints with goyaml.v2; Helm and every typed decode go through goyaml.v2.
//! No file access, no global state, no panic on any input; [`Limits`] bound aliases, depth and size.

mod limits;

pub use limits::Limits;
