//! The two policies by which Flux's controllers turn the end of a pass into Ready, Reconciling and Stalled.
//!
//! Pure functions over [`Conditions`]: [`applier`] for the controllers that set Ready themselves, [`source`] for those
//! that compute it from a list of conditions with polarity. What becomes of the queue is in the [`Verdict`].

use crate::{ConditionType, Conditions, End, Requeue, Retry, Status, Verdict, reason::PROGRESSING};

/// Summarizes as kustomize- and notification-controller do: Ready is what the steps said.
///
/// Ready=True deletes Reconciling (and Stalled) and observes the generation; a stalling failure sets Ready=False and
/// Stalled with its reason; any other failure sets Ready=False where the steps did not, and leaves a Reconciling as
/// `ProgressingWithRetry` (kustomize-controller status contract).
pub fn applier(conditions: &mut Conditions, end: &End<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    match end {
        End::Failed(failure) => {
            conditions.mark_false(
                ConditionType::READY,
                failure.reason.clone(),
                &failure.message,
            );
            if failure.retry == Retry::Never {
                conditions.mark_stalled(failure.reason.clone(), &failure.message);
            }
        }
        End::Suspended | End::Done(_) | End::Finalized => {}
        End::Waiting => return verdict,
    }
    if conditions.is_true(ConditionType::READY) {
        conditions.delete(ConditionType::RECONCILING);
        verdict.observe_generation = true;
    }
    if conditions.is_false(ConditionType::READY) {
        conditions.mark_retrying();
    }
    verdict
}

/// A kind's conditions in the order in which the source-controller's summary looks at them.
#[derive(Clone, Copy, Debug)]
pub struct Polarity {
    /// All conditions that take part, in order.
    pub order: &'static [ConditionType],
    /// Those of them whose True is bad.
    pub negative: &'static [ConditionType],
    /// Whose False overrides Ready at the end (SourceVerified).
    pub bipolar: &'static [ConditionType],
}

/// Summarizes as source-controller does: Ready is computed from the kind's conditions by status and polarity.
pub fn source(conditions: &mut Conditions, end: &End<'_>, kind: &Polarity) -> Verdict {
    let mut verdict = Verdict::default();
    if matches!(end, End::Waiting) {
        return verdict;
    }
    if matches!(end, End::Done(Requeue::Interval(_) | Requeue::After(_))) {
        conditions.delete(ConditionType::RECONCILING);
    }
    conditions.mark_retrying();
    match end {
        End::Failed(failure) if failure.retry == Retry::Never => {
            conditions.mark_stalled(failure.reason.clone(), &failure.message);
            verdict.observe_generation = true;
        }
        End::Failed(_) => conditions.delete(ConditionType::STALLED),
        End::Done(Requeue::Backoff) => {}
        _ => {
            conditions.delete(ConditionType::STALLED);
            // Parity: only an object with at least one condition observes its generation.
            verdict.observe_generation = !conditions.as_slice().is_empty();
        }
    }
    ready(conditions, kind);
    if matches!(end, End::Done(Requeue::Interval(_))) && !conditions.is_true(ConditionType::READY) {
        verdict.fail = Some(conditions.message(ConditionType::READY).to_owned());
    }
    verdict
}

/// Computes Ready from the first non-empty group: bad, good, Unknown (source-controller's summarizer).
fn ready(conditions: &mut Conditions, kind: &Polarity) {
    let negative = |c: &ConditionType| kind.negative.contains(c);
    let first = |status: Status, polarity: bool| {
        kind.order.iter().copied().find(|c| {
            negative(c) == polarity
                && conditions
                    .get(*c)
                    .is_some_and(|x| x.status == status.as_str())
        })
    };
    let groups = [
        (Status::True, true, Status::False),
        (Status::False, false, Status::False),
        (Status::True, false, Status::True),
        (Status::False, true, Status::True),
    ];
    let best = groups
        .iter()
        .find_map(|(status, polarity, ready)| first(*status, *polarity).map(|c| (c, *ready)))
        .or_else(|| {
            kind.order
                .iter()
                .find(|c| conditions.get(**c).is_some_and(|x| x.status == "Unknown"))
                .map(|c| (*c, Status::Unknown))
        });
    if let Some((from, status)) = best {
        mirror(conditions, from, status);
    }
    if let Some(from) = kind.bipolar.iter().find(|c| conditions.is_false(**c)) {
        mirror(conditions, *from, Status::False);
    }
}

fn mirror(conditions: &mut Conditions, from: ConditionType, status: Status) {
    let reason = match conditions.reason(from) {
        "" => PROGRESSING,
        text => crate::Reason::stored(text),
    };
    let message = conditions.message(from).to_owned();
    conditions.set(ConditionType::READY, status, reason, message);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::{Failure, Reason};

    const FETCH_FAILED: ConditionType = ConditionType::new("FetchFailed");
    const OUTDATED: ConditionType = ConditionType::new("ArtifactOutdated");
    const STORED: ConditionType = ConditionType::new("ArtifactInStorage");
    const VERIFIED: ConditionType = ConditionType::new("SourceVerified");
    const KIND: Polarity = Polarity {
        order: &[
            FETCH_FAILED,
            OUTDATED,
            STORED,
            VERIFIED,
            ConditionType::STALLED,
            ConditionType::RECONCILING,
        ],
        negative: &[
            FETCH_FAILED,
            OUTDATED,
            ConditionType::STALLED,
            ConditionType::RECONCILING,
        ],
        bipolar: &[VERIFIED],
    };
    const HOURLY: End<'static> = End::Done(Requeue::Interval(Duration::from_secs(3600)));

    fn conditions() -> Conditions {
        Conditions::new(Vec::new(), 3, Timestamp::UNIX_EPOCH)
    }

    /// Writes conditions as `Type=Status/Reason/message`, in order.
    fn text(conditions: &Conditions) -> Vec<String> {
        let all = conditions.as_slice().iter();
        all.map(|c| format!("{}={}/{}/{}", c.type_, c.status, c.reason, c.message))
            .collect()
    }

    fn failure(retry: Retry) -> Failure {
        Failure::new(Reason::new("GitOperationFailed"), "no route").retry(retry)
    }

    fn progressing() -> Conditions {
        let mut conditions = conditions();
        conditions.mark_progressing(PROGRESSING, "building artifact");
        conditions
    }

    #[test]
    fn a_stored_source_is_ready_with_the_words_of_its_artifact() {
        let mut c = progressing();
        c.mark_true(
            STORED,
            crate::reason::SUCCEEDED,
            "stored artifact for revision 'r'",
        );
        let verdict = source(&mut c, &HOURLY, &KIND);
        assert_eq!(
            verdict,
            Verdict {
                observe_generation: true,
                fail: None
            }
        );
        assert_eq!(
            text(&c),
            [
                "Ready=True/Succeeded/stored artifact for revision 'r'",
                "ArtifactInStorage=True/Succeeded/stored artifact for revision 'r'"
            ]
        );
    }

    #[test]
    fn a_failed_fetch_wins_over_a_stored_artifact_and_is_tried_again() {
        let mut c = progressing();
        c.mark_true(STORED, crate::reason::SUCCEEDED, "stored");
        c.mark_true(FETCH_FAILED, Reason::new("GitOperationFailed"), "no route");
        let verdict = source(&mut c, &End::Failed(&failure(Retry::Backoff)), &KIND);
        assert_eq!(verdict, Verdict::default());
        assert_eq!(
            text(&c),
            [
                "Reconciling=True/ProgressingWithRetry/building artifact",
                "Ready=False/GitOperationFailed/no route",
                "ArtifactInStorage=True/Succeeded/stored",
                "FetchFailed=True/GitOperationFailed/no route",
            ]
        );
    }

    #[test]
    fn a_stalled_source_observes_its_generation_and_stops_reconciling() {
        let mut c = progressing();
        c.mark_true(FETCH_FAILED, Reason::new("URLInvalid"), "bad");
        let stall = Failure::new(Reason::new("URLInvalid"), "bad").retry(Retry::Never);
        assert!(source(&mut c, &End::Failed(&stall), &KIND).observe_generation);
        assert_eq!(
            text(&c),
            [
                "Stalled=True/URLInvalid/bad",
                "Ready=False/URLInvalid/bad",
                "FetchFailed=True/URLInvalid/bad"
            ]
        );
    }

    #[test]
    fn a_failed_verification_overrides_ready() {
        let mut c = progressing();
        c.mark_true(STORED, crate::reason::SUCCEEDED, "stored");
        c.mark_false(VERIFIED, Reason::new("InvalidCommitSignature"), "unsigned");
        source(&mut c, &End::Failed(&failure(Retry::Backoff)), &KIND);
        assert_eq!(c.reason(ConditionType::READY), "InvalidCommitSignature");
        assert!(c.is_false(ConditionType::READY));
    }

    #[test]
    fn a_success_that_is_not_ready_is_forced_to_be_tried_again() {
        let mut c = conditions();
        c.mark_true(
            OUTDATED,
            Reason::new("NewRevision"),
            "new upstream revision 'r'",
        );
        let verdict = source(&mut c, &HOURLY, &KIND);
        assert_eq!(verdict.fail.as_deref(), Some("new upstream revision 'r'"));
    }

    #[test]
    fn a_suspended_source_observes_its_generation_only_with_conditions() {
        let mut c = conditions();
        assert!(!source(&mut c, &End::Suspended, &KIND).observe_generation);
        assert!(text(&c).is_empty());
        c.mark_true(STORED, crate::reason::SUCCEEDED, "stored");
        assert!(source(&mut c, &End::Suspended, &KIND).observe_generation);
        assert!(c.is_true(ConditionType::READY));
    }

    #[test]
    fn waiting_for_a_dependency_does_not_observe_the_generation() {
        let mut c = progressing();
        let wait = failure(Retry::After(Duration::from_secs(30)));
        assert!(!source(&mut c, &End::Failed(&wait), &KIND).observe_generation);
    }

    #[test]
    fn an_applier_that_is_ready_stops_reconciling_and_observes() {
        let mut c = progressing();
        c.mark_true(
            ConditionType::READY,
            Reason::new("ReconciliationSucceeded"),
            "Applied revision: r",
        );
        assert!(applier(&mut c, &HOURLY).observe_generation);
        assert_eq!(
            text(&c),
            ["Ready=True/ReconciliationSucceeded/Applied revision: r"]
        );
    }

    #[test]
    fn an_applier_that_failed_keeps_reconciling_with_retry_only_if_it_was() {
        let mut c = progressing();
        assert!(!applier(&mut c, &End::Failed(&failure(Retry::Backoff))).observe_generation);
        assert_eq!(
            text(&c),
            [
                "Reconciling=True/ProgressingWithRetry/building artifact",
                "Ready=False/GitOperationFailed/no route"
            ]
        );
        let mut c = conditions();
        applier(&mut c, &End::Failed(&failure(Retry::OnChange)));
        assert_eq!(text(&c), ["Ready=False/GitOperationFailed/no route"]);
    }

    #[test]
    fn an_applier_that_stalls_says_so_and_stops_reconciling() {
        let mut c = progressing();
        applier(&mut c, &End::Failed(&failure(Retry::Never)));
        assert_eq!(
            text(&c),
            [
                "Stalled=True/GitOperationFailed/no route",
                "Ready=False/GitOperationFailed/no route"
            ]
        );
    }

    #[test]
    fn a_waiting_applier_is_left_as_the_steps_marked_it() {
        let mut c = progressing();
        let before = c.clone();
        assert_eq!(
            (applier(&mut c, &End::Waiting), c),
            (Verdict::default(), before)
        );
    }
}
