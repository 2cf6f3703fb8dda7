//! The client for callers that cannot await: decryption is synchronous.

use std::sync::{Arc, mpsc};

use tokio::runtime::Handle;

use crate::{DataKey, Error, KeyClient, WrappedKey};

/// A [`KeyClient`] whose calls run on a runtime's threads while the caller's waits.
///
/// Call it from `spawn_blocking` or from a thread of one's own. On the only thread of a current-thread
/// runtime it would wait for itself.
#[derive(Clone, Debug)]
pub struct BlockingKeyClient {
    client: Arc<KeyClient>,
    runtime: Handle,
}

impl BlockingKeyClient {
    /// Asks with the client, on the runtime.
    pub fn new(client: Arc<KeyClient>, runtime: Handle) -> Self {
        Self { client, runtime }
    }

    /// Waits for [`KeyClient::unwrap`], which ends after the client's time-outs at the latest.
    pub fn unwrap(&self, key: &WrappedKey) -> Result<DataKey, Error> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let (client, key) = (Arc::clone(&self.client), key.clone());
        self.runtime.spawn(async move {
            // Nobody listens any more where the caller's thread is gone.
            let _ = sender.send(client.unwrap(&key).await);
        });
        let ended = |_| Error::Client("the runtime that asks has ended".to_owned());
        receiver.recv().map_err(ended)?
    }
}
