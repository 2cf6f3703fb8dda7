//! The live index on a real API server: drift is seen, told and undone; opt-outs are kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fjord_apply::live::{Config, Correction, Desired, Drift, Handled, OwnerKey, Owners};
use fjord_apply::status::Status;
use fjord_apply::{Action, Applier, Inventory, LiveIndex, Object, ObjectId, Policies};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::world::{GROUP, US, World, config_map, deployment, eventually};

/// Owners whose manifests are at hand, and what they were told.
#[derive(Default)]
struct Book {
    manifests: Mutex<HashMap<ObjectId, (Applier, Object)>>,
    suspended: Mutex<bool>,
    told: Mutex<Vec<(Drift, Handled)>>,
    woken: Mutex<usize>,
}

impl Owners for Book {
    fn desired<'a>(&'a self, _: &'a OwnerKey, id: &'a ObjectId) -> BoxFuture<'a, Desired> {
        let desired = match self.manifests.lock().unwrap().get(id) {
            _ if *self.suspended.lock().unwrap() => Desired::Leave,
            None => Desired::Rebuild,
            Some((applier, object)) => Desired::Apply(Box::new(Correction {
                object: object.clone(),
                policies: Policies::default(),
                applier: applier.clone(),
            })),
        };
        async move { desired }.boxed()
    }

    fn drifted(&self, _: &OwnerKey, drift: &Drift, handled: &Handled) {
        self.told
            .lock()
            .unwrap()
            .push((drift.clone(), handled.clone()));
    }

    fn wake(&self, _: &OwnerKey) {
        *self.woken.lock().unwrap() += 1;
    }
}

struct Watched {
    world: World,
    book: Arc<Book>,
    index: LiveIndex,
}

impl Watched {
    async fn new(namespace: &str) -> Self {
        Self::in_world(World::new(namespace).await, true)
    }

    fn in_world(world: World, correct_drift: bool) -> Self {
        let book = Arc::new(Book::default());
        let config = Config {
            group: GROUP.to_owned(),
            field_manager: US.to_owned(),
            override_managers: Vec::new(),
            correct_drift,
        };
        let index = LiveIndex::new(world.cluster.clone(), config, book.clone());
        Self { world, book, index }
    }

    fn applier(&self, owner: &str) -> Applier {
        self.world.applier(owner).with_index(self.index.clone())
    }

    /// Applies as an owner does, and waits until the index covers it.
    async fn apply(&self, owner: &str, objects: &[Value]) -> Inventory {
        let applier = self.applier(owner);
        let objects = self.world.manifests(&applier, objects);
        {
            let mut manifests = self.book.manifests.lock().unwrap();
            manifests.extend(
                objects
                    .iter()
                    .map(|o| (o.id(), (applier.clone(), o.clone()))),
            );
        }
        let changes = applier
            .apply(objects.clone(), &Policies::default())
            .await
            .unwrap();
        let inventory = Inventory::from_changes(&changes);
        self.index.own(&applier.owner().key(), &inventory);
        let covered = async || {
            // Without a watch that is in step, unchanged objects are asked about.
            let known = inventory
                .entries
                .iter()
                .all(|e| self.index.is_as_left(&e.id));
            known.then_some(())
        };
        eventually("the index covers what was applied", covered).await;
        inventory
    }

    async fn told(&self, what: &str) -> ((Drift, Handled), Duration) {
        eventually(what, async || {
            let mut told = self.book.told.lock().unwrap();
            (!told.is_empty()).then(|| told.remove(0))
        })
        .await
    }

    async fn quiet(&self) {
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(*self.book.told.lock().unwrap(), []);
    }
}

#[tokio::test]
async fn an_edit_is_undone_within_a_second_and_laid_to_who_made_it() {
    let watched = Watched::new("drift-edit").await;
    let map = config_map("one", json!({"a": "git"}));
    watched.apply("app", std::slice::from_ref(&map)).await;
    watched
        .world
        .merge("kubectl-edit", &map, json!({"data": {"a": "hand"}}))
        .await;
    let (_, took) = eventually("the value is back", async || {
        let live = watched.world.live(&map).await?;
        (live.get(&["data", "a"]) == Some(&json!("git"))).then_some(())
    })
    .await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    let ((drift, handled), _) = watched.told("the drift is told").await;
    assert_eq!(handled, Handled::Corrected(Action::Configured));
    assert_eq!(drift.fields, [".data.a"]);
    let actor = &drift.actors[0];
    assert_eq!(
        (actor.manager.as_str(), actor.operation.as_str()),
        ("kubectl-edit", "Update")
    );
    assert!(actor.time.is_some() && !drift.deleted);
    watched.quiet().await;
}

#[tokio::test]
async fn a_scale_is_told_by_its_subresource() {
    let watched = Watched::new("drift-scale").await;
    let web = deployment("web");
    watched.apply("app", std::slice::from_ref(&web)).await;
    let params = kube::api::PatchParams {
        field_manager: Some("kube-controller-manager".into()),
        ..Default::default()
    };
    let patch = kube::api::Patch::Merge(json!({"spec": {"replicas": 3}}));
    watched
        .world
        .api(&web)
        .patch_scale("web", &params, &patch)
        .await
        .unwrap();
    let ((drift, handled), _) = watched.told("the scale is undone").await;
    assert_eq!(handled, Handled::Corrected(Action::Configured));
    assert_eq!(drift.fields, [".spec.replicas"]);
    assert_eq!(drift.actors[0].subresource, "scale");
    let live = watched.world.live(&web).await.unwrap();
    assert_eq!(live.get(&["spec", "replicas"]), Some(&json!(0)));
}

#[tokio::test]
async fn a_deleted_object_comes_back_and_nobody_is_blamed() {
    let watched = Watched::new("drift-delete").await;
    let map = config_map("one", json!({"a": "git"}));
    watched.apply("app", std::slice::from_ref(&map)).await;
    watched.world.delete(&map).await;
    let ((drift, handled), took) = watched.told("the object is back").await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(handled, Handled::Corrected(Action::Created));
    assert!(drift.deleted && drift.actors.is_empty());
    assert!(watched.world.live(&map).await.is_some());
    watched.quiet().await;
}

#[tokio::test]
async fn a_label_taken_off_comes_back_even_if_it_is_the_owner_label() {
    let watched = Watched::new("drift-label").await;
    let mut map = config_map("one", json!({"a": "git"}));
    map["metadata"]["labels"] = json!({"team": "x"});
    watched.apply("app", std::slice::from_ref(&map)).await;
    let uid = watched.world.live(&map).await.unwrap().uid().to_owned();
    let labels = json!({"team": null});
    watched
        .world
        .merge(
            "kubectl-label",
            &map,
            json!({"metadata": {"labels": labels}}),
        )
        .await;
    let ((drift, _), _) = watched.told("the label is back").await;
    assert_eq!(drift.fields, [".metadata.labels.team"]);
    // Who only takes fields away owns nothing, so the API server records nobody.
    assert!(drift.actors.is_empty());

    let labels = json!({"kustomize.toolkit.fluxcd.io/name": null});
    watched
        .world
        .merge(
            "kubectl-label",
            &map,
            json!({"metadata": {"labels": labels}}),
        )
        .await;
    let ((drift, handled), _) = watched.told("the owner label is back").await;
    assert_eq!(handled, Handled::Corrected(Action::Configured));
    assert!(!drift.deleted);
    assert_eq!(
        drift.fields,
        [".metadata.labels.kustomize.toolkit.fluxcd.io/name"]
    );
    let live = watched.world.live(&map).await.unwrap();
    assert_eq!(live.uid(), uid);
    assert_eq!(live.label("kustomize.toolkit.fluxcd.io/name"), Some("app"));
    watched.quiet().await;
}

#[tokio::test]
async fn a_second_applier_is_seen() {
    let watched = Watched::new("drift-applier").await;
    let map = config_map("one", json!({"a": "git"}));
    watched.apply("app", std::slice::from_ref(&map)).await;
    watched
        .world
        .edit("argo", config_map("one", json!({"a": "argo"})))
        .await;
    let ((drift, _), _) = watched.told("the value is back").await;
    let actor = &drift.actors[0];
    assert_eq!(
        (actor.manager.as_str(), actor.operation.as_str()),
        ("argo", "Apply")
    );
    let live = watched.world.live(&map).await.unwrap();
    assert_eq!(live.get(&["data", "a"]), Some(&json!("git")));
}

#[tokio::test]
async fn a_fight_backs_off_and_names_the_rule_that_ends_it() {
    let watched = Watched::new("drift-fight").await;
    let map = config_map("one", json!({"a": "git"}));
    watched.apply("app", std::slice::from_ref(&map)).await;
    for round in 0..4 {
        let patch = json!({"data": {"a": format!("tuned-{round}")}});
        watched.world.merge("tuner", &map, patch).await;
        let ((_, handled), _) = watched.told("a correction").await;
        assert_eq!(handled, Handled::Corrected(Action::Configured));
    }
    let ((_, handled), _) = watched.told("the fight").await;
    let rule = "spec.ignore: [{paths: [/data/a], \
                target: {kind: ConfigMap, name: one, namespace: drift-fight}}]";
    assert_eq!(
        handled,
        Handled::Fight {
            manager: "tuner".into(),
            rule: rule.into()
        }
    );
    watched
        .world
        .merge("tuner", &map, json!({"data": {"a": "again"}}))
        .await;
    let (_, took) = watched.told("a late correction").await;
    assert!(took > Duration::from_millis(800), "{took:?}");
}

#[tokio::test]
async fn nothing_is_corrected_while_the_owner_is_suspended_or_the_object_opted_out() {
    let watched = Watched::new("drift-opt-out").await;
    let (one, two) = (
        config_map("one", json!({"a": "git"})),
        config_map("two", json!({"a": "git"})),
    );
    watched.apply("app", &[one.clone(), two.clone()]).await;
    *watched.book.suspended.lock().unwrap() = true;
    watched
        .world
        .merge("hand", &one, json!({"data": {"a": "hand"}}))
        .await;
    watched.quiet().await;
    *watched.book.suspended.lock().unwrap() = false;
    let opt_out = json!({"annotations": {"fjord.dev/drift": "disabled"}});
    watched
        .world
        .merge("hand", &two, json!({"metadata": opt_out}))
        .await;
    watched
        .world
        .merge("hand", &two, json!({"data": {"a": "hand"}}))
        .await;
    watched.quiet().await;
    for map in [one, two] {
        let live = watched.world.live(&map).await.unwrap();
        assert_eq!(live.get(&["data", "a"]), Some(&json!("hand")));
    }
}

#[tokio::test]
async fn an_object_of_two_owners_is_minded_by_the_one_that_applied_it_last() {
    let watched = Watched::new("drift-owners").await;
    let map = config_map("one", json!({"a": "first"}));
    watched.apply("first", std::slice::from_ref(&map)).await;
    watched
        .apply(
            "second",
            &[config_map("one", json!({"a": "second", "b": "c"}))],
        )
        .await;
    watched.quiet().await;
    let live = watched.world.live(&map).await.unwrap();
    assert_eq!(live.get(&["data", "a"]), Some(&json!("second")));
}

#[tokio::test]
async fn a_terminating_namespace_is_left_in_peace() {
    let watched = Watched::new("drift-ending").await;
    let map = config_map("one", json!({"a": "git"}));
    watched.apply("app", std::slice::from_ref(&map)).await;
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "drift-ending"}});
    watched.world.delete(&namespace).await;
    watched.world.delete(&map).await;
    watched.quiet().await;
    assert!(watched.world.live(&map).await.is_none());
}

#[tokio::test]
async fn without_drift_watching_the_index_still_knows_and_the_next_apply_corrects() {
    let watched = Watched::in_world(World::new("drift-off").await, false);
    let map = config_map("one", json!({"a": "git"}));
    watched.apply("app", std::slice::from_ref(&map)).await;
    watched
        .world
        .merge("hand", &map, json!({"data": {"a": "hand"}}))
        .await;
    watched.quiet().await;
    let applier = watched.applier("app");
    let objects = watched
        .world
        .manifests(&applier, std::slice::from_ref(&map));
    let changes = applier.apply(objects, &Policies::default()).await.unwrap();
    assert_eq!(changes.entries[0].action, Action::Configured);
}

#[tokio::test]
async fn an_unchanged_apply_costs_no_request_at_all() {
    let watched = Watched::in_world(World::seen_as("counted-pass", "drift-idle").await, true);
    let objects = [config_map("one", json!({"a": "b"})), deployment("web")];
    watched.apply("app", &objects).await;
    let before = World::requests("counted-pass").len();
    let applier = watched.applier("app");
    let objects = watched.world.manifests(&applier, &objects);
    let changes = applier.apply(objects, &Policies::default()).await.unwrap();
    assert!(
        changes
            .entries
            .iter()
            .all(|change| change.action == Action::Unchanged)
    );
    assert_eq!(World::requests("counted-pass").len(), before);
}

#[tokio::test]
async fn a_change_of_status_wakes_who_waits_for_it() {
    let watched = Watched::new("drift-health").await;
    let web = deployment("web");
    let inventory = watched.apply("app", std::slice::from_ref(&web)).await;
    let id = inventory.entries[0].id.clone();
    let owner = watched.applier("app").owner().key();
    assert!(
        watched
            .index
            .await_health(&owner, std::slice::from_ref(&id))
            .is_empty()
    );
    assert_eq!(watched.index.status(&id), Some(Status::InProgress));
    let status = json!({"status": {"observedGeneration": 1, "conditions": [
        {"type": "Available", "status": "True"},
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
    ]}});
    let params = kube::api::PatchParams::default();
    let patch = kube::api::Patch::Merge(status);
    watched
        .world
        .api(&web)
        .patch_status("web", &params, &patch)
        .await
        .unwrap();
    eventually("the owner is woken", async || {
        (*watched.book.woken.lock().unwrap() > 0).then_some(())
    })
    .await;
    assert_eq!(watched.index.status(&id), Some(Status::Current));
    watched.quiet().await;
}

#[tokio::test]
async fn a_manifest_that_is_not_at_hand_wakes_its_owner() {
    let watched = Watched::new("drift-rebuild").await;
    let map = config_map("one", json!({"a": "git"}));
    watched.apply("app", std::slice::from_ref(&map)).await;
    watched.book.manifests.lock().unwrap().clear();
    watched
        .world
        .merge("hand", &map, json!({"data": {"a": "hand"}}))
        .await;
    eventually("the owner is woken", async || {
        (*watched.book.woken.lock().unwrap() > 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_resource_is_minded_from_the_moment_its_definition_is_served() {
    let watched = Watched::new("drift-crd").await;
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.drift.io"},
        "spec": {
            "group": "drift.io", "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": schema}}],
        },
    });
    let widget = json!({"apiVersion": "drift.io/v1", "kind": "Widget",
        "metadata": {"name": "w"}, "spec": {"a": "git"}});
    let applier = watched.applier("app");
    let both = [crd, widget.clone()];
    let objects = watched.world.manifests(&applier, &both);
    let intended = applier.intend(&objects).await.unwrap();
    assert_eq!(intended.entries.len(), 2);
    watched.index.own(&applier.owner().key(), &intended);
    // The watch finds out now that there is nothing to watch yet.
    tokio::time::sleep(Duration::from_millis(300)).await;
    watched.apply("app", &both).await;
    watched
        .world
        .merge("hand", &widget, json!({"spec": {"a": "hand"}}))
        .await;
    let ((drift, handled), took) = watched.told("the value is back").await;
    assert_eq!(handled, Handled::Corrected(Action::Configured));
    assert_eq!(drift.fields, [".spec.a"]);
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn who_may_not_watch_still_applies_and_reads_health_itself() {
    let namespace = "drift-blind";
    let world = World::seen_as("blind", namespace).await;
    let verbs = json!(["get", "create", "patch", "delete"]);
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "blind"},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": verbs}]});
    world.edit("test", role).await;
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "blind"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "blind"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "blind"}]});
    world.edit("test", binding).await;
    let watched = Watched::in_world(world, true);
    let applier = watched.applier("app");
    let map = config_map("one", json!({"a": "git"}));
    let objects = watched
        .world
        .manifests(&applier, std::slice::from_ref(&map));
    let created = async || {
        applier
            .apply(objects.clone(), &Policies::default())
            .await
            .ok()
    };
    let (changes, _) = eventually("the role counts", created).await;
    let inventory = Inventory::from_changes(&changes);
    let owner = applier.owner().key();
    watched.index.own(&owner, &inventory);
    let ids = [inventory.entries[0].id.clone()];
    let uncovered = async || (watched.index.await_health(&owner, &ids) == ids).then_some(());
    eventually("the index knows that it is blind", uncovered).await;
    assert_eq!(
        applier.statuses(&ids).await,
        [(ids[0].clone(), Status::Current)]
    );
    let again = applier.apply(objects, &Policies::default()).await.unwrap();
    assert_eq!(again.entries[0].action, Action::Unchanged);
}

/// Prints its figures; run it alone, with the optimised engine, for the real ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute"]
async fn two_hundred_edits_of_a_thousand_objects_are_undone_in_time() {
    let watched = Watched::new("drift-many").await;
    let maps: Vec<Value> = (0..1000)
        .map(|i| config_map(&format!("m{i}"), json!({"a": "git", "b": "git"})))
        .collect();
    watched.apply("app", &maps).await;
    let mut times = Vec::new();
    for map in maps.iter().step_by(5) {
        watched
            .world
            .merge("hand", map, json!({"data": {"a": "hand"}}))
            .await;
        let back = async || {
            let live = watched.world.live(map).await?;
            (live.get(&["data", "a"]) == Some(&json!("git"))).then_some(())
        };
        times.push(eventually("the value is back", back).await.1);
    }
    times.sort();
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("p50 {p50:?}, p99 {p99:?}, of {} edits", times.len());
    assert!(p99 < Duration::from_secs(1));
}
