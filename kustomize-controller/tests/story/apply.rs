//! From a revision to objects, and away with what left.

use fjord_crds::kustomize::v1::Kustomization;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::world::{Story, config_map, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_is_applied_changed_and_pruned() {
    let story = Story::begin("applies").await;
    let one = config_map("one", &[("a", "1")]);
    story
        .publish(
            "r1",
            &[("one.yaml", &one), ("two.yaml", &config_map("two", &[]))],
        )
        .await;
    story.kustomization("app", json!({})).await;
    let ks = story.applied("app", "r1").await;
    let inventory = ks.status.unwrap().inventory.unwrap().entries;
    let ids: Vec<&str> = inventory.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["applies_one__ConfigMap", "applies_two__ConfigMap"]);

    story
        .publish("r2", &[("one.yaml", &config_map("one", &[("b", "2")]))])
        .await;
    let ks = story.applied("app", "r2").await;
    assert_eq!(
        story.data("one").await,
        Some([("b".to_owned(), "2".to_owned())].into())
    );
    assert_eq!(story.data("two").await, None);
    let status = ks.status.unwrap();
    assert_eq!(status.inventory.unwrap().entries.len(), 1);
    let revisions = status
        .history
        .iter()
        .map(|s| s.metadata["revision"].as_str());
    assert_eq!(revisions.collect::<Vec<_>>(), ["r2", "r1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_without_any_change_is_one_patch_and_one_event() {
    let story = Story::begin("unchanged").await;
    story
        .publish("r1", &[("one.yaml", &config_map("one", &[("a", "1")]))])
        .await;
    story.kustomization("app", json!({"wait": true})).await;
    story.applied("app", "r1").await;
    let requests = story.requests();
    request(&story, "app", "again").await;
    let mut asked = requests.since().await;
    asked.sort();
    asked.retain(|line| !line.starts_with("patch kustomizations app"));
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[0].starts_with("create events"), "{asked:?}");
    assert_eq!(asked[1], "patch kustomizations/status app");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_changes_no_file_of_the_build_is_recorded_without_an_apply() {
    let story = Story::begin("untouched").await;
    let mine = ("mine/one.yaml", config_map("one", &[("a", "1")]));
    let files = |other: &'static str| [(mine.0, mine.1.clone()), ("other/x.yaml", other.into())];
    let refs = |files: &[(&'static str, String); 2]| {
        files
            .clone()
            .map(|(path, text)| (path, Box::leak(text.into_boxed_str()) as &str))
    };
    story.publish("r1", &refs(&files("x: 1"))).await;
    story.kustomization("app", json!({"path": "mine"})).await;
    story.applied("app", "r1").await;
    let requests = story.requests();
    story.publish("r2", &refs(&files("x: 2"))).await;
    let ks = story.applied("app", "r2").await;
    assert_eq!(ks.status.unwrap().history[0].total_reconciliations, 2);
    let mut asked = requests.since().await;
    asked.retain(|line| !line.contains("gitrepositories"));
    assert_eq!(asked.len(), 2, "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_deletion_policy_does_what_it_says() {
    let story = Story::begin("policies").await;
    story
        .publish("r1", &[("one.yaml", &config_map("one", &[]))])
        .await;
    let cases = [
        ("mirror-on", json!({"deletionPolicy": "MirrorPrune"}), false),
        ("mirror-off", json!({"prune": false}), true),
        (
            "delete",
            json!({"prune": false, "deletionPolicy": "Delete"}),
            false,
        ),
        ("orphan", json!({"deletionPolicy": "Orphan"}), true),
        (
            "wait",
            json!({"deletionPolicy": "WaitForTermination"}),
            false,
        ),
    ];
    for (name, fields, _) in &cases {
        let mut fields = fields.clone();
        fields["namePrefix"] = format!("{name}-").into();
        story.kustomization(name, fields).await;
    }
    for (name, _, stays) in cases {
        story.applied(name, "r1").await;
        story.delete(name).await;
        assert_eq!(
            story.data(&format!("{name}-one")).await.is_some(),
            stays,
            "{name}"
        );
    }
}

/// Requests a reconcile and waits until it is handled.
async fn request(story: &Story, name: &str, token: &str) {
    let kustomizations: Api<Kustomization> = story.api();
    let change = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": token}}});
    let params = PatchParams::default();
    kustomizations
        .patch(name, &params, &Patch::Merge(change))
        .await
        .unwrap();
    let handled = || async {
        let ks = kustomizations.get(name).await.ok()?;
        (ks.status?.last_handled_reconcile_at.as_deref() == Some(token)).then_some(())
    };
    eventually("the request is handled", handled).await;
}
