//! What goes wrong is named, and mends itself when the cause is gone.

use std::time::Duration;

use kube::api::DeleteParams;
use serde_json::json;

use fjord_artifact::{Algorithm, Digest};

use crate::world::{Story, archive, config_map};

#[tokio::test(flavor = "multi_thread")]
async fn bad_yaml_names_file_and_line_and_leaves_what_runs() {
    let story = Story::begin("bad-yaml").await;
    story
        .publish("r1", &[("sub/one.yaml", &config_map("one", &[("a", "1")]))])
        .await;
    story.kustomization("app", json!({})).await;
    story.applied("app", "r1").await;
    let broken = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one\n";
    story.publish("r2", &[("sub/one.yaml", broken)]).await;
    let (reason, message) = story.ready("app", "False").await;
    assert_eq!(reason, "BuildFailed");
    assert!(
        message.contains("/sub/one.yaml: MalformedYAMLError: yaml: line "),
        "{message}"
    );
    assert!(story.data("one").await.is_some());
    story
        .publish("r3", &[("sub/one.yaml", &config_map("one", &[("a", "3")]))])
        .await;
    story.applied("app", "r3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_digest_and_a_cut_download_are_refused() {
    let story = Story::begin("digests").await;
    let digest = format!("sha256:{}", "0".repeat(64));
    story
        .publish_as("r1", &digest, Some(b"something else".to_vec()))
        .await;
    story.kustomization("app", json!({})).await;
    let (reason, message) = story.ready("app", "False").await;
    assert_eq!(reason, "ArtifactFailed");
    assert!(
        message.contains(&format!("doesn't match provided '{digest}'")),
        "{message}"
    );
    story
        .publish("r2", &[("one.yaml", &config_map("one", &[]))])
        .await;
    story.applied("app", "r2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_trouble_is_asked_again_before_anybody_is_told() {
    let story = Story::begin("server-trouble").await;
    let content = archive(&[("one.yaml", &config_map("one", &[]))]);
    let digest = Digest::of(Algorithm::Sha256, &content).to_string();
    story.publish_as("r1", &digest, Some(Vec::new())).await;
    story.kustomization("app", json!({})).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    story.publish_as("r1", &digest, Some(content)).await;
    let ks = story.applied("app", "r1").await;
    assert_eq!(ks.status.unwrap().history.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_goes_is_named_and_what_was_applied_stays() {
    let story = Story::begin("source-gone").await;
    story
        .publish("r1", &[("one.yaml", &config_map("one", &[]))])
        .await;
    story.kustomization("app", json!({})).await;
    story.applied("app", "r1").await;
    let sources = story.api::<fjord_crds::source::v1::GitRepository>();
    sources
        .delete("app", &DeleteParams::default())
        .await
        .unwrap();
    let (reason, message) = story.ready("app", "False").await;
    assert_eq!(reason, "ArtifactFailed");
    assert_eq!(
        message,
        "GitRepository.source.toolkit.fluxcd.io \"app\" not found"
    );
    assert!(story.data("one").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_refused_does_not_lose_track_of_the_others() {
    let story = Story::begin("partly").await;
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: partly-x}\n";
    let bad = "apiVersion: v1\nkind: Service\nmetadata: {name: bad, namespace: partly-x}\n\
        spec: {ports: [{port: 99999}]}\n";
    story
        .publish("r1", &[("ns.yaml", namespace), ("bad.yaml", bad)])
        .await;
    story
        .kustomization("app", json!({"targetNamespace": null}))
        .await;
    let (reason, _) = story.ready("app", "False").await;
    assert_eq!(reason, "ReconciliationFailed");
    let api = story.api::<fjord_crds::kustomize::v1::Kustomization>();
    let status = api.get("app").await.unwrap().status.unwrap();
    let entries = status.inventory.unwrap().entries;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].id, "_partly-x__Namespace");
    // It left the source before anything succeeded, and is pruned all the same.
    story
        .publish("r2", &[("one.yaml", &config_map("one", &[]))])
        .await;
    story.kustomization("app", json!({})).await;
    let ks = story.applied("app", "r2").await;
    let entries = ks.status.unwrap().inventory.unwrap().entries;
    assert_eq!(entries.len(), 1);
    let namespaces: kube::Api<k8s_openapi::api::core::v1::Namespace> =
        kube::Api::all(story.client.clone());
    let left = namespaces.get_opt("partly-x").await.unwrap();
    assert!(left.is_none_or(|namespace| namespace.metadata.deletion_timestamp.is_some()));
}
