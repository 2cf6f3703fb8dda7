//! Alerts are static: all there is to do is to take off the finalizer that old releases of Flux left.

use std::sync::Arc;
use std::time::Duration;

use fjord_crds::metadata::FINALIZER;
use fjord_crds::notification::v1beta3::Alert;
use fjord_runtime::event::Subject;
use fjord_runtime::{EventDraft, EventRecorder, Reason};
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::json;
use tokio::sync::mpsc;

use crate::args::PROGRAM;

/// The pause before a patch that failed is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// Tells whether an Alert carries the legacy finalizer and may lose it.
pub(crate) fn is_legacy(alert: &Alert) -> bool {
    let has = alert
        .finalizers()
        .iter()
        .any(|finalizer| finalizer == FINALIZER);
    // Parity: a suspended Alert keeps it until it is deleted.
    has && (!alert.spec.suspend || alert.metadata.deletion_timestamp.is_some())
}

/// Takes the finalizer off every Alert that arrives, until the channel closes.
pub(crate) async fn migrate(
    client: Client,
    recorder: EventRecorder,
    mut legacy: mpsc::UnboundedReceiver<Arc<Alert>>,
) {
    while let Some(alert) = legacy.recv().await {
        let mut current = (*alert).clone();
        while is_legacy(&current) {
            match take_off(&client, &current).await {
                Ok(()) => {
                    let text = "removed finalizer from Alert to migrate to static Alert";
                    recorder.emit(
                        Subject::of(&current),
                        EventDraft::trace(Reason::new("Migration"), text),
                    );
                    break;
                }
                Err(error) => {
                    tracing::error!(%error, name = current.name_any(), namespace = current.namespace(), "failed to migrate the alert");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            let namespace = current.namespace().unwrap_or_default();
            let api: Api<Alert> = Api::namespaced(client.clone(), &namespace);
            match api.get_opt(&current.name_any()).await {
                Ok(Some(newest)) => current = newest,
                Ok(None) => break,
                Err(_) => {}
            }
        }
    }
}

async fn take_off(client: &Client, alert: &Alert) -> Result<(), kube::Error> {
    let kept: Vec<&String> = alert
        .finalizers()
        .iter()
        .filter(|name| *name != FINALIZER)
        .collect();
    let version = alert.resource_version();
    let patch = json!({"metadata": {"finalizers": kept, "resourceVersion": version}});
    let params = PatchParams {
        field_manager: Some(PROGRAM.field_manager.to_owned()),
        ..PatchParams::default()
    };
    let namespace = alert.namespace().unwrap_or_default();
    let api: Api<Alert> = Api::namespaced(client.clone(), &namespace);
    match api
        .patch(&alert.name_any(), &params, &Patch::Merge(&patch))
        .await
    {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn alert(metadata: Value, suspend: bool) -> Alert {
        let spec = json!({"suspend": suspend, "providerRef": {"name": "p"}, "eventSources": []});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
    }

    #[test]
    fn only_an_active_or_deleted_alert_loses_the_legacy_finalizer() {
        let deleted = "2024-01-01T00:00:00Z";
        let with = json!({"finalizers": [FINALIZER, "other"]});
        let deleting = json!({"finalizers": [FINALIZER], "deletionTimestamp": deleted});
        assert!(is_legacy(&alert(with.clone(), false)));
        assert!(!is_legacy(&alert(with, true)));
        assert!(is_legacy(&alert(deleting, true)));
        assert!(!is_legacy(&alert(json!({"finalizers": ["other"]}), false)));
    }
}
