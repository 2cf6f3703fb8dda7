//! A suite with a Git server and one application on it: what most end-to-end stories need.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use fjord_sandbox::{GitServer, GitServerOptions, Options, Repository};
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::object::{Object, Ready};
use crate::suite::{Suite, built_programs};

/// How long one step of a story may take before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a stage is to have.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The controllers that run from the start.
    pub controllers: Vec<&'static str>,
    /// Flags beside the usual ones: controller and flag.
    pub flags: Vec<(&'static str, String)>,
    /// The control plane.
    pub plane: Options,
    /// The folder of the programs; ours by default.
    pub programs: Option<PathBuf>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            controllers: vec!["source-controller", "kustomize-controller"],
            flags: Vec::new(),
            plane: Options::default(),
            programs: None,
        }
    }
}

/// A running suite with a Git server; dropped, everything in it is gone.
pub struct Stage {
    /// The controllers and their control plane.
    pub suite: Suite,
    /// The Git server.
    pub git: GitServer,
}

/// A repository and the two objects that bring it to the cluster.
#[derive(Debug)]
pub struct App {
    /// The repository.
    pub repository: Repository,
    /// The GitRepository.
    pub source: Object,
    /// The Kustomization.
    pub kustomization: Object,
    /// The newest commit.
    pub commit: String,
}

impl Stage {
    /// Starts everything and waits until it is ready.
    pub async fn start(setup: Setup) -> Result<Self> {
        let programs = match setup.programs {
            Some(folder) => folder,
            None => built_programs()?,
        };
        let mut suite = Suite::new(programs, setup.plane).await?;
        for (controller, flag) in &setup.flags {
            suite.flags(controller, [flag.as_str()]);
        }
        let git = GitServer::start(GitServerOptions::default()).await?;
        let mut stage = Self { suite, git };
        stage
            .apply("Namespace", "", "flux-system", json!({}))
            .await?;
        stage.suite.start(&setup.controllers).await?;
        Ok(stage)
    }

    /// Returns a handle on an object as the administrator sees it.
    pub fn object(&self, kind: &str, namespace: &str, name: &str) -> Result<Object> {
        Object::new(&self.suite.client, kind, namespace, name)
    }

    /// Returns an Event with this reason, if there is one in the namespace.
    pub async fn event(&self, namespace: &str, reason: &str) -> Result<Option<Value>> {
        let events = self.object("Event", namespace, "any")?;
        let params = ListParams::default().fields(&format!("reason={reason}"));
        let list = events.api().list(&params).await?;
        Ok(list.items.first().map(|event| json!(event)))
    }

    /// Applies an object on the server; `body` needs neither kind nor name.
    pub async fn apply(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        mut body: Value,
    ) -> Result<Object> {
        let object = self.object(kind, namespace, name)?;
        let resource = object.resource();
        body["apiVersion"] = json!(resource.api_version);
        body["kind"] = json!(resource.kind);
        body["metadata"]["name"] = json!(name);
        object.apply("tests", &body).await?;
        Ok(object)
    }

    /// Makes a Git repository `app` with these files, and a GitRepository and a Kustomization for
    /// it in namespace `default`, `spec` merged into the Kustomization's.
    pub async fn deploy(&self, files: &[(&str, &str)], spec: Value) -> Result<App> {
        let repository = Repository::create(&self.git, "app")?;
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, Some(*text)))
            .collect();
        let commit = repository.commit("first", &files)?;
        let source = json!({"spec": {
            "interval": "1h",
            "timeout": "10s",
            "url": repository.url(),
            "ref": {"branch": "main"},
        }});
        let source = self
            .apply("GitRepository", "default", "app", source)
            .await?;
        let mut full = json!({
            "interval": "1h",
            "timeout": "30s",
            "retryInterval": "2s",
            "path": "./",
            "prune": true,
            "targetNamespace": "default",
            "sourceRef": {"kind": "GitRepository", "name": "app"},
        });
        for (key, value) in spec.as_object().context("the spec is not an object")? {
            full[key] = value.clone();
        }
        let full = json!({"spec": full});
        let kustomization = self.apply("Kustomization", "default", "app", full).await?;
        Ok(App {
            repository,
            source,
            kustomization,
            commit,
        })
    }
}

impl App {
    /// Commits a change and waits until the Kustomization has applied it.
    pub async fn roll_out(
        &mut self,
        message: &str,
        files: &[(&str, Option<&str>)],
    ) -> Result<Value> {
        self.commit = self.repository.commit(message, files)?;
        self.source.reconcile(PATIENCE).await?;
        self.applied().await
    }

    /// Waits until the newest commit is applied and Ready.
    pub async fn applied(&self) -> Result<Value> {
        let revision = self.revision();
        let what = format!("ready at {revision}");
        let is_applied = |object: &Value| {
            object["status"]["lastAppliedRevision"] == revision.as_str()
                && Ready::of(object).is_some_and(|ready| ready.status == "True")
        };
        self.kustomization.wait(&what, PATIENCE, is_applied).await
    }

    /// Returns the newest commit as Flux writes it.
    pub fn revision(&self) -> String {
        format!("main@sha1:{}", self.commit)
    }
}
