//! The Flux v2 API types and the manifests generated from them.
