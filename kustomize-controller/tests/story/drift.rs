//! What others change is put back at once, with their name on it.

use std::time::{Duration, Instant};

use fjord_crds::kustomize::v1::Kustomization;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::world::{Story, config_map, eventually};

const SOON: Duration = Duration::from_secs(2);

async fn applied(namespace: &str, fields: serde_json::Value) -> Story {
    let story = Story::begin(namespace).await;
    story
        .publish(
            "r1",
            &[(
                "one.yaml",
                &config_map("one", &[("a", "git"), ("b", "git")]),
            )],
        )
        .await;
    story.kustomization("app", fields).await;
    story.applied("app", "r1").await;
    story
}

async fn put_back(story: &Story, name: &str) -> Duration {
    let began = Instant::now();
    let probe = || async {
        let data = story.data(name).await?;
        (data.get("a").map(String::as_str) == Some("git")).then_some(())
    };
    eventually("the value is put back", probe).await;
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_put_back_at_once_and_an_event_names_its_author() {
    let story = applied("edited", json!({})).await;
    story
        .edit::<ConfigMap>("one", "kubectl-edit", json!({"data": {"a": "edited"}}))
        .await;
    let took = put_back(&story, "one").await;
    assert!(took < SOON, "{took:?}");
    let event = story.event("app", "DriftCorrected").await;
    let annotations = event.metadata.annotations.unwrap();
    assert_eq!(annotations["fjord.dev/object"], "ConfigMap/edited/one");
    assert_eq!(annotations["fjord.dev/manager"], "kubectl-edit");
    assert_eq!(annotations["fjord.dev/operation"], "Update");
    assert!(
        annotations["fjord.dev/fields"].contains(".data.a"),
        "{annotations:?}"
    );
    assert!(annotations.contains_key("fjord.dev/time"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_side_applier_is_overruled() {
    let story = applied("second-applier", json!({})).await;
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"},
        "data": {"a": "theirs"}});
    let params = PatchParams::apply("other-applier").force();
    story
        .api::<ConfigMap>()
        .patch("one", &params, &Patch::Apply(theirs))
        .await
        .unwrap();
    let took = put_back(&story, "one").await;
    assert!(took < SOON, "{took:?}");
    let event = story.event("app", "DriftCorrected").await;
    assert_eq!(
        event.metadata.annotations.unwrap()["fjord.dev/operation"],
        "Apply"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_object_comes_back() {
    let story = applied("deleted", json!({})).await;
    story
        .api::<ConfigMap>()
        .delete("one", &DeleteParams::default())
        .await
        .unwrap();
    let took = put_back(&story, "one").await;
    assert!(took < SOON, "{took:?}");
    let event = story.event("app", "DriftCorrected").await;
    assert!(event.message.unwrap().contains("was deleted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scaled_deployment_is_scaled_back() {
    let story = Story::begin("scaled").await;
    let web = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 0\n  \
        selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    \
        spec: {containers: [{name: c, image: 'nginx:1'}]}\n";
    story.publish("r1", &[("web.yaml", web)]).await;
    story.kustomization("app", json!({"wait": true})).await;
    story.applied("app", "r1").await;
    let params = PatchParams::default();
    let scale = json!({"spec": {"replicas": 3}});
    story
        .api::<Deployment>()
        .patch_scale("web", &params, &Patch::Merge(scale))
        .await
        .unwrap();
    let probe = || async {
        let web = story.api::<Deployment>().get("web").await.ok()?;
        (web.spec.replicas == Some(0)).then_some(())
    };
    eventually("the replicas are put back", probe).await;
    let event = story.event("app", "DriftCorrected").await;
    assert!(event.metadata.annotations.unwrap()["fjord.dev/fields"].contains(".spec.replicas"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_opt_out_leaves_drift_alone() {
    let story = Story::begin("opt-outs").await;
    let marked = |name: &str, annotation: &str| {
        config_map(name, &[("a", "git")]).replace(
            &format!("{{name: {name}}}"),
            &format!("{{name: {name}, annotations: {{{annotation}}}}}"),
        )
    };
    let files = [
        ("a.yaml", marked("object", "fjord.dev/drift: disabled")),
        (
            "b.yaml",
            marked("merge", "kustomize.toolkit.fluxcd.io/ssa: Merge"),
        ),
        ("c.yaml", config_map("ignored", &[("a", "git")])),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    story.publish("r1", &files).await;
    let ignore = json!([{"paths": ["/data/a"], "target": {"name": "ignored"}}]);
    story.kustomization("app", json!({"ignore": ignore})).await;
    story.applied("app", "r1").await;
    let change = json!({"data": {"a": "edited"}});
    story
        .edit::<ConfigMap>("object", "kubectl-edit", change.clone())
        .await;
    story
        .edit::<ConfigMap>("ignored", "other-tool", change.clone())
        .await;
    let extra = json!({"data": {"c": "theirs"}});
    story.edit::<ConfigMap>("merge", "other-tool", extra).await;
    tokio::time::sleep(SOON).await;
    assert_eq!(story.data("object").await.unwrap()["a"], "edited");
    assert_eq!(story.data("ignored").await.unwrap()["a"], "edited");
    assert_eq!(story.data("merge").await.unwrap()["c"], "theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_or_opted_out_owner_corrects_nothing() {
    let story = applied("suspended", json!({})).await;
    story
        .edit::<Kustomization>("app", "user", json!({"spec": {"suspend": true}}))
        .await;
    let change = json!({"data": {"a": "edited"}});
    story
        .edit::<ConfigMap>("one", "kubectl-edit", change.clone())
        .await;
    tokio::time::sleep(SOON).await;
    assert_eq!(story.data("one").await.unwrap()["a"], "edited");

    story
        .edit::<Kustomization>("app", "user", json!({"spec": {"suspend": false}}))
        .await;
    put_back(&story, "one").await;
    let opt_out = json!({"metadata": {"annotations": {"fjord.dev/drift": "disabled"}}});
    story.edit::<Kustomization>("app", "user", opt_out).await;
    story.edit::<ConfigMap>("one", "kubectl-edit", change).await;
    tokio::time::sleep(SOON).await;
    assert_eq!(story.data("one").await.unwrap()["a"], "edited");
}
