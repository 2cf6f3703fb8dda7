//! Times, versions and booleans of the metadata, by the rules of the Go libraries that the real tool reads them with.

use serde_json::Value;

/// Returns a time as it is printed after it was read: without fractions, and with `Z` where it has no offset; none if it is no
/// time in RFC 3339.
pub(crate) fn time(text: &str) -> Option<String> {
    let mut rest = text;
    let year = digits(&mut rest, 4)?;
    let month = after(&mut rest, '-', 2)?;
    let day = after(&mut rest, '-', 2)?;
    rest = rest.strip_prefix('T')?;
    // Parity: an hour may have one digit.
    let short = rest.as_bytes().get(1) == Some(&b':');
    let hour = digits(&mut rest, if short { 1 } else { 2 })?;
    let minute = after(&mut rest, ':', 2)?;
    let second = after(&mut rest, ':', 2)?;
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let end = fraction.find(|c: char| !c.is_ascii_digit())?;
        if end == 0 {
            return None;
        }
        rest = &fraction[end..];
    }
    let zone = match rest {
        "Z" | "+00:00" | "-00:00" => "Z",
        zone => {
            let mut rest = zone.strip_prefix(['+', '-'])?;
            let (hours, minutes) = (digits(&mut rest, 2)?, after(&mut rest, ':', 2)?);
            if !rest.is_empty() || hours > 24 || minutes > 60 {
                return None;
            }
            zone
        }
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > days || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}"
    ))
}

/// Takes a number of so many digits off a text.
fn digits(rest: &mut &str, count: usize) -> Option<u32> {
    let (number, after) = rest.split_at_checked(count)?;
    let all = number.bytes().all(|byte| byte.is_ascii_digit());
    *rest = after;
    all.then(|| number.parse().ok()).flatten()
}

/// Takes a mark and the number behind it off a text.
fn after(rest: &mut &str, mark: char, count: usize) -> Option<u32> {
    *rest = rest.strip_prefix(mark)?;
    digits(rest, count)
}

/// Says whether the real tool takes a text for a version: three numbers, then perhaps a pre-release and a build.
pub(crate) fn is_version(text: &str) -> bool {
    // Parity: of the first versions nothing more is looked at.
    if text.starts_with("1.") {
        return true;
    }
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = split(text, '+');
    let (numbers, release) = split(text, '-');
    let is_number = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
            && part.parse::<u64>().is_ok()
    };
    let word = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let numbers: Vec<&str> = numbers.split('.').collect();
    numbers.len() == 3
        && numbers.into_iter().all(is_number)
        && release.is_none_or(|release| {
            let mut parts = release.split('.');
            parts.all(|part| word(part) && (!is_digits(part) || is_number(part)))
        })
        && build.is_none_or(|build| build.split('.').all(word))
}

fn split(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// Reads a boolean, which formats without types hold as a text; none if it is none.
pub(crate) fn boolean(value: Option<&Value>) -> Option<bool> {
    Some(match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => match text.as_str() {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => true,
            "" | "0" | "f" | "F" | "FALSE" | "false" | "False" => false,
            _ => return None,
        },
        Some(Value::Array(_) | Value::Object(_)) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_printed_as_go_does() {
        for (text, printed) in [
            ("2026-11-27T19:57:53Z", Some("2026-11-27T19:57:53Z")),
            ("2026-11-27T19:57:53.25Z", Some("2026-11-27T19:57:53Z")),
            ("2026-11-27T19:57:53+00:00", Some("2026-11-27T19:57:53Z")),
            (
                "2026-11-27T19:57:53,5+02:00",
                Some("2026-11-27T19:57:53+02:00"),
            ),
            ("2026-11-27T9:57:53Z", Some("2026-11-27T09:57:53Z")),
            ("2024-02-29T00:00:00Z", Some("2024-02-29T00:00:00Z")),
            ("2023-02-29T00:00:00Z", None),
            ("2026-11-27T19:57:60Z", None),
            ("2026-11-27T24:00:00Z", None),
            ("2026-11-27T19:57:53", None),
            ("2026-11-27T19:57:53.Z", None),
            ("2026-11-27T19:57:53+0000", None),
            ("2026-11-27t19:57:53z", None),
            ("2026-11-27T19:57:5ü", None),
            ("", None),
        ] {
            assert_eq!(time(text).as_deref(), printed, "{text}");
        }
    }

    #[test]
    fn versions_are_three_numbers_or_of_the_first_kind() {
        for good in ["3.13.2", "v3.9.0", "1.0", "1.", "3.9.0-rc1", "3.9.0+b-1.2"] {
            assert!(is_version(good), "{good}");
        }
        for bad in [
            "", "3.9", "2", " 3.9.0", "3.9.0.1", "3..0", "03.9.0", "vv3.9.0", "3.9.0-", "3.9.0-01",
        ] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
