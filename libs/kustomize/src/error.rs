//! What a build can fail with: one variant per reaction, joined with `: ` as kustomize does.
//!
//! [`std::fmt::Display`] prints one level; [`Error::message`] the whole chain.

use std::fmt::Write as _;

/// A build's failure.
///
/// ```
/// use fjord_kustomize::{Error, MemoryFs, Options, build};
///
/// let mut fs = MemoryFs::new();
/// fs.write("/app/pod.yaml", "kind: Pod\nmetadata: {name: a}\n");
/// fs.write("/app/kustomization.yaml", "resources: [pod.yaml, pod.yaml]\n");
/// let error = build(&fs, "/app", &Options::default()).unwrap_err();
/// // The whole chain, as kustomize words it ...
/// assert_eq!(
///     error.message(),
///     "accumulating resources: accumulation err='merging resources from 'pod.yaml': may not add resource with an \
///      already registered id: Pod.[noVer].[noGrp]/a.[noNs]': must build at directory: '/app/pod.yaml': file is not \
///      directory"
/// );
/// // ... and what a program decides by.
/// assert!(matches!(error.root(), Error::Invalid(_)));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Says what was being done when the source happened.
    #[error("{context}")]
    Context {
        /// The sentence before the colon.
        context: String,
        /// What happened.
        #[source]
        source: Box<Self>,
    },
    /// A path could not be read.
    #[error(transparent)]
    Fs(#[from] crate::fs::Error),
    /// A folder has no kustomization file.
    #[error(
        "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{0}'"
    )]
    NoKustomization(String),
    /// A file is not YAML.
    #[error("{0}")]
    Yaml(String),
    /// A field is not of the kind that is to be written there.
    #[error("{message}")]
    WrongKind {
        /// Whether the field is a scalar.
        scalar: bool,
        /// What was expected and found, the content included.
        message: String,
    },
    /// Two objects share an id.
    #[error("may not add resource with an already registered id: {0}")]
    DuplicateId(String),
    /// The input is well formed and kustomize refuses it.
    #[error("{0}")]
    Invalid(String),
    /// Only kustomize with plugins, Helm or a network could build it.
    #[error("{0}")]
    Refused(String),
    /// A reference could be to more than one object.
    #[error("found multiple possible referrals: {0}")]
    Ambiguous(String),
    /// A plugin configuration names a builtin that does not exist.
    #[error("{0}")]
    Unknown(String),
    /// A remote file could not be fetched.
    #[error("{0}")]
    Http(String),
    /// A limit against hostile input was reached.
    #[error("{0}")]
    Limit(String),
}

impl Error {
    /// Renders the whole chain as kustomize prints it.
    pub fn message(&self) -> String {
        let mut out = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(error) = next {
            let _ = write!(out, ": {error}");
            next = error.source();
        }
        out
    }

    /// Wraps the error in a sentence that says what was being done.
    pub(crate) fn context(self, context: impl Into<String>) -> Self {
        Self::Context {
            context: context.into(),
            source: Box::new(self),
        }
    }

    /// Returns the innermost error.
    pub fn root(&self) -> &Self {
        match self {
            Self::Context { source, .. } => source.root(),
            other => other,
        }
    }
}

impl From<fjord_yaml::Error> for Error {
    fn from(error: fjord_yaml::Error) -> Self {
        match error {
            fjord_yaml::Error::Limit(_) => Self::Limit(error.to_string()),
            other => Self::Yaml(other.to_string()),
        }
    }
}

/// Makes the error of input that kustomize refuses.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::Invalid(message.into())
}

/// Adds [`Error::context`] to results.
pub(crate) trait Wrap<T> {
    /// Wraps the error, if any, in the sentence.
    fn wrap(self, context: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T, E: Into<Error>> Wrap<T> for Result<T, E> {
    fn wrap(self, context: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|error| error.into().context(context()))
    }
}
