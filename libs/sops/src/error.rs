//! Why a file does not decrypt. No message holds a value.

/// A file that does not decrypt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is not of its format.
    #[error("reading the {format} document: {reason}")]
    Syntax {
        /// The format's name.
        format: &'static str,
        /// What is wrong, without the text.
        reason: String,
    },
    /// SOPS did not encrypt the file.
    #[error("sops metadata not found: the file is not encrypted by SOPS")]
    NotEncrypted,
    /// The metadata are not what the format says.
    #[error("sops metadata: {0}")]
    Metadata(String),
    /// The metadata ask for what is not supported.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// No key that was handed over opens the file.
    #[error("no key opens the data key; tried: {}", tried.join("; "))]
    NoKey {
        /// Each recipient of the file and why its key did not serve.
        tried: Vec<String>,
        /// Whether a later try may succeed: a key service was out of reach.
        retryable: bool,
    },
    /// A value does not decrypt with the file's own key.
    #[error("value at {path}: {reason}")]
    Value {
        /// The keys that lead there, joined with dots.
        path: String,
        /// What is wrong, without the value.
        reason: &'static str,
    },
    /// The checksum over all values is not the one in the metadata.
    #[error("the MAC does not match: the file was changed after SOPS encrypted it")]
    Mac,
    /// A limit against hostile input.
    #[error("{what} exceeds the limit of {limit}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

impl Error {
    pub(crate) fn syntax(format: &'static str, reason: impl Into<String>) -> Self {
        Self::Syntax {
            format,
            reason: reason.into(),
        }
    }
}
