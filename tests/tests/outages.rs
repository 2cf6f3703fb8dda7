//! What a GitOps controller must get through: outages, restarts, and people who edit meanwhile.

use std::time::{Duration, Instant};

use anyhow::Result;
use fjord_tests::object::Object;
use fjord_tests::stage::{App, PATIENCE, Setup, Stage};
use serde_json::{Value, json};

const CONFIG: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  colour: blue
";

async fn start() -> Result<(Stage, App, Object)> {
    let stage = Stage::start(Setup::default()).await?;
    let app = stage
        .deploy(&[("settings.yaml", CONFIG)], json!({}))
        .await?;
    app.applied().await?;
    let settings = stage.object("ConfigMap", "default", "settings")?;
    Ok((stage, app, settings))
}

fn is(colour: &str) -> impl Fn(&Value) -> bool {
    move |object| object["data"]["colour"] == colour
}

fn painted(colour: &str) -> Value {
    json!({"data": {"colour": colour}})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_comes_back_finds_the_controllers_at_work() -> Result<()> {
    let (mut stage, mut app, settings) = start().await?;
    stage.suite.plane.kill_api_server();
    app.commit = app.repository.commit(
        "green",
        &[("settings.yaml", Some(&CONFIG.replace("blue", "green")))],
    )?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    stage.suite.plane.start_api_server().await?;
    app.source.reconcile(PATIENCE).await?;
    app.applied().await?;
    assert!(
        settings
            .get()
            .await?
            .is_some_and(|object| is("green")(&object))
    );
    // The watches are back too: an edit is seen.
    settings.merge("kubectl-edit", &painted("red")).await?;
    settings
        .wait("put back after the outage", PATIENCE, is("green"))
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_made_while_the_controller_restarts_is_undone() -> Result<()> {
    let (mut stage, _app, settings) = start().await?;
    stage.suite.kill("kustomize-controller");
    settings.merge("kubectl-edit", &painted("red")).await?;
    // A manager that Flux does not take over as such: only the missing field tells.
    settings
        .merge(
            "some-operator",
            &json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "app"}}}),
        )
        .await?;
    stage.suite.start(&["kustomize-controller"]).await?;
    let began = Instant::now();
    settings
        .wait("put back after the restart", PATIENCE, is("blue"))
        .await?;
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_controller_that_restarts_serves_the_same_artifact() -> Result<()> {
    let (mut stage, mut app, _settings) = start().await?;
    let artifact =
        |object: Option<Value>| object.map(|object| object["status"]["artifact"].clone());
    let before = artifact(app.source.get().await?);
    stage.suite.kill("source-controller");
    stage.suite.start(&["source-controller"]).await?;
    let after = app.source.reconcile(PATIENCE).await?;
    assert_eq!(before, artifact(Some(after)));
    app.roll_out(
        "green",
        &[("settings.yaml", Some(&CONFIG.replace("blue", "green")))],
    )
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn suspend_stops_correction_at_once_and_resume_corrects_at_once() -> Result<()> {
    let (_stage, app, settings) = start().await?;
    app.kustomization
        .merge("flux", &json!({"spec": {"suspend": true}}))
        .await?;
    // The controller hears of both by watches, which are not ordered among each other.
    tokio::time::sleep(Duration::from_millis(500)).await;
    settings.merge("kubectl-edit", &painted("red")).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(
        settings
            .get()
            .await?
            .is_some_and(|object| is("red")(&object)),
        "corrected while suspended"
    );
    app.kustomization
        .merge("flux", &json!({"spec": {"suspend": false}}))
        .await?;
    settings
        .wait("put back after resume", Duration::from_secs(5), is("blue"))
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_managers_that_fight_are_told_apart_and_the_event_says_how_to_end_it() -> Result<()> {
    let (stage, _app, settings) = start().await?;
    let end = Instant::now() + Duration::from_secs(20);
    let mut edits = 0;
    let event = loop {
        settings.merge("rival-operator", &painted("red")).await?;
        edits += 1;
        tokio::time::sleep(Duration::from_millis(200)).await;
        if let Some(event) = stage.event("default", "DriftNotCorrected").await? {
            break event;
        }
        assert!(
            Instant::now() < end,
            "{edits} edits and no Event about a fight"
        );
    };
    let message = event["message"].as_str().unwrap_or_default();
    assert!(message.contains("rival-operator"), "{message}");
    assert!(message.contains("spec.ignore"), "{message}");
    assert_eq!(event["type"], "Warning");
    Ok(())
}
