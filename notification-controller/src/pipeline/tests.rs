use serde_json::json;

use super::*;
use crate::event::ObjectReference;
use crate::testing::Memory;

struct World {
    memory: Arc<Memory>,
    outbox: Arc<Outbox>,
    pipeline: Pipeline<Memory>,
}

fn world(no_cross_namespace_refs: bool) -> World {
    let memory = Arc::new(Memory::default());
    let outbox = Arc::new(Outbox::in_memory());
    let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
    let rules = Rules {
        rate_limit_interval: Duration::from_secs(300),
        no_cross_namespace_refs,
    };
    let pipeline = Pipeline::new(Arc::clone(&memory), Arc::clone(&outbox), metrics, rules);
    World {
        memory,
        outbox,
        pipeline,
    }
}

impl World {
    fn alert(&self, provider: &str) {
        let spec = json!({"providerRef": {"name": provider}, "eventMetadata": {"env": "prod"},
            "eventSources": [{"kind": "Kustomization", "name": "*"}, {"kind": "Kustomization", "name": "*", "namespace": "b"}]});
        self.memory.alert("a", "2024-01-01T00:00:00Z", spec);
    }

    fn provider(&self, spec: serde_json::Value) {
        self.memory.provider("p", spec);
    }

    async fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (number, _) in self.outbox.arrived_from(0).await {
            entries.extend(self.outbox.entry(number).await);
        }
        entries
    }
}

fn event(message: &str) -> Event {
    Event {
        involved_object: ObjectReference {
            kind: "Kustomization".into(),
            namespace: "apps".into(),
            name: "app".into(),
            api_version: "kustomize.toolkit.fluxcd.io/v1".into(),
            ..Default::default()
        },
        severity: "info".into(),
        message: message.into(),
        metadata: [
            (
                "kustomize.toolkit.fluxcd.io/revision".to_owned(),
                "r".to_owned(),
            ),
            (
                "kustomize.toolkit.fluxcd.io/token".to_owned(),
                "t".to_owned(),
            ),
            (
                "kustomize.toolkit.fluxcd.io/digest".to_owned(),
                "d".to_owned(),
            ),
        ]
        .into(),
        ..Event::default()
    }
}

fn watched(id: &str, message: &str, seen: &str) -> Watched {
    Watched {
        id: id.into(),
        event: event(message),
        seen: seen.parse().unwrap(),
    }
}

#[tokio::test]
async fn a_matched_event_waits_in_the_outbox_with_its_merged_metadata() {
    let world = world(false);
    world.alert("p");
    world.provider(json!({"type": "generic", "address": "http://x"}));
    assert!(
        world
            .pipeline
            .post(event("m"), None)
            .await
            .unwrap()
            .admitted
    );
    let entries = world.entries().await;
    let metadata = entries[0].event().unwrap().metadata;
    assert_eq!(
        metadata.into_iter().collect::<Vec<_>>(),
        [
            ("env".to_owned(), "prod".to_owned()),
            ("revision".to_owned(), "r".to_owned())
        ]
    );
}

#[tokio::test]
async fn both_roads_of_an_event_are_one_delivery_in_either_order() {
    let world = world(false);
    world.alert("p");
    world.provider(json!({"type": "generic", "address": "http://x"}));
    world
        .pipeline
        .post(event("one"), Some("apps/e1".into()))
        .await
        .unwrap();
    world
        .pipeline
        .watched(
            watched("apps/e1", "one", "2024-06-01T00:00:00Z"),
            Some("5".into()),
        )
        .await
        .unwrap();
    world
        .pipeline
        .watched(
            watched("apps/e2", "two", "2024-06-01T00:00:00Z"),
            Some("6".into()),
        )
        .await
        .unwrap();
    assert!(
        world
            .pipeline
            .post(event("two"), Some("apps/e2".into()))
            .await
            .unwrap()
            .admitted
    );
    assert_eq!(world.entries().await.len(), 2);
    assert_eq!(world.outbox.place().await.as_deref(), Some("6"));
}

#[tokio::test]
async fn a_duplicate_is_refused_whether_or_not_the_first_one_matched() {
    let world = world(false);
    assert!(
        world
            .pipeline
            .post(event("m"), None)
            .await
            .unwrap()
            .admitted
    );
    world.alert("p");
    world.provider(json!({"type": "generic", "address": "http://x"}));
    assert!(
        !world
            .pipeline
            .post(event("m"), None)
            .await
            .unwrap()
            .admitted
    );
    assert!(world.entries().await.is_empty());
}

#[tokio::test]
async fn events_that_arrive_late_are_told_apart_by_their_own_times() {
    let world = world(false);
    world.alert("p");
    world.provider(json!({"type": "generic", "address": "http://x"}));
    for (id, seen) in [
        ("apps/1", "2024-06-01T00:00:00Z"),
        ("apps/2", "2024-06-01T00:01:00Z"),
        ("apps/3", "2024-06-01T00:10:00Z"),
    ] {
        world
            .pipeline
            .watched(watched(id, "same", seen), None)
            .await
            .unwrap();
    }
    let ids: Vec<String> = world
        .entries()
        .await
        .into_iter()
        .map(|entry| entry.id)
        .collect();
    assert_eq!(ids, ["apps/1", "apps/3"]);
}

#[tokio::test]
async fn a_watched_event_from_before_the_alert_is_not_for_it() {
    let world = world(false);
    world.alert("p");
    world.provider(json!({"type": "generic", "address": "http://x"}));
    world
        .pipeline
        .watched(watched("apps/1", "old", "2023-12-31T23:59:59Z"), None)
        .await
        .unwrap();
    assert!(world.entries().await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_dispatched_is_said_on_the_alert_in_the_words_of_flux() {
    let world = world(true);
    world.alert("nobody");
    world.pipeline.post(event("m"), None).await.unwrap();
    let mut foreign = event("m");
    foreign.involved_object.namespace = "b".into();
    world.pipeline.post(foreign, None).await.unwrap();
    assert_eq!(
        world.memory.warned(),
        [
            "failed to dispatch notification for Kustomization/apps/app: failed to read provider: Provider.notification.toolkit.fluxcd.io \"nobody\" not found",
            "failed to dispatch notification for Kustomization/b/app: discarding event, access denied to cross-namespace sources: alert 'apps/a' can't process event from 'Kustomization/b/app', cross-namespace references have been blocked",
        ]
    );
    assert!(world.entries().await.is_empty());
}

#[tokio::test]
async fn an_event_is_not_lost_while_the_api_server_is_away() {
    let world = world(false);
    world.alert("p");
    world.provider(json!({"type": "generic", "address": "http://x"}));
    *world.memory.down.lock().unwrap() = true;
    assert!(world.pipeline.post(event("m"), None).await.is_err());
    let late = || watched("apps/1", "n", "2024-06-01T00:00:00Z");
    assert!(
        world
            .pipeline
            .watched(late(), Some("5".into()))
            .await
            .is_err()
    );
    assert_eq!(world.outbox.place().await, None);
    *world.memory.down.lock().unwrap() = false;
    assert!(
        world
            .pipeline
            .post(event("m"), None)
            .await
            .unwrap()
            .admitted
    );
    world
        .pipeline
        .watched(late(), Some("5".into()))
        .await
        .unwrap();
    assert_eq!(world.entries().await.len(), 2);
}

#[tokio::test]
async fn a_suspended_provider_and_a_useless_update_are_skipped_in_silence() {
    for (spec, message) in [
        (json!({"type": "generic", "suspend": true}), "suspended"),
        (
            json!({"type": "slack"}),
            "a chat has no use for a commit status",
        ),
        (
            json!({"type": "githubpullrequestcomment"}),
            "no change request",
        ),
    ] {
        let world = world(false);
        world.alert("p");
        world.provider(spec);
        let mut event = event(message);
        event.metadata.insert(
            "kustomize.toolkit.fluxcd.io/commit_status".into(),
            "update".into(),
        );
        world.pipeline.post(event, None).await.unwrap();
        assert!(world.entries().await.is_empty(), "{message}");
        assert!(world.memory.warned().is_empty(), "{message}");
    }
}

#[tokio::test]
async fn conflicting_metadata_is_reported_on_the_alert() {
    let world = world(false);
    world.alert("p");
    world.provider(json!({"type": "generic", "address": "http://x"}));
    let mut event = event("m");
    event
        .metadata
        .insert("event.toolkit.fluxcd.io/env".into(), "dev".into());
    world.pipeline.post(event, None).await.unwrap();
    assert_eq!(
        world.memory.warnings.lock().unwrap().as_slice(),
        [("a MetadataAppendFailed".to_owned(), "env".to_owned())]
    );
    assert_eq!(
        world.entries().await[0].event().unwrap().metadata["env"],
        "prod"
    );
}
