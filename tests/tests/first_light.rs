//! The main job: a commit reaches the cluster, a deleted file is pruned, `kubectl` understands.

use std::time::Duration;

use anyhow::Result;
use fjord_sandbox::ADMIN;
use fjord_tests::stage::{Setup, Stage};
use serde_json::json;

const CONFIG: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  colour: blue
";

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_applied_and_a_deleted_file_is_pruned() -> Result<()> {
    let stage = Stage::start(Setup::default()).await?;
    let other = CONFIG.replace("settings", "other");
    let files = [("settings.yaml", CONFIG), ("other.yaml", &other)];
    let mut app = stage.deploy(&files, json!({})).await?;
    let status = app.applied().await?["status"].clone();
    assert_eq!(status["lastAttemptedRevision"], app.revision());
    let settings = stage.object("ConfigMap", "default", "settings")?;
    let live = settings.get().await?.unwrap_or_default();
    assert_eq!(live["data"]["colour"], "blue");
    assert_eq!(
        live["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"],
        "app"
    );

    let green = CONFIG.replace("blue", "green");
    app.roll_out(
        "green",
        &[("settings.yaml", Some(&green)), ("other.yaml", None)],
    )
    .await?;
    let live = settings.get().await?.unwrap_or_default();
    assert_eq!(live["data"]["colour"], "green");
    stage
        .object("ConfigMap", "default", "other")?
        .wait_gone(Duration::from_secs(5))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_wait_returns_when_a_kustomization_is_ready() -> Result<()> {
    let stage = Stage::start(Setup::default()).await?;
    let _app = stage
        .deploy(&[("settings.yaml", CONFIG)], json!({}))
        .await?;
    let mut kubectl = tokio::process::Command::from(stage.suite.plane.kubectl_as(ADMIN));
    kubectl.args(["wait", "kustomization/app", "gitrepository/app"]);
    kubectl.args(["--for=condition=Ready", "--timeout=30s"]);
    let output = kubectl.output().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        said.contains("kustomization.kustomize.toolkit.fluxcd.io/app condition met"),
        "{said}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kustomization_may_apply_flux_objects_and_itself() -> Result<()> {
    let stage = Stage::start(Setup::default()).await?;
    let mut app = stage
        .deploy(&[("settings.yaml", CONFIG)], json!({}))
        .await?;
    app.applied().await?;
    // What `flux bootstrap` does: the repository holds the objects that bring it.
    let source = app.source.get().await?.unwrap_or_default();
    let kustomization = app.kustomization.get().await?.unwrap_or_default();
    let manifest = |object: &serde_json::Value, interval: &str| {
        let mut spec = object["spec"].clone();
        spec["interval"] = json!(interval);
        // JSON is YAML.
        json!({
            "apiVersion": object["apiVersion"],
            "kind": object["kind"],
            "metadata": {"name": "app", "namespace": "default"},
            "spec": spec,
        })
        .to_string()
    };
    let files = [
        ("source.yaml", Some(manifest(&source, "2h"))),
        ("self.yaml", Some(manifest(&kustomization, "3h"))),
    ];
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (*path, text.as_deref()))
        .collect();
    app.roll_out("bring yourself", &files).await?;
    let live = app
        .kustomization
        .wait(
            "ready with its own spec",
            Duration::from_secs(30),
            |object| {
                object["spec"]["interval"] == "3h"
                    && object["status"]["observedGeneration"] == object["metadata"]["generation"]
            },
        )
        .await?;
    assert_eq!(
        live["status"]["inventory"]["entries"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    let source = app.source.get().await?.unwrap_or_default();
    assert_eq!(source["spec"]["interval"], "2h");
    assert_eq!(
        source["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"],
        "app"
    );

    // It settles: another look changes neither object.
    let before = [
        live["metadata"]["generation"].clone(),
        source["metadata"]["generation"].clone(),
    ];
    let live = app.kustomization.reconcile(Duration::from_secs(30)).await?;
    let source = app.source.get().await?.unwrap_or_default();
    let after = [
        live["metadata"]["generation"].clone(),
        source["metadata"]["generation"].clone(),
    ];
    assert_eq!(before, after);
    Ok(())
}
