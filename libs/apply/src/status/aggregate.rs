//! One verdict over many objects, and the texts of Flux's waits (fluxcd/pkg `ssa/manager_wait.go`).

use std::collections::{BTreeMap, BTreeSet};

use super::Status;
use crate::object::{Object, ObjectId};

/// What many statuses add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every object is ready.
    Ready,
    /// Some object is still on its way.
    Waiting,
    /// Waiting longer is pointless; the text names the objects.
    Failed(String),
}

/// The statuses of a set of awaited objects.
#[derive(Clone, Debug, Default)]
pub struct Aggregate {
    statuses: BTreeMap<ObjectId, (Status, Option<String>)>,
    expiring_jobs: BTreeSet<ObjectId>,
}

impl Aggregate {
    /// Starts with every object unknown.
    pub fn new(ids: impl IntoIterator<Item = ObjectId>) -> Self {
        let statuses = ids
            .into_iter()
            .map(|id| (id, (Status::Unknown, None)))
            .collect();
        Self {
            statuses,
            expiring_jobs: BTreeSet::new(),
        }
    }

    /// Lets Jobs that delete themselves when done (`ttlSecondsAfterFinished`) count as ready when
    /// they are gone.
    #[must_use]
    pub fn with_expiring_jobs<'a>(mut self, built: impl IntoIterator<Item = &'a Object>) -> Self {
        let expires = |object: &&Object| {
            object.kind() == "Job"
                && object.group() == "batch"
                && object
                    .get(&["spec", "ttlSecondsAfterFinished"])
                    .is_some_and(serde_json::Value::is_i64)
        };
        self.expiring_jobs = built.into_iter().filter(expires).map(Object::id).collect();
        self
    }

    /// Returns the awaited objects.
    pub fn ids(&self) -> impl Iterator<Item = &ObjectId> {
        self.statuses.keys()
    }

    /// Records the status of one object; others are ignored.
    pub fn set(&mut self, id: &ObjectId, status: Status) {
        if let Some(slot) = self.statuses.get_mut(id) {
            *slot = (status, None);
        }
    }

    /// Records that an object could not be read.
    pub fn set_unreadable(&mut self, id: &ObjectId, error: String) {
        if let Some(slot) = self.statuses.get_mut(id) {
            *slot = (Status::Unknown, Some(error));
        }
    }

    /// Tells whether waiting is over, before any timeout.
    ///
    /// Parity: even without fail-fast the wait ends once every object is either ready or failed.
    pub fn verdict(&self, fail_fast: bool) -> Verdict {
        let mut waiting = false;
        let mut failed = false;
        for id in self.statuses.keys() {
            match self.effective(id) {
                Status::Current => {}
                Status::Failed => failed = true,
                _ => waiting = true,
            }
        }
        if failed && (fail_fast || !waiting) {
            let stalled = self.list(|status| status == Status::Failed, false);
            return Verdict::Failed(format!(
                "failed early due to stalled resources: [{stalled}]"
            ));
        }
        if waiting {
            Verdict::Waiting
        } else {
            Verdict::Ready
        }
    }

    /// Returns the text of a wait that ran out of time.
    pub fn timeout_text(&self) -> String {
        let late = self.list(|status| status != Status::Current, true);
        format!("timeout waiting for: [{late}]")
    }

    fn effective(&self, id: &ObjectId) -> Status {
        match self
            .statuses
            .get(id)
            .map_or(Status::Unknown, |(status, _)| *status)
        {
            Status::NotFound if self.expiring_jobs.contains(id) => Status::Current,
            status => status,
        }
    }

    fn list(&self, listed: impl Fn(Status) -> bool, unknown: bool) -> String {
        let mut items = Vec::new();
        for (id, (status, error)) in &self.statuses {
            if *status == Status::Unknown && error.is_none() {
                if unknown && !self.expiring_jobs.contains(id) {
                    items.push(format!("can't determine status for {id}"));
                }
            } else if listed(self.effective(id)) {
                let cause = error
                    .as_deref()
                    .map_or(String::new(), |error| format!(": {error}"));
                items.push(format!("{id} status: '{status}'{cause}"));
            }
        }
        items.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn aggregate(rows: &[(&str, Status)]) -> Aggregate {
        let id = |name: &str| {
            format!("n_{name}_apps_Deployment")
                .parse::<ObjectId>()
                .unwrap()
        };
        let mut aggregate = Aggregate::new(rows.iter().map(|(name, _)| id(name)));
        for (name, status) in rows {
            aggregate.set(&id(name), *status);
        }
        aggregate
    }

    #[test]
    fn everything_ready_is_ready_and_so_is_nothing() {
        assert_eq!(aggregate(&[]).verdict(true), Verdict::Ready);
        assert_eq!(
            aggregate(&[("a", Status::Current)]).verdict(true),
            Verdict::Ready
        );
    }

    #[test]
    fn one_failure_ends_the_wait_early_only_when_failing_fast() {
        let mixed = aggregate(&[("a", Status::Failed), ("b", Status::InProgress)]);
        let text = "failed early due to stalled resources: [Deployment/n/a status: 'Failed']";
        assert_eq!(mixed.verdict(true), Verdict::Failed(text.into()));
        assert_eq!(mixed.verdict(false), Verdict::Waiting);
        let ended = aggregate(&[("a", Status::Failed), ("b", Status::Current)]);
        assert_eq!(ended.verdict(false), Verdict::Failed(text.into()));
    }

    #[test]
    fn a_timeout_names_what_is_not_ready_and_what_was_never_seen() {
        let mut late = aggregate(&[
            ("a", Status::InProgress),
            ("b", Status::Current),
            ("c", Status::NotFound),
            ("d", Status::Unknown),
            ("e", Status::Unknown),
        ]);
        late.set_unreadable(&"n_e_apps_Deployment".parse().unwrap(), "forbidden".into());
        assert_eq!(
            late.timeout_text(),
            "timeout waiting for: [Deployment/n/a status: 'InProgress', Deployment/n/c status: \
             'NotFound', can't determine status for Deployment/n/d, Deployment/n/e status: \
             'Unknown': forbidden]"
        );
    }

    #[test]
    fn a_job_that_deletes_itself_is_ready_when_it_is_gone() {
        let job = Object::try_from(json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "n"},
            "spec": {"ttlSecondsAfterFinished": 0},
        }))
        .unwrap();
        let mut aggregate = Aggregate::new([job.id()]).with_expiring_jobs([&job]);
        aggregate.set(&job.id(), Status::NotFound);
        assert_eq!(aggregate.verdict(true), Verdict::Ready);
    }
}
