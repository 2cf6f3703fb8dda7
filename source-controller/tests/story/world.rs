//! One real control plane and one controller for all stories of this program; each story has a
//! namespace and a Git server of its own.

use std::path::PathBuf;
use std::sync::{LazyLock, mpsc};
use std::time::{Duration, Instant};

use clap::Parser;
use fjord_crds::Artifact;
use fjord_crds::source::v1::GitRepository;
use fjord_sandbox::{
    ADMIN, AuditedRequest, ControlPlane, GitServer, GitServerOptions, Options, Programs,
    Repository, User, definitions, free_port,
};
use fjord_source_controller::{Args, run};
use k8s_openapi::api::core::v1::{Event, Namespace, Secret};
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The user that the controller is, for the audit log.
const CONTROLLER: &str = "source-controller";

struct World {
    plane: ControlPlane,
    storage: PathBuf,
    /// Dropped with the process.
    _folder: tempfile::TempDir,
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
                controllers: false,
                ..Options::default()
            };
            let plane = ControlPlane::start(&programs, options).await.unwrap();
            let kinds = fjord_crds::manifest::definitions().unwrap();
            definitions::install(&plane.client(ADMIN).await.unwrap(), "story", &kinds)
                .await
                .unwrap();
            let folder = tempfile::tempdir().unwrap();
            let args = Args::parse_from([
                "source-controller",
                "--metrics-addr=127.0.0.1:0",
                "--health-addr=127.0.0.1:0",
                "--concurrent=8",
                "--interval-jitter-percentage=0",
                &format!("--storage-path={}", folder.path().display()),
                &format!("--storage-addr=127.0.0.1:{}", free_port().unwrap()),
            ]);
            let client = plane.client(CONTROLLER).await.unwrap();
            let storage = folder.path().to_owned();
            ready
                .send(World {
                    plane,
                    storage,
                    _folder: folder,
                })
                .unwrap();
            panic!(
                "the controller ended: {:?}",
                run(args, client, CancellationToken::new()).await
            );
        });
    });
    started.recv().unwrap()
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

/// One story: its namespace, its Git server and a repository `app` with one commit.
pub(crate) struct Story {
    pub(crate) namespace: &'static str,
    pub(crate) client: Client,
    pub(crate) server: GitServer,
    pub(crate) repository: Repository,
}

impl Story {
    pub(crate) async fn begin(namespace: &'static str) -> Self {
        Self::begin_with(namespace, GitServerOptions::default()).await
    }

    pub(crate) async fn begin_with(namespace: &'static str, options: GitServerOptions) -> Self {
        let client = WORLD.plane.client(ADMIN).await.unwrap();
        let object = serde_json::from_value(json!({"metadata": {"name": namespace}})).unwrap();
        let namespaces: Api<Namespace> = Api::all(client.clone());
        namespaces
            .create(&PostParams::default(), &object)
            .await
            .unwrap();
        let server = GitServer::start(options).await.unwrap();
        let repository = Repository::create(&server, "app").unwrap();
        repository
            .commit("one", &[("a.yaml", Some("a: 1\n"))])
            .unwrap();
        Self {
            namespace,
            client,
            server,
            repository,
        }
    }

    fn sources(&self) -> Api<GitRepository> {
        Api::namespaced(self.client.clone(), self.namespace)
    }

    /// Applies a GitRepository that follows the branch `main` of `app`, with changes.
    pub(crate) async fn apply(&self, name: &str, changes: Value) {
        let mut spec =
            json!({"interval": "1h", "url": self.repository.url(), "ref": {"branch": "main"}});
        spec.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        let object = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": name}, "spec": spec});
        let manager = PatchParams::apply("story").force();
        self.sources()
            .patch(name, &manager, &Patch::Apply(object))
            .await
            .unwrap();
    }

    pub(crate) async fn secret(&self, name: &str, data: Value) {
        let object =
            serde_json::from_value(json!({"metadata": {"name": name}, "stringData": data}));
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), self.namespace);
        secrets
            .create(&PostParams::default(), &object.unwrap())
            .await
            .unwrap();
    }

    pub(crate) async fn get(&self, name: &str) -> GitRepository {
        self.sources().get(name).await.unwrap()
    }

    /// Requests a reconcile and returns when it was handled.
    pub(crate) async fn request(&self, name: &str) {
        let token = jiff::Timestamp::now().to_string();
        let change =
            json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
        self.sources()
            .patch(name, &PatchParams::default(), &Patch::Merge(change))
            .await
            .unwrap();
        let handled = || async {
            let status = self.get(name).await.status?;
            (status.last_handled_reconcile_at.as_ref() == Some(&token)).then_some(())
        };
        eventually("the request is handled", handled).await;
    }

    /// Waits for a condition of the current generation, and returns its reason and message.
    pub(crate) async fn condition(&self, name: &str, kind: &str, status: &str) -> (String, String) {
        let probe = || async {
            let object = self.get(name).await;
            let generation = object.metadata.generation;
            let conditions = object.status?.conditions;
            let found = conditions
                .into_iter()
                .find(|condition| condition.type_ == kind)?;
            (found.status == status && found.observed_generation == generation)
                .then_some((found.reason, found.message))
        };
        eventually(&format!("{name} has {kind}={status}"), probe).await
    }

    /// Waits for an artifact of this commit.
    pub(crate) async fn artifact(&self, name: &str, commit: &str) -> Artifact {
        let probe = || async {
            let artifact = self.get(name).await.status?.artifact?;
            artifact.revision.ends_with(commit).then_some(artifact)
        };
        eventually(&format!("{name} has an artifact of {commit}"), probe).await
    }

    /// Returns where a stored file is on disk.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        WORLD.storage.join(path)
    }

    /// Returns the events about an object, as reason and message.
    pub(crate) async fn events(&self, name: &str) -> Vec<(String, String)> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), self.namespace);
        let events = events.list(&ListParams::default()).await.unwrap();
        let about = events
            .into_iter()
            .filter(|e| e.involved_object.name.as_deref() == Some(name));
        about
            .map(|e| (e.reason.unwrap_or_default(), e.message.unwrap_or_default()))
            .collect()
    }

    /// Returns what the controller asked of the API server in this namespace since `from`.
    pub(crate) fn requests_since(&self, from: jiff::Timestamp) -> Vec<AuditedRequest> {
        let mut requests = WORLD.plane.requests(CONTROLLER).unwrap();
        requests.retain(|r| r.namespace == self.namespace && r.at >= from);
        requests
    }
}
