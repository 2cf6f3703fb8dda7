//! The Kustomizations as a watch shows them: what the benchmark waits on costs the API server nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use fjord_crds::kustomize::v1::Kustomization;
use futures::StreamExt as _;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::watcher::{self, Event};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

type Objects = BTreeMap<String, Value>;

/// The latest state of every Kustomization of a namespace, by name; dropped, the watch ends.
pub(super) struct Seen {
    objects: Arc<Mutex<Objects>>,
    changed: Arc<Notify>,
    watch: JoinHandle<()>,
}

impl Seen {
    /// Starts to follow a namespace.
    pub(super) fn follow(client: Client, namespace: &str) -> Self {
        let resource = ApiResource::erase::<Kustomization>(&());
        let api: Api<DynamicObject> = Api::namespaced_with(client, namespace, &resource);
        let (objects, changed) = (Arc::<Mutex<Objects>>::default(), Arc::new(Notify::new()));
        let watch = tokio::spawn({
            let (objects, changed) = (objects.clone(), changed.clone());
            async move {
                let mut events = std::pin::pin!(watcher::watcher(api, watcher::Config::default()));
                while let Some(event) = events.next().await {
                    let (object, is_there) = match event {
                        Ok(Event::Apply(object) | Event::InitApply(object)) => (object, true),
                        Ok(Event::Delete(object)) => (object, false),
                        Ok(Event::Init | Event::InitDone) | Err(_) => continue,
                    };
                    let name = object.metadata.name.clone().unwrap_or_default();
                    let mut objects = objects.lock().unwrap_or_else(PoisonError::into_inner);
                    if is_there {
                        let value = serde_json::to_value(&object).unwrap_or_default();
                        objects.insert(name, value);
                    } else {
                        objects.remove(&name);
                    }
                    drop(objects);
                    changed.notify_one();
                }
            }
        });
        Self {
            objects,
            changed,
            watch,
        }
    }

    /// Lists the names.
    pub(super) fn names(&self) -> Vec<String> {
        let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        objects.keys().cloned().collect()
    }

    /// Waits until what is seen fulfils a condition, asked at most every 10 ms.
    pub(super) async fn until(
        &self,
        patience: Duration,
        is_done: impl Fn(&Objects) -> bool,
    ) -> Result<()> {
        const REST: Duration = Duration::from_millis(10);
        let deadline = Instant::now() + patience;
        loop {
            {
                let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
                if is_done(&objects) {
                    return Ok(());
                }
                if Instant::now() > deadline {
                    let conditions = objects
                        .values()
                        .map(|object| &object["status"]["conditions"])
                        .find(|conditions| !conditions.to_string().contains("\"True\""));
                    bail!("not settled after {patience:?}; one of them: {conditions:?}");
                }
            }
            let _ = tokio::time::timeout(Duration::from_secs(1), self.changed.notified()).await;
            tokio::time::sleep(REST).await;
        }
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.watch.abort();
    }
}
