//! The recorder: creates Events with an answer (for passes) or from a bounded queue (for everyone else).

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{EventDraft, OCCURRENCE_LABEL, Subject, body::Prepared, memory::Memory, post};

/// Events that may wait outside of passes; one more is dropped, counted and logged.
const QUEUE: usize = 4096;
/// Tries per event when the API server cannot be reached.
const TRIES: u32 = 5;

/// Why an event could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server could not be reached; the step must be done again later.
    #[error("failed to record event")]
    Unreachable(#[source] Box<kube::Error>),
    /// The address for POSTs is not usable.
    #[error("failed to set up --events-addr")]
    Address(#[source] reqwest::Error),
}

/// Events of a step that were created but whose status is not yet written.
#[derive(Debug, Default)]
#[must_use = "a batch that is not settled is said again"]
pub(crate) struct Batch(Vec<(String, i32)>);

/// Records events for any object; cheap to clone.
#[derive(Clone)]
pub struct EventRecorder {
    inner: Arc<Inner>,
}

struct Inner {
    component: &'static str,
    hostname: String,
    client: Client,
    memory: Mutex<Memory>,
    queue: mpsc::Sender<(Subject, EventDraft)>,
    letters: OnceLock<mpsc::Sender<post::Letter>>,
    dropped: prometheus::IntCounter,
    /// Counts what was queued on either road and is not yet delivered.
    busy: Arc<AtomicUsize>,
}

impl EventRecorder {
    /// Queues an event about an object outside a pass (drift corrections); a full queue drops it, counted and logged.
    pub fn emit(&self, subject: Subject, draft: EventDraft) {
        self.inner.busy.fetch_add(1, Ordering::SeqCst);
        if let Err(error) = self.inner.queue.try_send((subject, draft)) {
            self.inner.busy.fetch_sub(1, Ordering::SeqCst);
            self.inner.dropped.inc();
            let (mpsc::error::TrySendError::Full((_, draft))
            | mpsc::error::TrySendError::Closed((_, draft))) = error;
            tracing::error!(error = "event queue is full", reason = %draft.reason, "unable to record event");
        }
    }

    /// Returns the reporting controller's name.
    pub fn component(&self) -> &'static str {
        self.inner.component
    }

    pub(crate) fn start(
        component: &'static str,
        client: Client,
        events_addr: &str,
        dropped: prometheus::IntCounter,
        retired: &CancellationToken,
    ) -> Result<Self, Error> {
        let (queue, mut waiting) = mpsc::channel::<(Subject, EventDraft)>(QUEUE);
        let (letters, busy) = (OnceLock::new(), Arc::new(AtomicUsize::new(0)));
        if !events_addr.is_empty() {
            let _ = letters.set(
                post::spawn(events_addr, busy.clone(), retired.clone()).map_err(Error::Address)?,
            );
        }
        let hostname = crate::process::hostname();
        let memory = Mutex::default();
        let recorder = Self {
            inner: Arc::new(Inner {
                component,
                hostname,
                client,
                memory,
                queue,
                letters,
                dropped,
                busy,
            }),
        };
        let (worker, retired) = (recorder.clone(), retired.clone());
        tokio::spawn(async move {
            while let Some(Some((subject, draft))) =
                retired.run_until_cancelled(waiting.recv()).await
            {
                match worker.record(&subject, &[draft]).await {
                    Ok(batch) => worker.settle(batch),
                    Err(error) => {
                        worker.inner.dropped.inc();
                        tracing::error!(
                            error = crate::outcome::chain(&error),
                            "unable to record event"
                        );
                    }
                }
                worker.inner.busy.fetch_sub(1, Ordering::SeqCst);
            }
        });
        Ok(recorder)
    }

    /// Waits until both roads are empty, or the patience is at its end.
    pub(crate) async fn drain(&self, patience: Duration) {
        let empty = async {
            while self.inner.busy.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(patience, empty).await.is_err() {
            let left = self.inner.busy.load(Ordering::SeqCst);
            tracing::error!(error = "out of time", "{left} events were not delivered");
        }
    }

    /// Creates the events now, in order; one that the API server refuses is logged and left out.
    pub(crate) async fn record(
        &self,
        subject: &Subject,
        drafts: &[EventDraft],
    ) -> Result<Batch, Error> {
        let mut batch = Batch::default();
        for draft in drafts {
            let mut prepared =
                Prepared::new(subject, draft, self.inner.component, Timestamp::now());
            // The watch road must tell as much as the POST does.
            prepared.event.reporting_instance = Some(self.inner.hostname.clone());
            if let Some(count) = self.put(&prepared).await? {
                self.post(&prepared, count);
                batch.0.push((prepared.name, count));
            }
        }
        Ok(batch)
    }

    /// Remembers that the step of these events is recorded, so that saying one again is a repeat.
    pub(crate) fn settle(&self, batch: Batch) {
        let mut memory = self
            .inner
            .memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (name, count) in batch.0 {
            memory.settle(name, count);
        }
    }

    async fn put(&self, prepared: &Prepared) -> Result<Option<i32>, Error> {
        let mut pause = Duration::from_millis(100);
        for attempt in 1.. {
            match self.try_put(prepared).await {
                Ok(count) => return Ok(Some(count)),
                Err(error) if is_final(&error) => {
                    let error = crate::outcome::chain(&error);
                    tracing::error!(
                        error,
                        reason = prepared.event.reason,
                        "unable to record event"
                    );
                    return Ok(None);
                }
                Err(error) if attempt >= TRIES => return Err(Error::Unreachable(Box::new(error))),
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause *= 3;
        }
        Ok(None)
    }

    async fn try_put(&self, prepared: &Prepared) -> Result<i32, kube::Error> {
        let said = self
            .inner
            .memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .count(&prepared.name);
        if let Some(said) = said
            && let Some(count) = self.repeat(prepared, said + 1).await?
        {
            return Ok(count);
        }
        let api = self.api(prepared);
        let params = PostParams {
            field_manager: Some(self.inner.component.to_owned()),
            ..PostParams::default()
        };
        match api.create(&params, &prepared.event).await {
            Ok(_) => return Ok(1),
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(error),
        }
        // Said before this process began: by the same step, killed before its status, or by an earlier one.
        let Some(stored) = api.get_opt(&prepared.name).await? else {
            return Ok(1);
        };
        let count = stored.count.unwrap_or(1);
        if stored.labels().get(OCCURRENCE_LABEL) == Some(&prepared.occurrence) {
            return Ok(count);
        }
        Ok(self.repeat(prepared, count + 1).await?.unwrap_or(count + 1))
    }

    /// Raises the count; `None` when the API server has dropped the Event, as it does after an hour.
    async fn repeat(&self, prepared: &Prepared, count: i32) -> Result<Option<i32>, kube::Error> {
        let params = PatchParams {
            field_manager: Some(self.inner.component.to_owned()),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(prepared.repeat(count));
        match self
            .api(prepared)
            .patch(&prepared.name, &params, &patch)
            .await
        {
            Ok(event) => Ok(Some(event.count.unwrap_or(count))),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn api(&self, prepared: &Prepared) -> Api<Event> {
        Api::namespaced(self.inner.client.clone(), &prepared.namespace)
    }

    fn post(&self, prepared: &Prepared, count: i32) {
        let Some(letters) = self.inner.letters.get() else {
            return;
        };
        let Some(body) = prepared.post(&self.inner.hostname) else {
            return;
        };
        let id = if count > 1 {
            format!("{}.{count}", prepared.name)
        } else {
            prepared.name.clone()
        };
        self.inner.busy.fetch_add(1, Ordering::SeqCst);
        if letters.try_send(post::Letter { id, body }).is_err() {
            self.inner.busy.fetch_sub(1, Ordering::SeqCst);
            self.inner.dropped.inc();
            tracing::error!(
                error = "the queue for --events-addr is full",
                "unable to record event"
            );
        }
    }
}

/// Tells whether asking again cannot change the API server's mind.
fn is_final(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            (400..500).contains(&status.code) && ![408, 429].contains(&status.code)
        }
        kube::Error::SerdeError(_) | kube::Error::BuildRequest(_) => true,
        _ => false,
    }
}
