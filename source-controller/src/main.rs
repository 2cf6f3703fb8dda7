//! Entry point of the source-controller.

fn main() {}
