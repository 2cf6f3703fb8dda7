//! Dependencies and health: who waits for whom, without a timer.

use std::time::{Duration, Instant};

use k8s_openapi::api::batch::v1::Job;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::world::{Story, config_map};

const JOB: &str = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: job}\nspec:\n  suspend: false\n  \
    template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'busybox:1'}]}}\n";

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
    story.publish("r1", &[("job.yaml", JOB)]).await;
    story
        .kustomization("app", json!({"wait": true, "timeout": "5m"}))
        .await;
    let (reason, _) = story.ready("app", "Unknown").await;
    assert_eq!(reason, "Progressing");
    let now = "2024-01-01T00:00:00Z";
    let condition = |kind: &str| {
        json!({"type": kind, "status": "True", "reason": "x", "message": "",
        "lastProbeTime": now, "lastTransitionTime": now})
    };
    let status = json!({"status": {"startTime": now, "completionTime": now, "succeeded": 1,
        "conditions": [condition("SuccessCriteriaMet"), condition("Complete")]}});
    let params = PatchParams::default();
    story
        .api::<Job>()
        .patch_status("job", &params, &Patch::Merge(status))
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
    story.publish("r1", &[("job.yaml", JOB)]).await;
    story
        .kustomization("app", json!({"wait": true, "timeout": "5m"}))
        .await;
    story.ready("app", "Unknown").await;
    story
        .publish("r2", &[("one.yaml", &config_map("one", &[]))])
        .await;
    story.applied("app", "r2").await;
}
