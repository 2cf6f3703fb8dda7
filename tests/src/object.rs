//! One object of the cluster, as a test sees it: untyped JSON, waited for.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

/// A handle on an object that may or may not exist.
#[derive(Debug, Clone)]
pub struct Object {
    api: Api<DynamicObject>,
    resource: ApiResource,
    kind: String,
    name: String,
}

/// The condition `Ready` of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The reason.
    pub reason: String,
    /// The message.
    pub message: String,
}

impl Object {
    /// Returns a handle; `kind` is `Kind` of a known group, or `group/version/Kind`.
    pub fn new(client: &Client, kind: &str, namespace: &str, name: &str) -> Result<Self> {
        let gvk = resolve(kind).with_context(|| format!("unknown kind {kind}"))?;
        let resource = ApiResource::from_gvk(&gvk);
        let api = if namespace.is_empty() {
            Api::all_with(client.clone(), &resource)
        } else {
            Api::namespaced_with(client.clone(), namespace, &resource)
        };
        Ok(Self {
            api,
            resource,
            kind: gvk.kind,
            name: name.to_owned(),
        })
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the API of its kind.
    pub fn api(&self) -> &Api<DynamicObject> {
        &self.api
    }

    /// Returns the kind.
    pub fn resource(&self) -> &ApiResource {
        &self.resource
    }

    /// Returns the object, if it exists.
    pub async fn get(&self) -> Result<Option<Value>> {
        Ok(self
            .api
            .get_opt(&self.name)
            .await?
            .map(|object| json!(object)))
    }

    /// Waits until `wanted` accepts the object, and returns it.
    pub async fn wait(
        &self,
        what: &str,
        timeout: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let deadline = Instant::now() + timeout;
        loop {
            let object = self.get().await?;
            if let Some(object) = object.as_ref().filter(|object| wanted(object)) {
                return Ok(object.clone());
            }
            if Instant::now() > deadline {
                let seen = object.map_or("it does not exist".to_owned(), |object| {
                    let shown = json!({"metadata": object["metadata"], "data": object["data"], "status": object["status"]});
                    format!("last seen: {shown:#}")
                });
                bail!(
                    "{} {} was not {what} after {timeout:?}; {seen}",
                    self.kind,
                    self.name
                );
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Waits for the condition `Ready` with this status at the current generation.
    pub async fn wait_ready(&self, status: &str, timeout: Duration) -> Result<Value> {
        self.wait(&format!("Ready={status}"), timeout, |object| {
            let condition = ready_condition(object);
            condition.is_some_and(|condition| {
                condition["status"] == status
                    && condition["observedGeneration"] == object["metadata"]["generation"]
            })
        })
        .await
    }

    /// Waits until the object is gone.
    pub async fn wait_gone(&self, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        while self.get().await?.is_some() {
            if Instant::now() > deadline {
                bail!("{} {} still exists after {timeout:?}", self.kind, self.name);
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        Ok(())
    }

    /// Applies `body` on the server as `manager`, over other managers' fields.
    pub async fn apply(&self, manager: &str, body: &Value) -> Result<Value> {
        let params = PatchParams::apply(manager).force();
        let object = self
            .api
            .patch(&self.name, &params, &Patch::Apply(body))
            .await;
        Ok(json!(object.with_context(|| format!(
            "apply {} {}",
            self.kind, self.name
        ))?))
    }

    /// Merges `body` into the object as `manager`.
    pub async fn merge(&self, manager: &str, body: &Value) -> Result<Value> {
        let params = PatchParams {
            field_manager: Some(manager.to_owned()),
            ..Default::default()
        };
        Ok(json!(
            self.api
                .patch(&self.name, &params, &Patch::Merge(body))
                .await?
        ))
    }

    /// Deletes the object and returns at once.
    pub async fn delete(&self) -> Result<()> {
        self.api
            .delete(&self.name, &DeleteParams::background())
            .await?;
        Ok(())
    }

    /// Asks for a reconcile as `flux reconcile` does, and waits until it is done.
    pub async fn reconcile(&self, timeout: Duration) -> Result<Value> {
        let token = jiff::Timestamp::now().to_string();
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": token});
        self.merge("flux", &json!({"metadata": {"annotations": annotations}}))
            .await?;
        self.wait("reconciled", timeout, |object| {
            object["status"]["lastHandledReconcileAt"] == token.as_str()
        })
        .await
    }

    /// Returns the names of all objects of this kind with this label.
    pub async fn siblings(&self, label_selector: &str) -> Result<Vec<String>> {
        let params = kube::api::ListParams::default().labels(label_selector);
        let list = self.api.list(&params).await?;
        Ok(list.items.iter().map(ResourceExt::name_any).collect())
    }
}

impl Ready {
    /// Reads the condition `Ready`.
    pub fn of(object: &Value) -> Option<Self> {
        let condition = ready_condition(object)?;
        let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
        Some(Self {
            status: text("status"),
            reason: text("reason"),
            message: text("message"),
        })
    }
}

fn ready_condition(object: &Value) -> Option<&Value> {
    object["status"]["conditions"]
        .as_array()?
        .iter()
        .find(|condition| condition["type"] == "Ready")
}

fn resolve(kind: &str) -> Option<GroupVersionKind> {
    if let [group, version, kind] = kind.split('/').collect::<Vec<_>>()[..] {
        return Some(GroupVersionKind::gvk(group, version, kind));
    }
    let (group, version) = match kind {
        "GitRepository" => ("source.toolkit.fluxcd.io", "v1"),
        "Kustomization" => ("kustomize.toolkit.fluxcd.io", "v1"),
        "Receiver" => ("notification.toolkit.fluxcd.io", "v1"),
        "Alert" | "Provider" => ("notification.toolkit.fluxcd.io", "v1beta3"),
        "Deployment" | "ReplicaSet" | "StatefulSet" => ("apps", "v1"),
        "ConfigMap" | "Secret" | "Service" | "Namespace" | "Event" | "ServiceAccount" | "Pod" => {
            ("", "v1")
        }
        _ => return None,
    };
    Some(GroupVersionKind::gvk(group, version, kind))
}
