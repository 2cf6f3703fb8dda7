//! Version `v2` of HelmRelease, the only one served (helm-controller.md §1).

mod actions;
mod helm_release;
mod status;

pub use actions::{
    ActionStrategyName, ChartNameChangeStrategy, CrdsPolicy, DeletionPropagation, Install,
    InstallRemediation, InstallStrategy, RemediationStrategy, Rollback, ServerSideApply, Test,
    TestFilter, Uninstall, Upgrade, UpgradeRemediation, UpgradeStrategy,
};
pub use helm_release::{
    ChartReference, ChartReferenceKind, ChartSourceReference, ChartTemplateVerification,
    DriftDetection, DriftDetectionMode, HelmChartTemplate, HelmChartTemplateMetadata,
    HelmChartTemplateSpec, HelmRelease, HelmReleaseSpec, KustomizePostRenderer, PostRenderStrategy,
    PostRenderer, ValuesKind, ValuesReference, WaitStrategy, WaitStrategyName,
};
pub use status::{HelmReleaseStatus, ReleaseAction, Snapshot, TestHookStatus};
