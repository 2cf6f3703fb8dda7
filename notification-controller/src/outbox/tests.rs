use super::*;

fn entry(provider: &str, id: &str, bytes: usize) -> Entry {
    Entry {
        id: id.into(),
        alert: AlertRef {
            namespace: "apps".into(),
            name: "a".into(),
            uid: "u".into(),
        },
        provider: provider.into(),
        received: jiff::Timestamp::from_second(1_700_000_000).unwrap(),
        event: "x".repeat(bytes),
    }
}

fn event(id: &str) -> Intake {
    Intake {
        id: id.into(),
        entries: vec![entry("p", id, 10)],
    }
}

async fn waiting(outbox: &Outbox) -> Vec<String> {
    let mut ids = Vec::new();
    for (number, _) in outbox.arrived_from(0).await {
        ids.extend(outbox.entry(number).await.map(|entry| entry.id));
    }
    ids
}

#[tokio::test]
async fn an_event_is_taken_in_once() {
    let outbox = Outbox::in_memory();
    outbox
        .take_in(vec![event("one"), event("one")], None)
        .await
        .unwrap();
    outbox
        .take_in(vec![event("one"), event("two")], Some("7".into()))
        .await
        .unwrap();
    assert_eq!(waiting(&outbox).await, ["one", "two"]);
    assert_eq!(outbox.place().await.as_deref(), Some("7"));
    assert!(outbox.has_seen("one").await);
}

#[tokio::test]
async fn undelivered_events_and_the_place_survive_a_restart_and_delivered_ones_do_not_return() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox");
    let first = Outbox::in_memory();
    first.attach_file(&path).await.unwrap();
    first
        .take_in(vec![event("one"), event("two")], Some("7".into()))
        .await
        .unwrap();
    let number = first.arrived_from(0).await[0].0;
    first.finish(number).await;
    first.flush().await.unwrap();
    drop(first);

    let second = Outbox::in_memory();
    second.take_in(vec![event("early")], None).await.unwrap();
    let attached = second.attach_file(&path).await.unwrap();
    assert_eq!(
        attached,
        Attached {
            entries: 1,
            torn: 0
        }
    );
    assert_eq!(waiting(&second).await, ["early", "two"]);
    assert_eq!(second.place().await.as_deref(), Some("7"));
    second.take_in(vec![event("one")], None).await.unwrap();
    assert_eq!(
        waiting(&second).await,
        ["early", "two"],
        "a delivered event is still known"
    );
    drop(second);

    let third = Outbox::in_memory();
    assert_eq!(third.attach_file(&path).await.unwrap().entries, 2);
}

#[tokio::test]
async fn an_event_that_matches_nothing_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox");
    let outbox = Outbox::in_memory();
    outbox.attach_file(&path).await.unwrap();
    let before = std::fs::metadata(&path).unwrap().len();
    let nothing = Intake {
        id: "none".into(),
        entries: Vec::new(),
    };
    outbox
        .take_in(vec![nothing], Some("9".into()))
        .await
        .unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), before);
    assert_eq!(outbox.place().await.as_deref(), Some("9"));
}

#[tokio::test]
async fn a_store_that_fails_takes_nothing_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox");
    let outbox = Outbox::in_memory();
    outbox.attach_file(&path).await.unwrap();
    outbox
        .take_in(vec![event("one")], Some("7".into()))
        .await
        .unwrap();
    // A frame larger than any event makes the store refuse the batch.
    let huge = Intake {
        id: "huge".into(),
        entries: vec![entry("p", "huge", 17 << 20)],
    };
    assert!(
        outbox
            .take_in(vec![event("two"), huge], Some("8".into()))
            .await
            .is_err()
    );
    assert_eq!(waiting(&outbox).await, ["one"]);
    assert_eq!(outbox.place().await.as_deref(), Some("7"));
    outbox
        .take_in(vec![event("two")], Some("8".into()))
        .await
        .unwrap();
    assert_eq!(waiting(&outbox).await, ["one", "two"]);
}

#[tokio::test]
async fn the_provider_that_holds_most_makes_room() {
    let outbox = Outbox::with_capacity(4000);
    let of = |provider: &str, id: &str| Intake {
        id: id.into(),
        entries: vec![entry(provider, id, 700)],
    };
    outbox
        .take_in(
            vec![of("down", "d1"), of("fine", "f1"), of("down", "d2")],
            None,
        )
        .await
        .unwrap();
    let evicted = outbox
        .take_in(vec![of("fine", "f2"), of("down", "d3")], None)
        .await
        .unwrap();
    assert_eq!(
        evicted
            .iter()
            .map(|entry| entry.id.as_str())
            .collect::<Vec<_>>(),
        ["d1"]
    );
    assert_eq!(waiting(&outbox).await, ["f1", "d2", "f2", "d3"]);
}
