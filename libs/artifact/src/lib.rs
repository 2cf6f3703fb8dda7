//! Artifacts: the immutable `tar.gz` files that sources publish and the other controllers read.
//!
//! Three parts, none of which knows Kubernetes: writing ([`ArchiveWriter`], [`Storage`]), serving
//! ([`Storage::router`]), and consuming ([`Cache`], which fetches, verifies and unpacks once and
//! shares the result). Every path in or out of an archive is a [`SafePath`].
//!
//! Surprise: an archive's bytes depend only on its content and paths, but not on Flux's bytes,
//! because the compressor differs; consumers check the digest of the file they downloaded.

pub mod archive;
pub mod cache;
pub mod digest;
pub mod safe_path;
mod serve;
pub mod sourceignore;
pub mod storage;
pub mod untar;

pub use archive::ArchiveWriter;
pub use cache::{Cache, Handle, Index};
pub use digest::{Algorithm, Digest};
pub use safe_path::SafePath;
pub use storage::{Retention, Storage, Stored};
