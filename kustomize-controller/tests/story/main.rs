//! What a user sees of the controller, on a real API server. See `world` for the set-up.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy exempts test functions only, not what they call"
)]

mod apply;
mod drift;
mod order;
mod refusals;
mod troubles;
mod world;
