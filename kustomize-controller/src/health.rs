//! Health: what is waited for, and when the wait is over.
//!
//! Pure but for the look-up of statuses. A wait is a value that the frame keeps; it holds no worker
//! and is looked at again when the live index sees a change.

use std::time::Duration;

use fjord_apply::status::Status;
use fjord_apply::{Action, ChangeSet, Object, ObjectId};
use fjord_crds::kustomize::v1::{Kustomization, KustomizationStatus};
use fjord_runtime::Conditions;
use jiff::Timestamp;

use crate::run::{self, KsPass, Run};

/// What a health check remembers while it waits.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    /// The run it belongs to.
    pub(crate) run: Run,
    /// What is waited for.
    pub(crate) ids: Vec<ObjectId>,
    /// Those among them that may be gone: Jobs that delete themselves.
    pub(crate) may_be_gone: Vec<ObjectId>,
    /// When the check began.
    pub(crate) began: Timestamp,
    /// How long it may take.
    pub(crate) timeout: Duration,
    /// Whether its success is worth an event.
    pub(crate) announce: bool,
    /// Whether the status says already that the check runs.
    pub(crate) published: bool,
    /// What a quiet wait keeps the status from losing.
    unwritten: Option<Box<(KustomizationStatus, Conditions)>>,
}

/// How a health check stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Everything is ready.
    Healthy,
    /// Something is still on its way.
    Pending,
    /// The text says what will not become ready.
    Failed(String),
}

/// Returns what a Kustomization waits for; nothing where no wait is asked for.
pub(crate) fn awaited(ks: &Kustomization, changes: &ChangeSet) -> Vec<ObjectId> {
    let mut ids: Vec<ObjectId> = if ks.spec.wait {
        let waited_for = changes
            .entries
            .iter()
            .filter(|change| change.action != Action::Skipped);
        waited_for.map(|change| change.id.clone()).collect()
    } else {
        ks.spec.health_checks.iter().map(id_of_check).collect()
    };
    // Waiting for itself would never end.
    ids.retain(|id| {
        !(id.kind == "Kustomization"
            && id.group == crate::GROUP
            && Some(&id.name) == ks.metadata.name.as_ref()
            && Some(&id.namespace) == ks.metadata.namespace.as_ref())
    });
    ids
}

fn id_of_check(check: &fjord_crds::kustomize::v1::HealthCheck) -> ObjectId {
    let api_version = check.api_version.as_deref().unwrap_or("apps/v1");
    ObjectId {
        namespace: check.namespace.clone().unwrap_or_default(),
        name: check.name.clone(),
        group: api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
            .to_owned(),
        kind: check.kind.clone(),
    }
}

/// Names the Jobs that delete themselves when they are done.
pub(crate) fn may_be_gone(objects: &[Object]) -> Vec<ObjectId> {
    let deletes_itself = |object: &&Object| {
        object.kind() == "Job"
            && object.group() == "batch"
            && object
                .get(&["spec", "ttlSecondsAfterFinished"])
                .is_some_and(|ttl| !ttl.is_null())
    };
    objects
        .iter()
        .filter(deletes_itself)
        .map(Object::id)
        .collect()
}

impl Check {
    /// Begins a check.
    pub(crate) fn new(
        run: Run,
        ids: Vec<ObjectId>,
        may_be_gone: Vec<ObjectId>,
        announce: bool,
    ) -> Self {
        let timeout = run::timeout(run.spec());
        let began = Timestamp::now();
        Self {
            run,
            ids,
            may_be_gone,
            began,
            timeout,
            announce,
            published: false,
            unwritten: None,
        }
    }

    /// Remembers what the pass has not written.
    pub(crate) fn remember(&mut self, pass: &KsPass) {
        self.unwritten = Some(Box::new((pass.status.clone(), pass.conditions.clone())));
    }

    /// Gives a later pass what an earlier one has not written, at the generation of the later one.
    pub(crate) fn restore(&mut self, pass: &mut KsPass) {
        if let Some(unwritten) = self.unwritten.take() {
            let (status, conditions) = *unwritten;
            let stored = conditions.as_slice().to_vec();
            pass.conditions = Conditions::new(stored, pass.generation(), Timestamp::now());
            pass.status = status;
        }
    }

    /// Judges statuses at a moment; `fail_fast` gives up on the first failed object.
    pub(crate) fn judge(
        &self,
        statuses: &[(ObjectId, Status)],
        now: Timestamp,
        fail_fast: bool,
    ) -> Verdict {
        let settled = |id: &ObjectId, status: Status| match status {
            Status::NotFound if self.may_be_gone.contains(id) => Status::Current,
            other => other,
        };
        let statuses: Vec<(&ObjectId, Status)> = statuses
            .iter()
            .map(|(id, status)| (id, settled(id, *status)))
            .collect();
        let with = |wanted: fn(Status) -> bool| {
            let items = statuses.iter().filter(|(_, status)| wanted(*status));
            items
                .map(|(id, status)| format!("{id} status: '{status}'"))
                .collect::<Vec<_>>()
        };
        let pending = with(|status| status != Status::Current);
        if pending.is_empty() {
            return Verdict::Healthy;
        }
        let failed = with(|status| status == Status::Failed);
        if !failed.is_empty() && (fail_fast || failed.len() == pending.len()) {
            let text = failed.join(", ");
            return Verdict::Failed(format!("failed early due to stalled resources: [{text}]"));
        }
        if self.remaining(now).is_zero() {
            return Verdict::Failed(format!("timeout waiting for: [{}]", pending.join(", ")));
        }
        Verdict::Pending
    }

    /// Returns the time left.
    pub(crate) fn remaining(&self, now: Timestamp) -> Duration {
        let spent: Duration = now
            .duration_since(self.began)
            .try_into()
            .unwrap_or_default();
        self.timeout.saturating_sub(spent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Source;
    use fjord_apply::Change;
    use fjord_runtime::Pass;
    use serde_json::{Value, json};

    fn kustomization(fields: Value) -> Kustomization {
        let mut spec = json!({"interval": "1m", "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": "app"}});
        spec.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        serde_json::from_value(json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization", "metadata": {"name": "app", "namespace": "n"}, "spec": spec}))
        .unwrap()
    }

    fn id(text: &str) -> ObjectId {
        text.parse().unwrap()
    }

    fn changes() -> ChangeSet {
        let change = |text: &str, action| Change::new(id(text), "v1", action);
        ChangeSet {
            entries: vec![
                change("n_a__ConfigMap", Action::Created),
                change("n_b__ConfigMap", Action::Skipped),
                change(
                    "n_app_kustomize.toolkit.fluxcd.io_Kustomization",
                    Action::Unchanged,
                ),
                change("n_web_apps_Deployment", Action::Unchanged),
            ],
        }
    }

    #[test]
    fn wait_means_everything_but_what_was_skipped_and_itself() {
        let ks = kustomization(json!({"wait": true, "healthChecks": [{"kind": "X", "name": "x"}]}));
        assert_eq!(
            awaited(&ks, &changes()),
            [id("n_a__ConfigMap"), id("n_web_apps_Deployment")]
        );
    }

    #[test]
    fn health_checks_are_taken_as_written() {
        let ks = kustomization(json!({"healthChecks": [
            {"kind": "Deployment", "name": "web", "namespace": "m"},
            {"apiVersion": "v1", "kind": "Namespace", "name": "m"}]}));
        assert_eq!(
            awaited(&ks, &changes()),
            [id("m_web_apps_Deployment"), id("_m__Namespace")]
        );
        assert!(awaited(&kustomization(json!({})), &changes()).is_empty());
    }

    fn check(may_be_gone: &[&str]) -> Check {
        let artifact = json!({"revision": "r", "url": "", "path": "", "digest": "",
            "lastUpdateTime": "2024-01-01T00:00:00Z"});
        let source = Source {
            artifact: serde_json::from_value(artifact).unwrap(),
        };
        let run = Run::new(&Pass::detached(kustomization(json!({}))), source);
        let may_be_gone = may_be_gone.iter().map(|text| id(text)).collect();
        let mut check = Check::new(run, Vec::new(), may_be_gone, true);
        check.began = Timestamp::from_second(100).unwrap();
        check
    }

    #[test]
    fn a_check_ends_as_flux_ends_it() {
        use Status::{Current, Failed, InProgress, NotFound};
        let cases: [(&[Status], i64, bool, Verdict); 7] = [
            (&[Current, Current], 0, true, Verdict::Healthy),
            (&[Current, InProgress], 0, true, Verdict::Pending),
            (
                &[NotFound, InProgress],
                30,
                true,
                Verdict::Failed(
                    "timeout waiting for: [Job/n/a status: 'NotFound', Job/n/b status: \
                     'InProgress']"
                        .to_owned(),
                ),
            ),
            (
                &[Failed, InProgress],
                0,
                true,
                Verdict::Failed(
                    "failed early due to stalled resources: [Job/n/a status: 'Failed']".to_owned(),
                ),
            ),
            (&[Failed, InProgress], 0, false, Verdict::Pending),
            (
                &[Failed, Current],
                0,
                false,
                Verdict::Failed(
                    "failed early due to stalled resources: [Job/n/a status: 'Failed']".to_owned(),
                ),
            ),
            (&[], 0, true, Verdict::Healthy),
        ];
        for (statuses, seconds, fail_fast, expected) in cases {
            let ids = ["n_a_batch_Job", "n_b_batch_Job"].map(id);
            let statuses: Vec<_> = ids.into_iter().zip(statuses.iter().copied()).collect();
            let now = Timestamp::from_second(100 + seconds).unwrap();
            assert_eq!(check(&[]).judge(&statuses, now, fail_fast), expected);
        }
    }

    #[test]
    fn a_job_that_deletes_itself_may_be_gone() {
        let job = Object::try_from(json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "a", "namespace": "n"}, "spec": {"ttlSecondsAfterFinished": 0}}))
        .unwrap();
        assert_eq!(may_be_gone(&[job]), [id("n_a_batch_Job")]);
        let now = Timestamp::from_second(100).unwrap();
        let gone = [(id("n_a_batch_Job"), Status::NotFound)];
        assert_eq!(
            check(&["n_a_batch_Job"]).judge(&gone, now, true),
            Verdict::Healthy
        );
        assert_eq!(check(&[]).judge(&gone, now, true), Verdict::Pending);
    }
}
