//! Dependencies and health: who waits for whom, without a timer.

use std::time::{Duration, Instant};

use fjord_crds::source::v1::GitRepository;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::world::{Story, config_map};

/// An object that nothing makes ready in these stories.
const UNREADY: &str = "apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
\
    metadata: {name: other}
spec: {interval: 1h, url: 'https://example.com/x'}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_dependencies_runs_without_waiting_for_a_timer() {
    let story = Story::begin("chain").await;
    story
        .publish("r1", &[("one.yaml", &config_map("one", &[]))])
        .await;
    let began = Instant::now();
    for (name, after) in [("d", "c"), ("c", "b"), ("b", "a")] {
        let fields = json!({"namePrefix": format!("{name}-"), "dependsOn": [{"name": after}]});
        story.kustomization(name, fields).await;
        let (reason, message) = story.ready(name, "False").await;
        assert_eq!(reason, "DependencyNotReady");
        assert!(
            message.starts_with(&format!("dependency 'chain/{after}' ")),
            "{message}"
        );
    }
    story.kustomization("a", json!({"namePrefix": "a-"})).await;
    for name in ["a", "b", "c", "d"] {
        story.applied(name, "r1").await;
    }
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_waits_and_ends_with_the_change_it_waits_for() {
    let story = Story::begin("health").await;
    story.publish("r1", &[("other.yaml", UNREADY)]).await;
    story
        .kustomization("app", json!({"wait": true, "timeout": "5m"}))
        .await;
    let (reason, _) = story.ready("app", "Unknown").await;
    assert_eq!(reason, "Progressing");
    let ready = json!({"type": "Ready", "status": "True", "reason": "Succeeded", "message": "",
        "lastTransitionTime": "2024-01-01T00:00:00Z"});
    let status = json!({"status": {"observedGeneration": 1, "conditions": [ready]}});
    let params = PatchParams::default();
    let sources = story.api::<GitRepository>();
    sources
        .patch_status("other", &params, &Patch::Merge(status))
        .await
        .unwrap();
    let began = Instant::now();
    story.applied("app", "r1").await;
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_revision_ends_the_wait_for_the_old_one() {
    let story = Story::begin("newer").await;
    story.publish("r1", &[("other.yaml", UNREADY)]).await;
    story
        .kustomization("app", json!({"wait": true, "timeout": "5m"}))
        .await;
    story.ready("app", "Unknown").await;
    story
        .publish("r2", &[("one.yaml", &config_map("one", &[]))])
        .await;
    story.applied("app", "r2").await;
}
