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
