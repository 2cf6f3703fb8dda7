//! Why a chart does not render, in Helm's words.

use fjord_gotemplate::functions::MARKS;
use fjord_gotemplate::{ExecuteError, ParseError};

/// A template that does not parse or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A template is malformed.
    #[error("parse error at ({file}:{line}): {message}")]
    Parse {
        /// The template.
        file: String,
        /// The line in it, from 1.
        line: usize,
        /// What is wrong; of a chain of causes the last, as in Helm.
        message: String,
    },
    /// A template called `fail`, or `required` in vain.
    #[error("execution error at ({place}): {message}")]
    Raised {
        /// Where the outermost call stands: `chart/templates/web.yaml:3:5`.
        place: String,
        /// The chart's message.
        message: String,
        /// The error itself.
        source: Box<ExecuteError>,
    },
    /// A template failed.
    #[error("{text}")]
    Execution {
        /// Helm's words.
        text: String,
        /// The error itself.
        source: Box<ExecuteError>,
    },
}

impl Error {
    pub(super) fn parse(error: &ParseError) -> Self {
        let last = error.message.rsplit(": ").next();
        Self::Parse {
            file: error.name.clone(),
            line: error.line,
            message: last.unwrap_or(&error.message).to_owned(),
        }
    }

    pub(super) fn execution(path: &str, source: Box<ExecuteError>) -> Self {
        let text = source.to_string();
        let mut parts = text.splitn(3, ": ");
        let (Some(_), Some(place), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            let text = format!("execution error in ({path}): {text}");
            return Self::Execution { text, source };
        };
        let [start, end] = MARKS;
        if let (Some(from), Some(to)) = (rest.find(start), rest.rfind(end))
            && let Some(message) = rest.get(from + start.len()..to)
        {
            return Self::Raised {
                place: place.to_owned(),
                message: message.to_owned(),
                source,
            };
        }
        let text = levels(&source).unwrap_or(text);
        Self::Execution { text, source }
    }
}

/// One level of a chain of errors, as Helm lays it out.
#[derive(PartialEq, Eq)]
struct Level {
    place: String,
    executing: String,
    message: String,
}

/// Lays a chain of errors out on indented lines; none where a level is not a template's.
fn levels(error: &ExecuteError) -> Option<String> {
    let mut levels: Vec<Level> = Vec::new();
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        let level = Level::read(&error.to_string())?;
        if levels.last() != Some(&level) {
            levels.push(level);
        }
        next = error.source();
    }
    let mut out = String::new();
    for level in levels {
        for (part, after) in [
            (&level.place, "\n  "),
            (&level.executing, "\n    "),
            (&level.message, "\n"),
        ] {
            if !part.is_empty() {
                out += part;
                out += after;
            }
        }
    }
    Some(out.trim().to_owned())
}

impl Level {
    fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("template: ")?;
        let until_next = |message: &str| {
            let cut = message.find(" template:").unwrap_or(message.len());
            message[..cut].to_owned()
        };
        if rest.starts_with("no template ") {
            return Some(Self {
                place: String::new(),
                executing: String::new(),
                message: text.to_owned(),
            });
        }
        if let Some((place, after)) = rest.split_once(": executing ")
            && let Some(level) = Self::executing(place, after, until_next)
        {
            return Some(level);
        }
        let (place, message) = rest.rsplit_once(": ")?;
        Some(Self {
            place: place.to_owned(),
            executing: String::new(),
            message: until_next(message),
        })
    }

    fn executing(place: &str, after: &str, until_next: impl Fn(&str) -> String) -> Option<Self> {
        let after = after.strip_prefix('"')?;
        let (name, after) = after.split_once('"')?;
        let after = after.strip_prefix(" at <")?;
        let (node, message) = after.split_once(">: ")?;
        Some(Self {
            place: place.to_owned(),
            executing: format!("executing \"{name}\" at <{node}>:"),
            message: until_next(message),
        })
    }
}
