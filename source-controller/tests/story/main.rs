//! What a user sees of the controller, on a real API server and with a real Git server. See `world`
//! for the set-up.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy exempts test functions only, not what they call"
)]

mod artifacts;
mod refusals;
mod remotes;
mod world;
