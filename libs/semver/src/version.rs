//! Versions as tags spell them, and their order.

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter};

const MAX_LENGTH: usize = 256;

/// Holds a version; build metadata takes no part in comparisons.
#[derive(Debug, Clone)]
pub struct Version {
    pub(super) major: u64,
    pub(super) minor: u64,
    pub(super) patch: u64,
    pub(super) pre: String,
    metadata: String,
    original: String,
}

impl Version {
    /// Parses leniently: a leading `v`, leading zeros and missing parts are accepted.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let original = text;
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, metadata) = match text.split_once('+') {
            Some((text, metadata)) => (text, Some(metadata)),
            None => (text, None),
        };
        let (numbers, pre) = match text.split_once('-') {
            Some((numbers, pre)) => (numbers, Some(pre)),
            None => (text, None),
        };
        let mut parts = numbers.split('.').map(parse_number);
        let version = Self {
            major: parts.next()??,
            minor: parts.next().unwrap_or(Some(0))?,
            patch: parts.next().unwrap_or(Some(0))?,
            pre: pre.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: original.to_owned(),
        };
        let is_valid = parts.next().is_none()
            && pre.is_none_or(|pre| pre.split('.').all(|id| is_identifier(id) && !is_padded(id)))
            && metadata.is_none_or(|metadata| metadata.split('.').all(is_identifier));
        is_valid.then_some(version)
    }

    /// Says in Masterminds' words why [`Version::parse`] returned none.
    pub fn why_not(text: &str) -> String {
        let bare = text.strip_prefix('v').unwrap_or(text);
        let core = bare.split('+').next().unwrap_or_default();
        let (numbers, pre) = core.split_once('-').unwrap_or((core, ""));
        let parts: Vec<&str> = numbers.split('.').collect();
        let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let is_loose = parts.len() <= 3
            && parts.iter().all(digits)
            && (!core.contains('-') || pre.split('.').all(is_identifier));
        if !is_loose || text.len() > MAX_LENGTH {
            return "invalid semantic version".to_owned();
        }
        if let Some(large) = parts.iter().find(|part| part.parse::<u64>().is_err()) {
            return format!(
                "error parsing version segment: strconv.ParseUint: parsing \"{large}\": value out of range"
            );
        }
        if pre.split('.').any(is_padded) {
            return "version segment starts with 0".to_owned();
        }
        "invalid semantic version".to_owned()
    }

    /// Returns the first number.
    pub fn major(&self) -> u64 {
        self.major
    }

    /// Returns the second number.
    pub fn minor(&self) -> u64 {
        self.minor
    }

    /// Returns the third number.
    pub fn patch(&self) -> u64 {
        self.patch
    }

    /// Returns the pre-release without its dash; empty where there is none.
    pub fn pre_release(&self) -> &str {
        &self.pre
    }

    /// Returns the build metadata without its plus; empty where there is none.
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// Returns the text as it was parsed.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// Parses the name of a tag, which must have all three parts.
    pub fn parse_tag(tag: &str) -> Option<Self> {
        if tag.splitn(3, '.').count() < 3 {
            None
        } else {
            Self::parse(tag)
        }
    }
}

fn parse_number(text: &str) -> Option<u64> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_padded(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit())
}

impl Display for Version {
    /// Prints all three numbers, without a leading `v`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_pre_release(&self.pre, &other.pre),
            })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

/// Compares identifier by identifier; fewer identifiers come first.
pub(super) fn compare_pre_release(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (left, right) => compare_part(left.unwrap_or(""), right.unwrap_or("")),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn compare_part(left: &str, right: &str) -> Ordering {
    if left.is_empty() || right.is_empty() {
        return left.len().cmp(&right.len());
    }
    match (left.parse::<u64>(), right.parse::<u64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        // Parity: an identifier of letters sorts after a number.
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_are_ordered_by_precedence() {
        let ordered = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "v1.0.1",
            "1.10.0",
            "2025.02.03",
        ];
        for pair in ordered.windows(2) {
            assert!(
                Version::parse(pair[0]) < Version::parse(pair[1]),
                "{pair:?}"
            );
        }
        assert_eq!(Version::parse("1.0.0+a"), Version::parse("v1.0.0+b"));
    }

    #[test]
    fn tags_need_three_parts_and_may_carry_zeros() {
        for tag in ["1.2.3", "v1.2.3", "v2025.02.03-rc.1", "1.2.3+meta.1"] {
            assert!(Version::parse_tag(tag).is_some(), "{tag}");
        }
        for tag in [
            "1.2",
            "v1",
            "not-a-version",
            "1.2.3.4",
            "1.2.3-",
            "1.2.3-a..b",
            "1.2.3-01",
            "V1.2.3",
        ] {
            assert!(Version::parse_tag(tag).is_none(), "{tag}");
        }
    }
}
