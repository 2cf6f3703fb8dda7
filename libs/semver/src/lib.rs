//! Versions and version ranges with the semantics of Masterminds/semver v3: what `spec.ref.semver` of
//! a source and Helm's charts and repositories are written in.
//!
//! Neither crate for versions has them (a pre-release matches `>=1.0.0-0`, `=>` and `1.2 - 1.4` are
//! operators, a leading `v` and leading zeros are accepted), hence this small parser of our own.

mod version;

pub use version::Version;

const MAX_LENGTH: usize = 512;
const MAX_GROUPS: usize = 32;

/// Accepts some versions: groups joined by `||`, each a list of comparisons that must all hold.
#[derive(Debug, Clone)]
pub struct Constraint {
    groups: Vec<Group>,
}

#[derive(Debug, Clone)]
struct Group {
    comparisons: Vec<Comparison>,
    /// Pre-releases are looked at only if a comparison of the group names one.
    includes_pre_releases: bool,
}

#[derive(Debug, Clone)]
struct Comparison {
    operator: Operator,
    version: Version,
    /// How much of the version was a wildcard or left out.
    wildcard: Wildcard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wildcard {
    None,
    Patch,
    Minor,
    Major,
}

/// Longest spellings first.
const OPERATORS: [(&str, Operator); 11] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("=>", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=<", Operator::LessOrEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

impl Constraint {
    /// Parses a range such as `>=1.2 <2 || ~3.1`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_LENGTH {
            return Err(Error::TooLong);
        }
        let text = rewrite_hyphen_ranges(text);
        let groups: Vec<&str> = text.split("||").collect();
        if groups.len() > MAX_GROUPS {
            return Err(Error::TooManyGroups);
        }
        Ok(Self {
            groups: groups
                .into_iter()
                .map(Group::parse)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Tells whether `version` is accepted.
    pub fn accepts(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            (version.pre.is_empty() || group.includes_pre_releases)
                && group
                    .comparisons
                    .iter()
                    .all(|comparison| comparison.holds(version))
        })
    }
}

impl Group {
    fn parse(segment: &str) -> Result<Self, Error> {
        let improper = || Error::Improper(segment.to_owned());
        let mut rest = segment.trim_start();
        let mut comparisons = Vec::new();
        loop {
            let (operator, after) = OPERATORS
                .iter()
                .find_map(|(text, operator)| Some((*operator, rest.strip_prefix(text)?)))
                .unwrap_or((Operator::Equal, rest));
            let after = after.trim_start();
            let length = version_length(after).ok_or_else(improper)?;
            comparisons.push(Comparison::parse(operator, &after[..length])?);
            let tail = &after[length..];
            rest = tail.trim_start();
            if rest.is_empty() {
                break;
            }
            match rest.strip_prefix(',') {
                Some(next) => rest = next.trim_start(),
                None if rest.len() == tail.len() => return Err(improper()),
                None => {}
            }
        }
        let includes_pre_releases = comparisons.iter().any(|c| !c.version.pre.is_empty());
        Ok(Self {
            comparisons,
            includes_pre_releases,
        })
    }
}

impl Comparison {
    fn parse(operator: Operator, text: &str) -> Result<Self, Error> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let numbers_end = text.find(['-', '+']).unwrap_or(text.len());
        let suffix = &text[numbers_end..];
        let pre = suffix.split('+').next().unwrap_or_default();
        let numbers: Vec<&str> = text[..numbers_end].split('.').collect();
        let fixed = numbers
            .iter()
            .take_while(|number| !matches!(**number, "x" | "X" | "*"))
            .count();
        let (wildcard, spelled) = match fixed {
            0 => (Wildcard::Major, format!("0.0.0{pre}")),
            1 => (Wildcard::Minor, format!("{}.0.0{pre}", numbers[0])),
            2 => (
                Wildcard::Patch,
                format!("{}.{}.0{pre}", numbers[0], numbers[1]),
            ),
            _ => (Wildcard::None, text.to_owned()),
        };
        let version = Version::parse(&spelled).ok_or(Error::Parser)?;
        Ok(Self {
            operator,
            version,
            wildcard,
        })
    }

    /// Assumes that pre-releases were dealt with for the whole group.
    fn holds(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.operator {
            Operator::Equal if self.wildcard == Wildcard::None => version == wanted,
            Operator::Equal | Operator::Tilde => self.tilde_holds(version),
            Operator::NotEqual => self.not_equal_holds(version),
            Operator::Greater => match self.wildcard {
                Wildcard::Minor => version.major > wanted.major,
                Wildcard::Patch => (version.major, version.minor) > (wanted.major, wanted.minor),
                Wildcard::None | Wildcard::Major => version > wanted,
            },
            Operator::Less => version < wanted,
            Operator::GreaterOrEqual => version >= wanted,
            Operator::LessOrEqual => match self.wildcard {
                Wildcard::None => version <= wanted,
                Wildcard::Minor => version.major <= wanted.major,
                // Parity: a lone `x` is 0.0.0 here, so that `<=*` accepts 0.0.z only.
                Wildcard::Patch | Wildcard::Major => {
                    (version.major, version.minor) <= (wanted.major, wanted.minor)
                }
            },
            Operator::Caret => self.caret_holds(version),
        }
    }

    fn tilde_holds(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version < wanted {
            return false;
        }
        let is_zero = (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0);
        if is_zero && matches!(self.wildcard, Wildcard::None | Wildcard::Major) {
            return true;
        }
        version.major == wanted.major
            && (version.minor == wanted.minor || self.wildcard == Wildcard::Minor)
    }

    fn not_equal_holds(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.wildcard {
            Wildcard::None | Wildcard::Major => version != wanted,
            Wildcard::Minor => version.major != wanted.major,
            Wildcard::Patch => {
                version.major != wanted.major
                    || version.minor != wanted.minor
                    || version::compare_pre_release(&version.pre, &wanted.pre).is_ne()
            }
        }
    }

    fn caret_holds(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version < wanted {
            return false;
        }
        if wanted.major > 0 || self.wildcard == Wildcard::Minor {
            return version.major == wanted.major;
        }
        if self.wildcard == Wildcard::Major {
            // Parity: `^*` is documented as any version, but compares like ^0.0.0.
            return (version.major, version.minor, version.patch) == (0, 0, 0);
        }
        if version.major > 0 {
            return false;
        }
        if wanted.minor > 0 || self.wildcard == Wildcard::Patch {
            return version.minor == wanted.minor;
        }
        version.minor == 0 && version.patch == wanted.patch
    }
}

/// Returns the length of the version with wildcards that `text` begins with.
fn version_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = usize::from(bytes.first() == Some(&b'v'));
    let number = |at: usize| {
        let digits = bytes[at.min(bytes.len())..].iter();
        digits
            .take_while(|b| b.is_ascii_digit() || matches!(b, b'x' | b'X' | b'*' | b'|'))
            .count()
    };
    let identifiers = |mut at: usize| {
        let is_allowed = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'-';
        let start = at;
        loop {
            let length = bytes[at.min(bytes.len())..]
                .iter()
                .take_while(is_allowed)
                .count();
            if length == 0 {
                // A dot belongs to the version only if an identifier follows.
                return at.saturating_sub(1).max(start) - start;
            }
            at += length;
            if bytes.get(at) != Some(&b'.') {
                return at - start;
            }
            at += 1;
        }
    };
    match number(at) {
        0 => return None,
        length => at += length,
    }
    for _ in 0..2 {
        if bytes.get(at) == Some(&b'.') && number(at + 1) > 0 {
            at += 1 + number(at + 1);
        }
    }
    for lead in [b'-', b'+'] {
        if bytes.get(at) == Some(&lead) && identifiers(at + 1) > 0 {
            at += 1 + identifiers(at + 1);
        }
    }
    Some(at)
}

/// Turns each `A - B` into `>= A, <= B`.
fn rewrite_hyphen_ranges(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match hyphen_range(rest) {
            Some((low, high, length)) => {
                out.push_str(&format!(">= {low}, <= {high} "));
                rest = &rest[length..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

fn hyphen_range(text: &str) -> Option<(&str, &str, usize)> {
    let from = text.trim_start();
    let low = &from[..version_length(from)?];
    let after_low = &from[low.len()..];
    let hyphen = after_low.trim_start();
    let after_hyphen = hyphen.strip_prefix('-')?;
    let to = after_hyphen.trim_start();
    if hyphen.len() == after_low.len() || to.len() == after_hyphen.len() {
        return None;
    }
    let high = &to[..version_length(to)?];
    let end = to[high.len()..].trim_start();
    Some((low, high, text.len() - end.len()))
}

/// Says why a text is no version range; the texts are Masterminds'.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is longer than any sensible range.
    #[error("constraint string is too long (max {MAX_LENGTH} bytes)")]
    TooLong,
    /// There are too many alternatives.
    #[error("too many constraint groups (max {MAX_GROUPS})")]
    TooManyGroups,
    /// The text is not a list of comparisons.
    #[error("improper constraint: {0:?}")]
    Improper(String),
    /// A version in it is not one.
    #[error("constraint parser error")]
    Parser,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_accept_what_masterminds_accepts() {
        let versions = [
            "0.0.3",
            "0.1.0",
            "0.2.3",
            "0.2.9",
            "1.2.3",
            "v1.3.0",
            "1.5.0-rc.1",
            "2.0.0",
            "11.1.0",
        ];
        for (range, accepted) in [
            ("1.x", vec!["1.2.3", "v1.3.0"]),
            ("^1", vec!["1.2.3", "v1.3.0"]),
            (
                ">=1.0.0-0",
                vec!["1.2.3", "v1.3.0", "1.5.0-rc.1", "2.0.0", "11.1.0"],
            ),
            ("1.2.x || >=2.0.0", vec!["1.2.3", "2.0.0", "11.1.0"]),
            ("1.2 - 1.4", vec!["1.2.3", "v1.3.0"]),
            ("~>1.2", vec!["1.2.3"]),
            ("v1.2.3", vec!["1.2.3"]),
            ("=1.2.3", vec!["1.2.3"]),
            (
                "!=1.2.3 <2",
                vec!["0.0.3", "0.1.0", "0.2.3", "0.2.9", "v1.3.0"],
            ),
            ("=>1.3.0, <11", vec!["v1.3.0", "2.0.0"]),
            (">11", vec![]),
            (">1.2", vec!["v1.3.0", "2.0.0", "11.1.0"]),
            ("<=1.2", vec!["0.0.3", "0.1.0", "0.2.3", "0.2.9", "1.2.3"]),
            (
                "<=1",
                vec!["0.0.3", "0.1.0", "0.2.3", "0.2.9", "1.2.3", "v1.3.0"],
            ),
            ("^0.2.3", vec!["0.2.3", "0.2.9"]),
            ("^0.0.3", vec!["0.0.3"]),
            ("^0.0", vec!["0.0.3"]),
            ("^0", vec!["0.0.3", "0.1.0", "0.2.3", "0.2.9"]),
            ("~0.2.4", vec!["0.2.9"]),
            ("!=1.x !=0.x", vec!["2.0.0", "11.1.0"]),
            (
                "*",
                vec![
                    "0.0.3", "0.1.0", "0.2.3", "0.2.9", "1.2.3", "v1.3.0", "2.0.0", "11.1.0",
                ],
            ),
            ("~1.5.0-0", vec!["1.5.0-rc.1"]),
            ("^1.5.0-rc.0", vec!["1.5.0-rc.1"]),
            ("01.02.03", vec!["1.2.3"]),
        ] {
            let constraint = Constraint::parse(range).unwrap();
            let left: Vec<_> = versions
                .into_iter()
                .filter(|text| constraint.accepts(&Version::parse(text).unwrap()))
                .collect();
            assert_eq!(left, accepted, "{range}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused_with_masterminds_texts() {
        for (text, error) in [
            ("", "improper constraint: \"\""),
            ("latest", "improper constraint: \"latest\""),
            (">=1.0<2.0", "improper constraint: \">=1.0<2.0\""),
            ("1.2.3.4", "improper constraint: \"1.2.3.4\""),
            ("1 ||", "improper constraint: \"\""),
            (">1,", "improper constraint: \">1,\""),
            ("1x", "constraint parser error"),
            ("1.2.3-01", "constraint parser error"),
        ] {
            assert_eq!(
                Constraint::parse(text).unwrap_err().to_string(),
                error,
                "{text}"
            );
        }
        assert_eq!(
            Constraint::parse(&"1".repeat(513)).unwrap_err(),
            Error::TooLong
        );
        assert_eq!(
            Constraint::parse(&"1||".repeat(40)).unwrap_err(),
            Error::TooManyGroups
        );
    }
}
