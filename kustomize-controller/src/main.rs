//! Entry point of the kustomize-controller.

fn main() {}
