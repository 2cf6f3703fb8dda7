//! Reasons of conditions and events, spelled as Flux spells them (source-controller.md §2.5).

fjord_runtime::reasons! {
    /// Says why a source is as it is.
    pub enum Reason {
        Succeeded,
        Progressing,
        NewArtifact,
        NewRevision,
        ArtifactUpToDate,
        ArtifactVerificationFailed,
        AuthenticationFailed,
        URLInvalid,
        GitOperationFailed,
        GitOperationSucceeded,
        EmptyGitRepository,
        InvalidProviderConfiguration,
        StatOperationFailed,
        ArchiveOperationFailed,
        GarbageCollectionSucceeded,
        GarbageCollectionFailed,
        /// Ours: a field asks for something that is not built yet.
        Unsupported,
    }
}
