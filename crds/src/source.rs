//! Group `source.toolkit.fluxcd.io`: where manifests and charts come from.

pub mod v1;
