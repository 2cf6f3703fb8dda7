//! The task that feeds a store from the API server.

use std::time::Duration;

use futures::StreamExt;
use kube::{Api, runtime::watcher};
use rand::Rng;

use super::Store;
use crate::{Object, Process};

/// Bounds the pause after a failed list or watch: an API server that comes back is noticed within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Feeds the store until the process ends.
pub(crate) fn spawn<K: Object>(store: &Store<K>, process: &Process, selector: Option<String>) {
    let api: Api<K> = match process.namespace() {
        Some(namespace) => Api::namespaced(process.client().clone(), namespace),
        None => Api::all(process.client().clone()),
    };
    let config = watcher::Config {
        label_selector: selector,
        ..watcher::Config::default()
    };
    let (store, shutdown) = (store.clone(), process.shutdown().clone());
    tokio::spawn(async move {
        shutdown
            .run_until_cancelled(feed(store.clone(), api, config))
            .await;
        // Whoever still waits for the first list must not keep the process from ending.
        store.give_up();
    });
}

async fn feed<K: Object>(store: Store<K>, api: Api<K>, config: watcher::Config) {
    let mut events = std::pin::pin!(watcher::watcher(api, config));
    let mut failures = 0u32;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                failures = 0;
                store.accept(event);
            }
            Err(error) => {
                // A watch that the server compacted or ended is routine; the watcher lists again by itself.
                let kind = K::kind(&());
                let error = crate::outcome::chain(&error);
                if failures == 0 {
                    tracing::debug!(%error, "watch of {kind} interrupted");
                } else {
                    tracing::error!(%error, "failed to watch {kind}");
                }
                tokio::time::sleep(pause(failures)).await;
                failures += 1;
            }
        }
    }
}

fn pause(failures: u32) -> Duration {
    let pause = Duration::from_millis(200)
        .saturating_mul(1 << failures.min(10))
        .min(LONGEST_PAUSE);
    pause.mul_f64(rand::rng().random_range(0.5..1.0))
}
