//! The storage step: collect garbage, check the artifact's file, keep its address current.

use fjord_artifact::storage::Integrity;
use fjord_artifact::{Digest, SafePath};
use fjord_runtime::{EventDraft, Failure};

use super::conditions::ARTIFACT_IN_STORAGE;
use super::{GitRepositories, Pass, storage_failed};
use crate::Reason;

impl GitRepositories {
    /// Drops an artifact from the status whose file is gone or changed (source-controller.md §2.6).
    pub(super) async fn check_storage(&self, pass: &mut Pass) -> Result<(), Failure> {
        let Some(artifact) = pass.status.artifact.clone() else {
            is_missing(pass, "building artifact");
            return Ok(());
        };
        let (storage, stored) = (self.storage.clone(), artifact.clone());
        let checked = tokio::task::spawn_blocking(move || {
            let Ok(path) = SafePath::parse(&stored.path) else {
                return (Vec::new(), Err(Integrity::Missing));
            };
            // What cannot be collected now is at the next pass.
            let removed = storage.collect(&path).unwrap_or_default();
            let Ok(digest) = stored.digest.parse::<Digest>() else {
                return (removed, Err(Integrity::Missing));
            };
            let checked = storage.verify(&path, &digest);
            if matches!(checked, Err(Integrity::Mismatch { .. })) {
                let _ = storage.remove(&path);
            }
            (removed, checked)
        });
        let (removed, checked) = checked.await.map_err(|error| {
            storage_failed(pass, Reason::StatOperationFailed, error.to_string())
        })?;
        if !removed.is_empty() {
            let text = format!("garbage collected {} artifacts", removed.len());
            pass.event(EventDraft::trace(Reason::GarbageCollectionSucceeded, text));
        }
        match checked {
            Ok(()) => {
                if let (Some(artifact), Ok(path)) =
                    (&mut pass.status.artifact, SafePath::parse(&artifact.path))
                {
                    artifact.url = self.storage.url(&path);
                }
            }
            Err(Integrity::Missing) => {
                is_missing(pass, "building artifact: disappeared from storage");
            }
            Err(error) => {
                let text = format!("failed to verify integrity of artifact: {error}");
                pass.event(EventDraft::error(Reason::ArtifactVerificationFailed, text));
                is_missing(pass, "building artifact: disappeared from storage");
            }
        }
        Ok(())
    }
}

fn is_missing(pass: &mut Pass, message: &str) {
    pass.status.artifact = None;
    pass.conditions.delete(ARTIFACT_IN_STORAGE);
    pass.conditions
        .mark_progressing(Reason::Progressing, message);
}
