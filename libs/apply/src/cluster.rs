//! One API server seen with one identity: the client and what is known of its kinds.

use std::sync::Arc;

use kube::Client;

/// A handle to one API server under one identity; clones share the discovery cache.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
}

impl Cluster {
    /// Wraps a client; nothing is requested until a kind is looked up.
    pub fn new(client: Client) -> Self {
        Self {
            inner: Arc::new(Inner { client }),
        }
    }

    /// Returns the client.
    pub fn client(&self) -> &Client {
        &self.inner.client
    }
}
