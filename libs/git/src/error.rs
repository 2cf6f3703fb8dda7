//! Why a repository could not be brought up to date; the texts are Flux's.

use std::fmt;

use crate::http;

/// Says which step of a synchronisation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Asking for news of something seen before.
    List,
    /// Everything else.
    Clone,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::List => "unable to list remote for",
            Self::Clone => "unable to clone",
        })
    }
}

/// Says why a repository could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server could not be reached or answered with an error.
    #[error("{phase} '{url}': {source}")]
    Http {
        /// The step.
        phase: Phase,
        /// The repository.
        url: String,
        /// What the server or the network said.
        source: http::Error,
    },
    /// The server answered, but not in a way that makes sense.
    #[error("{phase} '{url}': {message}")]
    Protocol {
        /// The step.
        phase: Phase,
        /// The repository.
        url: String,
        /// What was wrong.
        message: String,
    },
    /// The branch or tag does not exist.
    #[error("unable to clone '{url}': couldn't find remote ref {reference:?}")]
    RefNotFound {
        /// The repository.
        url: String,
        /// The full name.
        reference: String,
    },
    /// The repository has no commit yet, and something else than a branch was asked for.
    #[error("unable to clone: remote repository is empty: git repository: '{0}'")]
    Empty(String),
    /// The repository has become empty, or a name was asked for in an empty one.
    #[error("unable to list remote for '{0}': remote repository is empty")]
    ListedEmpty(String),
    /// No reference has this name.
    #[error("unable to resolve ref '{0}' to a specific commit")]
    NameNotFound(String),
    /// A reference name that no repository can have.
    #[error("ref {0} is invalid; Git refs cannot begin or end with a slash '/'")]
    InvalidName(String),
    /// The commit is not in the repository.
    #[error("unable to resolve commit object for '{0}': object not found")]
    CommitNotFound(String),
    /// The version range cannot be read.
    #[error("semver parse error: {0}")]
    InvalidRange(#[from] fjord_semver::Error),
    /// No tag lies in the version range.
    #[error("no match found for semver: {0}")]
    NoMatch(String),
    /// Credentials or certificates cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// The repository exceeds a limit.
    #[error("repository exceeds the limit of {limit} {what}")]
    TooLarge {
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A file's name cannot be stored in an artifact.
    #[error("file name {0} is not UTF-8")]
    FileName(String),
    /// The mirror on disk cannot be used; the next synchronisation starts a new one.
    #[error("git mirror: {0}")]
    Mirror(String),
}

/// Joins the causes of an error of the Git library in one line.
pub(crate) fn chain(error: &gix::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.iter_errors() {
        let text = cause.to_string();
        if parts.last() != Some(&text) {
            parts.push(text);
        }
    }
    parts.join(": ")
}
