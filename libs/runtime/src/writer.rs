//! The frame's writes on its own kind: status patches, the finalizer, and the events before them.
//!
//! Every answer goes into the store at once, so that no later pass starts from an older object. Nothing here decides
//! anything; a conflict is resolved by moving our difference onto the newer object.

use std::{sync::Arc, time::Duration};

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::{
    EventDraft, EventRecorder, Object, ObjectKey, Store,
    event::{self, Subject},
    status,
};

/// Tries per write, against conflicts and an API server that is away (Flux: 5, from 100 ms).
const TRIES: u32 = 5;

/// Why the frame could not write.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The object is gone: nothing is left to do.
    #[error("object is gone")]
    Gone,
    /// An event must be recorded before the status, and could not be.
    #[error(transparent)]
    Event(#[from] event::Error),
    /// The status of the kind does not serialize.
    #[error("failed to encode status")]
    Encode(#[from] serde_json::Error),
    /// The API server refused or could not be reached.
    #[error("failed to patch object")]
    Api(#[source] Box<kube::Error>),
}

impl Error {
    /// Tells whether the API server understood and said no, so that asking again soon is no use.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Api(error) => !is_transient(error),
            Self::Encode(_) => true,
            Self::Gone | Self::Event(_) => false,
        }
    }
}

/// Writes objects of one kind.
pub(crate) struct Writer<K> {
    client: kube::Client,
    store: Store<K>,
    recorder: EventRecorder,
    manager: &'static str,
}

impl<K: Object> Writer<K> {
    pub(crate) fn new(
        client: kube::Client,
        store: Store<K>,
        recorder: EventRecorder,
        manager: &'static str,
    ) -> Self {
        Self {
            client,
            store,
            recorder,
            manager,
        }
    }

    pub(crate) async fn record(
        &self,
        subject: &Subject,
        events: &[EventDraft],
    ) -> Result<crate::event::Batch, event::Error> {
        self.recorder.record(subject, events).await
    }

    pub(crate) fn settle(&self, batch: crate::event::Batch) {
        self.recorder.settle(batch);
    }

    /// Patches the status from `stored` to `wanted`; `None` when there is nothing to write.
    pub(crate) async fn patch_status(
        &self,
        key: &ObjectKey,
        object: &Arc<K>,
        stored: &Value,
        wanted: &Value,
    ) -> Result<Option<Arc<K>>, Error> {
        let mut base = stored.clone();
        let mut version = object.resource_version();
        let mut target = wanted.clone();
        for attempt in 1.. {
            let Some(patch) = status::diff(&base, &target) else {
                return Ok(None);
            };
            let mut body = json!({"status": patch});
            if status::writes_conditions(&patch) {
                body["metadata"] = json!({"resourceVersion": version});
            }
            let params = self.params();
            let answer = self
                .api(key)
                .patch_status(&key.name, &params, &Patch::Merge(&body))
                .await;
            match answer {
                Ok(object) => return Ok(Some(self.store.wrote(object))),
                Err(error) if attempt >= TRIES || !is_transient(&error) => {
                    return Err(refused(error));
                }
                Err(error) => {
                    if !is_conflict(&error) {
                        pause(attempt).await;
                    }
                    let newest = self.newest(key, object).await?;
                    let newer = status::of(&*newest);
                    target = status::rebase(stored, wanted, &newer);
                    base = newer;
                    version = newest.resource_version();
                }
            }
        }
        Ok(None)
    }

    /// Adds or removes the finalizer; an object that is gone counts as done.
    pub(crate) async fn set_finalizer(
        &self,
        key: &ObjectKey,
        object: &Arc<K>,
        finalizer: &str,
        present: bool,
    ) -> Result<Arc<K>, Error> {
        let mut current = object.clone();
        for attempt in 1.. {
            let mut finalizers = current.finalizers().to_vec();
            if finalizers.iter().any(|f| f == finalizer) == present {
                return Ok(current);
            }
            if present {
                finalizers.push(finalizer.to_owned());
            } else {
                finalizers.retain(|f| f != finalizer);
            }
            let finalizers = if finalizers.is_empty() {
                Value::Null
            } else {
                json!(finalizers)
            };
            let body = json!({"metadata": {
                "finalizers": finalizers,
                "resourceVersion": current.resource_version(),
            }});
            match self
                .api(key)
                .patch(&key.name, &self.params(), &Patch::Merge(&body))
                .await
            {
                Ok(object) => return Ok(self.store.wrote(object)),
                Err(error) if attempt >= TRIES || !is_transient(&error) => {
                    return Err(refused(error));
                }
                Err(error) => {
                    if !is_conflict(&error) {
                        pause(attempt).await;
                    }
                    current = self.newest(key, object).await?;
                }
            }
        }
        Ok(current)
    }

    /// Reads the object anew; another object of the same name counts as gone.
    async fn newest(&self, key: &ObjectKey, known: &Arc<K>) -> Result<Arc<K>, Error> {
        let mut attempt = 1;
        let object = loop {
            match self.api(key).get(&key.name).await {
                Ok(object) => break object,
                Err(error) if attempt >= TRIES || !is_transient(&error) => {
                    return Err(refused(error));
                }
                Err(_) => pause(attempt).await,
            }
            attempt += 1;
        };
        if object.uid() != known.uid() {
            return Err(Error::Gone);
        }
        Ok(self.store.wrote(object))
    }

    fn api(&self, key: &ObjectKey) -> Api<K> {
        Api::namespaced(self.client.clone(), &key.namespace)
    }

    fn params(&self) -> PatchParams {
        PatchParams {
            field_manager: Some(self.manager.to_owned()),
            ..PatchParams::default()
        }
    }
}

async fn pause(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(100) * 2u32.pow(attempt)).await;
}

fn refused(error: kube::Error) -> Error {
    match &error {
        kube::Error::Api(status) if status.code == 404 => Error::Gone,
        _ => Error::Api(Box::new(error)),
    }
}

fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

fn is_transient(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => status.code >= 500 || [408, 409, 429].contains(&status.code),
        kube::Error::SerdeError(_) | kube::Error::BuildRequest(_) => false,
        _ => true,
    }
}
