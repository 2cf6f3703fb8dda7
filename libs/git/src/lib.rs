//! Git repositories over HTTP(S) for sources: which commit a reference names, and its files.
//!
//! [`sync`] is the one entry: it lists the remote (one `ls-refs` with a prefix, protocol 2), stops
//! there if nothing changed, and otherwise fetches the one commit, shallow and incrementally, into
//! a bare [`Mirror`]. Files are read straight from the object database, never checked out.
//!
//! The protocol, packs and objects are gitoxide's; the HTTP below it is ours, because errors,
//! limits, time-outs and credentials must be Flux's. No configuration of the host, no `git` program
//! and no credential helper is ever consulted.

mod error;
pub mod http;
mod mirror;
mod reference;
mod remote;
mod sync;
mod tree;

pub use error::{Error, Phase};
pub use http::{Clients, Credentials, Network, Proxy};
pub use mirror::Limits;
pub use reference::{Revision, Selector};
pub use sync::{Checkout, Outcome, Request, shown, sync};
pub use tree::{Entry, Kind, Tree};
