//! HTTP below the Git protocol: clients, credentials, and errors with Flux's texts.
//!
//! Credentials go only to the host they were given for: a redirect to another one drops them. Only
//! the first request may be redirected, never from https to http (Git's own rule). Bodies are
//! bounded; every wait ends at the deadline of the synchronisation.

mod client;
mod exchange;
mod words;

use std::io;

use secrecy::SecretString;

pub use client::Clients;
pub(crate) use exchange::{Cancel, Failures, Wire};

/// Says who we are.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Nobody.
    #[default]
    Anonymous,
    /// A user with a password, either of which may be empty.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// The holder of a token.
    Bearer(SecretString),
}

/// Says how to reach the server.
#[derive(Clone, Default)]
pub struct Network {
    /// Certificates (PEM) to trust besides the system's.
    pub ca: Option<Vec<u8>>,
    /// Our certificate and its key (PEM).
    pub identity: Option<(Vec<u8>, SecretString)>,
    /// The proxy to use instead of the environment's.
    pub proxy: Option<Proxy>,
}

/// Says which proxy to use.
#[derive(Clone)]
pub struct Proxy {
    /// Its address.
    pub address: String,
    /// User name and password.
    pub login: Option<(String, SecretString)>,
}

/// Says why a request failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// 401, with what the server said.
    #[error("authentication required: {0}")]
    Unauthorized(String),
    /// 403, with what the server said.
    #[error("authorization failed: {0}")]
    Forbidden(String),
    /// 404, with what the server said.
    #[error("repository not found: {0}")]
    NotFound(String),
    /// Any other answer that is no success.
    #[error("unexpected client error: unexpected requesting {url:?} status code: {status}")]
    Status {
        /// The address asked.
        url: String,
        /// The answer.
        status: u16,
    },
    /// The request did not get an answer.
    #[error("{method} {url:?}: {cause}")]
    Transport {
        /// `Get` or `Post`.
        method: &'static str,
        /// The address asked.
        url: String,
        /// What happened, in Go's words where they are known.
        cause: String,
    },
    /// The answer is longer than allowed.
    #[error("response exceeds the limit of {0} bytes")]
    TooLarge(u64),
}

/// Carries an [`Error`] through the Git library as what it expects.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}
