//! What a user sees of the controller, on a real API server. See `world` for the set-up.

mod apply;
mod drift;
mod order;
mod refusals;
mod troubles;
mod world;
