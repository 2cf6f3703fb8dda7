//! Synchronising with a real Git server: over HTTP, TLS and proxies.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

mod client;
mod http;
mod support;
mod tls;
