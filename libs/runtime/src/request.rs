//! The only writer of reconcile requests, suspend and resume on objects of our kinds.
//!
//! Serves the Receiver server and the CLI; writes exactly what `flux reconcile`, `suspend` and `resume` write.

use kube::Client;

use crate::{Object, ObjectKey};

/// Why a request could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object does not exist.
    #[error("{0} not found")]
    NotFound(ObjectKey),
    /// The API server refused or could not be reached.
    #[error("failed to patch {key}")]
    Api {
        /// The object.
        key: ObjectKey,
        /// What the client said.
        #[source]
        source: Box<kube::Error>,
    },
}

/// Requests a reconcile: sets the annotation to `token` (RFC3339 with nanoseconds, by `flux reconcile`'s protocol).
pub async fn reconcile<K: Object>(
    client: &Client,
    key: &ObjectKey,
    token: &str,
    manager: &str,
) -> Result<(), Error> {
    let patch =
        serde_json::json!({"metadata": {"annotations": {crate::pass::REQUESTED_AT: token}}});
    merge::<K>(client, key, &patch, manager).await
}

/// Sets or clears `spec.suspend`.
pub async fn suspend<K: Object>(
    client: &Client,
    key: &ObjectKey,
    suspend: bool,
    manager: &str,
) -> Result<(), Error> {
    // Parity: `flux resume` writes false, it does not remove the field.
    merge::<K>(
        client,
        key,
        &serde_json::json!({"spec": {"suspend": suspend}}),
        manager,
    )
    .await
}

async fn merge<K: Object>(
    client: &Client,
    key: &ObjectKey,
    patch: &serde_json::Value,
    manager: &str,
) -> Result<(), Error> {
    let api =
        kube::Api::<kube::core::PartialObjectMeta<K>>::namespaced(client.clone(), &key.namespace);
    let params = kube::api::PatchParams::apply(manager);
    let params = kube::api::PatchParams {
        force: false,
        ..params
    };
    match api
        .patch_metadata(&key.name, &params, &kube::api::Patch::Merge(patch))
        .await
    {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Err(Error::NotFound(key.clone())),
        Err(source) => Err(Error::Api {
            key: key.clone(),
            source: Box::new(source),
        }),
    }
}
