//! A directory in memory, for tests of the pipeline and the deliveries.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use fjord_crds::notification::v1beta3::{Alert, Provider};
use serde_json::{Value, json};

use crate::directory::Directory;
use crate::event::ObjectReference;
use crate::matching::Labels;
use crate::metadata::Conflict;
use crate::outbox::{AlertRef, ProviderKey};
use crate::provider::{Secret, SecretError, Secrets};

#[derive(Debug, Default)]
pub(crate) struct Memory {
    alerts: Mutex<Vec<Arc<Alert>>>,
    providers: Mutex<BTreeMap<String, Arc<Provider>>>,
    pub(crate) down: Mutex<bool>,
    pub(crate) warnings: Mutex<Vec<(String, String)>>,
}

impl Memory {
    pub(crate) fn alert(&self, name: &str, created: &str, spec: Value) {
        let alert = json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert",
            "metadata": {"name": name, "namespace": "apps", "uid": name, "creationTimestamp": created},
            "spec": spec
        });
        self.alerts
            .lock()
            .unwrap()
            .push(Arc::new(serde_json::from_value(alert).unwrap()));
    }

    pub(crate) fn provider(&self, name: &str, spec: Value) {
        let provider = json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider",
            "metadata": {"name": name, "namespace": "apps", "uid": name}, "spec": spec
        });
        let provider = Arc::new(serde_json::from_value(provider).unwrap());
        self.providers
            .lock()
            .unwrap()
            .insert(name.to_owned(), provider);
    }

    pub(crate) fn warned(&self) -> Vec<String> {
        self.warnings
            .lock()
            .unwrap()
            .iter()
            .map(|(_, message)| message.clone())
            .collect()
    }
}

impl Labels for Memory {
    async fn of(&self, _: &ObjectReference) -> Result<BTreeMap<String, String>, String> {
        Ok(BTreeMap::new())
    }
}

impl Secrets for Memory {
    async fn get(&self, _: &str, name: &str) -> Result<Secret, SecretError> {
        Err(SecretError::NotFound(format!("secrets {name:?} not found")))
    }
}

impl Directory for Memory {
    fn alerts(&self) -> Vec<Arc<Alert>> {
        self.alerts.lock().unwrap().clone()
    }

    async fn provider(&self, key: &ProviderKey) -> Result<Option<Arc<Provider>>, String> {
        if *self.down.lock().unwrap() {
            return Err("the API server is away".to_owned());
        }
        Ok(self.providers.lock().unwrap().get(&key.name).cloned())
    }

    fn warn(&self, alert: &AlertRef, reason: &'static str, message: &str) {
        let line = (format!("{} {reason}", alert.name), message.to_owned());
        self.warnings.lock().unwrap().push(line);
    }

    fn warn_conflicts(&self, alert: &AlertRef, conflicts: &[Conflict]) {
        let keys: Vec<&str> = conflicts
            .iter()
            .map(|conflict| conflict.key.as_str())
            .collect();
        let line = (
            format!("{} MetadataAppendFailed", alert.name),
            keys.join(","),
        );
        self.warnings.lock().unwrap().push(line);
    }
}
