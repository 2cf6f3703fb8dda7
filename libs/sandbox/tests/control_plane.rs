//! The control plane does what tests will rely on.

use fjord_sandbox::{ADMIN, ControlPlane, Options, Programs, User};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

async fn start(options: Options) -> anyhow::Result<ControlPlane> {
    let programs =
        tokio::task::spawn_blocking(|| Programs::ready(|line| eprintln!("{line}"))).await??;
    Ok(ControlPlane::start(&programs, options).await?)
}

fn config_map(name: &str) -> anyhow::Result<ConfigMap> {
    Ok(serde_json::from_value(
        json!({"metadata": {"name": name}, "data": {"a": "1"}}),
    )?)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_control_planes_run_side_by_side_and_leave_nothing_behind() -> anyhow::Result<()> {
    let none = Options {
        controllers: false,
        ..Options::default()
    };
    let (one, two) = tokio::try_join!(start(none.clone()), start(none))?;
    let in_one = Api::<ConfigMap>::default_namespaced(one.client(ADMIN).await?);
    let in_two = Api::<ConfigMap>::default_namespaced(two.client(ADMIN).await?);
    in_one
        .create(&PostParams::default(), &config_map("only-one")?)
        .await?;
    assert!(in_one.get_opt("only-one").await?.is_some());
    assert!(in_two.get_opt("only-one").await?.is_none());
    let folder = one.folder().to_owned();
    drop(one);
    assert!(!folder.exists());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_told_apart_by_user_and_a_killed_api_server_comes_back() -> anyhow::Result<()>
{
    let users = vec![User::master("alice"), User::plain("bob")];
    let options = Options {
        users,
        audit: true,
        controllers: false,
        ..Options::default()
    };
    let mut plane = start(options).await?;
    let alice = Api::<ConfigMap>::default_namespaced(plane.client("alice").await?);
    let bob = Api::<ConfigMap>::default_namespaced(plane.client("bob").await?);
    alice
        .create(&PostParams::default(), &config_map("kept")?)
        .await?;
    let refused = bob.get("kept").await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(status) if status.code == 403));

    let requests = plane.requests("alice")?;
    let seen: Vec<_> = requests
        .iter()
        .map(|request| (request.verb.as_str(), request.code))
        .collect();
    assert_eq!(seen, [("create", 201)]);
    assert_eq!(plane.requests("bob")?.len(), 1);

    plane.kill_api_server();
    assert!(alice.get("kept").await.is_err(), "a killed server answered");
    plane.start_api_server().await?;
    assert!(alice.get("kept").await.is_ok(), "the store lost an object");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_become_ready_and_kubectl_names_the_real_version() -> anyhow::Result<()> {
    let plane = start(Options {
        pods: true,
        ..Options::default()
    })
    .await?;
    let deployments = Api::<Deployment>::default_namespaced(plane.client(ADMIN).await?);
    let labels = json!({"app": "web"});
    let deployment = serde_json::from_value(json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
        },
    }))?;
    deployments
        .create(&PostParams::default(), &deployment)
        .await?;
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let status = deployments.get("web").await?.status.unwrap_or_default();
        if status.ready_replicas == Some(2) {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "pods never became ready: {status:?}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let output = plane
        .kubectl_as(ADMIN)
        .args(["version", "-o", "json"])
        .output()?;
    let versions: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(versions["clientVersion"]["gitVersion"], "v1.36.3");
    assert_eq!(versions["serverVersion"]["gitVersion"], "v1.36.3");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_test_run_leaves_no_process_and_no_folder() -> anyhow::Result<()> {
    // This test starts itself as another process, which starts a control plane
    // and is then killed.
    if let Ok(note) = std::env::var("FJORD_SANDBOX_VICTIM") {
        let plane = start(Options {
            controllers: false,
            ..Options::default()
        })
        .await?;
        std::fs::write(&note, plane.folder().to_string_lossy().as_bytes())?;
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
    let scratch = tempfile::tempdir()?;
    let note = scratch.path().join("note");
    let mut victim = std::process::Command::new(std::env::current_exe()?)
        .args([
            "--exact",
            "a_killed_test_run_leaves_no_process_and_no_folder",
        ])
        .env("FJORD_SANDBOX_VICTIM", &note)
        .stdout(std::process::Stdio::null())
        .spawn()?;
    let deadline = Instant::now() + Duration::from_secs(120);
    let folder = loop {
        match std::fs::read_to_string(&note) {
            Ok(folder) if !folder.is_empty() => break folder,
            _ => assert!(
                Instant::now() < deadline,
                "the other process never got ready"
            ),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    victim.kill()?;
    victim.wait()?;
    let deadline = Instant::now() + Duration::from_secs(10);
    while Path::new(&folder).exists() || runs_with(&folder)? {
        assert!(Instant::now() < deadline, "something of {folder} is left");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Tells whether a process has `text` in its command line.
fn runs_with(text: &str) -> anyhow::Result<bool> {
    for entry in std::fs::read_dir("/proc")? {
        let command = std::fs::read(entry?.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command).contains(text) {
            return Ok(true);
        }
    }
    Ok(false)
}
