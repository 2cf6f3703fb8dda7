//! A cluster that Flux ran: ours takes it over without a write to any applied object.

use anyhow::Result;
use fjord_tests::stage::{App, PATIENCE, Setup, Stage};
use fjord_tests::suite::flux_programs;
use serde_json::{Value, json};

const WORKLOAD: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  colour: blue
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - port: 80
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 0
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        - name: web
          image: web:1
";

const CONTROLLERS: [&str; 2] = ["source-controller", "kustomize-controller"];

async fn versions(stage: &Stage) -> Result<Vec<(String, Value)>> {
    let mut all = Vec::new();
    for (kind, name) in [
        ("ConfigMap", "settings"),
        ("Service", "web"),
        ("Deployment", "web"),
    ] {
        let object = stage
            .object(kind, "default", name)?
            .get()
            .await?
            .unwrap_or_default();
        all.push((
            format!("{kind}/{name}"),
            object["metadata"]["resourceVersion"].clone(),
        ));
    }
    Ok(all)
}

/// Ours has looked at everything, also once more on request, and has still the old revision.
async fn looked_at(app: &App) -> Result<()> {
    app.source.reconcile(PATIENCE).await?;
    app.kustomization.reconcile(PATIENCE).await?;
    app.applied().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_flux_ran_is_adopted_without_a_write() -> Result<()> {
    let Some(flux) = flux_programs() else {
        eprintln!("skipped: FLUX_BIN_DIR does not name a folder with Flux's controllers");
        return Ok(());
    };
    let setup = Setup {
        programs: Some(flux),
        ..Setup::default()
    };
    let mut stage = Stage::start(setup).await?;
    let app = stage
        .deploy(&[("web.yaml", WORKLOAD)], json!({"wait": true}))
        .await?;
    app.applied().await?;
    let before = versions(&stage).await?;
    for controller in CONTROLLERS {
        stage.suite.stop(controller).await;
    }
    stage
        .suite
        .use_programs(fjord_tests::suite::built_programs()?);
    stage.suite.start(&CONTROLLERS).await?;
    looked_at(&app).await?;
    assert_eq!(before, versions(&stage).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_our_own_writes_to_no_object_either() -> Result<()> {
    let mut stage = Stage::start(Setup::default()).await?;
    let app = stage
        .deploy(&[("web.yaml", WORKLOAD)], json!({"wait": true}))
        .await?;
    app.applied().await?;
    let before = versions(&stage).await?;
    for controller in CONTROLLERS {
        assert!(
            stage.suite.stop(controller).await,
            "{controller} had to be killed"
        );
    }
    stage.suite.start(&CONTROLLERS).await?;
    looked_at(&app).await?;
    assert_eq!(before, versions(&stage).await?);
    Ok(())
}
