//! The end of a Kustomization: what becomes of the objects it applied.
//!
//! The deletion policy decides; a suspended one leaves everything. Waiting for objects to be gone
//! holds no worker.

use std::time::Duration;

use fjord_apply::status::Status;
use fjord_apply::{Action, ObjectId};
use fjord_crds::duration::format;
use fjord_crds::kustomize::v1::{DeletionPolicy, Kustomization};
use fjord_runtime::outcome::chain;
use fjord_runtime::{
    ConditionType, EventDraft, Failure, Outcome, Reason as StoredReason, Requeue, Severity, Wait,
};
use jiff::Timestamp;

use super::Kustomizations;
use crate::drift::owner_key;
use crate::run::{self, KsPass};

/// How often the deleted objects are looked at, as a watch does not cover all of them.
const LOOK: Duration = Duration::from_secs(2);

/// What a deletion waits for.
#[derive(Debug)]
struct Termination {
    ids: Vec<ObjectId>,
    began: Timestamp,
}

impl Kustomizations {
    pub(super) async fn finalize_objects(&self, pass: &mut KsPass) -> Result<Outcome, Failure> {
        if let Some(wait) = pass.resumed::<Termination>() {
            return self.terminate(pass, wait.state).await;
        }
        let key = pass.key().clone();
        self.memory.forget(&key);
        let inventory = self.inventory_before(pass);
        if !deletes(&pass.object) || inventory.entries.is_empty() {
            return Ok(self.end(pass));
        }
        let deleted = match self.applier(&key).delete(&inventory.entries).await {
            Ok(deleted) => deleted,
            Err(error) => {
                let text = "pruning for deleted resource failed";
                let event = event(pass, Severity::Error, text);
                let reason = event.reason.clone();
                return Err(Failure::new(reason, chain(&*error.cause)).with_event(event));
            }
        };
        if !deleted.entries.is_empty() {
            let event = event(pass, Severity::Info, deleted.to_string());
            pass.event(event);
        }
        if policy(&pass.object) != DeletionPolicy::WaitForTermination {
            return Ok(self.end(pass));
        }
        let gone = deleted
            .entries
            .iter()
            .filter(|change| change.action == Action::Deleted);
        let ids = gone.map(|change| change.id.clone()).collect();
        // The wait may be long; what was deleted is told before it.
        pass.publish().await?;
        self.terminate(
            pass,
            Termination {
                ids,
                began: Timestamp::now(),
            },
        )
        .await
    }

    async fn terminate(
        &self,
        pass: &mut KsPass,
        mut wait: Termination,
    ) -> Result<Outcome, Failure> {
        let statuses = self.applier(pass.key()).statuses(&wait.ids).await;
        let left = statuses
            .into_iter()
            .filter(|(_, status)| *status != Status::NotFound);
        wait.ids = left.map(|(id, _)| id).collect();
        if wait.ids.is_empty() {
            return Ok(self.end(pass));
        }
        let timeout = run::timeout(&pass.object.spec);
        let left = timeout.saturating_sub(run::elapsed(wait.began));
        if left.is_zero() {
            let ids: Vec<String> = wait.ids.iter().map(ToString::to_string).collect();
            tracing::error!(
                objects = ids.join(" "),
                "failed to wait for resources termination within {}",
                format(timeout)
            );
            let event = event(
                pass,
                Severity::Error,
                "failed to wait for resources termination",
            );
            pass.event(event);
            return Ok(self.end(pass));
        }
        Ok(Outcome::Waiting(Wait::new(wait, left.min(LOOK))))
    }

    fn end(&self, pass: &mut KsPass) -> Outcome {
        self.index.disown(&owner_key(pass.key()));
        self.journal
            .clear(pass.object.metadata.uid.as_deref().unwrap_or_default());
        if !pass.object.spec.suspend && pass.conditions.is_true(ConditionType::READY) {
            // Parity: a Kustomization that was ready says once more that it finished.
            let text = format!(
                "Reconciliation finished in {}, next run in {}",
                format(run::elapsed(pass.started())),
                format(pass.object.spec.interval.as_std())
            );
            let event = event(pass, Severity::Info, text).meta("commit_status", "update");
            pass.event(event.identity("finished at the end"));
        }
        Outcome::Done(Requeue::Never)
    }
}

fn policy(ks: &Kustomization) -> DeletionPolicy {
    ks.spec
        .deletion_policy
        .clone()
        .unwrap_or(DeletionPolicy::MirrorPrune)
}

/// Whether the objects go with their Kustomization.
fn deletes(ks: &Kustomization) -> bool {
    let by_policy = match policy(ks) {
        DeletionPolicy::MirrorPrune => ks.spec.prune,
        DeletionPolicy::Delete | DeletionPolicy::WaitForTermination => true,
        _ => false,
    };
    !ks.spec.suspend && by_policy
}

/// Makes an event about the revision that was applied last.
fn event(pass: &KsPass, severity: Severity, text: impl Into<String>) -> EventDraft {
    // Parity: the reason is the last Ready reason, whatever it was.
    let reason = match pass.conditions.reason(ConditionType::READY) {
        "" if severity == Severity::Error => "error",
        "" => "info",
        reason => reason,
    };
    let applied = |revision: &Option<String>| revision.clone().unwrap_or_default();
    EventDraft::new(severity, StoredReason::stored(reason), text)
        .meta("revision", applied(&pass.status.last_applied_revision))
        .meta(
            "originRevision",
            applied(&pass.status.last_applied_origin_revision),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deletion_policy_and_suspension_decide_about_the_objects() {
        use DeletionPolicy::{Delete, MirrorPrune, Orphan, WaitForTermination};
        let cases = [
            (None, true, true),
            (None, false, false),
            (Some(MirrorPrune), true, true),
            (Some(MirrorPrune), false, false),
            (Some(Delete), false, true),
            (Some(WaitForTermination), false, true),
            (Some(Orphan), true, false),
        ];
        for (policy, prune, expected) in cases {
            let mut ks = Kustomization::new("app", Default::default());
            ks.spec.deletion_policy = policy.clone();
            ks.spec.prune = prune;
            assert_eq!(deletes(&ks), expected, "{policy:?} {prune}");
            ks.spec.suspend = true;
            assert!(!deletes(&ks));
        }
    }
}
