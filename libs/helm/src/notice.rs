//! What Helm would log: warnings and notes that do not stop anything.

use std::fmt;

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For those who look for a fault.
    Debug,
    /// Of some interest.
    Info,
    /// Probably not meant so.
    Warn,
    /// Why the run ends.
    Error,
}

/// One thing worth saying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub level: Level,
    /// What it is.
    pub message: String,
    /// What it is about.
    pub fields: Vec<(&'static str, String)>,
}

/// Notices in the order they arose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices(Vec<Notice>);

impl Notices {
    /// Adds a notice.
    pub fn push(
        &mut self,
        level: Level,
        message: impl Into<String>,
        fields: Vec<(&'static str, String)>,
    ) {
        self.0.push(Notice {
            level,
            message: message.into(),
            fields,
        });
    }

    pub(crate) fn info(&mut self, message: impl Into<String>) {
        self.push(Level::Info, message, Vec::new());
    }

    /// Lists the notices.
    pub fn iter(&self) -> std::slice::Iter<'_, Notice> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Notices {
    type Item = &'a Notice;
    type IntoIter = std::slice::Iter<'a, Notice>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        })
    }
}

/// Prints a notice as Helm logs it: `level=WARN msg="..." key=value`.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "level={} msg={}", self.level, text(&self.message))?;
        for (key, value) in &self.fields {
            write!(f, " {key}={}", text(value))?;
        }
        Ok(())
    }
}

/// Quotes a text where Go's `slog` does.
fn text(text: &str) -> String {
    let needs_quotes = text.is_empty()
        || text.chars().any(|c| {
            matches!(c, ' ' | '"' | '=')
                || c < '!'
                || c == '\u{7f}'
                || (!c.is_ascii() && !crate::go::is_print(c))
        });
    if needs_quotes {
        crate::go::quote(text)
    } else {
        text.to_owned()
    }
}
