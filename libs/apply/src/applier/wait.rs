//! Waiting: for the definitions of an apply, for health, for deleted objects to be gone.
//!
//! Only the first and the last sleep, both bounded; health is looked at once and the caller comes
//! back when the live index wakes it.

use std::time::Duration;

use futures::{StreamExt, stream};
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::{Applier, Cause, Done, Error, STAGE_TIMEOUT};
use crate::changeset::{Action, ChangeSet};
use crate::cluster;
use crate::object::ObjectId;
use crate::status::{self, Aggregate, Status, Verdict, pods};

const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl Applier {
    /// Returns the status of each object, from the live index where it knows, else by one read.
    pub async fn statuses(&self, ids: &[ObjectId]) -> Vec<(ObjectId, Status)> {
        let looks: Vec<_> = ids.iter().map(|id| self.status(id)).collect();
        let limit = self.options.concurrency.max(1);
        let found: Vec<_> = stream::iter(looks).buffered(limit).collect().await;
        let status = |found: Result<Status, String>| found.unwrap_or(Status::Unknown);
        ids.iter()
            .cloned()
            .zip(found.into_iter().map(status))
            .collect()
    }

    /// Looks once at every object of an aggregate and records what it saw, read errors included.
    pub async fn observe(&self, aggregate: &mut Aggregate) {
        let ids: Vec<ObjectId> = aggregate.ids().cloned().collect();
        let looks: Vec<_> = ids.iter().map(|id| self.status(id)).collect();
        let limit = self.options.concurrency.max(1);
        let found: Vec<_> = stream::iter(looks).buffered(limit).collect().await;
        for (id, status) in ids.iter().zip(found) {
            match status {
                Ok(status) => aggregate.set(id, status),
                Err(error) => aggregate.set_unreadable(id, error),
            }
        }
    }

    /// Waits until every object that was deleted is gone.
    ///
    /// # Errors
    /// An object is still there after the timeout, or cannot be read.
    pub async fn wait_for_termination(
        &self,
        changes: &ChangeSet,
        timeout: Duration,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + timeout;
        for change in changes
            .entries
            .iter()
            .filter(|c| c.action == Action::Deleted)
        {
            let mut pause = SHORTEST_PAUSE;
            let failed = |error: String| {
                let id = change.id.clone();
                Cause::Termination { id, error }.after(ChangeSet::default())
            };
            loop {
                match self.is_gone(&change.id).await {
                    Ok(true) => break,
                    Ok(false) => {}
                    Err(error) => return Err(failed(error.to_string())),
                }
                if Instant::now() + pause > deadline {
                    return Err(failed("context deadline exceeded".to_owned()));
                }
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        Ok(())
    }

    /// Waits until what a stage applied is ready; what it was told already is not asked again.
    pub(super) async fn wait_for_stage(&self, done: &[Done]) -> Result<(), Cause> {
        let now = Timestamp::now();
        let mut aggregate = Aggregate::new(done.iter().map(|done| done.change.id.clone()));
        let mut open = Vec::new();
        for entry in done {
            let id = &entry.change.id;
            match entry.live.as_ref().map(|live| status::compute(live, now)) {
                Some(Status::Current) => aggregate.set(id, Status::Current),
                _ => open.push(id.clone()),
            }
        }
        let deadline = Instant::now() + STAGE_TIMEOUT;
        let mut pause = SHORTEST_PAUSE;
        loop {
            for id in &open {
                // Not from the index: its watch of the kind may only just be opening.
                match self.read_status(id).await {
                    Ok(status) => aggregate.set(id, status),
                    Err(error) => aggregate.set_unreadable(id, error),
                }
            }
            match aggregate.verdict(false) {
                Verdict::Ready => return Ok(()),
                Verdict::Failed(text) => return Err(Cause::NotReady(text)),
                Verdict::Waiting => {}
            }
            if Instant::now() + pause > deadline {
                return Err(Cause::NotReady(aggregate.timeout_text()));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn is_gone(&self, id: &ObjectId) -> Result<bool, cluster::Error> {
        match self.cluster.preferred_kind(&id.group_kind()).await {
            Ok(kind) => Ok(self.cluster.get_metadata(&kind, id).await?.is_none()),
            // A kind that is gone took its objects along.
            Err(cluster::Error::NoSuchKindInGroup(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn status(&self, id: &ObjectId) -> Result<Status, String> {
        match self.index.as_ref().and_then(|index| index.status(id)) {
            // Only its pods tell whether it will ever get there, and no watch shows them.
            Some(Status::InProgress) if pods::decide(&id.group_kind()) => {
                self.read_status(id).await
            }
            Some(status) => Ok(status),
            None => self.read_status(id).await,
        }
    }

    async fn read_status(&self, id: &ObjectId) -> Result<Status, String> {
        let found = self.cluster.preferred_kind(&id.group_kind()).await;
        let kind = found.map_err(|error| error.to_string())?;
        if kind.namespaced && id.namespace.is_empty() {
            let group_kind = match id.group.as_str() {
                "" => id.kind.clone(),
                group => format!("{}.{group}", id.kind),
            };
            return Err(format!(
                "resource {group_kind} {} is namespace scoped, but namespace is not set",
                id.name
            ));
        }
        let live = match self.cluster.get(&kind, id).await {
            Ok(Some(live)) => live,
            Ok(None) => return Ok(Status::NotFound),
            Err(error) => return Err(error.to_string()),
        };
        let now = Timestamp::now();
        let status = status::compute(&live, now);
        if status != Status::InProgress || !pods::decide(&id.group_kind()) {
            return Ok(status);
        }
        let Some(selector) = pods::selector(&live) else {
            return Ok(status);
        };
        let pods = self.cluster.pods(&id.namespace, &selector).await;
        Ok(pods::judge(
            status,
            &pods.map_err(|error| error.to_string())?,
            now,
        ))
    }
}
