//! What the engine does to a real API server, and what the live index sees there.
//!
//! One control plane for all tests; each has a namespace of its own. See `world` for the set-up.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy exempts test functions only"
)]

mod applying;
mod deleting;
mod drifting;
mod world;
