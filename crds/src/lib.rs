//! The Flux v2 API types and the manifests generated from them.
//!
//! One folder per API group, one file per kind. The Rust types are the source of truth: `crdgen`
//! writes `crds/manifests/*.yaml` from them, and a test fails when the two differ. Reading is
//! tolerant, as Flux's is: unknown fields are ignored, an enum value of a newer or older release
//! reads as `Other`, a missing `spec` reads as an empty one. A list is best watched as
//! `kube::core::DeserializeGuard<K>`, so that what still cannot be read spoils only itself.
//!
//! The surprise: an optional text that is empty reads as `None`, because Flux cannot tell them
//! apart either (Go's `omitempty`). Fields where Flux can are documented so.

// Each printer column repeats the keys of the others.
#![allow(clippy::duplicated_attributes)]

pub mod artifact;
pub mod duration;
mod enumeration;
pub mod helm;
pub mod inventory;
pub mod kustomize;
pub mod manifest;
pub mod metadata;
pub mod notification;
pub mod overlay;
pub mod reference;
mod schema;
pub mod source;
mod text;

pub use artifact::Artifact;
pub use duration::GoDuration;
pub use inventory::{ResourceInventory, ResourceRef};
pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
pub use manifest::manifests;
pub use reference::LocalObjectReference;
