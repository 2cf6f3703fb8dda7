//! The conditions of a GitRepository: their polarity, how a pass begins, and what it tells.

use fjord_runtime::summary::Polarity;
use fjord_runtime::{ConditionType, EventDraft};

use super::Pass;
use crate::Reason;

pub(super) const STORAGE_OPERATION_FAILED: ConditionType =
    ConditionType::new("StorageOperationFailed");
pub(super) const FETCH_FAILED: ConditionType = ConditionType::new("FetchFailed");
pub(super) const INCLUDE_UNAVAILABLE: ConditionType = ConditionType::new("IncludeUnavailable");
pub(super) const ARTIFACT_OUTDATED: ConditionType = ConditionType::new("ArtifactOutdated");
pub(super) const ARTIFACT_IN_STORAGE: ConditionType = ConditionType::new("ArtifactInStorage");
pub(super) const SOURCE_VERIFIED: ConditionType = ConditionType::new("SourceVerified");

/// How Ready is computed (source-controller.md §2.3).
pub(super) const POLARITY: Polarity = Polarity {
    order: &[
        STORAGE_OPERATION_FAILED,
        FETCH_FAILED,
        INCLUDE_UNAVAILABLE,
        ARTIFACT_OUTDATED,
        ARTIFACT_IN_STORAGE,
        SOURCE_VERIFIED,
        ConditionType::STALLED,
        ConditionType::RECONCILING,
    ],
    negative: &[
        STORAGE_OPERATION_FAILED,
        FETCH_FAILED,
        INCLUDE_UNAVAILABLE,
        ARTIFACT_OUTDATED,
        ConditionType::STALLED,
        ConditionType::RECONCILING,
    ],
    bipolar: &[SOURCE_VERIFIED],
};

/// Remembers what the end of a pass is compared with.
pub(super) struct Before {
    digest: Option<String>,
    had_failed: bool,
}

/// Marks the beginning of a pass and clears what earlier passes or Flux left over.
pub(super) fn begin(pass: &mut Pass) -> Before {
    let failures = [FETCH_FAILED, INCLUDE_UNAVAILABLE, STORAGE_OPERATION_FAILED];
    let before = Before {
        digest: pass
            .status
            .artifact
            .as_ref()
            .map(|artifact| artifact.digest.clone()),
        had_failed: failures
            .iter()
            .any(|condition| pass.conditions.has(*condition)),
    };
    let observed = pass.status.observed_generation;
    let message = if observed == pass.generation() {
        "reconciliation in progress".to_owned()
    } else {
        format!(
            "processing object: new generation {observed} -> {}",
            pass.generation()
        )
    };
    progress(pass, &message);
    pass.conditions.delete(STORAGE_OPERATION_FAILED);
    // Includes and verification are refused: nothing here can mark these.
    pass.conditions.delete(INCLUDE_UNAVAILABLE);
    pass.conditions.delete(SOURCE_VERIFIED);
    before
}

/// Says what is going on; Ready keeps its last word if it has one.
fn progress(pass: &mut Pass, message: &str) {
    if pass.conditions.is_unknown(ConditionType::READY) {
        pass.conditions
            .mark_progressing(Reason::Progressing, message);
    } else {
        pass.conditions
            .mark_reconciling(Reason::Progressing, message);
    }
}

impl Before {
    /// Tells of a new artifact, or of one that is good again (source-controller.md §2.8).
    pub(super) fn tell(&self, pass: &mut Pass, subject: &str) {
        let Some(artifact) = &pass.status.artifact else {
            return;
        };
        let reason = if self.digest.as_deref() != Some(artifact.digest.as_str()) {
            Reason::NewArtifact
        } else if self.had_failed {
            Reason::Succeeded
        } else {
            return;
        };
        let message = format!("stored artifact for commit '{subject}'");
        tracing::info!("{message}");
        let event = EventDraft::info(reason, message)
            .meta("revision", &artifact.revision)
            .meta("digest", &artifact.digest);
        pass.event(event);
    }
}
