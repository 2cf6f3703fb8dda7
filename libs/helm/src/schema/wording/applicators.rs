//! The `allOf`, `anyOf` and `oneOf` between a fault and the one above it.
//!
//! Our validator passes over such a keyword where it has a single fault below it, Helm's names it. The place of the
//! fault in the schema still tells which keywords lie between.

use boon::{ErrorKind, ValidationError};

/// A keyword that was passed over: where in the values, and what is said of it.
pub(super) struct Applicator {
    pub(super) location: String,
    pub(super) words: &'static str,
}

/// Where the schema of a fault lies, for those below it.
pub(super) fn place<'e>(error: &'e ValidationError<'_, '_>) -> &'e str {
    match &error.kind {
        ErrorKind::Reference { url, .. } => url,
        _ => error.schema_url,
    }
}

/// Lists the keywords between a fault and one below it, outermost first.
pub(super) fn between(
    above: &ValidationError<'_, '_>,
    below: &ValidationError<'_, '_>,
) -> Vec<Applicator> {
    let Some(rest) = below.schema_url.strip_prefix(place(above)) else {
        return Vec::new();
    };
    let location = below.instance_location.to_string();
    let ends: Vec<usize> = location
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([location.len()])
        .collect();
    let mut into = above.instance_location.to_string().matches('/').count();
    // The fault above may be of such a keyword itself.
    let mut own = match above.kind {
        ErrorKind::AllOf => "allOf",
        ErrorKind::AnyOf => "anyOf",
        ErrorKind::OneOf(_) => "oneOf",
        _ => "",
    };
    let mut found = Vec::new();
    let mut keywords = rest
        .trim_start_matches('#')
        .split('/')
        .filter(|token| !token.is_empty())
        .peekable();
    while let Some(keyword) = keywords.next() {
        let words = match keyword {
            "allOf" => "'allOf' failed",
            "anyOf" => "'anyOf' failed",
            "oneOf" => "'oneOf' failed, none matched",
            "properties" | "patternProperties" | "prefixItems" => {
                keywords.next();
                into += 1;
                continue;
            }
            "items" => {
                keywords.next_if(|token| token.bytes().all(|byte| byte.is_ascii_digit()));
                into += 1;
                continue;
            }
            "additionalProperties"
            | "additionalItems"
            | "unevaluatedProperties"
            | "unevaluatedItems"
            | "contains" => {
                into += 1;
                continue;
            }
            "dependentSchemas" | "dependencies" | "$defs" | "definitions" => {
                keywords.next();
                continue;
            }
            _ => continue,
        };
        keywords.next();
        if own == keyword {
            own = "";
            continue;
        }
        let end = ends.get(into).copied().unwrap_or(location.len());
        found.push(Applicator {
            location: location.get(..end).unwrap_or_default().to_owned(),
            words,
        });
    }
    found
}
