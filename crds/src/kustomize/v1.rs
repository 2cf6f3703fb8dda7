//! Version `v1` of Kustomization, the only one served (kustomize-controller.md §1.1).

mod kustomization;

pub use kustomization::{
    BuildMetadata, Decryption, DecryptionProvider, DeletionPolicy, HealthCheck, Kustomization,
    KustomizationSpec, KustomizationStatus, PostBuild, Snapshot, SourceKind, SourceReference,
    SubstituteKind, SubstituteReference, SubstituteStrategy,
};
