//! Why a data key could not be unwrapped, and whether trying again can help.
//!
//! A message carries what the service said, cut short, on one line, and with every secret of the request
//! taken out: a service (or whoever answers in its place) may echo what it was sent.

use std::fmt;
use std::time::Duration;

/// An unwrap that failed; one variant per reaction.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// A file names a key of a service that is not built; what is given is the name of its list there.
    #[error("keys of {0} are not supported")]
    NotBuilt(String),
    /// No credentials for this service were given.
    #[error("no credentials for {0}")]
    NoCredentials(Service),
    /// The credentials are not what their format asks for.
    #[error("{service} credentials: {reason}")]
    Credentials {
        /// The service they are for.
        service: Service,
        /// What is wrong, without a value.
        reason: String,
    },
    /// The credentials select something that is not built.
    #[error("{service}: {what} is not supported: {remedy}")]
    Unsupported {
        /// The service asked for.
        service: Service,
        /// What was selected.
        what: &'static str,
        /// What works instead.
        remedy: &'static str,
    },
    /// The file names a key in a way the service's addresses cannot have.
    #[error("{service} key {key}: {reason}")]
    Key {
        /// The service asked for.
        service: Service,
        /// The key, as the file names it.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The service does not know these credentials, or they have expired.
    #[error("{service} does not accept the credentials: {answer}")]
    Rejected {
        /// The service that answered.
        service: Service,
        /// What it said.
        answer: String,
    },
    /// The credentials are good, but not for this key.
    #[error("{service} does not let these credentials use the key: {answer}")]
    Denied {
        /// The service that answered.
        service: Service,
        /// What it said.
        answer: String,
    },
    /// There is no such key.
    #[error("{service} has no such key: {answer}")]
    NotFound {
        /// The service that answered.
        service: Service,
        /// What it said.
        answer: String,
    },
    /// The key exists and does not decrypt this ciphertext.
    #[error("{service} cannot decrypt the data key: {answer}")]
    Undecryptable {
        /// The service that answered.
        service: Service,
        /// What it said.
        answer: String,
    },
    /// Too many requests.
    #[error("{service} asks to slow down: {answer}")]
    Throttled {
        /// The service that answered.
        service: Service,
        /// How long it asks to wait.
        after: Option<Duration>,
        /// What it said.
        answer: String,
    },
    /// The service is up and cannot answer now (5xx, a sealed Vault).
    #[error("{service} is unavailable: {answer}")]
    Unavailable {
        /// The service that answered.
        service: Service,
        /// How long it asks to wait.
        after: Option<Duration>,
        /// What it said.
        answer: String,
    },
    /// No answer in time.
    #[error("{service} did not answer in time: {host}")]
    Timeout {
        /// The service asked.
        service: Service,
        /// The host asked.
        host: String,
    },
    /// No connection, or it broke.
    #[error("{service} cannot be reached at {host}: {reason}")]
    Unreachable {
        /// The service asked.
        service: Service,
        /// The host asked.
        host: String,
        /// What the connection died of.
        reason: String,
    },
    /// An answer that is not the documented one, as proxies give.
    #[error("{service} gave an answer that cannot be read: {reason}")]
    Answer {
        /// The service that answered.
        service: Service,
        /// What is missing or wrong, without a value.
        reason: String,
    },
    /// The HTTP client could not be set up.
    #[error("cannot set up the HTTP client: {0}")]
    Client(String),
}

/// Whether a second try can succeed with nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It cannot: somebody must change the file, the credentials or the key.
    Never,
    /// It can; the service may have said when.
    Later(Option<Duration>),
}

impl Error {
    /// Returns whether a second try can help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Throttled { after, .. } | Self::Unavailable { after, .. } => Retry::Later(*after),
            Self::Timeout { .. } | Self::Unreachable { .. } | Self::Answer { .. } => {
                Retry::Later(None)
            }
            Self::NotBuilt(_)
            | Self::NoCredentials(_)
            | Self::Credentials { .. }
            | Self::Unsupported { .. }
            | Self::Key { .. }
            | Self::Rejected { .. }
            | Self::Denied { .. }
            | Self::NotFound { .. }
            | Self::Undecryptable { .. }
            | Self::Client(_) => Retry::Never,
        }
    }

    /// Returns whether a second try can help, without when.
    pub fn is_retryable(&self) -> bool {
        self.retry() != Retry::Never
    }

    /// Returns what the service said, where it refused by a status of its own.
    pub(crate) fn said(&self) -> Option<&str> {
        match self {
            Self::Rejected { answer, .. }
            | Self::Denied { answer, .. }
            | Self::NotFound { answer, .. }
            | Self::Undecryptable { answer, .. }
            | Self::Throttled { answer, .. }
            | Self::Unavailable { answer, .. } => Some(answer),
            _ => None,
        }
    }

    pub(crate) fn credentials(service: Service, reason: impl Into<String>) -> Self {
        Self::Credentials {
            service,
            reason: reason.into(),
        }
    }

    pub(crate) fn answer(service: Service, reason: impl Into<String>) -> Self {
        Self::Answer {
            service,
            reason: reason.into(),
        }
    }
}

/// The services that hold keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// HashiCorp Vault or OpenBao, its transit engine.
    Vault,
    /// AWS Key Management Service.
    AwsKms,
    /// Google Cloud Key Management Service.
    GcpKms,
    /// Azure Key Vault.
    AzureKeyVault,
}

impl fmt::Display for Service {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Vault => "Vault",
            Self::AwsKms => "AWS KMS",
            Self::GcpKms => "GCP KMS",
            Self::AzureKeyVault => "Azure Key Vault",
        })
    }
}

/// The longest text of a service that an error repeats.
const ANSWER: usize = 300;

/// What a service said, in a form that an error may show.
///
/// Anything of `secrets` in it is replaced: answers are not ours, and may repeat the request.
pub(crate) fn quoted(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| secret.len() >= 4) {
        text = text.replace(secret, "<redacted>");
    }
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let mut line = words.join(" ");
    if let Some((at, _)) = line.char_indices().nth(ANSWER) {
        line.truncate(at);
        line.push_str("...");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_shown_on_one_short_line_without_the_secrets_it_echoes() {
        let text = format!("bad token\n\thvs.secret  {}", "x".repeat(1000));
        let shown = quoted(&text, &["hvs.secret", ""]);
        assert!(shown.starts_with("bad token <redacted> xxx"), "{shown}");
        assert!(shown.chars().count() <= ANSWER + 3);
    }
}
