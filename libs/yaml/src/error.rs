//! Why a text is not usable YAML, with Go's wording.

/// A document that cannot be read or rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not YAML.
    #[error("yaml: {}{message}", at(*.line))]
    Syntax {
        /// The line, from 1, as the Go library counts it; 0 where it has none.
        line: u32,
        /// The library's words.
        message: String,
    },
    /// The document is YAML that Go cannot decode.
    #[error("yaml: unmarshal errors:\n{}", .0.iter().map(|e| format!("  {e}")).collect::<Vec<_>>().join("\n"))]
    Unmarshal(Vec<String>),
    /// The document is YAML that has no meaning as JSON.
    #[error("{0}")]
    Json(String),
    /// A limit against hostile input was reached.
    #[error("yaml: {0}")]
    Limit(String),
}

fn at(line: u32) -> String {
    if line == 0 {
        String::new()
    } else {
        format!("line {line}: ")
    }
}

impl Error {
    /// Makes a syntax error without a line.
    pub(crate) fn syntax(message: impl Into<String>) -> Self {
        Self::Syntax {
            line: 0,
            message: message.into(),
        }
    }
}
