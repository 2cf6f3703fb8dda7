//! How fast a manual change is undone: 1,000 applied objects, 200 random edits, an own watcher.
//!
//! The clock runs from the API server's answer to the edit until a watch that knows nothing of the
//! controllers sees the wanted value again. Half of the edits go through kubectl.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use fjord_sandbox::{ControlPlane, GitServer, GitServerOptions, Options, Repository};
use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::watcher;
use serde_json::{Value, json};

use super::{Figure, percentile};
use crate::random::Random;
use crate::suite::Suite;

const NAMESPACE: &str = "drift";
const OWNER_LABEL: &str = "kustomize.toolkit.fluxcd.io/name";
const OWNERS: usize = 10;
const OBJECTS: usize = 100;
const EDITS: usize = 200;
const PATIENCE: Duration = Duration::from_secs(120);

/// When each object was last seen as Git wants it.
type Sightings = Arc<Mutex<HashMap<String, Instant>>>;

/// Measures our controllers.
pub async fn measure(programs: PathBuf, seed: u64) -> Result<Vec<Figure>> {
    let mut suite = Suite::new(programs, Options::default()).await?;
    let git = GitServer::start(GitServerOptions::default()).await?;
    let repository = Repository::create(&git, "drift")?;
    commit(&repository)?;
    suite
        .start(&["source-controller", "kustomize-controller"])
        .await?;
    let client = suite.client.clone();
    prepare(&client, repository.url()).await?;
    let sightings = Sightings::default();
    let watcher = tokio::spawn(watch(client.clone(), Arc::clone(&sightings)));
    until(|| {
        sightings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
            == OWNERS * OBJECTS
    })
    .await?;

    let mut random = Random::new(seed);
    let mut delays = Vec::new();
    for edit in 0..EDITS {
        let name = format!("object-{}-{}", random.below(OWNERS), random.below(OBJECTS));
        let edited = make_edit(&suite.plane, &client, edit, &name).await?;
        until(|| {
            let sightings = sightings.lock().unwrap_or_else(PoisonError::into_inner);
            sightings.get(&name).is_some_and(|seen| *seen > edited)
        })
        .await?;
        let seen = sightings.lock().unwrap_or_else(PoisonError::into_inner)[&name];
        delays.push((seen - edited).as_secs_f64() * 1000.0);
    }
    watcher.abort();
    delays.sort_by(f64::total_cmp);
    ensure!(delays.len() == EDITS, "not every edit was undone");
    let row = |name: &str, ours: f64, aim| Figure {
        name: format!(
            "drift, {EDITS} edits of {} objects: {name}",
            OWNERS * OBJECTS
        ),
        unit: "ms",
        ours,
        flux: None,
        aim,
    };
    Ok(vec![
        row("p50", percentile(&delays, 0.5), None),
        row("p99", percentile(&delays, 0.99), Some(1000.0)),
        row("worst", percentile(&delays, 1.0), None),
    ])
}

/// Edits an object one way or another; returns when the API server had answered.
async fn make_edit(
    plane: &ControlPlane,
    client: &Client,
    edit: usize,
    name: &str,
) -> Result<Instant> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    let other = PatchParams {
        field_manager: Some("someone".to_owned()),
        ..PatchParams::default()
    };
    match edit % 8 {
        0 => {
            api.delete(name, &DeleteParams::background()).await?;
        }
        1 => {
            let patch = json!({"metadata": {"labels": {OWNER_LABEL: null}}});
            api.patch(name, &other, &Patch::Merge(patch)).await?;
        }
        2 => {
            let patch = json!({"data": {"value": format!("edit {edit}")}});
            api.patch(name, &other, &Patch::Merge(patch)).await?;
        }
        3 => {
            let body = json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
                "data": {"value": format!("applied {edit}")},
            });
            let params = PatchParams::apply("another-applier").force();
            api.patch(name, &params, &Patch::Apply(body)).await?;
        }
        _ => {
            let patch = json!({"data": {"value": format!("kubectl {edit}")}}).to_string();
            let arguments = [
                "patch",
                "configmap",
                name,
                "-n",
                NAMESPACE,
                "--type=merge",
                "-p",
                &patch,
            ];
            let mut command = plane.kubectl_as(fjord_sandbox::ADMIN);
            command.args(arguments);
            let output = tokio::task::spawn_blocking(move || command.output()).await??;
            ensure!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
    Ok(Instant::now())
}

fn commit(repository: &Repository) -> Result<()> {
    let mut files = Vec::new();
    for owner in 0..OWNERS {
        let manifests: Vec<_> = (0..OBJECTS)
            .map(|index| {
                format!(
                    "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: object-{owner}-{index}}}\ndata: {{value: git}}\n"
                )
            })
            .collect();
        files.push((
            format!("owner-{owner}/objects.yaml"),
            manifests.join("---\n"),
        ));
    }
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), Some(text.as_str())))
        .collect();
    repository.commit("objects", &files)?;
    Ok(())
}

async fn prepare(client: &Client, url: &str) -> Result<()> {
    let params = PatchParams::apply("bench").force();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    namespaces
        .patch(NAMESPACE, &params, &Patch::Apply(namespace))
        .await?;
    let source = json!({"url": url, "interval": "1h", "ref": {"branch": "main"}});
    apply(
        client,
        "source.toolkit.fluxcd.io",
        "GitRepository",
        "app",
        source,
    )
    .await?;
    for owner in 0..OWNERS {
        let spec = json!({
            "interval": "1h", "path": format!("./owner-{owner}"), "prune": true,
            "targetNamespace": NAMESPACE, "sourceRef": {"kind": "GitRepository", "name": "app"},
        });
        apply(
            client,
            "kustomize.toolkit.fluxcd.io",
            "Kustomization",
            &format!("owner-{owner}"),
            spec,
        )
        .await?;
    }
    Ok(())
}

async fn apply(client: &Client, group: &str, kind: &str, name: &str, spec: Value) -> Result<()> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), NAMESPACE, &resource);
    let body = json!({
        "apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": name}, "spec": spec,
    });
    api.patch(
        name,
        &PatchParams::apply("bench").force(),
        &Patch::Apply(body),
    )
    .await?;
    Ok(())
}

/// Notes when each object is as Git wants it: value and owner label.
async fn watch(client: Client, sightings: Sightings) {
    let api: Api<ConfigMap> = Api::namespaced(client, NAMESPACE);
    let stream = watcher(api, watcher::Config::default());
    let note = |event: watcher::Event<ConfigMap>| async {
        let (watcher::Event::Apply(object) | watcher::Event::InitApply(object)) = event else {
            return Ok(());
        };
        let value = object.data.as_ref().and_then(|data| data.get("value"));
        let is_owned = object
            .metadata
            .labels
            .as_ref()
            .is_some_and(|labels| labels.contains_key(OWNER_LABEL));
        if value.map(String::as_str) == Some("git") && is_owned {
            let name = object.metadata.name.unwrap_or_default();
            sightings
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(name, Instant::now());
        }
        Ok(())
    };
    if let Err(error) = stream.try_for_each(note).await {
        eprintln!("the benchmark's own watch ended: {error}");
    }
}

async fn until(is_done: impl Fn() -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !is_done() {
        if Instant::now() > deadline {
            bail!("not undone within {PATIENCE:?}");
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}
