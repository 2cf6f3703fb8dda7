//! Versions and ranges where charts use them, in one place.

use std::cmp::Ordering;

use fjord_semver::{Constraint, Version};

/// Tells whether a text is a version.
pub(crate) fn is_version(text: &str) -> bool {
    Version::parse(text).is_some()
}

/// Tells whether a version lies in a range; neither does what cannot be read.
pub(crate) fn is_in_range(range: &str, version: &str) -> bool {
    Range::parse(range).is_ok_and(|range| range.contains(version))
}

/// Orders versions; what is none comes before all that are.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    match (Version::parse(a), Version::parse(b)) {
        (Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// A range that was read once.
pub(crate) struct Range(Constraint);

impl Range {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let range = Constraint::parse(text).map(Self);
        range.map_err(|error| error.to_string())
    }

    pub(crate) fn contains(&self, version: &str) -> bool {
        Version::parse(version).is_some_and(|version| self.0.accepts(&version))
    }
}
