//! Version `v1` of the sources, the only one served (source-controller.md §1.1).

mod bucket;
mod external_artifact;
mod git_repository;
mod helm_chart;
mod helm_repository;
mod oci_repository;
mod verification;

pub use bucket::{Bucket, BucketProvider, BucketSpec, BucketStatus, BucketSts, StsProvider};
pub use external_artifact::{
    ExternalArtifact, ExternalArtifactSpec, ExternalArtifactStatus, ExternalSourceReference,
};
pub use git_repository::{
    GitInclude, GitProvider, GitReference, GitRepository, GitRepositorySpec, GitRepositoryStatus,
    GitVerification, GitVerificationMode,
};
pub(crate) use helm_chart::any_version;
pub use helm_chart::{
    HelmChart, HelmChartSourceKind, HelmChartSourceReference, HelmChartSpec, HelmChartStatus,
    ReconcileStrategy,
};
pub use helm_repository::{
    AccessFrom, HelmRepository, HelmRepositorySpec, HelmRepositoryStatus, HelmRepositoryType,
    NamespaceSelector,
};
pub use oci_repository::{
    OCIRepository, OCIRepositorySpec, OCIRepositoryStatus, OciLayerOperation, OciLayerSelector,
    OciReference,
};
pub use verification::{
    ArtifactVerification, ChartVerification, OidcIdentity, RegistryProvider, VerificationProvider,
};
