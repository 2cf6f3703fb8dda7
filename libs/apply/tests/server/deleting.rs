//! Deleting: what is ours goes, everything else stays.

use std::time::Duration;

use fjord_apply::{Entry, Inventory, Policies};
use serde_json::json;

use crate::world::{World, config_map};

#[tokio::test]
async fn only_unprotected_objects_of_the_owner_are_deleted() {
    let world = World::new("delete-safety").await;
    let applier = world.applier("app");
    let mut maps: Vec<_> = ["plain", "kept", "off", "stolen"]
        .map(|name| config_map(name, json!({})))
        .into();
    let control = |key: &str| json!({format!("kustomize.toolkit.fluxcd.io/{key}"): "disabled"});
    maps[1]["metadata"]["annotations"] = control("prune");
    let objects = world.manifests(&applier, &maps);
    let changes = applier.apply(objects, &Policies::default()).await.unwrap();
    world
        .merge(
            "admin",
            &maps[2],
            json!({"metadata": {"labels": control("reconcile")}}),
        )
        .await;
    let theirs = world.manifests(&world.applier("other"), &maps[3..]);
    world
        .applier("other")
        .apply(theirs, &Policies::default())
        .await
        .unwrap();

    let mut entries = Inventory::from_changes(&changes).entries;
    entries.push(Entry::parse("delete-safety_gone__ConfigMap", "v1").unwrap());
    entries.push(Entry::parse("delete-safety_x_never.io_Was", "v1").unwrap());
    let deleted = applier.delete(&entries).await.unwrap();
    let mut lines: Vec<String> = deleted.entries.iter().map(ToString::to_string).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "ConfigMap/delete-safety/gone deleted",
            "ConfigMap/delete-safety/kept skipped",
            "ConfigMap/delete-safety/off skipped",
            "ConfigMap/delete-safety/plain deleted",
            "ConfigMap/delete-safety/stolen skipped",
            "Was/delete-safety/x deleted",
        ]
    );
    assert!(world.live(&maps[0]).await.is_none());
    assert!(world.live(&maps[3]).await.is_some());
}

#[tokio::test]
async fn an_object_held_by_a_finalizer_is_waited_for_until_the_time_is_out() {
    let world = World::new("delete-wait").await;
    let applier = world.applier("app");
    let mut map = config_map("held", json!({}));
    map["metadata"]["finalizers"] = json!(["fjord.dev/hold"]);
    let objects = world.manifests(&applier, std::slice::from_ref(&map));
    let changes = applier.apply(objects, &Policies::default()).await.unwrap();
    let deleted = applier
        .delete(&Inventory::from_changes(&changes).entries)
        .await
        .unwrap();
    let wait = applier
        .wait_for_termination(&deleted, Duration::from_millis(300))
        .await;
    let text = "ConfigMap/delete-wait/held termination timeout: context deadline exceeded";
    assert_eq!(wait.unwrap_err().to_string(), text);
    world
        .merge("admin", &map, json!({"metadata": {"finalizers": null}}))
        .await;
    applier
        .wait_for_termination(&deleted, Duration::from_secs(10))
        .await
        .unwrap();
}
