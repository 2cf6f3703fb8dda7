//! N Kustomizations of one Git repository, each a Deployment, a Service and a generated ConfigMap.
//!
//! Three questions: how long from nothing to all ready; how long when everything is requested again
//! and nothing changed; how long from a request on the source until one changed app is applied.

use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use fjord_crds::kustomize::v1::Kustomization;
use fjord_crds::source::v1::GitRepository;
use fjord_sandbox::{GitServer, GitServerOptions, Options, Repository};
use kube::Resource;
use kube::api::{Api, Patch, PatchParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Figure;
use super::seen::Seen;
use crate::suite::{Suite, Usage};

const NAMESPACE: &str = "apps";
const MANAGER: &str = "bench";
const PATIENCE: Duration = Duration::from_secs(600);
const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// What one suite needed.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// From the creation of the Kustomizations until all are ready, in seconds.
    pub create: Phase,
    /// From the requests until all are handled and ready.
    pub again: Phase,
    /// From the request on the source until the changed app is applied.
    pub one_applied: f64,
    /// ... until every Kustomization is at the new revision.
    pub one_settled: f64,
    /// The most memory kustomize-controller held, in MiB.
    pub peak: f64,
}

/// One phase over all Kustomizations.
#[derive(Debug, Clone, Copy)]
pub struct Phase {
    /// Wall-clock seconds.
    pub wall: f64,
    /// CPU seconds of kustomize-controller.
    pub cpu: f64,
    /// CPU seconds of the whole control plane meanwhile.
    pub plane: f64,
    /// API requests of kustomize-controller for each Kustomization, watches left out.
    pub requests: f64,
}

/// Measures one suite with `count` Kustomizations.
pub async fn measure(programs: PathBuf, count: usize) -> Result<Measured> {
    let options = Options {
        audit: true,
        ..Options::default()
    };
    let mut suite = Suite::new(programs, options).await?;
    suite.flags("source-controller", ["--concurrent=20"]);
    suite.flags("kustomize-controller", ["--concurrent=20"]);
    suite
        .start(&["source-controller", "kustomize-controller"])
        .await?;
    let fleet = Fleet::prepare(&suite, count).await?;
    let apps = &fleet.apps;

    // The first one pays what a process pays once: discovery, and the lists of its watches.
    fleet.fill(0..1, "10m").await?;
    let meter = Meter::start(&suite)?;
    let started = Instant::now();
    fleet.fill(1..count, "10m").await?;
    let create = meter.stop(&suite, started.elapsed(), count - 1)?;

    let meter = Meter::start(&suite)?;
    let started = Instant::now();
    apps.request_all("again").await?;
    apps.until_all(count, |app| handled(app) == Some("again") && is_ready(app))
        .await?;
    let again = meter.stop(&suite, started.elapsed(), count)?;

    let second = fleet.repository.commit("one app", &files(1, "2"))?;
    let started = Instant::now();
    request(&apps.sources, "app", "one").await?;
    apps.seen
        .until(PATIENCE, |all| {
            all.get("app-0").is_some_and(|app| is_at(app, &second))
        })
        .await?;
    let one_applied = started.elapsed().as_secs_f64();
    apps.until_all(count, |app| is_at(app, &second)).await?;
    let one_settled = started.elapsed().as_secs_f64();
    let peak = suite.usage("kustomize-controller")?.peak as f64 / f64::from(1 << 20);
    Ok(Measured {
        create,
        again,
        one_applied,
        one_settled,
        peak,
    })
}

/// Sets the figures of both suites beside each other.
pub fn figures(count: usize, ours: &Measured, flux: Option<&Measured>) -> Vec<Figure> {
    let aimed = count == 100;
    let row = |name: &str, unit, aim: f64, get: &dyn Fn(&Measured) -> f64| Figure {
        name: format!("{count} Kustomizations: {name}"),
        unit,
        ours: get(ours),
        flux: flux.map(get),
        aim: aimed.then_some(aim),
    };
    vec![
        row("all ready", "s", 4.0, &|m| m.create.wall),
        row("CPU", "s", 1.5, &|m| m.create.cpu),
        row("requests each", "", 8.0, &|m| m.create.requests),
        row("peak memory", "MiB", 40.0, &|m| m.peak),
        row("again, nothing changed", "s", 2.0, &|m| m.again.wall),
        row("again, requests each", "", 2.0, &|m| m.again.requests),
        row("one changed app applied", "s", 1.0, &|m| m.one_applied),
        row("one changed app, all settled", "s", 3.0, &|m| m.one_settled),
    ]
}

fn files(count: usize, value: &str) -> Vec<(&'static str, Option<&'static str>)> {
    let mut files = Vec::new();
    for index in 0..count {
        let manifest = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: app-{index}}}\nspec:\n  replicas: 0\n  \
             selector: {{matchLabels: {{app: app-{index}}}}}\n  template:\n    metadata: {{labels: {{app: app-{index}}}}}\n    \
             spec:\n      containers:\n      - name: app\n        image: registry.example/app:1.0\n        envFrom: [{{configMapRef: {{name: app-{index}}}}}]\n\
             ---\napiVersion: v1\nkind: Service\nmetadata: {{name: app-{index}}}\nspec:\n  selector: {{app: app-{index}}}\n  ports: [{{port: 80}}]\n"
        );
        let kustomization = format!(
            "resources: [app.yaml]\nconfigMapGenerator:\n- name: app-{index}\n  literals: [value={value}]\n"
        );
        files.push((format!("apps/{index}/app.yaml"), manifest));
        files.push((format!("apps/{index}/kustomization.yaml"), kustomization));
    }
    // The few hundred names live as long as the benchmark.
    files
        .into_iter()
        .map(|(path, text)| (&*path.leak(), Some(&*text.leak())))
        .collect()
}

/// A Git repository of apps, and the objects that apply it; dropped, its Git server stops.
pub struct Fleet {
    repository: Repository,
    first: String,
    apps: Apps,
    // Serves the repository as long as the fleet lives.
    _git: GitServer,
}

impl Fleet {
    /// Sets up a fleet of `count` apps and waits until all are ready.
    pub async fn create(suite: &Suite, count: usize, interval: &str) -> Result<Self> {
        let fleet = Self::prepare(suite, count).await?;
        fleet.fill(0..count, interval).await?;
        Ok(fleet)
    }

    /// Commits the apps and waits until their source has them.
    async fn prepare(suite: &Suite, count: usize) -> Result<Self> {
        let git = GitServer::start(GitServerOptions::default()).await?;
        let repository = Repository::create(&git, "apps")?;
        let first = repository.commit("all apps", &files(count, "1"))?;
        let apps = Apps::prepare(suite, repository.url(), &first).await?;
        Ok(Self {
            repository,
            first,
            apps,
            _git: git,
        })
    }

    /// Creates some of the Kustomizations and waits until all are ready.
    async fn fill(&self, which: Range<usize>, interval: &str) -> Result<()> {
        let count = which.end;
        self.apps.create(which, interval).await?;
        self.apps
            .until_all(count, |app| is_at(app, &self.first))
            .await
    }
}

struct Apps {
    sources: Api<GitRepository>,
    apps: Api<Kustomization>,
    // Followed by a watch: lists would cost the API server more, the more Kustomizations there are.
    seen: Seen,
}

impl Apps {
    async fn prepare(suite: &Suite, url: &str, revision: &str) -> Result<Self> {
        let client = suite.client.clone();
        let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(client.clone());
        apply(
            &namespaces,
            NAMESPACE,
            json!({"apiVersion": "v1", "kind": "Namespace"}),
        )
        .await?;
        let apps = Self {
            sources: Api::namespaced(client.clone(), NAMESPACE),
            apps: Api::namespaced(client.clone(), NAMESPACE),
            seen: Seen::follow(client, NAMESPACE),
        };
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "spec": {"url": url, "interval": "1h", "ref": {"branch": "main"}},
        });
        apply(&apps.sources, "app", source).await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let object = apps.sources.get("app").await?;
            let status = serde_json::to_value(&object.status)?;
            let at = status.pointer("/artifact/revision").and_then(Value::as_str);
            if at.is_some_and(|at| at.ends_with(revision)) {
                return Ok(apps);
            }
            if Instant::now() > deadline {
                bail!("the source is not ready: {status}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn create(&self, which: Range<usize>, interval: &str) -> Result<()> {
        let create = which.map(|index| async move {
            let body = json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "spec": {
                    "interval": interval, "path": format!("./apps/{index}"), "prune": true, "wait": true,
                    "timeout": "5m", "targetNamespace": NAMESPACE,
                    "sourceRef": {"kind": "GitRepository", "name": "app"},
                },
            });
            apply(&self.apps, &format!("app-{index}"), body).await
        });
        futures::future::try_join_all(create).await.map(drop)
    }

    async fn request_all(&self, token: &str) -> Result<()> {
        let names = self.seen.names();
        let all = names.iter().map(|name| request(&self.apps, name, token));
        futures::future::try_join_all(all).await.map(drop)
    }

    /// Waits until as many as there must be are all done.
    async fn until_all(&self, count: usize, is_done: impl Fn(&Value) -> bool) -> Result<()> {
        self.seen
            .until(PATIENCE, |all| {
                all.len() == count && all.values().all(&is_done)
            })
            .await
    }
}

fn is_ready(app: &Value) -> bool {
    let conditions = app["status"]["conditions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    conditions
        .iter()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

fn applied(app: &Value) -> Option<&str> {
    app["status"]["lastAppliedRevision"]
        .as_str()?
        .rsplit(':')
        .next()
}

fn is_at(app: &Value, revision: &str) -> bool {
    applied(app) == Some(revision) && is_ready(app)
}

fn handled(app: &Value) -> Option<&str> {
    app["status"]["lastHandledReconcileAt"].as_str()
}

async fn request<K>(api: &Api<K>, name: &str, token: &str) -> Result<()>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    let patch = json!({"metadata": {"annotations": {REQUESTED_AT: token}}});
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    Ok(())
}

async fn apply<K>(api: &Api<K>, name: &str, mut body: Value) -> Result<()>
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    body["metadata"] = json!({"name": name});
    api.patch(
        name,
        &PatchParams::apply(MANAGER).force(),
        &Patch::Apply(body),
    )
    .await?;
    Ok(())
}

struct Meter {
    usage: Usage,
    plane: Duration,
    requests: usize,
}

impl Meter {
    fn start(suite: &Suite) -> Result<Self> {
        let usage = suite.usage("kustomize-controller")?;
        Ok(Self {
            usage,
            plane: plane_cpu(suite)?,
            requests: requests(suite)?,
        })
    }

    fn stop(self, suite: &Suite, wall: Duration, count: usize) -> Result<Phase> {
        let usage = suite.usage("kustomize-controller")?;
        Ok(Phase {
            wall: wall.as_secs_f64(),
            cpu: usage.cpu.saturating_sub(self.usage.cpu).as_secs_f64(),
            plane: plane_cpu(suite)?.saturating_sub(self.plane).as_secs_f64(),
            requests: (requests(suite)? - self.requests) as f64 / count as f64,
        })
    }
}

fn plane_cpu(suite: &Suite) -> Result<Duration> {
    let processes = suite.plane.processes();
    processes
        .iter()
        .map(|(_, id)| Ok(Usage::of(*id)?.cpu))
        .sum()
}

fn requests(suite: &Suite) -> Result<usize> {
    let all = suite.plane.requests("kustomize-controller")?;
    Ok(all.iter().filter(|request| request.verb != "watch").count())
}
