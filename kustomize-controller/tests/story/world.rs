//! One real control plane and one controller for all stories of this program.
//!
//! Sources are objects with a hand-written status whose artifacts a small server gives out; each
//! story has a namespace of its own.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, Mutex, mpsc};
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use clap::Parser;
use fjord_artifact::archive::ArchiveWriter;
use fjord_artifact::{Algorithm, Digest, SafePath};
use fjord_crds::kustomize::v1::Kustomization;
use fjord_crds::source::v1::GitRepository;
use fjord_kustomize_controller::args::Args;
use fjord_sandbox::{ADMIN, ControlPlane, Options, Programs, User};
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The user that the controller is, for the audit log.
const CONTROLLER: &str = "kustomize-controller";
/// What the server gives out, by path.
type Files = Arc<Mutex<HashMap<String, Vec<u8>>>>;

/// What all stories share.
struct World {
    plane: ControlPlane,
    artifacts: Files,
    address: String,
}

static WORLD: LazyLock<World> = LazyLock::new(start);

/// Starts the control plane and the controller on a thread that outlives every story.
fn start() -> World {
    let (ready, started) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async move {
            let programs = Programs::ready(|line| eprintln!("{line}")).unwrap();
            let users = vec![User::master(CONTROLLER)];
            let options = Options {
                users,
                audit: true,
                ..Options::default()
            };
            let plane = ControlPlane::start(&programs, options).await.unwrap();
            let client = plane.client(CONTROLLER).await.unwrap();
            install_crds(&plane.client(ADMIN).await.unwrap()).await;
            let artifacts = Files::default();
            let address = serve(artifacts.clone()).await;
            ready
                .send(World {
                    plane,
                    artifacts,
                    address,
                })
                .unwrap();
            let flags = [
                "kustomize-controller",
                "--metrics-addr=127.0.0.1:0",
                "--health-addr=127.0.0.1:0",
                "--http-retry=1",
                // No story may wait for a timer where a watch could tell.
                "--requeue-dependency=1h",
            ];
            let args = Args::parse_from(flags);
            let run = fjord_kustomize_controller::run(args, client, CancellationToken::new());
            panic!("the controller ended: {:?}", run.await);
        });
    });
    started.recv().unwrap()
}

async fn install_crds(client: &Client) {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in fjord_crds::manifest::definitions().unwrap() {
        let crd: CustomResourceDefinition = serde_json::from_value(definition).unwrap();
        crds.create(&PostParams::default(), &crd).await.unwrap();
        let is_served = || async {
            let crd = crds.get_status(&crd.name_any()).await.ok()?;
            let conditions = crd.status?.conditions?;
            conditions
                .iter()
                .any(|c| c.type_ == "Established" && c.status == "True")
                .then_some(())
        };
        eventually("the CRDs are served", is_served).await;
    }
}

async fn serve(files: Files) -> String {
    let give = async |State(files): State<Files>, Path(path): Path<String>| {
        match files.lock().unwrap().get(&path) {
            // An empty file stands for a server in trouble.
            Some(content) if content.is_empty() => Err(StatusCode::SERVICE_UNAVAILABLE),
            Some(content) => Ok(content.clone()),
            None => Err(StatusCode::NOT_FOUND),
        }
    };
    let router = axum::Router::new()
        .route("/{*path}", axum::routing::get(give))
        .with_state(files);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Waits until the probe gives something, and returns it.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    probe: impl Fn() -> F,
) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < end, "not in 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One story's namespace.
pub(crate) struct Story {
    pub(crate) namespace: String,
    pub(crate) client: Client,
}

impl Story {
    /// Begins a story in a namespace of this name.
    pub(crate) async fn begin(namespace: &str) -> Self {
        let world = &*WORLD;
        let client = world.plane.client(ADMIN).await.unwrap();
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let object = serde_json::from_value(json!({"metadata": {"name": namespace}})).unwrap();
        namespaces
            .create(&PostParams::default(), &object)
            .await
            .unwrap();
        Self {
            namespace: namespace.to_owned(),
            client,
        }
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Publishes files as the revision of the source `app`.
    pub(crate) async fn publish(&self, revision: &str, files: &[(&str, &str)]) {
        let content = archive(files);
        let digest = Digest::of(Algorithm::Sha256, &content).to_string();
        self.publish_as(revision, &digest, Some(content)).await;
    }

    /// Publishes an artifact that may not be what it claims.
    pub(crate) async fn publish_as(&self, revision: &str, digest: &str, content: Option<Vec<u8>>) {
        let world = &*WORLD;
        let path = format!("{}/{revision}.tar.gz", self.namespace);
        if let Some(content) = content {
            world
                .artifacts
                .lock()
                .unwrap()
                .insert(path.clone(), content);
        }
        let sources: Api<GitRepository> = self.api();
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "app"},
            "spec": {"interval": "1h", "url": "https://example.com/app"}});
        let manager = PatchParams::apply("story").force();
        sources
            .patch("app", &manager, &Patch::Apply(source))
            .await
            .unwrap();
        let artifact = json!({"path": path, "url": format!("{}/{path}", world.address),
            "revision": revision, "digest": digest, "lastUpdateTime": "2024-01-01T00:00:00Z"});
        let status = json!({"status": {"artifact": artifact}});
        let params = PatchParams::default();
        sources
            .patch_status("app", &params, &Patch::Merge(status))
            .await
            .unwrap();
    }

    /// Creates or changes a Kustomization of the source `app`; a null field is left out.
    pub(crate) async fn kustomization(&self, name: &str, fields: Value) {
        let mut spec = json!({"interval": "1h", "prune": true, "targetNamespace": self.namespace,
            "sourceRef": {"kind": "GitRepository", "name": "app"}});
        spec.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        spec.as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        let object = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization", "metadata": {"name": name}, "spec": spec});
        let manager = PatchParams::apply("story").force();
        self.api::<Kustomization>()
            .patch(name, &manager, &Patch::Apply(object))
            .await
            .unwrap();
    }

    /// Waits for Ready to have this status at this generation, and returns its reason and message.
    pub(crate) async fn ready(&self, name: &str, status: &str) -> (String, String) {
        let kustomizations: Api<Kustomization> = self.api();
        let probe = || async {
            let ks = kustomizations.get(name).await.ok()?;
            let generation = ks.metadata.generation;
            let conditions = ks.status?.conditions;
            let ready = conditions.into_iter().find(|c| c.type_ == "Ready")?;
            (ready.status == status && ready.observed_generation == generation)
                .then_some((ready.reason, ready.message))
        };
        eventually(&format!("{name} has Ready={status}"), probe).await
    }

    /// Waits until a revision was applied.
    pub(crate) async fn applied(&self, name: &str, revision: &str) -> Kustomization {
        let kustomizations: Api<Kustomization> = self.api();
        let probe = || async {
            let ks = kustomizations.get(name).await.ok()?;
            let applied = ks.status.as_ref()?.last_applied_revision.as_deref() == Some(revision);
            applied.then_some(ks)
        };
        eventually(&format!("{name} applied {revision}"), probe).await
    }

    /// Returns the data of a ConfigMap, or nothing if there is none.
    pub(crate) async fn data(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let found = self.api::<ConfigMap>().get_opt(name).await.unwrap()?;
        Some(found.data.unwrap_or_default())
    }

    /// Changes an object of a kind as another field manager.
    pub(crate) async fn edit<K>(&self, name: &str, manager: &str, change: Value)
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + serde::de::DeserializeOwned
            + std::fmt::Debug,
    {
        let params = PatchParams {
            field_manager: Some(manager.to_owned()),
            ..Default::default()
        };
        self.api::<K>()
            .patch(name, &params, &Patch::Merge(change))
            .await
            .unwrap();
    }

    /// Deletes a Kustomization and waits until it is gone.
    pub(crate) async fn delete(&self, name: &str) {
        let kustomizations: Api<Kustomization> = self.api();
        kustomizations
            .delete(name, &DeleteParams::default())
            .await
            .unwrap();
        let probe = || async {
            kustomizations
                .get_opt(name)
                .await
                .unwrap()
                .is_none()
                .then_some(())
        };
        eventually(&format!("{name} is gone"), probe).await;
    }

    /// Waits for an Event of this reason about an object, and returns it.
    pub(crate) async fn event(&self, name: &str, reason: &str) -> Event {
        let events: Api<Event> = self.api();
        let probe = || async {
            let list = events.list(&ListParams::default()).await.unwrap();
            list.items.into_iter().find(|event| {
                event.involved_object.name.as_deref() == Some(name)
                    && event.reason.as_deref() == Some(reason)
            })
        };
        eventually(&format!("an event {reason} of {name}"), probe).await
    }

    /// Lists what the controller asked in this namespace from now on, watches and Leases apart.
    pub(crate) fn requests(&self) -> Requests<'_> {
        Requests {
            story: self,
            before: self.asked().len(),
        }
    }

    fn asked(&self) -> Vec<String> {
        let all = WORLD.plane.requests(CONTROLLER).unwrap();
        let ours = all
            .into_iter()
            .filter(|request| request.namespace == self.namespace);
        let worked = ours.filter(|request| request.verb != "watch" && request.resource != "leases");
        worked
            .map(|r| format!("{} {} {}", r.verb, r.resource, r.name))
            .collect()
    }
}

/// What the controller asked since some moment.
pub(crate) struct Requests<'a> {
    story: &'a Story,
    before: usize,
}

impl Requests<'_> {
    /// Returns the requests; the audit log is given a moment to be written.
    pub(crate) async fn since(&self) -> Vec<String> {
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.story.asked().split_off(self.before)
    }
}

/// Returns the archive of some files.
pub(crate) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Vec::new()).unwrap();
    for (path, content) in files {
        let path = SafePath::parse(path).unwrap();
        writer.file(&path, false, content.as_bytes()).unwrap();
    }
    writer.finish().unwrap()
}

/// Returns a ConfigMap's manifest.
pub(crate) fn config_map(name: &str, data: &[(&str, &str)]) -> String {
    let mut text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata:\n");
    for (key, value) in data {
        let _ = writeln!(text, "  {key}: \"{value}\"");
    }
    text
}
