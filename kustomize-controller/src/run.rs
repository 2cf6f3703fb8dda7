//! What the steps of one pass share: the object, its source, and how its texts and events look.
//!
//! Knows the wording of progress, failures and events; decides nothing.

use std::sync::Arc;
use std::time::Duration;

use fjord_crds::GoDuration;
use fjord_crds::duration::format;
use fjord_crds::kustomize::v1::{Kustomization, KustomizationSpec, KustomizationStatus};
use fjord_runtime::reason::PROGRESSING;
use fjord_runtime::{
    ConditionType, Conditions, EventDraft, Failure, ObjectKey, Pass, Retry, Severity,
};
use jiff::Timestamp;

use crate::history;
use crate::reason::Reason;
use crate::sources::Source;

/// The pass of one Kustomization.
pub(crate) type KsPass = Pass<Kustomization, KustomizationStatus>;

/// The steps that progress messages name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The artifact is downloaded and unpacked.
    Fetch,
    /// The manifests are built.
    Build,
    /// The manifests are compared with the cluster and applied.
    Apply,
    /// What was applied is waited for.
    Health,
}

impl Step {
    fn text(self) -> &'static str {
        match self {
            Self::Fetch => "Fetching manifests",
            Self::Build => "Building manifests",
            Self::Apply => "Detecting drift",
            Self::Health => "Running health checks",
        }
    }
}

/// One run through the steps.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// The object as it was when the pass began.
    pub(crate) ks: Arc<Kustomization>,
    /// Namespace and name.
    pub(crate) key: ObjectKey,
    /// When the run began.
    pub(crate) started: Timestamp,
    /// What is built.
    pub(crate) source: Source,
    /// Digest of the built text, once there is one.
    pub(crate) digest: Option<Arc<str>>,
    /// Tells this run's events from those of the run before.
    nonce: String,
}

impl Run {
    /// Begins a run.
    pub(crate) fn new(pass: &KsPass, source: Source) -> Self {
        let last = pass.status.history.first();
        Self {
            ks: pass.object.clone(),
            key: pass.key().clone(),
            started: pass.started(),
            source,
            digest: None,
            // Stays the same when the run is repeated after a kill, since nothing was recorded.
            nonce: last
                .map(|snapshot| snapshot.last_reconciled.0.to_string())
                .unwrap_or_default(),
        }
    }

    /// Returns the specification.
    pub(crate) fn spec(&self) -> &KustomizationSpec {
        &self.ks.spec
    }

    /// Returns the revision that is built.
    pub(crate) fn revision(&self) -> &str {
        self.source.revision()
    }

    /// Marks the object as being at a step.
    pub(crate) fn at(&self, step: Step, conditions: &mut Conditions) {
        let text = format!(
            "{} for revision {} with a timeout of {}",
            step.text(),
            self.revision(),
            format(timeout(self.spec()))
        );
        conditions.mark_reconciling(PROGRESSING, text);
    }

    /// Marks the object as unfinished, for a status that is written before the end.
    pub(crate) fn unfinished(conditions: &mut Conditions) {
        let text = "Reconciliation in progress";
        conditions.mark_unknown(ConditionType::READY, PROGRESSING, text);
    }

    /// Makes an event with the metadata of this run.
    pub(crate) fn event(
        &self,
        severity: Severity,
        reason: impl Into<fjord_runtime::Reason>,
        message: impl Into<String>,
    ) -> EventDraft {
        EventDraft::new(severity, reason, message)
            .meta("revision", self.revision())
            .meta("originRevision", self.source.origin_revision())
    }

    /// Names an event whose message holds a duration.
    pub(crate) fn occurrence(&self, what: &str) -> String {
        format!("{what} {} after {}", self.revision(), self.nonce)
    }

    /// Makes a failure that is tried again after the retry interval.
    pub(crate) fn failure(&self, reason: Reason, message: impl Into<String>) -> Failure {
        let message = message.into();
        let retry = retry_interval(self.spec());
        let event = self.event(Severity::Error, reason, message.clone());
        Failure::new(reason, message)
            .retry(Retry::After(retry))
            .with_event(event)
            .log(format!(
                "Reconciliation failed after {}, next try in {}",
                format(self.elapsed()),
                format(retry)
            ))
    }

    /// Records the outcome of the run in the history.
    pub(crate) fn record(&self, status: &mut KustomizationStatus, outcome: Reason) {
        let Some(digest) = &self.digest else { return };
        let entry = history::Entry {
            digest,
            outcome: outcome.as_str(),
            at: Timestamp::now(),
            took: self.elapsed(),
            revision: self.revision(),
            origin_revision: self.source.origin_revision(),
        };
        history::record(&mut status.history, &entry);
    }

    /// Returns the time since the run began.
    pub(crate) fn elapsed(&self) -> Duration {
        elapsed(self.started)
    }
}

/// Returns the time since a moment, zero if the clock went back.
pub(crate) fn elapsed(since: Timestamp) -> Duration {
    Timestamp::now()
        .duration_since(since)
        .try_into()
        .unwrap_or_default()
}

/// Returns the time-out of a specification.
// Parity: what the interval leaves after 30 s, and never less than 30 s.
pub(crate) fn timeout(spec: &KustomizationSpec) -> Duration {
    const LEAST: Duration = Duration::from_secs(30);
    let chosen = spec.timeout.as_ref().map(GoDuration::as_std);
    let by_interval = || spec.interval.as_std().saturating_sub(LEAST);
    chosen.unwrap_or_else(by_interval).max(LEAST)
}

/// Returns after what time a failure is tried again.
pub(crate) fn retry_interval(spec: &KustomizationSpec) -> Duration {
    spec.retry_interval
        .as_ref()
        .unwrap_or(&spec.interval)
        .as_std()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_follows_the_interval_and_never_falls_below_half_a_minute() {
        let cases = [
            ("1h", None, 3570),
            ("1h", Some("5m"), 300),
            ("1h", Some("5s"), 30),
            ("30s", None, 30),
            ("3s", None, 30),
        ];
        for (interval, timeout_text, seconds) in cases {
            let spec = KustomizationSpec {
                interval: interval.parse().unwrap(),
                timeout: timeout_text.map(|text| text.parse().unwrap()),
                ..KustomizationSpec::default()
            };
            assert_eq!(timeout(&spec), Duration::from_secs(seconds));
        }
    }
}
