//! The API server as the pipeline and the webhooks see it: watched alerts, providers and receivers, and
//! Secrets and other objects read when they are needed.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use fjord_crds::notification::v1::Receiver;
use fjord_crds::notification::v1beta3::{Alert, Provider};
use fjord_runtime::event::Subject;
use fjord_runtime::{EventDraft, EventRecorder, ObjectKey, Process, Reason, Store, request};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ObjectReference as CoreReference, Secret as CoreSecret};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::PartialObjectMeta;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::args::PROGRAM;
use crate::directory::Directory;
use crate::event::ObjectReference;
use crate::hook::{self, Kind};
use crate::matching::Labels;
use crate::metadata::Conflict;
use crate::outbox::{AlertRef, ProviderKey};
use crate::provider::{Secret, SecretError, Secrets};

/// The index of Receivers by `status.webhookPath`.
const BY_PATH: &str = "webhookPath";
/// The API version of Alerts.
const ALERT_VERSION: &str = "notification.toolkit.fluxcd.io/v1beta3";

/// Watches and reads the cluster; shared by all parts.
pub(crate) struct Cluster {
    client: Client,
    recorder: EventRecorder,
    alerts: Store<Alert>,
    providers: Store<Provider>,
    receivers: Store<Receiver>,
    /// The reconciler's own store, which knows a new path before any watch does.
    written: OnceLock<Store<Receiver>>,
}

impl Cluster {
    /// Starts the watches; `on_alert` hears of every Alert.
    pub(crate) fn start(
        process: &Process,
        on_alert: impl Fn(&Arc<Alert>) + Send + Sync + 'static,
    ) -> Result<Self, fjord_runtime::process::Error> {
        let heard = move |_: Option<&Arc<Alert>>, after: Option<&Arc<Alert>>| {
            if let Some(alert) = after {
                on_alert(alert);
            }
        };
        Ok(Self {
            client: process.client().clone(),
            recorder: process.recorder().clone(),
            alerts: Store::watch().on_change(heard).start(process)?,
            providers: Store::watch().start(process)?,
            receivers: receivers().start(process)?,
            written: OnceLock::new(),
        })
    }

    /// Waits until everything that is watched was listed once.
    pub(crate) async fn ready(&self) {
        self.alerts.ready().await;
        self.providers.ready().await;
        self.receivers.ready().await;
    }

    /// Adds the store of the Receiver reconciler.
    pub(crate) fn reconciles(&self, receivers: &Store<Receiver>) {
        // There is one reconciler.
        let _ = self.written.set(receivers.clone());
    }

    fn dynamic(&self, namespace: &str, resource: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, resource)
    }

    fn emit(&self, alert: &AlertRef, annotations: BTreeMap<String, String>, draft: EventDraft) {
        let known = self
            .alerts
            .get(&ObjectKey::new(&alert.namespace, &alert.name));
        let reference = CoreReference {
            api_version: Some(ALERT_VERSION.to_owned()),
            kind: Some("Alert".to_owned()),
            namespace: Some(alert.namespace.clone()),
            name: Some(alert.name.clone()),
            uid: Some(alert.uid.clone()),
            resource_version: known.and_then(|alert| alert.metadata.resource_version.clone()),
            field_path: None,
        };
        self.recorder.emit(
            Subject {
                reference,
                annotations,
            },
            draft,
        );
    }
}

/// Receivers, found by their path.
pub(crate) fn receivers() -> fjord_runtime::store::Builder<Receiver> {
    Store::watch().index(BY_PATH, |receiver: &Receiver| {
        receiver
            .status
            .iter()
            .filter_map(|status| status.webhook_path.clone())
            .collect()
    })
}

impl Secrets for Cluster {
    async fn get(&self, namespace: &str, name: &str) -> Result<Secret, SecretError> {
        let api: Api<CoreSecret> = Api::namespaced(self.client.clone(), namespace);
        match api.get(name).await {
            Ok(secret) => {
                let data = secret.data.unwrap_or_default();
                let data = data.into_iter().map(|(key, value)| (key, value.0));
                Ok(Secret::new(namespace, name, data))
            }
            Err(kube::Error::Api(status)) if status.code == 404 => {
                Err(SecretError::NotFound(status.message.clone()))
            }
            Err(kube::Error::Api(status)) => Err(SecretError::Unavailable(status.message.clone())),
            Err(error) => Err(SecretError::Unavailable(error.to_string())),
        }
    }
}

impl Labels for Cluster {
    async fn of(&self, object: &ObjectReference) -> Result<BTreeMap<String, String>, String> {
        let kind = Kind {
            group: object.group().to_owned(),
            version: object.version().to_owned(),
            kind: object.kind.clone(),
        };
        let api = self.dynamic(&object.namespace, &kind.resource());
        let found = api
            .get_metadata(&object.name)
            .await
            .map_err(|error| error.to_string())?;
        Ok(found.metadata.labels.unwrap_or_default())
    }
}

impl Directory for Cluster {
    fn alerts(&self) -> Vec<Arc<Alert>> {
        self.alerts.all()
    }

    async fn provider(&self, key: &ProviderKey) -> Result<Option<Arc<Provider>>, String> {
        if let Some(known) = self
            .providers
            .get(&ObjectKey::new(&key.namespace, &key.name))
        {
            return Ok(Some(known));
        }
        // An alert's provider may have been created a moment ago, and the watch not have told yet.
        let api: Api<Provider> = Api::namespaced(self.client.clone(), &key.namespace);
        let found = api
            .get_opt(&key.name)
            .await
            .map_err(|error| error.to_string())?;
        Ok(found.map(Arc::new))
    }

    fn warn(&self, alert: &AlertRef, reason: &'static str, message: &str) {
        self.emit(
            alert,
            BTreeMap::new(),
            EventDraft::error(Reason::new(reason), message),
        );
    }

    fn warn_conflicts(&self, alert: &AlertRef, conflicts: &[Conflict]) {
        let message = "metadata key conflicts detected (please refer to the Alert API docs and Flux RFC 0008 for more information)";
        let keys: Vec<&str> = conflicts
            .iter()
            .map(|conflict| conflict.key.as_str())
            .collect();
        tracing::info!(
            conflicting_keys = keys.join(", "),
            alert = alert.name,
            namespace = alert.namespace,
            "warning: {message}"
        );
        // Parity: the annotations carry the bare keys.
        let sources = conflicts
            .iter()
            .map(|c| (c.key.clone(), c.sources.join(", ")))
            .collect();
        self.emit(
            alert,
            sources,
            EventDraft::error(Reason::new("MetadataAppendFailed"), message),
        );
    }
}

impl hook::Cluster for Cluster {
    fn receiver(&self, path: &str) -> Option<Arc<Receiver>> {
        let of = |store: &Store<Receiver>| {
            let known = store.by_index(BY_PATH, path).into_iter().next()?;
            let current = known.status.as_ref()?.webhook_path.as_deref() == Some(path);
            current.then_some(known)
        };
        self.written
            .get()
            .and_then(of)
            .or_else(|| of(&self.receivers))
    }

    async fn object(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Value, String> {
        let api = self.dynamic(namespace, &kind.resource());
        match api.get_metadata(name).await {
            Ok(found) => described(kind, &found),
            Err(error) => Err(format!(
                "unable to read {} \"{namespace}/{name}\" error: {error}",
                kind.kind
            )),
        }
    }

    async fn objects(
        &self,
        kind: &Kind,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<Vec<Value>, String> {
        let pairs: Vec<String> = labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let params = ListParams::default().labels(&pairs.join(","));
        let api = self.dynamic(namespace, &kind.resource());
        let found = api.list_metadata(&params).await.map_err(|error| {
            format!(
                "failed listing resources in namespace {namespace:?} by matching labels: {error}"
            )
        })?;
        found
            .items
            .iter()
            .map(|object| described(kind, object))
            .collect()
    }

    async fn request(&self, kind: &Kind, namespace: &str, name: &str) -> Result<(), String> {
        let key = ObjectKey::new(namespace, name);
        let now = Timestamp::now().to_string();
        request::reconcile(
            &self.client,
            &kind.resource(),
            &key,
            &now,
            PROGRAM.field_manager,
        )
        .await
        .map_err(|error| fjord_runtime::outcome::chain(&error))
    }
}

/// The object as filters see it: its metadata under its own kind, not under that of the metadata API.
fn described(kind: &Kind, object: &PartialObjectMeta<DynamicObject>) -> Result<Value, String> {
    let api_version = kind.resource().api_version;
    let metadata = serde_json::to_value(&object.metadata).map_err(|error| error.to_string())?;
    Ok(json!({"apiVersion": api_version, "kind": kind.kind, "metadata": metadata}))
}
