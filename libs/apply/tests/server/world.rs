//! One real control plane for all tests, without the built-in controllers: what changes, a test
//! changed.

use std::sync::{LazyLock, mpsc};
use std::time::{Duration, Instant};

use fjord_apply::normalise::normalise;
use fjord_apply::{Applier, Cluster, Object, Options, Owner};
use fjord_sandbox::{ADMIN, ControlPlane, Options as PlaneOptions, Programs, User};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::ApiResource;
use serde_json::{Value, json};

pub(crate) const GROUP: &str = "kustomize.toolkit.fluxcd.io";
pub(crate) const US: &str = "kustomize-controller";

static PLANE: LazyLock<ControlPlane> = LazyLock::new(|| {
    let (ready, started) = mpsc::channel();
    // On a thread of its own: each test has a runtime that ends with it.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async move {
            let programs = Programs::ready(|line| eprintln!("{line}")).unwrap();
            let users = ["counted-apply", "counted-pass", "blind"].map(|name| match name {
                "blind" => User::plain(name),
                _ => User::master(name),
            });
            let options = PlaneOptions {
                users: users.into(),
                controllers: false,
                audit: true,
                ..PlaneOptions::default()
            };
            ready
                .send(ControlPlane::start(&programs, options).await.unwrap())
                .unwrap();
            std::future::pending::<()>().await;
        });
    });
    started.recv().unwrap()
});

/// A namespace of one test, and a client.
pub(crate) struct World {
    pub(crate) namespace: String,
    pub(crate) client: Client,
    pub(crate) cluster: Cluster,
}

impl World {
    pub(crate) async fn new(namespace: &str) -> Self {
        Self::seen_as(ADMIN, namespace).await
    }

    /// A world whose appliers are this user.
    pub(crate) async fn seen_as(user: &str, namespace: &str) -> Self {
        let client = PLANE.client(ADMIN).await.unwrap();
        let world = Self {
            namespace: namespace.to_owned(),
            cluster: Cluster::new(PLANE.client(user).await.unwrap()),
            client,
        };
        let object =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        world.edit("test", object).await;
        world
    }

    /// Returns the requests of a user, by verb and resource, discovery and watches aside.
    pub(crate) fn requests(user: &str) -> Vec<String> {
        let requests = PLANE.requests(user).unwrap();
        let told = |r: &fjord_sandbox::AuditedRequest| format!("{} {}", r.verb, r.resource);
        requests
            .iter()
            .filter(|r| !r.resource.is_empty() && r.verb != "watch")
            .map(told)
            .collect()
    }

    pub(crate) fn applier(&self, owner: &str) -> Applier {
        self.applier_with(owner, Options::default())
    }

    pub(crate) fn applier_with(&self, owner: &str, options: Options) -> Applier {
        let owner = Owner {
            group: GROUP.to_owned(),
            name: owner.to_owned(),
            namespace: self.namespace.clone(),
            field_manager: US.to_owned(),
        };
        Applier::new(self.cluster.clone(), owner, options)
    }

    /// Returns manifests as a controller hands them over: in the namespace, labelled, normalised.
    pub(crate) fn manifests(&self, applier: &Applier, objects: &[Value]) -> Vec<Object> {
        let mut objects: Vec<Object> = objects
            .iter()
            .map(|o| Object::try_from(o.clone()).unwrap())
            .collect();
        for object in &mut objects {
            if object.namespace().is_empty() {
                object.set_namespace(&self.namespace);
            }
            normalise(object);
        }
        applier.set_owner_labels(&mut objects);
        objects
    }

    /// Applies in the name of somebody else.
    pub(crate) async fn edit(&self, manager: &str, object: Value) -> Value {
        let api = self.api(&object);
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let params = PatchParams::apply(manager).force();
        serde_json::to_value(
            api.patch(&name, &params, &Patch::Apply(object))
                .await
                .unwrap(),
        )
        .unwrap()
    }

    /// Merges a patch in the name of somebody else, as an update.
    pub(crate) async fn merge(&self, manager: &str, object: &Value, patch: Value) {
        let params = PatchParams {
            field_manager: Some(manager.to_owned()),
            ..PatchParams::default()
        };
        let name = object["metadata"]["name"].as_str().unwrap();
        self.api(object)
            .patch(name, &params, &Patch::Merge(patch))
            .await
            .unwrap();
    }

    pub(crate) async fn live(&self, object: &Value) -> Option<Object> {
        let name = object["metadata"]["name"].as_str().unwrap();
        let found = self.api(object).get_opt(name).await.unwrap()?;
        Some(Object::try_from(serde_json::to_value(found).unwrap()).unwrap())
    }

    pub(crate) async fn delete(&self, object: &Value) {
        let name = object["metadata"]["name"].as_str().unwrap();
        self.api(object)
            .delete(name, &DeleteParams::default())
            .await
            .unwrap();
    }

    pub(crate) fn api(&self, object: &Value) -> Api<DynamicObject> {
        let api_version = object["apiVersion"].as_str().unwrap();
        let kind = object["kind"].as_str().unwrap();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: format!("{}s", kind.to_lowercase()),
        };
        if matches!(
            kind,
            "Namespace" | "CustomResourceDefinition" | "ClusterRole" | "ClusterRoleBinding"
        ) {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
        }
    }
}

/// Waits until the probe gives something, and returns it with the time it took.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    probe: impl Fn() -> F,
) -> (T, Duration) {
    let began = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return (found, began.elapsed());
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "not within 20 s: {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Lists what a manager owns of an object, one `fieldsV1` per entry.
pub(crate) fn owned_by<'a>(object: &'a Object, manager: &str, operation: &str) -> Vec<&'a Value> {
    let entries = object
        .get(&["metadata", "managedFields"])
        .and_then(Value::as_array)
        .unwrap();
    let matching = |e: &&Value| e["manager"] == manager && e["operation"] == operation;
    entries
        .iter()
        .filter(matching)
        .map(|entry| &entry["fieldsV1"])
        .collect()
}

pub(crate) fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

pub(crate) fn deployment(name: &str) -> Value {
    let template = json!({
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "c", "image": "nginx:1"}]},
    });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template},
    })
}
