//! Generated kustomization trees, shared by the tests that need many of them.

pub(crate) mod fields;
pub(crate) mod grammar;
pub(crate) mod kinds;
pub(crate) mod patches;
pub(crate) mod plugins;
pub(crate) mod random;
pub(crate) mod replacements;
