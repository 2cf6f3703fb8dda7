//! The frame against a real API server.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper may fail its test"
)]

mod bench;
mod scraped;
mod widget;

use std::time::Duration;

use bench::{Bench, condition, eventually, start_plane};
use fjord_runtime::{event::newest_metadata, process::Error};
use fjord_sandbox::ADMIN;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

const MOMENT: Duration = Duration::from_millis(700);

#[tokio::test(flavor = "multi_thread")]
async fn a_new_object_costs_a_finalizer_an_event_and_one_status_patch() {
    let bench = Bench::new("new").await;
    let running = bench.start(&[]).await;
    bench.create("w", "succeed").await;
    let widget = bench.until("w", "Ready=True").await;
    assert_eq!(widget.finalizers(), ["finalizers.fluxcd.io"]);
    assert_eq!(widget.status.unwrap().observed_generation, Some(1));
    tokio::time::sleep(MOMENT).await;
    assert_eq!(
        (
            running.requests("PATCH"),
            running.requests("POST"),
            running.widgets.passes("w")
        ),
        (2, 1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_controller_makes_no_request() {
    let bench = Bench::new("idle").await;
    let running = bench.start(&[]).await;
    bench.create("w", "succeed").await;
    bench.until("w", "Ready=True").await;
    tokio::time::sleep(MOMENT).await;
    let before: u64 = ["GET", "PATCH", "POST", "PUT"]
        .iter()
        .map(|m| running.requests(m))
        .sum();
    tokio::time::sleep(3 * MOMENT).await;
    let after: u64 = ["GET", "PATCH", "POST", "PUT"]
        .iter()
        .map(|m| running.requests(m))
        .sum();
    assert_eq!(before, after);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_marked_by_a_label_and_precedes_the_status() {
    let bench = Bench::new("event").await;
    let _running = bench.start(&[]).await;
    bench
        .create_with(
            "w",
            json!({"does": "succeed"}),
            json!({"annotations": {"event.toolkit.fluxcd.io/env": "x"}}),
        )
        .await;
    bench.until("w", "Ready=True").await;
    let events = bench.events().await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(
        events[0]
            .labels()
            .get("fjord.dev/severity")
            .map(String::as_str),
        Some("info")
    );
    let annotations: Vec<_> = events[0]
        .annotations()
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    assert_eq!(
        annotations,
        [
            "event.toolkit.fluxcd.io/env=x",
            "tests.fjord.dev/revision=r1"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_arrives_during_a_pass_is_handled_by_the_next() {
    let bench = Bench::new("request").await;
    let running = bench.start(&[]).await;
    bench.create("w", "slow").await;
    bench.until("w", "Ready=True").await;
    bench.request("w", "t1").await;
    bench.until("w", "Reconciling=True").await;
    bench.request("w", "t2").await;
    let widget = bench.until_handled("w", "t1").await;
    assert!(condition(&widget, "Ready").is_some());
    bench.until_handled("w", "t2").await;
    assert_eq!(running.widgets.passes("w"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_object_runs_no_step_and_has_its_request_handled() {
    let bench = Bench::new("suspend").await;
    let running = bench.start(&[]).await;
    bench
        .create_with("w", json!({"does": "succeed", "suspend": true}), json!({}))
        .await;
    bench.request("w", "t1").await;
    bench.until_handled("w", "t1").await;
    assert_eq!(running.widgets.passes("w"), 0);
    bench.patch("w", json!({"spec": {"suspend": false}})).await;
    bench.until("w", "Ready=True").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_object_rests_until_it_is_edited() {
    let bench = Bench::new("stall").await;
    let running = bench.start(&["--min-retry-delay=50ms"]).await;
    bench.create("w", "stall").await;
    let widget = bench.until("w", "Stalled=True").await;
    assert_eq!(condition(&widget, "Ready").as_deref(), Some("False"));
    tokio::time::sleep(MOMENT).await;
    assert_eq!(running.widgets.passes("w"), 1);
    bench.patch("w", json!({"spec": {"does": "succeed"}})).await;
    let widget = bench.until("w", "Ready=True").await;
    assert_eq!(condition(&widget, "Reconciling"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_failure_raises_the_count_of_one_event_and_patches_the_status_once() {
    let bench = Bench::new("repeat").await;
    let running = bench.start(&["--min-retry-delay=100ms"]).await;
    bench.create("w", "fail").await;
    bench.until("w", "Ready=False").await;
    let event = eventually("the third occurrence", || async {
        let events = bench.events().await;
        assert!(events.len() <= 1, "{events:?}");
        events.into_iter().find(|event| event.count >= Some(3))
    })
    .await;
    assert_eq!(event.type_.as_deref(), Some("Warning"));
    // The finalizer, the status, and one patch per repeat of the event.
    let repeats = u64::try_from(event.count.unwrap() - 1).unwrap();
    assert!(running.requests("PATCH") <= 2 + repeats + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_before_a_kill_is_not_said_again() {
    let bench = Bench::new("kill").await;
    let running = bench.start(&[]).await;
    bench.create("w", "succeed").await;
    bench.until("w", "Ready=True").await;
    running.kill().await;
    // As if the kill had come between the event and the status.
    let lost = json!({"status": {"conditions": null, "passes": null}});
    bench
        .api()
        .patch_status("w", &PatchParams::default(), &Patch::Merge(lost))
        .await
        .unwrap();
    let running = bench.start(&[]).await;
    bench.until("w", "Ready=True").await;
    assert_eq!(running.widgets.passes("w"), 1);
    let events = bench.events().await;
    assert_eq!((events.len(), events[0].count), (1, Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_words_about_another_revision_raise_the_count_also_after_a_restart() {
    let bench = Bench::new("revision").await;
    let running = bench.start(&[]).await;
    bench.create("w", "succeed").await;
    bench.until("w", "Ready=True").await;
    bench
        .patch(
            "w",
            json!({"metadata": {"annotations": {"revision": "r2"}}}),
        )
        .await;
    bench.request("w", "t1").await;
    bench.until_handled("w", "t1").await;
    running.stop().await.unwrap();
    bench
        .patch(
            "w",
            json!({"metadata": {"annotations": {"revision": "r3"}}}),
        )
        .await;
    let _running = bench.start(&[]).await;
    let event = eventually("the third occurrence", || async {
        let events = bench.events().await;
        assert_eq!(events.len(), 1, "{events:?}");
        events.into_iter().find(|event| event.count == Some(3))
    })
    .await;
    let key = "tests.fjord.dev/revision";
    assert_eq!(event.annotations()[key], "r1");
    assert_eq!(newest_metadata(&event)[key], "r3");
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_objects_hold_no_worker_and_go_on_when_woken() {
    let bench = Bench::new("wait").await;
    let running = bench.start(&["--concurrent=1"]).await;
    for n in 0..5 {
        bench.create(&format!("w{n}"), "wait").await;
    }
    for n in 0..5 {
        bench.until(&format!("w{n}"), "Reconciling=True").await;
    }
    bench.create("other", "succeed").await;
    bench.until("other", "Ready=True").await;
    running.wake(&bench.key("w3"));
    let widget = bench.until("w3", "Ready=True").await;
    assert_eq!(condition(&widget, "Reconciling"), None);
    let waiting = bench.get("w2").await.unwrap();
    assert_eq!(waiting.status.unwrap().last_handled_reconcile_at, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_counted_and_the_object_tried_again() {
    let bench = Bench::new("panic").await;
    let running = bench.start(&["--min-retry-delay=50ms"]).await;
    bench.create("w", "panic").await;
    bench.until("w", "Ready=True").await;
    let counted = running
        .metric("controller_runtime_reconcile_panics_total")
        .unwrap();
    assert!(counted.ends_with(" 1"), "{counted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_object_loses_our_finalizer_only_and_its_series() {
    let bench = Bench::new("delete").await;
    let running = bench.start(&[]).await;
    bench
        .create_with(
            "w",
            json!({"does": "succeed"}),
            json!({"finalizers": ["tests.fjord.dev/other"]}),
        )
        .await;
    bench.until("w", "Ready=True").await;
    let series = format!(
        "gotk_reconcile_duration_seconds_count{{kind=\"Widget\",name=\"w\",namespace=\"{}\"",
        bench.name
    );
    // The status is seen before the pass that wrote it has been counted.
    eventually("its series is there", || async {
        running.metric(&series).map(drop)
    })
    .await;
    bench.delete("w").await;
    let widget = eventually("our finalizer is off", || async {
        let widget = bench.get("w").await.unwrap();
        (widget.finalizers() == ["tests.fjord.dev/other"]).then_some(widget)
    })
    .await;
    assert!(widget.metadata.deletion_timestamp.is_some());
    bench
        .patch("w", json!({"metadata": {"finalizers": null}}))
        .await;
    eventually("it is gone", || async {
        bench.get("w").await.is_none().then_some(())
    })
    .await;
    eventually("its series is gone", || async {
        running.metric(&series).is_none().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finalizer_removed_by_hand_comes_back_with_the_next_pass() {
    let bench = Bench::new("finalizer").await;
    let _running = bench.start(&[]).await;
    bench.create("w", "succeed").await;
    bench.until("w", "Ready=True").await;
    bench
        .patch("w", json!({"metadata": {"finalizers": null}}))
        .await;
    bench.request("w", "t1").await;
    let widget = bench.until_handled("w", "t1").await;
    assert_eq!(widget.finalizers(), ["finalizers.fluxcd.io"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_of_someone_else_survives_our_patches() {
    let bench = Bench::new("foreign").await;
    let _running = bench.start(&[]).await;
    bench.create("w", "slow").await;
    bench.until("w", "Reconciling=True").await;
    let foreign = json!({"type": "Audited", "status": "True", "reason": "Yes", "message": "",
        "lastTransitionTime": "2024-01-01T00:00:00Z"});
    let widget = bench.get("w").await.unwrap();
    let mut conditions = json!(widget.status.unwrap().conditions);
    conditions.as_array_mut().unwrap().push(foreign);
    let patch = Patch::Merge(json!({"status": {"conditions": conditions}}));
    bench
        .api()
        .patch_status("w", &PatchParams::default(), &patch)
        .await
        .unwrap();
    let widget = bench.until("w", "Ready=True").await;
    assert_eq!(condition(&widget, "Audited").as_deref(), Some("True"));
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_other_shards_are_left_alone() {
    let bench = Bench::new("shard").await;
    let running = bench.start(&[]).await;
    bench
        .create_with(
            "theirs",
            json!({"does": "succeed"}),
            json!({"labels": {"test": "other"}}),
        )
        .await;
    bench.create("ours", "succeed").await;
    bench.until("ours", "Ready=True").await;
    assert_eq!(running.widgets.passes("theirs"), 0);
}

const ELECTION: [&str; 4] = [
    "--enable-leader-election",
    "--leader-election-lease-duration=3s",
    "--leader-election-renew-deadline=2s",
    "--leader-election-retry-period=500ms",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_released_lease_is_taken_over_at_once_and_one_of_the_dead_when_it_expires() {
    let bench = Bench::new("lease").await;
    let first = bench.start(&ELECTION).await;
    bench.create("a", "succeed").await;
    bench.until("a", "Ready=True").await;
    let second = bench.start(&ELECTION).await;
    bench.create("b", "succeed").await;
    bench.until("b", "Ready=True").await;
    assert_eq!(
        (first.widgets.passes("b"), second.widgets.passes("b")),
        (1, 0)
    );
    first.stop().await.unwrap();
    bench.create("c", "succeed").await;
    bench.until("c", "Ready=True").await;
    assert_eq!(second.widgets.passes("c"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_whose_lease_another_took_ends_with_an_error() {
    let bench = Bench::new("deposed").await;
    let running = bench.start(&ELECTION).await;
    bench.create("a", "succeed").await;
    bench.until("a", "Ready=True").await;
    let namespace = std::env::var("RUNTIME_NAMESPACE").unwrap_or_else(|_| "default".to_owned());
    let leases: Api<Lease> = Api::namespaced(bench.client.clone(), &namespace);
    let name = running.process.lease_name();
    let stolen = json!({"spec": {"holderIdentity": "thief", "leaseDurationSeconds": 60}});
    leases
        .patch(&name, &PatchParams::default(), &Patch::Merge(stolen))
        .await
        .unwrap();
    assert!(matches!(running.ended().await, Err(Error::LeaseLost)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_outlives_its_api_server() {
    let mut plane = start_plane().await;
    let bench = Bench::on(plane.client(ADMIN).await.unwrap(), "outage").await;
    let running = bench.start(&[]).await;
    bench.create("slow", "slow").await;
    bench.create("waiting", "wait").await;
    bench.until("slow", "Ready=True").await;
    bench.until("waiting", "Reconciling=True").await;
    bench.request("slow", "t1").await;
    bench.until("slow", "Reconciling=True").await;
    plane.kill_api_server();
    tokio::time::sleep(3 * MOMENT).await;
    plane.start_api_server().await.unwrap();
    bench.until_handled("slow", "t1").await;
    bench.until("slow", "Ready=True").await;
    bench.create("new", "succeed").await;
    bench.until("new", "Ready=True").await;
    running.wake(&bench.key("waiting"));
    bench.until("waiting", "Ready=True").await;
    running.stop().await.unwrap();
}
