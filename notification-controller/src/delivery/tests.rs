use std::collections::VecDeque;
use std::sync::Mutex;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Router, routing::any};
use serde_json::json;

use super::*;
use crate::event::Event;
use crate::outbox::{AlertRef, Intake};
use crate::testing::Memory;

#[derive(Clone, Default)]
struct Hook {
    answers: Arc<Mutex<VecDeque<u16>>>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Hook {
    /// Serves a hook that gives these answers in turn and accepts everything afterwards.
    async fn serve(answers: &[u16]) -> (Self, String) {
        let hook = Self {
            answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
            ..Self::default()
        };
        let handler = |State(hook): State<Self>, body: String| async move {
            let status = hook.answers.lock().unwrap().pop_front().unwrap_or(200);
            if status == 200 {
                let event = Event::from_json(body.as_bytes()).unwrap();
                hook.heard.lock().unwrap().push(event.message);
            }
            StatusCode::from_u16(status).unwrap()
        };
        let app = Router::new()
            .fallback(any(handler))
            .with_state(hook.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (hook, address)
    }

    async fn hears(&self, want: &[&str]) {
        for _ in 0..500 {
            let mut heard = self.heard.lock().unwrap().clone();
            heard.sort();
            if heard == want {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("heard {:?}, want {want:?}", self.heard.lock().unwrap());
    }
}

fn entry(provider: &str, message: &str) -> Intake {
    let event = Event {
        message: message.into(),
        ..Event::default()
    };
    let entry = Entry {
        id: message.into(),
        alert: AlertRef {
            namespace: "apps".into(),
            name: "a".into(),
            uid: "u".into(),
        },
        provider: provider.into(),
        received: Timestamp::now(),
        event: event.to_json(),
    };
    Intake {
        id: message.into(),
        entries: vec![entry],
    }
}

struct Running {
    outbox: Arc<Outbox>,
    memory: Arc<Memory>,
    metrics: Metrics,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

fn start(outbox: Arc<Outbox>, memory: Arc<Memory>) -> Running {
    let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
    let pace = Pace {
        first_pause: Duration::from_millis(50),
        ..Pace::default()
    };
    let stop = CancellationToken::new();
    let deliveries = Deliveries::new(
        Arc::clone(&outbox),
        Arc::clone(&memory),
        metrics.clone(),
        pace,
    );
    let task = tokio::spawn(deliveries.run(stop.clone()));
    Running {
        outbox,
        memory,
        metrics,
        stop,
        task,
    }
}

impl Running {
    fn count(&self, provider: &str, result: &str) -> u64 {
        self.metrics
            .deliveries
            .with_label_values(&["apps", provider, "generic", result])
            .get()
    }

    async fn is_empty(&self) {
        for _ in 0..500 {
            if self.outbox.depth().await.0 == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the outbox is not empty");
    }
}

#[tokio::test]
async fn an_outage_delays_deliveries_and_loses_none() {
    let (hook, address) = Hook::serve(&[500, 503, 500]).await;
    let memory = Arc::new(Memory::default());
    memory.provider(
        "p",
        json!({"type": "generic", "timeout": "1s", "address": address}),
    );
    let running = start(Arc::new(Outbox::in_memory()), memory);
    running
        .outbox
        .take_in(vec![entry("p", "1"), entry("p", "2")], None)
        .await
        .unwrap();
    running
        .outbox
        .take_in(vec![entry("p", "3")], None)
        .await
        .unwrap();
    hook.hears(&["1", "2", "3"]).await;
    running.is_empty().await;
    assert_eq!(running.count("p", "delivered"), 3);
    let warned = running.memory.warned();
    assert!(
        warned
            .iter()
            .all(|text| text.ends_with("context deadline exceeded")),
        "{warned:?}"
    );
}

#[tokio::test]
async fn a_refused_event_ends_at_once_and_is_told_on_the_alert() {
    let (hook, address) = Hook::serve(&[400]).await;
    let memory = Arc::new(Memory::default());
    memory.provider("p", json!({"type": "generic", "address": address}));
    let running = start(Arc::new(Outbox::in_memory()), memory);
    running
        .outbox
        .take_in(vec![entry("p", "1")], None)
        .await
        .unwrap();
    running.is_empty().await;
    assert!(hook.heard.lock().unwrap().is_empty());
    assert_eq!(running.count("p", "refused"), 1);
    assert_eq!(
        running.memory.warned(),
        [
            "failed to send notification for //: postMessage failed: request failed: request failed with status code 400: "
        ]
    );
}

#[tokio::test]
async fn a_dead_provider_does_not_hold_up_another_one() {
    let (hook, address) = Hook::serve(&[]).await;
    let memory = Arc::new(Memory::default());
    memory.provider(
        "dead",
        json!({"type": "generic", "timeout": "300ms", "address": "http://127.0.0.1:9/"}),
    );
    memory.provider("alive", json!({"type": "generic", "address": address}));
    let running = start(Arc::new(Outbox::in_memory()), memory);
    running
        .outbox
        .take_in(
            vec![
                entry("dead", "d1"),
                entry("dead", "d2"),
                entry("alive", "a1"),
            ],
            None,
        )
        .await
        .unwrap();
    hook.hears(&["a1"]).await;
    assert_eq!(running.outbox.depth().await.0, 2);
}

#[tokio::test]
async fn what_a_stopped_process_left_is_delivered_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox");
    let memory = Arc::new(Memory::default());
    memory.provider(
        "p",
        json!({"type": "generic", "timeout": "200ms", "address": "http://127.0.0.1:9/"}),
    );
    let outbox = Arc::new(Outbox::in_memory());
    outbox.attach_file(&path).await.unwrap();
    let first = start(outbox, Arc::clone(&memory));
    first
        .outbox
        .take_in(vec![entry("p", "1"), entry("p", "2")], None)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    first.stop.cancel();
    first.task.await.unwrap();
    drop(first.outbox);

    let (hook, address) = Hook::serve(&[]).await;
    memory.provider("p", json!({"type": "generic", "address": address}));
    let outbox = Arc::new(Outbox::in_memory());
    assert_eq!(outbox.attach_file(&path).await.unwrap().entries, 2);
    let second = start(outbox, memory);
    hook.hears(&["1", "2"]).await;
    second.is_empty().await;
}

#[tokio::test]
async fn an_unsupported_provider_is_refused_by_name() {
    let memory = Arc::new(Memory::default());
    memory.provider(
        "p",
        json!({"type": "slack", "address": "http://127.0.0.1:9/"}),
    );
    let running = start(Arc::new(Outbox::in_memory()), memory);
    running
        .outbox
        .take_in(vec![entry("p", "1")], None)
        .await
        .unwrap();
    running.is_empty().await;
    assert_eq!(
        running.memory.warned(),
        [
            "failed to dispatch notification for //: failed to initialize notifier for provider 'p': failed to initialize notifier: provider slack not supported: this release sends to generic and generic-hmac only"
        ]
    );
}

#[test]
fn a_lane_probes_with_the_least_tried_event_after_a_failure() {
    let now = Instant::now();
    let pace = Pace::default();
    let mut lane = Lane::new(now, pace.burst);
    let job = |number, rounds| Job {
        number,
        provider: ProviderKey {
            namespace: "apps".into(),
            name: "p".into(),
        },
        rounds,
        ready: now,
    };
    lane.waiting = vec![job(1, 3), job(2, 0), job(3, 0)];
    lane.failures = 1;
    lane.closed_until = now + Duration::from_secs(30);
    assert!(lane.take(now, &pace).is_none());
    assert_eq!(lane.wake(&pace), Some(lane.closed_until));
    assert_eq!(lane.take(lane.closed_until, &pace).unwrap().number, 2);
    assert!(
        lane.take(lane.closed_until, &pace).is_none(),
        "one probe at a time"
    );
}

#[test]
fn a_lane_starts_no_more_than_its_rate_allows() {
    let now = Instant::now();
    let pace = Pace {
        at_once: 1000,
        burst: 10.0,
        per_second: 5.0,
        ..Pace::default()
    };
    let mut lane = Lane::new(now, pace.burst);
    lane.waiting = (0..100)
        .map(|number| Job {
            number,
            provider: ProviderKey {
                namespace: "apps".into(),
                name: "p".into(),
            },
            rounds: 0,
            ready: now,
        })
        .collect();
    let started = |lane: &mut Lane, at| std::iter::from_fn(|| lane.take(at, &pace)).count();
    assert_eq!(started(&mut lane, now), 10);
    assert!(lane.wake(&pace).unwrap() > now);
    assert_eq!(started(&mut lane, now + Duration::from_secs(1)), 5);
}
