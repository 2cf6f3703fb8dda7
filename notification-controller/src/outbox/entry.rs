//! What the outbox holds, and the records its stores write.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{DecodeError, Event};

/// One event on its way to one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Names the event over both roads; several entries share it when several alerts match.
    pub id: String,
    /// The alert that matched.
    pub alert: AlertRef,
    /// The name of the provider, in the namespace of the alert.
    pub provider: String,
    /// When the event arrived here.
    pub received: Timestamp,
    /// The event with its merged metadata, as the bytes that a generic provider receives.
    pub event: String,
}

/// Enough of an Alert to record a Kubernetes event on it later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertRef {
    /// Namespace of the alert, and of its provider.
    pub namespace: String,
    /// Name of the alert.
    pub name: String,
    /// Uid of the alert.
    pub uid: String,
}

impl Entry {
    /// Returns the event that the entry carries.
    pub fn event(&self) -> Result<Event, DecodeError> {
        Event::from_json(self.event.as_bytes())
    }

    /// Returns the provider's namespace and name.
    pub fn provider_key(&self) -> ProviderKey {
        ProviderKey {
            namespace: self.alert.namespace.clone(),
            name: self.provider.clone(),
        }
    }

    /// Returns about how many bytes the entry takes in a store.
    pub fn size(&self) -> usize {
        self.event.len() + self.id.len() + self.alert.name.len() + self.provider.len() + 256
    }
}

/// A provider, by namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderKey {
    /// Namespace of the provider.
    pub namespace: String,
    /// Name of the provider.
    pub name: String,
}

/// One step in the life of the outbox, as a log keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Record {
    /// An entry came in under a number.
    Put(u64, Entry),
    /// The entry of that number was delivered or given up.
    Done(u64),
    /// An event was taken in; it is not taken in again.
    Seen(String),
    /// At this time the watch of Events had been worked off up to this resource version.
    Place(String, Timestamp),
}

/// Everything that must survive a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    /// The entries not yet delivered, by number.
    pub(super) entries: BTreeMap<u64, Entry>,
    /// Ids of events taken in lately, oldest first.
    pub(super) seen: VecDeque<String>,
    /// The resource version up to which Events have been worked off.
    pub(super) place: Option<String>,
    /// When the place was written last.
    #[serde(default)]
    pub(super) kept_at: Option<Timestamp>,
    /// The number of the next entry.
    pub(super) next: u64,
}

/// How many ids are remembered; a repeat arrives within seconds over the other road, or after a restart.
const MAX_SEEN: usize = 4096;

impl Snapshot {
    /// Applies one record.
    pub(super) fn apply(&mut self, record: Record) {
        match record {
            Record::Put(number, entry) => {
                self.next = self.next.max(number + 1);
                self.entries.insert(number, entry);
            }
            Record::Done(number) => {
                self.entries.remove(&number);
            }
            Record::Seen(id) => {
                self.seen.push_back(id);
                if self.seen.len() > MAX_SEEN {
                    self.seen.pop_front();
                }
            }
            Record::Place(version, at) => {
                self.place = Some(version);
                self.kept_at = Some(at);
            }
        }
    }

    /// Returns the records that rebuild this snapshot.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let puts = self
            .entries
            .iter()
            .map(|(number, entry)| Record::Put(*number, entry.clone()));
        let seen = self.seen.iter().cloned().map(Record::Seen);
        let place = self.place.clone().zip(self.kept_at);
        let place = place
            .into_iter()
            .map(|(version, at)| Record::Place(version, at));
        puts.chain(seen).chain(place)
    }

    /// Returns the bytes that the entries take.
    pub(super) fn size(&self) -> usize {
        self.entries.values().map(Entry::size).sum()
    }
}
