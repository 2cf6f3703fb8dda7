//! The webhook endpoint (`--receiverAddr`): a call that proves to come from its source makes objects
//! reconcile at once (notification-controller §4).
//!
//! Owns the order of the checks and the status codes. Callers learn nothing but a status: what was wrong
//! is logged here, without what they sent.

mod auth;
mod filter;
pub mod signature;
mod targets;

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use fjord_crds::notification::v1::{Receiver, ReceiverResource};
use http::StatusCode;
use http::request::Parts;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::provider::Secrets;
use crate::serve::{Answer, Handler, redirect, status_only, text};
pub use auth::SUPPORTED;
pub use filter::{Filters, check as check_filters};
pub use targets::Kind;

/// The prefix of all webhook paths.
pub const PREFIX: &str = "/hook/";

/// Returns the path at which a Receiver listens; whoever knows it may call.
pub fn path(token: &[u8], name: &str, namespace: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(token);
    digest.update(name);
    digest.update(namespace);
    format!("{PREFIX}{}", hex::encode(digest.finalize()))
}

/// What the endpoint needs from the cluster.
pub trait Cluster: Secrets + Send + Sync + 'static {
    /// Returns the Receiver whose `status.webhookPath` is exactly this.
    fn receiver(&self, path: &str) -> Option<Arc<Receiver>>;

    /// Returns the metadata of an object: `apiVersion`, `kind` and `metadata`.
    fn object(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
    ) -> impl Future<Output = Result<Value, String>> + Send;

    /// Returns the metadata of the objects with all of these labels.
    fn objects(
        &self,
        kind: &Kind,
        namespace: &str,
        labels: &std::collections::BTreeMap<String, String>,
    ) -> impl Future<Output = Result<Vec<Value>, String>> + Send;

    /// Requests a reconcile of an object.
    fn request(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
    ) -> impl Future<Output = Result<(), String>> + Send;
}

/// Answers webhook calls.
#[derive(Debug)]
pub struct HookServer<C> {
    /// The cluster.
    pub cluster: Arc<C>,
    /// Compiled filters.
    pub filters: Arc<Filters>,
    /// `--no-cross-namespace-refs`.
    pub no_cross_namespace_refs: bool,
    /// Whether metrics name the real path (`--export-http-path-metrics`).
    pub export_paths: bool,
}

impl<C: Cluster> Handler for HookServer<C> {
    fn refuse(&self, head: &Parts) -> Option<Answer> {
        let path = head.uri.path();
        if path.starts_with(PREFIX) {
            return None;
        }
        if path == PREFIX.trim_end_matches('/') {
            return Some(redirect(PREFIX, head.uri.query()));
        }
        // An unclean path may still lead here; the server redirects it.
        let unclean = path.contains("//") || path.split('/').any(|part| matches!(part, "." | ".."));
        (!unclean).then(|| text(StatusCode::NOT_FOUND, "404 page not found"))
    }

    async fn answer(&self, head: Parts, body: Bytes) -> Answer {
        status_only(self.handle(&head, body).await)
    }

    fn label(&self, head: &Parts) -> String {
        if self.export_paths {
            head.uri.path().to_owned()
        } else {
            PREFIX.to_owned()
        }
    }
}

impl<C: Cluster> HookServer<C> {
    async fn handle(&self, head: &Parts, body: Bytes) -> StatusCode {
        // Parity: the whole request target is looked up, so a query string leads nowhere.
        let target = head
            .uri
            .path_and_query()
            .map_or("", |target| target.as_str());
        let Some(receiver) = self.cluster.receiver(target) else {
            return StatusCode::NOT_FOUND;
        };
        let name = receiver.metadata.name.as_deref().unwrap_or_default();
        let namespace = receiver.metadata.namespace.as_deref().unwrap_or_default();
        if receiver.spec.suspend || !is_ready(&receiver) {
            tracing::error!(
                name,
                namespace,
                suspended = receiver.spec.suspend,
                "unable to process request"
            );
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        let body = match auth::authenticate(&receiver, &*self.cluster, head, body).await {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(name, namespace, %error, "unable to validate payload");
                return StatusCode::BAD_REQUEST;
            }
        };
        let filters = match self.filters.of(&receiver, head, &body) {
            Ok(filters) => filters,
            Err(error) => {
                tracing::error!(name, namespace, %error, "unable to create resource filters");
                return StatusCode::INTERNAL_SERVER_ERROR;
            }
        };
        let mut failed = false;
        for (resource, filter) in receiver.spec.resources.iter().zip(&filters) {
            if let Err(error) = self.wake(namespace, resource, filter).await {
                let kind = resource.kind.as_str();
                tracing::error!(name, namespace, %error, kind, resource = resource.name, "unable to request reconciliation");
                failed = true;
            }
        }
        if failed {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::OK
        }
    }

    /// Wakes the objects that one entry names.
    async fn wake(
        &self,
        own: &str,
        resource: &ReceiverResource,
        filter: &filter::Stack,
    ) -> Result<(), String> {
        let namespace = resource.namespace.as_deref().unwrap_or(own);
        if self.no_cross_namespace_refs && namespace != own {
            return Err("cross-namespace references are not allowed".to_owned());
        }
        let kind = Kind::of(resource)?;
        if resource.name != "*" {
            let object = self
                .cluster
                .object(&kind, namespace, &resource.name)
                .await?;
            return self.wake_one(&kind, namespace, object, filter).await;
        }
        let Some(labels) = &resource.match_labels else {
            return Err("matchLabels field not set when using wildcard '*' as name".to_owned());
        };
        let objects = self.cluster.objects(&kind, namespace, labels).await?;
        if objects.is_empty() {
            tracing::error!(%kind, namespace, "no resources found with matching labels");
        }
        for object in objects {
            self.wake_one(&kind, namespace, object, filter).await?;
        }
        Ok(())
    }

    async fn wake_one(
        &self,
        kind: &Kind,
        namespace: &str,
        object: Value,
        filter: &filter::Stack,
    ) -> Result<(), String> {
        let name = object["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if !filter.accepts(object).await? {
            tracing::debug!(%kind, name, namespace, "resource not annotated because CEL expression returned false");
            return Ok(());
        }
        self.cluster.request(kind, namespace, &name).await?;
        tracing::info!(%kind, name, namespace, "resource annotated");
        Ok(())
    }
}

fn is_ready(receiver: &Receiver) -> bool {
    let conditions = receiver
        .status
        .as_ref()
        .map(|status| status.conditions.as_slice());
    conditions
        .unwrap_or_default()
        .iter()
        .any(|c| c.type_ == "Ready" && c.status == "True")
}

#[cfg(test)]
mod tests;
