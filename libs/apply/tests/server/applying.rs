//! Applying: requests, ownership, stages, force, ignore rules, controls.

use fjord_apply::ignore::{IgnoreRules, Rule};
use fjord_apply::{Action, ChangeSet, Inventory, Policies};
use serde_json::{Value, json};

use crate::world::{World, config_map, deployment, owned_by};

fn told(changes: &ChangeSet) -> Vec<String> {
    changes.entries.iter().map(ToString::to_string).collect()
}

fn nothing() -> Policies {
    Policies::default()
}

#[tokio::test]
async fn three_new_objects_cost_one_request_each_and_are_owned_as_flux_owns_them() {
    let world = World::seen_as("counted-apply", "apply-new").await;
    let applier = world.applier("app").with_previous(&Inventory::default());
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "svc"},
        "spec": {"ports": [{"port": 80, "targetport": 8080}], "selectr": {"a": "b"}},
    });
    let map = config_map("one", json!({"a": "b"}));
    let objects = world.manifests(&applier, &[deployment("web"), service.clone(), map]);
    let changes = applier.apply(objects, &nothing()).await.unwrap();
    assert_eq!(
        told(&changes),
        [
            "ConfigMap/apply-new/one created",
            "Service/apply-new/svc created",
            "Deployment/apply-new/web created",
        ]
    );
    let mut requests = World::requests("counted-apply");
    requests.sort();
    assert_eq!(
        requests,
        ["patch configmaps", "patch deployments", "patch services"]
    );

    let live = world.live(&service).await.unwrap();
    let port = r#"k:{"port":80,"protocol":"TCP"}"#;
    let fields = json!({".": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}});
    let owned = owned_by(&live, "kustomize-controller", "Apply");
    assert_eq!(owned[0]["f:spec"], json!({"f:ports": {port: fields}}));
    let web = world.live(&deployment("web")).await.unwrap();
    let owned = owned_by(&web, "kustomize-controller", "Apply");
    assert_eq!(owned[0]["f:spec"]["f:strategy"], json!({}));
    let containers = &owned[0]["f:spec"]["f:template"]["f:spec"]["f:containers"];
    assert_eq!(containers[r#"k:{"name":"c"}"#]["f:resources"], json!({}));
}

#[tokio::test]
async fn what_is_as_desired_is_adopted_without_a_write() {
    let world = World::new("apply-adopt").await;
    let applier = world.applier("app");
    let objects = world.manifests(
        &applier,
        &[config_map("one", json!({"a": "b"})), deployment("web")],
    );
    let first = applier.apply(objects.clone(), &nothing()).await.unwrap();
    assert!(first.has_changes());
    let before = world.live(&deployment("web")).await.unwrap();
    let second = world
        .applier("app")
        .apply(objects, &nothing())
        .await
        .unwrap();
    assert!(
        second
            .entries
            .iter()
            .all(|change| change.action == Action::Unchanged)
    );
    let after = world.live(&deployment("web")).await.unwrap();
    assert_eq!(before.resource_version(), after.resource_version());
}

#[tokio::test]
async fn a_refused_change_keeps_every_existing_object_of_its_stage_as_it_was() {
    let world = World::new("apply-refused").await;
    let applier = world.applier("app");
    let maps = |value: &str| {
        let mut one = config_map("one", json!({"a": value}));
        one["immutable"] = true.into();
        world.manifests(&applier, &[one, config_map("two", json!({"a": value}))])
    };
    applier.apply(maps("1"), &nothing()).await.unwrap();
    let error = applier.apply(maps("2"), &nothing()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ConfigMap/apply-refused/one dry-run failed (Invalid): ConfigMap \"one\" is invalid: data: \
         Forbidden: field is immutable when `immutable` is set"
    );
    assert!(error.completed.entries.is_empty());
    let two = world.live(&config_map("two", json!({}))).await.unwrap();
    assert_eq!(two.get(&["data", "a"]), Some(&json!("1")));

    let forced = Policies {
        force: true,
        ..nothing()
    };
    let changes = applier.apply(maps("2"), &forced).await.unwrap();
    assert_eq!(
        told(&changes),
        [
            "ConfigMap/apply-refused/one created",
            "ConfigMap/apply-refused/two configured"
        ]
    );
}

#[tokio::test]
async fn force_never_deletes_what_would_not_be_accepted_back() {
    let world = World::new("apply-force").await;
    let applier = world.applier("app");
    let service = |port: u32| {
        let spec = json!({"ports": [{"port": port}]});
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "svc"}, "spec": spec})
    };
    let forced = Policies {
        force: true,
        ..nothing()
    };
    applier
        .apply(world.manifests(&applier, &[service(80)]), &forced)
        .await
        .unwrap();
    let before = world.live(&service(80)).await.unwrap();
    let invalid = world.manifests(&applier, &[service(99999)]);
    let error = applier
        .apply(invalid, &forced)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("Service/apply-force/svc dry-run failed (Invalid): "),
        "{error}"
    );
    let after = world.live(&service(80)).await.unwrap();
    assert_eq!(before.uid(), after.uid());

    // An immutable change that is valid by itself does replace it: a fixed address.
    let mut moved = service(80);
    moved["spec"]["clusterIP"] = "None".into();
    let changes = applier
        .apply(world.manifests(&applier, &[moved]), &forced)
        .await
        .unwrap();
    assert_eq!(told(&changes), ["Service/apply-force/svc created"]);
    assert_ne!(world.live(&service(80)).await.unwrap().uid(), before.uid());
}

#[tokio::test]
async fn a_new_object_that_exists_already_is_looked_at_instead_of_overwritten() {
    let world = World::new("apply-exists").await;
    let mut foreign = config_map("one", json!({"a": "theirs"}));
    let ignore = "kustomize.toolkit.fluxcd.io/ssa";
    foreign["metadata"]["annotations"] = json!({ignore: "Ignore"});
    world.edit("them", foreign.clone()).await;
    world
        .edit("them", config_map("two", json!({"a": "theirs"})))
        .await;
    let applier = world.applier("app").with_previous(&Inventory::default());
    let ours = [
        config_map("one", json!({"a": "ours"})),
        config_map("two", json!({"a": "ours"})),
    ];
    let changes = applier
        .apply(world.manifests(&applier, &ours), &nothing())
        .await
        .unwrap();
    assert_eq!(
        told(&changes),
        [
            "ConfigMap/apply-exists/one skipped",
            "ConfigMap/apply-exists/two configured"
        ]
    );
    let one = world.live(&foreign).await.unwrap();
    assert_eq!(one.get(&["data", "a"]), Some(&json!("theirs")));
}

#[tokio::test]
async fn fields_that_kubectl_set_leave_with_the_manifest() {
    let world = World::new("apply-takeover").await;
    let applier = world.applier("app");
    let map = config_map("one", json!({"a": "b"}));
    let objects = world.manifests(&applier, std::slice::from_ref(&map));
    applier.apply(objects.clone(), &nothing()).await.unwrap();
    let note = json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"});
    let patch = json!({"data": {"x": "y"}, "metadata": {"annotations": note}});
    world.merge("kubectl-edit", &map, patch).await;
    world
        .merge("stranger", &map, json!({"data": {"z": "z"}}))
        .await;
    let changes = applier.apply(objects, &nothing()).await.unwrap();
    assert_eq!(told(&changes), ["ConfigMap/apply-takeover/one configured"]);
    let live = world.live(&map).await.unwrap();
    assert_eq!(live.get(&["data"]), Some(&json!({"a": "b", "z": "z"})));
    assert_eq!(live.annotations().count(), 0);
    assert!(owned_by(&live, "kubectl-edit", "Update").is_empty());
}

#[tokio::test]
async fn definitions_come_first_and_their_resources_follow_in_the_same_apply() {
    let world = World::new("apply-stages").await;
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.stages.io"},
        "spec": {
            "group": "stages.io", "scope": "Namespaced",
            "names": {"kind": "Gadget", "plural": "gadgets"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": schema}}],
        },
    });
    let gadget = json!({"apiVersion": "stages.io/v1", "kind": "Gadget",
        "metadata": {"name": "g", "namespace": "apply-stages-new"}});
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apply-stages-new"}});
    let applier = world.applier("app").with_previous(&Inventory::default());
    let objects = world.manifests(&applier, &[gadget, namespace, crd]);
    let intended = applier.intend(&objects).await.unwrap();
    let changes = applier.apply(objects, &nothing()).await.unwrap();
    assert_eq!(
        told(&changes),
        [
            "CustomResourceDefinition/gadgets.stages.io created",
            "Namespace/apply-stages-new created",
            "Gadget/apply-stages-new/g created",
        ]
    );
    assert_eq!(
        intended,
        Inventory::from_changes(&changes),
        "known before anything was written"
    );
}

#[tokio::test]
async fn refusals_name_what_is_missing() {
    let world = World::new("apply-missing").await;
    let applier = world.applier("app");
    let mut lost = config_map("one", json!({}));
    lost["metadata"]["namespace"] = "nowhere".into();
    let nope = json!({"apiVersion": "nope.io/v1", "kind": "Nope", "metadata": {"name": "n"}});
    let mut typed = deployment("web");
    typed["spec"]["replicas"] = "two".into();
    for (object, text) in [
        (
            lost,
            "ConfigMap/nowhere/one not found: namespaces \"nowhere\" not found",
        ),
        (
            nope,
            "Nope/apply-missing/n dry-run failed: no matches for kind \"Nope\" in version \
             \"nope.io/v1\"",
        ),
        (
            typed,
            "Deployment/apply-missing/web dry-run failed: failed to create typed patch object \
             (apply-missing/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int \
             or float), got string",
        ),
    ] {
        let objects = world.manifests(&applier, &[object]);
        let error = applier.apply(objects, &nothing()).await.unwrap_err();
        assert_eq!(error.to_string(), text);
    }
}

#[tokio::test]
async fn ignored_fields_are_left_to_others() {
    let world = World::new("apply-ignore").await;
    let applier = world.applier("app");
    let rules = [Rule {
        paths: vec!["/data/free".into()],
        target: None,
    }];
    let policies = Policies {
        ignore: IgnoreRules::compile(&rules).unwrap(),
        ..nothing()
    };
    let map = |ours: &str| config_map("one", json!({"free": "git", "kept": ours}));
    applier
        .apply(world.manifests(&applier, &[map("1")]), &policies)
        .await
        .unwrap();
    world
        .merge("tuner", &map("1"), json!({"data": {"free": "tuned"}}))
        .await;
    let changes = applier
        .apply(world.manifests(&applier, &[map("1")]), &policies)
        .await
        .unwrap();
    assert_eq!(told(&changes), ["ConfigMap/apply-ignore/one unchanged"]);
    let changes = applier
        .apply(world.manifests(&applier, &[map("2")]), &policies)
        .await
        .unwrap();
    assert_eq!(told(&changes), ["ConfigMap/apply-ignore/one configured"]);
    let live = world.live(&map("2")).await.unwrap();
    assert_eq!(
        live.get(&["data"]),
        Some(&json!({"free": "tuned", "kept": "2"}))
    );

    world
        .edit("applier", config_map("one", json!({"free": "theirs"})))
        .await;
    applier
        .apply(world.manifests(&applier, &[map("3")]), &policies)
        .await
        .unwrap();
    let live = world.live(&map("3")).await.unwrap();
    assert_eq!(
        live.get(&["data"]),
        Some(&json!({"free": "theirs", "kept": "3"}))
    );
    let owned: Value = owned_by(&live, "kustomize-controller", "Apply")[0]["f:data"].clone();
    assert_eq!(
        owned,
        json!({"f:kept": {}}),
        "the field is theirs alone now"
    );
}

#[tokio::test]
async fn a_namespace_given_to_a_cluster_scoped_object_does_not_reach_the_inventory() {
    let world = World::new("apply-scope").await;
    let applier = world.applier("app");
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "fjord:scope", "namespace": "apply-scope"}, "rules": [],
    });
    let objects = world.manifests(&applier, &[role]);
    let intended = applier.intend(&objects).await.unwrap();
    let changes = applier.apply(objects, &nothing()).await.unwrap();
    let inventory = Inventory::from_changes(&changes);
    assert_eq!(inventory, intended);
    let id = inventory.entries[0].id.to_inventory();
    assert_eq!(id, "_fjord__scope_rbac.authorization.k8s.io_ClusterRole");
}
