//! The durable outbox: every matched event stands here from its arrival until it was delivered or given
//! up, and a restart finds it again.
//!
//! Owns numbering, the memory bound, the ids already taken in and the place in the watch of Events; how
//! deliveries are tried is [`crate::delivery`]'s. Until a store is attached (a standby replica, the first
//! moments of a start) it holds what it gets in memory only. An event that matched nothing is never
//! written: after a restart it is looked at again and matches nothing again.

mod entry;
mod file;
mod secret;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{Mutex, watch};

pub use entry::{AlertRef, Entry, ProviderKey};
use entry::{Record, Snapshot};
use file::FileLog;
pub use secret::SecretStore;

/// How many bytes of events are held at most; past it the provider that holds most loses its oldest.
const CAPACITY: usize = 32 << 20;

/// How long finished deliveries may wait to be written together.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// How often a log on a volume notes that the process is there.
const PRESENCE_EVERY: Duration = Duration::from_secs(600);

/// The outbox; shared by the roads in and the deliveries out.
#[derive(Debug)]
pub struct Outbox {
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
    capacity: usize,
}

#[derive(Debug)]
struct Inner {
    state: Snapshot,
    seen: HashSet<String>,
    finished: Vec<u64>,
    store: Store,
}

#[derive(Debug)]
enum Store {
    Memory,
    File(Arc<SyncMutex<FileLog>>),
    Secret(Box<SecretStore>),
}

/// One event taken in, with an entry for each delivery it leads to.
#[derive(Debug, Clone)]
pub struct Intake {
    /// Names the event over both roads.
    pub id: String,
    /// Where it goes; may be empty.
    pub entries: Vec<Entry>,
}

impl Outbox {
    /// Creates an outbox without a store.
    pub fn in_memory() -> Self {
        Self::with_capacity(CAPACITY)
    }

    fn with_capacity(capacity: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                state: Snapshot::default(),
                seen: HashSet::new(),
                finished: Vec::new(),
                store: Store::Memory,
            }),
            changed: watch::Sender::new(0),
            capacity,
        }
    }

    /// Takes events in and, with them, moves the place in the watch; durable when it returns.
    ///
    /// Returns the entries that had to make room. On an error nothing was taken in.
    pub async fn take_in(
        &self,
        events: Vec<Intake>,
        place: Option<String>,
    ) -> Result<Vec<Entry>, Error> {
        let mut inner = self.inner.lock().await;
        let inner = &mut *inner;
        let before = (inner.state.next, inner.state.place.clone());
        let now = Timestamp::now();
        let mut records = Vec::new();
        let mut next = inner.state.next;
        let mut fresh = HashSet::new();
        for event in events {
            if inner.seen.contains(&event.id) || !fresh.insert(event.id.clone()) {
                continue;
            }
            if event.entries.is_empty() {
                // Remembered in memory only; see the module's comment.
                inner.remember(event.id);
                continue;
            }
            for entry in event.entries {
                records.push(Record::Put(next, entry));
                next += 1;
            }
            records.push(Record::Seen(event.id));
        }
        let durable = !records.is_empty();
        records.extend(place.map(|version| Record::Place(version, now)));
        for record in &records {
            inner.state.apply(record.clone());
        }
        if durable {
            records.extend(inner.finished.iter().copied().map(Record::Done));
            if let Err(error) = inner.store.commit(&records, &inner.state).await {
                inner.roll_back(&records, before);
                return Err(error);
            }
            inner.finished.clear();
            for record in records {
                if let Record::Seen(id) = record {
                    inner.seen.insert(id);
                }
            }
            inner.forget_old_ids();
        }
        let evicted = inner.make_room(self.capacity);
        if durable {
            self.changed.send_modify(|version| *version += 1);
        }
        Ok(evicted)
    }

    /// Tells whether an event was taken in already.
    pub async fn has_seen(&self, id: &str) -> bool {
        self.inner.lock().await.seen.contains(id)
    }

    /// Returns the resource version up to which the watch has been worked off.
    pub async fn place(&self) -> Option<String> {
        self.inner.lock().await.state.place.clone()
    }

    /// Returns when the place was written last.
    pub async fn kept_at(&self) -> Option<Timestamp> {
        self.inner.lock().await.state.kept_at
    }

    /// Marks an entry as delivered or given up; written with the next batch.
    pub async fn finish(&self, number: u64) {
        let mut inner = self.inner.lock().await;
        if inner.state.entries.remove(&number).is_some() {
            inner.finished.push(number);
        }
    }

    /// Returns the entries from a number on, by provider.
    pub async fn arrived_from(&self, number: u64) -> Vec<(u64, ProviderKey)> {
        let inner = self.inner.lock().await;
        inner
            .state
            .entries
            .range(number..)
            .map(|(n, entry)| (*n, entry.provider_key()))
            .collect()
    }

    /// Returns an entry, as long as it waits.
    pub async fn entry(&self, number: u64) -> Option<Entry> {
        self.inner.lock().await.state.entries.get(&number).cloned()
    }

    /// Returns how many entries wait and how many bytes they take.
    pub async fn depth(&self) -> (usize, usize) {
        let inner = self.inner.lock().await;
        (inner.state.entries.len(), inner.state.size())
    }

    /// Subscribes to arrivals.
    pub fn arrivals(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Writes what was finished since the last batch.
    pub async fn flush(&self) -> Result<(), Error> {
        let mut inner = self.inner.lock().await;
        let inner = &mut *inner;
        if inner.finished.is_empty() {
            return Ok(());
        }
        let mut records: Vec<Record> = inner.finished.iter().copied().map(Record::Done).collect();
        let now = Timestamp::now();
        records.extend(
            inner
                .state
                .place
                .clone()
                .map(|version| Record::Place(version, now)),
        );
        inner.store.commit(&records, &inner.state).await?;
        inner.finished.clear();
        Ok(())
    }

    /// Notes in a log on a volume that this process was still there; a Secret is not worth a request.
    async fn note_presence(&self) -> Result<(), Error> {
        let mut inner = self.inner.lock().await;
        let inner = &mut *inner;
        let (Store::File(_), Some(place)) = (&inner.store, inner.state.place.clone()) else {
            return Ok(());
        };
        let record = Record::Place(place, Timestamp::now());
        inner.state.apply(record.clone());
        inner.store.commit(&[record], &inner.state).await
    }

    /// Writes finished deliveries from time to time, for as long as it is polled.
    pub async fn keep_flushing(&self) {
        let mut noted = Instant::now();
        loop {
            tokio::time::sleep(FLUSH_EVERY).await;
            let mut written = self.flush().await;
            if noted.elapsed() >= PRESENCE_EVERY {
                noted = Instant::now();
                written = written.and(self.note_presence().await);
            }
            if let Err(error) = written {
                tracing::error!(%error, "finished deliveries are not written yet; a restart would repeat them");
            }
        }
    }

    /// Attaches a log on a volume; what it held before joins what came in since the start.
    pub async fn attach_file(&self, path: &Path) -> Result<Attached, Error> {
        let path = path.to_owned();
        let (log, found) = blocking(move || FileLog::open(&path)).await?;
        let store = Store::File(Arc::new(SyncMutex::new(log)));
        let attached = self.attach(store, found.snapshot).await?;
        Ok(Attached {
            torn: found.torn,
            ..attached
        })
    }

    /// Attaches a Secret; what it held before joins what came in since the start.
    pub async fn attach_secret(&self, store: SecretStore) -> Result<Attached, Error> {
        let found = store.load().await?;
        self.attach(Store::Secret(Box::new(store)), found).await
    }

    async fn attach(&self, mut store: Store, found: Snapshot) -> Result<Attached, Error> {
        let mut inner = self.inner.lock().await;
        let inner = &mut *inner;
        let attached = Attached {
            entries: found.entries.len(),
            torn: 0,
        };
        let mut state = found;
        let mut records = Vec::new();
        // Numbers already handed out in this process stay; the recovered entries get new ones.
        let recovered = std::mem::take(&mut state.entries);
        state.next = 0;
        records.extend(recovered.keys().copied().map(Record::Done));
        let mut next = inner.state.next;
        let mut entries = std::mem::take(&mut inner.state.entries);
        for entry in recovered.into_values() {
            entries.insert(next, entry);
            next += 1;
        }
        records.extend(
            entries
                .iter()
                .map(|(number, entry)| Record::Put(*number, entry.clone())),
        );
        let fresh: Vec<String> = inner.state.seen.iter().cloned().collect();
        records.extend(fresh.into_iter().map(Record::Seen));
        if inner.state.place.is_some() {
            state.place.clone_from(&inner.state.place);
            state.kept_at = inner.state.kept_at;
        }
        for record in &records {
            state.apply(record.clone());
        }
        state.next = next;
        match store.commit(&records, &state).await {
            Ok(()) => {
                inner.seen.extend(state.seen.iter().cloned());
                inner.state = state;
                inner.store = store;
                self.changed.send_modify(|version| *version += 1);
                Ok(attached)
            }
            Err(error) => {
                let known = inner.state.next;
                inner.state.entries = state
                    .entries
                    .into_iter()
                    .filter(|(number, _)| *number < known)
                    .collect();
                Err(error)
            }
        }
    }
}

/// What a store held when it was attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attached {
    /// Deliveries that a former process left over.
    pub entries: usize,
    /// Bytes of a torn tail that were cut off.
    pub torn: u64,
}

impl Inner {
    fn remember(&mut self, id: String) {
        self.seen.insert(id.clone());
        self.state.apply(Record::Seen(id));
        self.forget_old_ids();
    }

    fn forget_old_ids(&mut self) {
        if self.seen.len() > self.state.seen.len() + 64 {
            self.seen = self.state.seen.iter().cloned().collect();
        }
    }

    fn roll_back(&mut self, records: &[Record], (next, place): (u64, Option<String>)) {
        for record in records.iter().rev() {
            match record {
                Record::Put(number, _) => {
                    self.state.entries.remove(number);
                }
                Record::Seen(_) => {
                    self.state.seen.pop_back();
                }
                Record::Done(_) | Record::Place(..) => {}
            }
        }
        self.state.next = next;
        self.state.place = place;
    }

    fn make_room(&mut self, capacity: usize) -> Vec<Entry> {
        let mut total = self.state.size();
        let mut evicted = Vec::new();
        if total <= capacity {
            return evicted;
        }
        let mut held: BTreeMap<ProviderKey, usize> = BTreeMap::new();
        for entry in self.state.entries.values() {
            *held.entry(entry.provider_key()).or_default() += entry.size();
        }
        while total > capacity && self.state.entries.len() > 1 {
            let Some(largest) = held
                .iter()
                .max_by_key(|(_, bytes)| **bytes)
                .map(|(key, _)| key.clone())
            else {
                break;
            };
            let oldest = self
                .state
                .entries
                .iter()
                .find(|(_, e)| e.provider_key() == largest);
            let Some(number) = oldest.map(|(number, _)| *number) else {
                break;
            };
            if let Some(entry) = self.state.entries.remove(&number) {
                total -= entry.size();
                if let Some(bytes) = held.get_mut(&largest) {
                    *bytes -= entry.size();
                }
                self.finished.push(number);
                evicted.push(entry);
            }
        }
        evicted
    }
}

impl Store {
    async fn commit(&mut self, records: &[Record], state: &Snapshot) -> Result<(), Error> {
        match self {
            Self::Memory => Ok(()),
            Self::File(log) => {
                let log = Arc::clone(log);
                let records = records.to_vec();
                let stale = blocking(move || {
                    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                    log.append(&records)?;
                    Ok(log.is_stale())
                })
                .await?;
                if stale {
                    self.rewrite(state.clone()).await;
                }
                Ok(())
            }
            Self::Secret(secret) => Ok(secret.save(state).await?),
        }
    }

    /// Shortens the log; a failure costs only space, the records are written already.
    async fn rewrite(&self, state: Snapshot) {
        let Self::File(log) = self else { return };
        let log = Arc::clone(log);
        let done = blocking(move || {
            log.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .rewrite_if_stale(&state)
        });
        if let Err(error) = done.await {
            tracing::warn!(%error, "the outbox could not be shortened");
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, file::Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(error) => Err(Error::Interrupted(error.to_string())),
    }
}

/// Why the outbox could not keep its promise; nothing was taken in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log on the volume failed.
    #[error(transparent)]
    File(#[from] file::Error),
    /// The Secret could not be read or written.
    #[error(transparent)]
    Secret(#[from] secret::Error),
    /// The work was cut short.
    #[error("outbox work interrupted: {0}")]
    Interrupted(String),
}

impl Error {
    /// Tells whether the API server will not let us keep the outbox there.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Secret(error) if error.is_denied())
    }
}

#[cfg(test)]
mod tests;
