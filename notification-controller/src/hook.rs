//! The webhook receiver.

pub mod signature;
