//! The reasons of this controller's conditions and events.

use fjord_runtime::reasons;

reasons! {
    /// Why a Kustomization is as it is; the names are Flux's but for `Unsupported`.
    pub(crate) enum Reason {
        ReconciliationSucceeded,
        ReconciliationFailed,
        ArtifactFailed,
        BuildFailed,
        PruneFailed,
        HealthCheckFailed,
        DependencyNotReady,
        AccessDenied,
        Progressing,
        Succeeded,
        DriftCorrected,
        DriftNotCorrected,
        /// A field selects what this controller does not do yet.
        Unsupported,
    }
}
