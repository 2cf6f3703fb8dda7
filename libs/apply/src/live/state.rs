//! What the index holds and how each event changes it: no I/O, no clock but the one handed in.
//!
//! An object is *as we left it* while its live entry matches the baseline, the response to our own
//! last apply. Everything the index decides follows from that comparison.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::fight::Fight;
use super::seen::{Observation, Seen};
use super::{Known, OwnerKey};
use crate::object::{GroupKind, ObjectId};
use crate::status::{self, Status};

/// How our last apply left an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Baseline {
    desired: u64,
    version: u64,
    fields: u64,
}

#[derive(Debug)]
struct Entry {
    owner: OwnerKey,
    seen: Seen,
    baseline: Option<Baseline>,
    /// A correction is queued or under way.
    suspected: bool,
    fight: Option<Fight>,
}

/// What is kept of an object that is gone and ought not to be.
#[derive(Debug)]
struct Missing {
    owner: OwnerKey,
    baseline: Option<Baseline>,
    fight: Option<Fight>,
}

#[derive(Debug, Default)]
struct Owned {
    ids: HashSet<ObjectId>,
    awaited: HashSet<ObjectId>,
}

/// Why a kind cannot be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blind {
    /// Our identity may not watch it.
    Forbidden,
    /// The API server does not serve it, or did not yet.
    Unserved,
}

#[derive(Debug, Default)]
struct Watch {
    task: Option<AbortHandle>,
    synced: bool,
    /// Why the watch shows nothing, where it does not.
    blind: Option<Blind>,
    /// How many owned objects are of this kind.
    objects: usize,
}

/// What follows from an event.
#[derive(Debug, PartialEq)]
pub(super) enum Effect {
    /// An awaited object changed its status.
    Wake(OwnerKey),
    /// The object seems to have drifted; it is to be looked into after this long.
    Suspect(Duration),
}

/// The whole of the index.
#[derive(Debug, Default)]
pub(super) struct State {
    owners: HashMap<OwnerKey, Owned>,
    objects: HashMap<ObjectId, Entry>,
    /// The objects that are gone, until they come back or are let go.
    missing: HashMap<ObjectId, Missing>,
    watches: HashMap<GroupKind, Watch>,
}

impl Entry {
    fn is_as_left(&self) -> bool {
        self.baseline
            .is_some_and(|baseline| baseline.fields == self.seen.fields)
            && !self.seen.foreign
            && !self.seen.deleting
    }

    /// Tells whether the watch showed something newer than our last answer that is not as we left
    /// it and may be corrected.
    fn has_drifted(&self) -> bool {
        self.baseline
            .is_some_and(|baseline| self.seen.version > baseline.version)
            && !self.is_as_left()
            && !self.seen.deleting
            && !self.seen.hands_off
    }

    fn judge(&mut self, now: Instant) -> Option<Effect> {
        if self.has_drifted() {
            self.suspect(now)
        } else {
            None
        }
    }

    /// Asks for one look; there is never more than one under way.
    fn suspect(&mut self, now: Instant) -> Option<Effect> {
        if std::mem::replace(&mut self.suspected, true) {
            return None;
        }
        Some(Effect::Suspect(Fight::delay(self.fight.as_ref(), now)))
    }
}

impl State {
    /// Replaces what an owner owns; returns the kinds that need a watch.
    pub(super) fn own(&mut self, owner: &OwnerKey, ids: HashSet<ObjectId>) -> Vec<GroupKind> {
        let owned = self.owners.entry(owner.clone()).or_default();
        let old = std::mem::replace(&mut owned.ids, ids.clone());
        for id in ids.difference(&old) {
            self.watches.entry(id.group_kind()).or_default().objects += 1;
        }
        for id in old.difference(&ids) {
            self.drop_object(owner, id);
        }
        self.close_unneeded();
        self.unopened()
    }

    pub(super) fn disown(&mut self, owner: &OwnerKey) -> Vec<GroupKind> {
        self.own(owner, HashSet::new());
        self.owners.remove(owner);
        self.missing.retain(|_, missing| missing.owner != *owner);
        self.unopened()
    }

    fn drop_object(&mut self, owner: &OwnerKey, id: &ObjectId) {
        if let Some(watch) = self.watches.get_mut(&id.group_kind()) {
            watch.objects = watch.objects.saturating_sub(1);
        }
        if self
            .objects
            .get(id)
            .is_some_and(|entry| entry.owner == *owner)
        {
            self.objects.remove(id);
        }
        self.missing.remove(id);
    }

    fn close_unneeded(&mut self) {
        let needless: Vec<GroupKind> = self
            .watches
            .iter()
            .filter(|(_, watch)| watch.objects == 0)
            .map(|(kind, _)| kind.clone())
            .collect();
        for kind in needless {
            if let Some(task) = self.watches.remove(&kind).and_then(|watch| watch.task) {
                task.abort();
            }
            self.objects
                .retain(|id, _| id.group != kind.group || id.kind != kind.kind);
        }
    }

    /// Returns the kinds that need a watch and have none.
    pub(super) fn unopened(&self) -> Vec<GroupKind> {
        let unopened = self
            .watches
            .iter()
            .filter(|(_, watch)| watch.task.is_none());
        unopened.map(|(kind, _)| kind.clone()).collect()
    }

    pub(super) fn opened(&mut self, kind: GroupKind, task: AbortHandle) {
        match self.watches.get_mut(&kind) {
            Some(watch) if watch.task.is_none() => watch.task = Some(task),
            // Somebody else was faster, or nobody needs it any more.
            _ => task.abort(),
        }
    }

    /// Takes the answer to our own apply as the baseline; what the watch has shown since then may
    /// already differ from it.
    pub(super) fn record(
        &mut self,
        owner: &OwnerKey,
        observation: Observation,
        desired: u64,
        now: Instant,
    ) -> Vec<Effect> {
        let Observation { id, seen, .. } = observation;
        if self
            .owners
            .entry(owner.clone())
            .or_default()
            .ids
            .insert(id.clone())
        {
            self.watches.entry(id.group_kind()).or_default().objects += 1;
        }
        // What could just be applied is served: no need to wait for the next try to watch it.
        if let Some(watch) = self.watches.get_mut(&id.group_kind())
            && watch.blind == Some(Blind::Unserved)
            && let Some(task) = watch.task.take()
        {
            task.abort();
            watch.blind = None;
        }
        let baseline = Baseline {
            desired,
            version: seen.version,
            fields: seen.fields,
        };
        let fight = self.missing.remove(&id).and_then(|missing| missing.fight);
        let mut effects = Vec::new();
        match self.objects.get_mut(&id) {
            Some(entry) => {
                entry.baseline = Some(baseline);
                entry.owner = owner.clone();
                if seen.version >= entry.seen.version {
                    let changed = entry.seen.status != seen.status;
                    entry.seen = seen;
                    if changed {
                        wake(&self.owners, &id, &mut effects);
                    }
                }
                effects.extend(entry.judge(now));
            }
            None => {
                let entry = Entry {
                    owner: owner.clone(),
                    seen,
                    baseline: Some(baseline),
                    suspected: false,
                    fight,
                };
                wake(&self.owners, &id, &mut effects);
                self.objects.insert(id, entry);
            }
        }
        effects
    }

    /// Takes away the baseline of an object that is about to be written or deleted, so that our
    /// own doing is not taken for drift before its answer is in.
    pub(super) fn release(&mut self, id: &ObjectId) -> Option<Baseline> {
        self.missing.remove(id);
        self.objects.get_mut(id)?.baseline.take()
    }

    /// Gives back the baseline of an object whose write failed.
    pub(super) fn restore(&mut self, id: &ObjectId, baseline: Baseline) {
        if let Some(entry) = self.objects.get_mut(id)
            && entry.baseline.is_none()
        {
            entry.baseline = Some(baseline);
        }
    }

    /// Takes in an object that a watch showed.
    pub(super) fn observe(&mut self, observation: Observation, now: Instant) -> Vec<Effect> {
        let Observation { id, owner, seen } = observation;
        let Some(owner) = owner else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        let entry = match self.objects.get_mut(&id) {
            Some(entry) => {
                // Our own response may be newer than what the watch has got to.
                if seen.version < entry.seen.version {
                    return effects;
                }
                let changed = entry.seen.status != seen.status;
                entry.seen = seen;
                if entry.owner != owner {
                    // Another owner applied it; only that one minds it from now on.
                    entry.owner = owner.clone();
                    entry.baseline = None;
                }
                if changed {
                    wake(&self.owners, &id, &mut effects);
                }
                entry
            }
            None => {
                let is_owned = self
                    .owners
                    .get(&owner)
                    .is_some_and(|owned| owned.ids.contains(&id));
                if !is_owned {
                    // What nobody here owns is not kept: memory is for what is ours.
                    return effects;
                }
                // Somebody else brought it back: it is still held against how we left it.
                let missing = self.missing.remove(&id);
                let (baseline, fight) = missing.map_or((None, None), |m| (m.baseline, m.fight));
                wake(&self.owners, &id, &mut effects);
                self.objects.entry(id).or_insert(Entry {
                    owner,
                    seen,
                    baseline,
                    suspected: false,
                    fight,
                })
            }
        };
        effects.extend(entry.judge(now));
        effects
    }

    /// Takes in that a watch no longer shows an object, or not the one of that uid.
    pub(super) fn vanished(
        &mut self,
        id: &ObjectId,
        uid: Option<&str>,
        now: Instant,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(entry) = self.objects.get(id) else {
            return effects;
        };
        if uid.is_some_and(|uid| *uid != *entry.seen.uid) {
            return effects; // An older object of the name; a newer one is there.
        }
        let Some(mut entry) = self.objects.remove(id) else {
            return effects;
        };
        wake(&self.owners, id, &mut effects);
        if entry.baseline.is_some() && !entry.seen.hands_off {
            effects.extend(entry.suspect(now));
            let Entry {
                owner,
                baseline,
                fight,
                ..
            } = entry;
            self.missing.insert(
                id.clone(),
                Missing {
                    owner,
                    baseline,
                    fight,
                },
            );
        }
        effects
    }

    /// Returns the owner to ask about a suspect, unless the object is fine again.
    pub(super) fn accused(&mut self, id: &ObjectId) -> Option<OwnerKey> {
        if let Some(missing) = self.missing.get(id) {
            return Some(missing.owner.clone());
        }
        let entry = self.objects.get_mut(id)?;
        if !entry.has_drifted() {
            entry.suspected = false;
            return None;
        }
        let owns = self
            .owners
            .get(&entry.owner)
            .is_some_and(|owned| owned.ids.contains(id));
        owns.then(|| entry.owner.clone())
    }

    /// Ends the handling of a suspect that needs nothing more for now.
    pub(super) fn acquit(&mut self, id: &ObjectId) {
        if let Some(entry) = self.objects.get_mut(id) {
            entry.suspected = false;
        }
    }

    /// Counts a correction, or one that failed, and tells what follows.
    pub(super) fn corrected(&mut self, id: &ObjectId, failed: bool, now: Instant) -> Corrected {
        let (slot, again) = match (self.objects.get_mut(id), self.missing.get_mut(id)) {
            (Some(entry), _) => {
                // What changed meanwhile was not looked at, because a correction was under way.
                entry.suspected = entry.has_drifted();
                (&mut entry.fight, entry.suspected)
            }
            (None, Some(missing)) => (&mut missing.fight, true),
            (None, None) => {
                return Corrected {
                    fight: false,
                    again: None,
                };
            }
        };
        let (news, delay) = Fight::count(slot, failed, now);
        Corrected {
            fight: news,
            again: again.then_some(delay),
        }
    }

    pub(super) fn knows(&self, owner: &OwnerKey, id: &ObjectId, desired: u64) -> Known {
        let synced = self
            .watches
            .get(&id.group_kind())
            .is_some_and(|watch| watch.synced);
        if !synced {
            return Known::Nothing;
        }
        match self.objects.get(id) {
            Some(entry)
                if entry.owner == *owner
                    && entry.is_as_left()
                    && !entry.seen.controlled
                    && entry
                        .baseline
                        .is_some_and(|baseline| baseline.desired == desired) =>
            {
                Known::AsDesired
            }
            None if self.missing.contains_key(id) => Known::Absent,
            _ => Known::Nothing,
        }
    }

    pub(super) fn is_as_left(&self, id: &ObjectId) -> bool {
        self.watches
            .get(&id.group_kind())
            .is_some_and(|watch| watch.synced)
            && self.objects.get(id).is_some_and(Entry::is_as_left)
    }

    pub(super) fn status(&self, id: &ObjectId) -> Option<Status> {
        let watch = self.watches.get(&id.group_kind())?;
        if watch.blind.is_some() {
            return None;
        }
        // Before the first list is in, what our own apply was answered still holds.
        if let Some(entry) = self.objects.get(id) {
            return Some(entry.seen.status);
        }
        // Known to be gone; otherwise it may be there without our labels.
        (watch.synced && self.missing.contains_key(id)).then_some(Status::NotFound)
    }

    pub(super) fn await_health(&mut self, owner: &OwnerKey, ids: &[ObjectId]) -> Vec<ObjectId> {
        if let Some(owned) = self.owners.get_mut(owner) {
            owned.awaited = ids.iter().cloned().collect();
        }
        let must_be_read = |id: &&ObjectId| match self.status(id) {
            None => true,
            Some(Status::InProgress) => status::pods::decide(&id.group_kind()),
            Some(_) => false,
        };
        ids.iter().filter(must_be_read).cloned().collect()
    }

    /// Marks a watch as showing everything; returns what it ought to have shown and did not.
    pub(super) fn synced(&mut self, kind: &GroupKind, shown: &HashSet<ObjectId>) -> Vec<ObjectId> {
        if let Some(watch) = self.watches.get_mut(kind) {
            watch.synced = true;
            watch.blind = None;
        }
        let of_kind = |id: &&ObjectId| id.kind == kind.kind && id.group == kind.group;
        self.objects
            .keys()
            .filter(of_kind)
            .filter(|id| !shown.contains(*id))
            .cloned()
            .collect()
    }

    /// Marks a watch as blind: what it knew may be out of date.
    pub(super) fn unsynced(&mut self, kind: &GroupKind, why: Blind) {
        if let Some(watch) = self.watches.get_mut(kind) {
            watch.synced = false;
            watch.blind = Some(why);
        }
        // Whoever waits for health has to read for itself now.
        let waiting = self.owners.values_mut();
        for owned in waiting {
            owned
                .awaited
                .retain(|id| id.kind != kind.kind || id.group != kind.group);
        }
    }

    /// Returns the owners that wait for an object of this kind.
    pub(super) fn waiting_for(&self, kind: &GroupKind) -> BTreeSet<OwnerKey> {
        let waits = |owned: &Owned| {
            owned
                .awaited
                .iter()
                .any(|id| id.kind == kind.kind && id.group == kind.group)
        };
        let waiting = self.owners.iter().filter(|(_, owned)| waits(owned));
        waiting.map(|(owner, _)| owner.clone()).collect()
    }

    pub(super) fn size(&self) -> (usize, usize) {
        (self.objects.len(), self.watches.len())
    }
}

/// Ends the watches with the index.
impl Drop for State {
    fn drop(&mut self) {
        for task in self
            .watches
            .values()
            .filter_map(|watch| watch.task.as_ref())
        {
            task.abort();
        }
    }
}

/// What follows from a correction.
pub(super) struct Corrected {
    /// A fight began; it is told once.
    pub(super) fight: bool,
    /// The object is to be looked into again, after this long.
    pub(super) again: Option<Duration>,
}

fn wake(owners: &HashMap<OwnerKey, Owned>, id: &ObjectId, effects: &mut Vec<Effect>) {
    for (owner, owned) in owners {
        if owned.awaited.contains(id) {
            effects.push(Effect::Wake(owner.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
