//! The kustomize build engine: pure, synchronous, no network.
