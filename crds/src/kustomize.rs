//! Group `kustomize.toolkit.fluxcd.io`: what is built from a source and applied.

pub mod v1;
