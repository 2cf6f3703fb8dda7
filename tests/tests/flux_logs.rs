//! The stock `flux logs` shows what our controllers log.
//!
//! It reads the logs of pods, which the sandbox serves as a kubelet does, from files that hold what the controllers of
//! this run wrote. Needs `FLUX_BIN_DIR`; skips loudly without it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use fjord_sandbox::{ADMIN, Family, Options, PodLog};
use fjord_tests::stage::{Setup, Stage};
use serde_json::{Value, json};

const NAMESPACE: &str = "flux-system";
const CONTROLLERS: [&str; 2] = ["source-controller", "kustomize-controller"];
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_flux_logs_shows_what_our_controllers_log() -> Result<()> {
    let Some(flux) = flux() else {
        eprintln!("SKIPPED: FLUX_BIN_DIR names no folder with the flux command");
        return Ok(());
    };
    let folder = Family::new("pod-logs")?;
    let logs = CONTROLLERS.map(|controller| PodLog {
        namespace: NAMESPACE.to_owned(),
        pod: pod(controller),
        file: folder.folder().join(controller),
    });
    let stage = Stage::start(Setup {
        plane: Options {
            pods: true,
            logs: logs.to_vec(),
            ..Options::default()
        },
        ..Setup::default()
    })
    .await?;
    let good =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: blue}\n";
    let mut app = stage.deploy(&[("settings.yaml", good)], json!({})).await?;
    app.applied().await?;
    // Something to find with `--level=error`: a manifest that is no YAML.
    app.commit = app
        .repository
        .commit("broken", &[("bad.yaml", Some("a: ["))])?;
    app.source.reconcile(PATIENCE).await?;
    app.kustomization
        .wait("a failed build", PATIENCE, |object| {
            object.pointer("/status/conditions/0/reason") == Some(&json!("BuildFailed"))
                || object.to_string().contains("BuildFailed")
        })
        .await?;
    for controller in CONTROLLERS {
        run_as_pod(&stage, controller).await?;
        let log = stage.suite.log(controller)?;
        std::fs::write(folder.folder().join(controller), as_runtime(&log))?;
    }
    let logs = |arguments: &str| run(&stage, &flux, arguments);

    let all = text(&logs("logs --all-namespaces")?)?;
    ensure!(all.contains("Kustomization/app.default"), "{all}");
    ensure!(all.contains("GitRepository/app.default"), "{all}");
    let one = text(&logs(
        "logs --kind=Kustomization --name=app --namespace=default",
    )?)?;
    ensure!(
        !one.is_empty()
            && one
                .lines()
                .all(|line| line.contains("Kustomization/app.default")),
        "{one}"
    );
    let errors = text(&logs("logs --all-namespaces --level=error")?)?;
    ensure!(
        errors.contains("bad.yaml") && errors.lines().all(|line| line.contains(" error ")),
        "{errors}"
    );
    let recent = text(&logs("logs --all-namespaces --since=10m --tail=1")?)?;
    ensure!(
        !recent.is_empty() && recent.lines().count() <= CONTROLLERS.len(),
        "{recent}"
    );
    let none = text(&logs(
        "logs --all-namespaces --since-time=2100-01-01T00:00:00Z",
    )?)?;
    ensure!(none.is_empty(), "{none}");
    Ok(())
}

fn pod(controller: &str) -> String {
    format!("{controller}-0")
}

/// Makes the Deployment that `flux logs` looks for, and a running pod of it.
async fn run_as_pod(stage: &Stage, controller: &str) -> Result<()> {
    let labels = json!({"app": controller});
    let containers = json!([{"name": "manager", "image": "registry.example/controller:1"}]);
    let deployment = json!({
        "metadata": {"labels": {"app.kubernetes.io/instance": NAMESPACE, "app.kubernetes.io/part-of": "flux"}},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
    });
    stage
        .apply("Deployment", NAMESPACE, controller, deployment)
        .await?;
    let running = json!({"metadata": {"labels": labels}, "spec": {"containers": containers}});
    let pod = stage
        .apply("Pod", NAMESPACE, &pod(controller), running)
        .await?;
    pod.wait("running", PATIENCE, |pod| {
        pod["status"]["phase"] == "Running"
    })
    .await?;
    Ok(())
}

/// Rewrites log lines as a container runtime stores them, each at its own time.
fn as_runtime(log: &str) -> String {
    let lines = log.lines().filter_map(|line| {
        let parsed: Value = serde_json::from_str(line).ok()?;
        Some(format!("{} stderr F {line}\n", parsed["ts"].as_str()?))
    });
    lines.collect()
}

fn flux() -> Option<PathBuf> {
    let program = PathBuf::from(std::env::var_os("FLUX_BIN_DIR")?).join("flux");
    program.is_file().then_some(program)
}

/// Runs flux, again while the API server cannot reach the kubelet yet.
fn run(stage: &Stage, flux: &Path, arguments: &str) -> Result<Output> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let output = Command::new(flux)
            .env("KUBECONFIG", stage.suite.plane.kubeconfig(ADMIN))
            .args(["--timeout", "60s"])
            .args(arguments.split_whitespace())
            .output()?;
        if output.status.success() {
            println!("$ flux {arguments}\n{}{}", shown(&output), output.status);
            return Ok(output);
        }
        if Instant::now() > deadline {
            bail!("flux {arguments}: {}", shown(&output));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn text(output: &Output) -> Result<String> {
    ensure!(output.status.success(), "{}", shown(output));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
