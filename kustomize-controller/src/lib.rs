//! Artifact to build to apply to prune to health, with drift watch.
