//! `.helmignore`: which files of a folder are not part of the chart.
//!
//! It looks like gitignore and is not: a rule `!x` ignores every path that does **not** match `x`.

use super::pattern::{self, BadPattern};

/// The rules of one `.helmignore`, with the one that is always there: hidden files below `templates/`.
#[derive(Clone, Debug)]
pub struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: String,
    is_negated: bool,
    wants_directory: bool,
    against: Against,
}

#[derive(Clone, Copy, Debug)]
enum Against {
    Path,
    Name,
}

/// A rule that is malformed, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A rule spans folders.
    #[error("double-star (**) syntax is not supported")]
    DoubleStar,
    /// A rule is no pattern.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
}

impl Default for Ignore {
    fn default() -> Self {
        Self {
            rules: vec![Rule::hidden_templates()],
        }
    }
}

impl Ignore {
    /// Reads the rules.
    ///
    /// ```
    /// use fjord_helm::chart::Ignore;
    ///
    /// let ignore = Ignore::parse(b"*.bak\n/docs/\n")?;
    /// assert!(ignore.ignores("a/b.bak", false) && ignore.ignores("docs", true));
    /// assert!(!ignore.ignores("a/docs", true));
    /// # Ok::<(), fjord_helm::chart::IgnoreError>(())
    /// ```
    ///
    /// # Errors
    /// A rule is malformed or has `**`.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let text = String::from_utf8_lossy(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text));
        let mut rules = Vec::new();
        for line in text.lines() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                rules.push(Rule::parse(line)?);
            }
        }
        rules.push(Rule::hidden_templates());
        Ok(Self { rules })
    }

    /// Says whether a path of the folder is not part of the chart.
    pub fn ignores(&self, path: &str, is_directory: bool) -> bool {
        for rule in &self.rules {
            let is_match = (!rule.wants_directory || is_directory) && rule.matches(path);
            // Parity: a negated rule that matches says nothing, one that does not ignores the path.
            if is_match != rule.is_negated {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Self, Error> {
        if line.contains("**") {
            return Err(Error::DoubleStar);
        }
        pattern::matches(line, "abc")?;
        let (rest, is_negated) = strip(line.strip_prefix('!'), line);
        let (rest, wants_directory) = strip(rest.strip_suffix('/'), rest);
        let (rest, is_anchored) = strip(rest.strip_prefix('/'), rest);
        let against = if is_anchored || rest.contains('/') {
            Against::Path
        } else {
            Against::Name
        };
        Ok(Self {
            pattern: rest.to_owned(),
            is_negated,
            wants_directory,
            against,
        })
    }

    fn hidden_templates() -> Self {
        Self {
            pattern: "templates/.?*".to_owned(),
            is_negated: false,
            wants_directory: false,
            against: Against::Path,
        }
    }

    fn matches(&self, path: &str) -> bool {
        let text = match self.against {
            Against::Path => path,
            Against::Name => path.rsplit('/').next().unwrap_or(path),
        };
        pattern::matches(&self.pattern, text).unwrap_or(false)
    }
}

fn strip<'a>(stripped: Option<&'a str>, whole: &'a str) -> (&'a str, bool) {
    (stripped.unwrap_or(whole), stripped.is_some())
}
