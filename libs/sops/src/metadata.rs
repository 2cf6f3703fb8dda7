//! What SOPS notes in a file: who can open it, what is encrypted, the checksum.

mod scalar;

pub(crate) use scalar::time;

use crate::error::Error;
use crate::keys::Recipient;
use regex::Regex;
use scalar::{boolean, is_version};
use serde_json::{Map, Value};

/// How many recipients a file may have.
const RECIPIENTS: usize = 256;

/// The metadata of a file.
#[derive(Debug)]
pub(crate) struct Metadata {
    /// The encrypted checksum.
    pub(crate) mac: String,
    /// When it was last changed, in RFC 3339; the checksum is bound to it.
    pub(crate) last_modified: String,
    /// Which values are encrypted.
    pub(crate) rule: Rule,
    /// Whether the checksum covers encrypted values only.
    pub(crate) mac_only_encrypted: bool,
    /// How many groups are needed, of several.
    pub(crate) shamir_threshold: i64,
    /// Who can open the file: one of a group opens the group's share.
    pub(crate) groups: Vec<Vec<Recipient>>,
}

/// Which values are encrypted, by the keys that lead to them or the comments above them.
#[derive(Debug)]
pub(crate) enum Rule {
    /// All but those below a key with this end.
    UnencryptedSuffix(String),
    /// Those below a key with this end.
    EncryptedSuffix(String),
    /// All but those below a key that matches.
    UnencryptedRegex(Regex),
    /// Those below a key that matches.
    EncryptedRegex(Regex),
    /// All but those below or behind a comment that matches.
    UnencryptedCommentRegex(Regex),
    /// Those below or behind a comment that matches.
    EncryptedCommentRegex(Regex),
}

impl Rule {
    /// Says whether the value at the end of a path is encrypted; `marked` says whether a comment above it matches.
    pub(crate) fn encrypts(&self, path: &[String], marked: bool) -> bool {
        let any = |test: &dyn Fn(&str) -> bool| path.iter().any(|key| test(key));
        match self {
            Self::UnencryptedSuffix(suffix) => !any(&|key| key.ends_with(suffix.as_str())),
            Self::EncryptedSuffix(suffix) => any(&|key| key.ends_with(suffix.as_str())),
            Self::UnencryptedRegex(regex) => !any(&|key| regex.is_match(key)),
            Self::EncryptedRegex(regex) => any(&|key| regex.is_match(key)),
            Self::UnencryptedCommentRegex(_) => !marked,
            Self::EncryptedCommentRegex(_) => marked,
        }
    }

    /// Says whether a comment matches, so that it decides about what follows.
    pub(crate) fn marks(&self, comment: &str) -> bool {
        match self {
            Self::UnencryptedCommentRegex(regex) | Self::EncryptedCommentRegex(regex) => {
                regex.is_match(comment)
            }
            _ => false,
        }
    }

    /// Says whether a comment that matches decides about itself, too: one that asks for encryption stays readable.
    pub(crate) fn marks_itself(&self) -> bool {
        matches!(self, Self::UnencryptedCommentRegex(_))
    }

    fn read(map: &Map<String, Value>) -> Result<Self, Error> {
        const KINDS: [&str; 6] = [
            "unencrypted_suffix",
            "encrypted_suffix",
            "unencrypted_regex",
            "encrypted_regex",
            "unencrypted_comment_regex",
            "encrypted_comment_regex",
        ];
        let given: Vec<(&str, String)> = KINDS
            .iter()
            .map(|kind| (*kind, text(map, kind)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let (kind, value) = match given.as_slice() {
            [] => ("unencrypted_suffix", "_unencrypted".to_owned()),
            [(kind, value)] => (*kind, value.clone()),
            _ => {
                return Err(Error::Metadata(format!(
                    "cannot use more than one of {}",
                    KINDS.join(", ")
                )));
            }
        };
        let regex = |pattern: &str| {
            Regex::new(pattern)
                .map_err(|_| Error::Metadata(format!("{kind} is no regular expression")))
        };
        Ok(match kind {
            "unencrypted_suffix" => Self::UnencryptedSuffix(value),
            "encrypted_suffix" => Self::EncryptedSuffix(value),
            "unencrypted_regex" => Self::UnencryptedRegex(regex(&value)?),
            "encrypted_regex" => Self::EncryptedRegex(regex(&value)?),
            "unencrypted_comment_regex" => Self::UnencryptedCommentRegex(regex(&value)?),
            _ => Self::EncryptedCommentRegex(regex(&value)?),
        })
    }
}

/// Reads a field as text, whatever scalar it is: formats without types hold texts only.
pub(crate) fn text(map: &Map<String, Value>, key: &str) -> String {
    match map.get(key) {
        Some(Value::String(text)) => text.clone(),
        // Parity: a float is written as Go prints it, so that 1.0 is 1.
        Some(Value::Number(number)) => match number.as_f64() {
            Some(float) if number.is_f64() => fjord_yaml::format_g(float),
            _ => number.to_string(),
        },
        Some(Value::Bool(flag)) => flag.to_string(),
        _ => String::new(),
    }
}

impl Metadata {
    /// Reads the metadata from what stands under `sops`.
    ///
    /// # Errors
    /// A field is missing or not what it must be.
    pub(crate) fn read(value: &Value) -> Result<Self, Error> {
        let Value::Object(map) = value else {
            return Err(Error::Metadata("it is no map".to_owned()));
        };
        // The checksum is bound to it as the real tool prints it.
        let last_modified = time(&text(map, "lastmodified"))
            .ok_or_else(|| Error::Metadata("lastmodified is no time in RFC 3339".to_owned()))?;
        if !is_version(&text(map, "version")) {
            return Err(Error::Metadata("version is no version".to_owned()));
        }
        let threshold = text(map, "shamir_threshold");
        let shamir_threshold = if threshold.is_empty() {
            0
        } else {
            threshold
                .parse()
                .map_err(|_| Error::Metadata("shamir_threshold is no number".to_owned()))?
        };
        let mac_only_encrypted = boolean(map.get("mac_only_encrypted"))
            .ok_or_else(|| Error::Metadata("mac_only_encrypted is no boolean".to_owned()))?;
        let own = Recipient::read_all(map)?;
        let groups = if own.is_empty() {
            let groups = map.get("key_groups").and_then(Value::as_array);
            groups
                .into_iter()
                .flatten()
                .filter_map(Value::as_object)
                .map(Recipient::read_all)
                .collect::<Result<Vec<_>, _>>()?
        } else {
            vec![own]
        };
        let count: usize = groups.iter().map(Vec::len).sum();
        if count == 0 {
            return Err(Error::Metadata("no keys found in file".to_owned()));
        }
        if count > RECIPIENTS {
            return Err(Error::Limit {
                what: "the number of recipients",
                limit: RECIPIENTS,
            });
        }
        Ok(Self {
            mac: text(map, "mac"),
            last_modified,
            rule: Rule::read(map)?,
            mac_only_encrypted,
            shamir_threshold,
            groups,
        })
    }
}
