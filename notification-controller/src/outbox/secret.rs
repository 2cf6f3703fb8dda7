//! The outbox in a Secret, for installations without a volume.
//!
//! The whole state is one value, written as a merge patch; only the leader writes. A Secret holds at most
//! 1 MiB, so of a long queue the oldest entries are saved and the rest lives in memory until there is room.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use super::entry::Snapshot;

/// The one key of the Secret.
const KEY: &str = "outbox";
/// Leaves room for base64 in the request and for metadata.
const MAX_BYTES: usize = 700 << 10;
/// Enough for the seconds between the two roads of one event.
const MAX_SEEN: usize = 256;

/// A Secret in the controller's own namespace.
#[derive(Debug, Clone)]
pub struct SecretStore {
    api: Api<Secret>,
    name: String,
    manager: String,
}

impl SecretStore {
    /// Names the Secret; it is created with the first write.
    pub fn new(client: Client, namespace: &str, name: &str, manager: &str) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
            manager: manager.to_owned(),
        }
    }

    pub(super) async fn load(&self) -> Result<Snapshot, Error> {
        let secret = self
            .api
            .get_opt(&self.name)
            .await
            .map_err(|error| self.api_error(error))?;
        let Some(ByteString(bytes)) = secret.and_then(|secret| secret.data?.remove(KEY)) else {
            return Ok(Snapshot::default());
        };
        match serde_json::from_slice(&bytes) {
            Ok(snapshot) => Ok(snapshot),
            Err(error) => {
                // Nothing better is known than to begin anew; the watch finds what still exists.
                tracing::error!(secret = self.name, %error, "the saved outbox is unreadable and starts empty");
                Ok(Snapshot::default())
            }
        }
    }

    pub(super) async fn save(&self, state: &Snapshot) -> Result<(), Error> {
        let value = ByteString(serde_json::to_vec(&fitting(state)).map_err(Error::Encode)?);
        let patch = Patch::Merge(json!({ "data": { KEY: value } }));
        let params = PatchParams {
            field_manager: Some(self.manager.clone()),
            ..PatchParams::default()
        };
        match self.api.patch(&self.name, &params, &patch).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(self.api_error(error)),
        }
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                ..ObjectMeta::default()
            },
            data: Some([(KEY.to_owned(), value)].into()),
            ..Secret::default()
        };
        let params = PostParams {
            field_manager: Some(self.manager.clone()),
            ..PostParams::default()
        };
        self.api
            .create(&params, &secret)
            .await
            .map_err(|error| self.api_error(error))?;
        Ok(())
    }

    fn api_error(&self, source: kube::Error) -> Error {
        Error::Api {
            name: self.name.clone(),
            source: Box::new(source),
        }
    }
}

/// The part of the state that a Secret can hold: the oldest entries first.
fn fitting(state: &Snapshot) -> Snapshot {
    let mut room = MAX_BYTES;
    let mut entries = state.entries.clone();
    entries.retain(|_, entry| {
        // JSON inside JSON: escaping may double it.
        let size = entry.size() * 2;
        let fits = size <= room;
        room -= if fits { size } else { 0 };
        fits
    });
    if entries.len() < state.entries.len() {
        tracing::warn!(
            saved = entries.len(),
            unsaved = state.entries.len() - entries.len(),
            "the outbox has outgrown its secret: the rest is lost if the controller stops now; use --outbox-file"
        );
    }
    let seen = state
        .seen
        .iter()
        .rev()
        .take(MAX_SEEN)
        .rev()
        .cloned()
        .collect();
    Snapshot {
        entries,
        seen,
        place: state.place.clone(),
        kept_at: state.kept_at,
        next: state.next,
    }
}

/// Why the Secret did not serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused or is away.
    #[error("outbox secret '{name}': {source}")]
    Api {
        /// The Secret.
        name: String,
        /// What the API server said.
        source: Box<kube::Error>,
    },
    /// The state cannot be encoded.
    #[error("encode outbox: {0}")]
    Encode(serde_json::Error),
}

impl Error {
    /// Tells whether asking again is of no use: no right, or no such namespace.
    pub(super) fn is_denied(&self) -> bool {
        let Self::Api { source, .. } = self else {
            return false;
        };
        matches!(&**source, kube::Error::Api(status) if matches!(status.code, 401 | 403 | 404))
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::{AlertRef, Entry, Record};
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_from_the_young_end() {
        let mut state = Snapshot::default();
        for number in 0..1000 {
            let entry = Entry {
                id: format!("apps/e{number}"),
                alert: AlertRef {
                    namespace: "apps".into(),
                    name: "a".into(),
                    uid: "u".into(),
                },
                provider: "p".into(),
                received: jiff::Timestamp::UNIX_EPOCH,
                event: "\"".repeat(2000),
            };
            state.apply(Record::Put(number, entry));
            state.apply(Record::Seen(format!("apps/e{number}")));
        }
        let saved = fitting(&state);
        assert!(serde_json::to_vec(&saved).unwrap().len() < 1 << 20);
        assert!(saved.entries.len() > 100);
        assert_eq!(saved.entries.keys().next(), Some(&0));
        assert_eq!(saved.seen.back().unwrap(), "apps/e999");
        assert_eq!(saved.seen.len(), MAX_SEEN);
    }
}
