//! What a repository is asked for, and how the answer is written in a status.

use std::fmt;

/// Branch taken when the spec names none.
const DEFAULT_BRANCH: &str = "master";

/// Names what to fetch; the variants are the fields of `spec.ref` after their precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// The tip of a branch.
    Branch(String),
    /// The commit a tag points to.
    Tag(String),
    /// The highest tag within a version range.
    Semver(String),
    /// One commit, with the branch it is said to be on.
    Commit {
        /// Full hexadecimal id.
        id: String,
        /// Branch for the revision's text.
        branch: Option<String>,
    },
    /// A full reference name such as `refs/pull/1/head`.
    Name(String),
}

impl Selector {
    /// Applies the precedence commit > name > tag > semver > branch > `master`.
    // Parity: Flux's documents say that semver beats tag; its code and recordings say the opposite.
    pub fn from_fields(branch: &str, tag: &str, semver: &str, name: &str, commit: &str) -> Self {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        if let Some(id) = given(commit) {
            return Self::Commit {
                id,
                branch: given(branch),
            };
        }
        given(name)
            .map(Self::Name)
            .or_else(|| given(tag).map(Self::Tag))
            .or_else(|| given(semver).map(Self::Semver))
            .unwrap_or_else(|| Self::Branch(given(branch).unwrap_or(DEFAULT_BRANCH.to_owned())))
    }

    /// Tells whether Flux asks the remote for news before it clones; it does not for version ranges
    /// and pinned commits.
    pub fn is_listed_first(&self) -> bool {
        matches!(self, Self::Branch(_) | Self::Tag(_) | Self::Name(_))
    }
}

/// Identifies content: `main@sha1:…`, `v1.0.0@sha1:…`, `refs/pull/1/head@sha1:…` or `sha1:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// What comes before the `@`; empty for a bare commit.
    pub pointer: String,
    /// The commit in hexadecimal.
    pub commit: String,
}

impl Revision {
    /// Tells whether `text` from a status names this revision, in today's or Flux's old spelling.
    pub fn is_written_as(&self, text: &str) -> bool {
        let pointer = if self.pointer.is_empty() {
            "HEAD"
        } else {
            &self.pointer
        };
        text == self.to_string() || text == format!("{pointer}/{}", self.commit)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}@", self.pointer)?;
        }
        write!(f, "sha1:{}", self.commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_field_wins_and_a_tag_beats_a_range() {
        let select = Selector::from_fields;
        let commit = Selector::Commit {
            id: "c".into(),
            branch: Some("b".into()),
        };
        assert_eq!(select("b", "t", "1.x", "refs/n", "c"), commit);
        assert_eq!(
            select("b", "t", "1.x", "refs/n", ""),
            Selector::Name("refs/n".into())
        );
        assert_eq!(select("b", "t", "1.x", "", ""), Selector::Tag("t".into()));
        assert_eq!(
            select("b", "", "1.x", "", ""),
            Selector::Semver("1.x".into())
        );
        assert_eq!(select("b", "", "", "", ""), Selector::Branch("b".into()));
        assert_eq!(
            select("", "", "", "", ""),
            Selector::Branch("master".into())
        );
    }

    #[test]
    fn revisions_are_recognised_in_both_spellings() {
        let revision = Revision {
            pointer: "feature/x".into(),
            commit: "ab".into(),
        };
        assert_eq!(revision.to_string(), "feature/x@sha1:ab");
        assert!(revision.is_written_as("feature/x@sha1:ab"));
        assert!(revision.is_written_as("feature/x/ab"));
        assert!(!revision.is_written_as("sha1:ab"));
        let bare = Revision {
            pointer: String::new(),
            commit: "ab".into(),
        };
        assert!(bare.is_written_as("sha1:ab") && bare.is_written_as("HEAD/ab"));
    }
}
