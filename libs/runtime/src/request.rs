//! The only writer of reconcile requests, suspend and resume on objects of our kinds.
//!
//! Serves the Receiver server and the CLI; writes exactly what `flux reconcile`, `suspend` and `resume` write.

use kube::{
    Client,
    api::{Api, ApiResource, DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::{ObjectKey, pass::REQUESTED_AT};

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
///
/// Takes the kind untyped, because a Receiver and the command line name kinds that only the cluster knows.
pub async fn reconcile(
    client: &Client,
    kind: &ApiResource,
    key: &ObjectKey,
    token: &str,
    manager: &str,
) -> Result<(), Error> {
    let patch = json!({"metadata": {"annotations": {REQUESTED_AT: token}}});
    merge(client, kind, key, &patch, manager).await
}

/// Sets or clears `spec.suspend`.
pub async fn suspend(
    client: &Client,
    kind: &ApiResource,
    key: &ObjectKey,
    suspend: bool,
    manager: &str,
) -> Result<(), Error> {
    // Parity: `flux resume` writes false, it does not remove the field.
    let patch = json!({"spec": {"suspend": suspend}});
    merge(client, kind, key, &patch, manager).await
}

async fn merge(
    client: &Client,
    kind: &ApiResource,
    key: &ObjectKey,
    patch: &Value,
    manager: &str,
) -> Result<(), Error> {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &key.namespace, kind);
    let params = PatchParams {
        field_manager: Some(manager.to_owned()),
        ..PatchParams::default()
    };
    // The answer is metadata only: nobody reads the object.
    match api
        .patch_metadata(&key.name, &params, &Patch::Merge(patch))
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
