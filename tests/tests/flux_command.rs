//! The stock `flux` command works on our controllers.
//!
//! With `FLUX_BIN_DIR` naming a folder that holds `flux`, the real command runs. Without it, what the
//! command relies on is still asserted: fields of status, Events and log lines.

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};
use fjord_tests::stage::{App, PATIENCE, Setup, Stage};
use serde_json::{Value, json};

const FILES: &[(&str, &str)] = &[(
    "settings.yaml",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: blue}\n",
)];

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_flux_command_reads_and_steers_our_objects() -> Result<()> {
    let Some(flux) = flux() else {
        eprintln!("SKIPPED: FLUX_BIN_DIR names no folder with the flux command");
        return Ok(());
    };
    let stage = Stage::start(Setup::default()).await?;
    let app = stage.deploy(FILES, json!({})).await?;
    app.applied().await?;
    let flux = |arguments: &str| run(&stage, &flux, arguments);

    let all = text(&flux("get all")?)?;
    ensure!(
        all.contains("gitrepository/app") && all.contains("kustomization/app"),
        "{all}"
    );
    let reconciled = text(&flux("reconcile kustomization app --with-source")?)?;
    ensure!(
        reconciled.contains("applied revision main@sha1:"),
        "{reconciled}"
    );
    text(&flux("suspend kustomization app")?)?;
    ensure!(
        text(&flux("get kustomizations")?)?.contains("True"),
        "not shown as suspended"
    );
    text(&flux("resume kustomization app")?)?;
    let trace = text(&flux("trace configmap settings")?)?;
    ensure!(
        trace.contains("Kustomization:") && trace.contains("GitRepository:"),
        "{trace}"
    );
    let tree = text(&flux("tree kustomization app")?)?;
    ensure!(tree.contains("ConfigMap/default/settings"), "{tree}");
    let events = text(&flux("events --for Kustomization/app")?)?;
    ensure!(events.contains("ReconciliationSucceeded"), "{events}");
    let export = text(&flux("export kustomization app")?)?;
    ensure!(
        export.contains("kind: Kustomization") && !export.contains("status:"),
        "{export}"
    );

    let folder = app.repository.tree().display().to_string();
    let diff = flux(&format!("diff kustomization app --path {folder}"))?;
    ensure!(
        diff.status.code() == Some(0),
        "no drift, yet: {}",
        shown(&diff)
    );
    std::fs::write(
        app.repository.tree().join("settings.yaml"),
        FILES[0].1.replace("blue", "red"),
    )?;
    let diff = flux(&format!("diff kustomization app --path {folder}"))?;
    ensure!(
        diff.status.code() == Some(1),
        "a change is not shown: {}",
        shown(&diff)
    );
    ensure!(
        shown(&diff).contains("ConfigMap/default/settings drifted"),
        "{}",
        shown(&diff)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_flux_command_relies_on_is_there() -> Result<()> {
    let stage = Stage::start(Setup::default()).await?;
    let app = stage.deploy(FILES, json!({})).await?;
    app.applied().await?;
    let kustomization = app.kustomization.reconcile(PATIENCE).await?;
    let source = app.source.reconcile(PATIENCE).await?;
    for object in [&kustomization, &source] {
        relied_on_status(object)?;
    }
    ensure!(
        source["status"]["artifact"]["size"].as_i64() > Some(0),
        "no artifact size: flux stats"
    );
    let entries = &kustomization["status"]["inventory"]["entries"];
    ensure!(
        entries == &json!([{"id": "default_settings__ConfigMap", "v": "v1"}]),
        "{entries}"
    );
    relied_on_events(&stage, &app).await?;
    relied_on_log(&stage.suite.log("kustomize-controller")?)
}

fn relied_on_status(object: &Value) -> Result<()> {
    let generation = &object["metadata"]["generation"];
    ensure!(
        &object["status"]["observedGeneration"] == generation,
        "{object:#}"
    );
    for condition in object["status"]["conditions"]
        .as_array()
        .context("conditions")?
    {
        ensure!(
            &condition["observedGeneration"] == generation,
            "{condition:#}"
        );
        // Absent, not False, when they do not apply (kstatus).
        ensure!(
            condition["type"] != "Reconciling" && condition["type"] != "Stalled",
            "{condition:#}"
        );
    }
    Ok(())
}

async fn relied_on_events(stage: &Stage, app: &App) -> Result<()> {
    let events = stage.object("Event", "default", "any")?;
    let names = events.siblings("fjord.dev/severity").await?;
    ensure!(!names.is_empty(), "no Events of ours");
    for name in names {
        let event = stage
            .object("Event", "default", &name)?
            .get()
            .await?
            .context("gone")?;
        let object = &event["involvedObject"];
        for field in [
            "kind",
            "namespace",
            "name",
            "uid",
            "apiVersion",
            "resourceVersion",
        ] {
            ensure!(object[field].is_string(), "no {field} in {event:#}");
        }
        ensure!(
            object["name"] == "app" && event["count"].is_i64(),
            "{event:#}"
        );
        ensure!(
            event["firstTimestamp"].is_string() && event["lastTimestamp"].is_string(),
            "{event:#}"
        );
    }
    ensure!(
        app.revision().starts_with("main@sha1:"),
        "a revision as Flux writes it"
    );
    Ok(())
}

/// A line that `flux logs` cannot decode ends the stream of the whole pod.
fn relied_on_log(log: &str) -> Result<()> {
    let mut about_app = 0;
    for line in log.lines().filter(|line| line.starts_with('{')) {
        let line: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        for field in ["level", "ts", "msg"] {
            ensure!(line[field].is_string(), "{field} is not a string in {line}");
        }
        ensure!(
            line["error"].is_null() || line["error"].is_string(),
            "{line}"
        );
        // Lines about the controller itself name no object.
        if line["controllerKind"] == "Kustomization" && !line["name"].is_null() {
            ensure!(
                line["name"] == "app" && line["namespace"] == "default",
                "{line}"
            );
            about_app += 1;
        }
    }
    ensure!(about_app > 0, "no line about the Kustomization:\n{log}");
    Ok(())
}

fn flux() -> Option<PathBuf> {
    let program = PathBuf::from(std::env::var_os("FLUX_BIN_DIR")?).join("flux");
    program.is_file().then_some(program)
}

fn run(stage: &Stage, flux: &PathBuf, arguments: &str) -> Result<Output> {
    let output = Command::new(flux)
        .env(
            "KUBECONFIG",
            stage.suite.plane.kubeconfig(fjord_sandbox::ADMIN),
        )
        .args(["--namespace", "default", "--timeout", "60s"])
        .args(arguments.split_whitespace())
        .output()?;
    println!("$ flux {arguments}\n{}{}", shown(&output), output.status);
    Ok(output)
}

fn text(output: &Output) -> Result<String> {
    ensure!(output.status.success(), "{}", shown(output));
    Ok(shown(output))
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
