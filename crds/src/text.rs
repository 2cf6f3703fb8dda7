//! Serde helpers for Go's `omitempty`: an empty value and an absent one are the same.

use serde::{Deserialize, Deserializer};

/// Reads an optional text; empty reads as absent.
pub(crate) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

/// Tells whether a switch is off, its unwritten state.
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

/// Tells whether a counter is at its unwritten state.
pub(crate) fn is_zero(value: &i64) -> bool {
    *value == 0
}
