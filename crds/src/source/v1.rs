//! Version `v1` of the sources, the only one served (source-controller.md §1.1).

mod git_repository;

pub use git_repository::{
    GitInclude, GitProvider, GitReference, GitRepository, GitRepositorySpec, GitRepositoryStatus,
    GitVerification, GitVerificationMode,
};
