//! Helm charts as Helm 4.2.4 reads them: loading, values, dependencies, schemas, manifests, indexes.
//!
//! Pure: files come in as bytes, nothing is read from disk, network or clock. The surprise: values keep
//! the number types that Go gives them, because they show in what is printed.
pub mod capabilities;
pub mod chart;
pub mod dependencies;
pub mod files;
mod go;
pub mod index;
pub mod manifest;
mod notice;
pub mod render;
pub mod schema;
pub mod template;
pub mod values;
mod versions;

pub use chart::{Chart, File, Limits};
pub use notice::{Level, Notice, Notices};
