//! The kinds that Alerts listen to and Receivers wake (notification-controller.md §1.1).

use crate::enumeration::string_enum;

string_enum! {
    /// A kind that emits events and can be asked to reconcile.
    pub enum EventSourceKind {
        /// A Bucket.
        Bucket = "Bucket",
        /// A GitRepository.
        GitRepository = "GitRepository",
        /// A Kustomization.
        Kustomization = "Kustomization",
        /// A HelmRelease.
        HelmRelease = "HelmRelease",
        /// A HelmChart.
        HelmChart = "HelmChart",
        /// A HelmRepository.
        HelmRepository = "HelmRepository",
        /// An ImageRepository.
        ImageRepository = "ImageRepository",
        /// An ImagePolicy.
        ImagePolicy = "ImagePolicy",
        /// An ImageUpdateAutomation.
        ImageUpdateAutomation = "ImageUpdateAutomation",
        /// An OCIRepository.
        OciRepository = "OCIRepository",
        /// An ArtifactGenerator.
        ArtifactGenerator = "ArtifactGenerator",
        /// An ExternalArtifact.
        ExternalArtifact = "ExternalArtifact",
    }
}
