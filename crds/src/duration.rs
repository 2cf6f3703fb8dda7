//! Durations as Go's `time.Duration` reads and prints them.
//!
//! Every interval and timeout of the API is one. `GoDuration` keeps the text it was read from, so
//! that writing an object back changes nothing (`60s` stays `60s`), while `Display` prints the
//! canonical form that Flux uses in messages (`1m0s`). Reading from JSON never fails on a string:
//! the CRD patterns admit numbers that Go cannot hold, and one such object must not make a whole
//! list unreadable.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Pattern of an interval (source-controller.md §1.2): all units from milliseconds to hours.
pub const INTERVAL_PATTERN: &str = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$";

/// Pattern of a timeout that bounds one remote operation: no hours.
pub const TIMEOUT_PATTERN: &str = r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$";

/// A duration with Go's syntax, its original text, and nanosecond precision.
#[derive(Clone, Debug)]
pub struct GoDuration {
    text: String,
    value: Result<i64, Error>,
}

/// Why a text is not a duration; the messages are Go's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The text has no such form, or its value does not fit.
    Invalid(String),
    /// A number without a unit.
    MissingUnit(String),
    /// A unit that Go does not know.
    UnknownUnit(String, String),
}

impl GoDuration {
    /// Reads a duration exactly as `time.ParseDuration` does.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let value = parse_nanos(text)?;
        Ok(Self {
            text: text.to_owned(),
            value: Ok(value),
        })
    }

    /// Returns the value, or why the text has none.
    pub fn checked(&self) -> Result<Duration, Error> {
        self.value.clone().map(clamp)
    }

    /// Returns the value; negative counts as zero, and a text without a value as the longest
    /// duration Go can hold, so that nothing ever spins on it.
    pub fn as_std(&self) -> Duration {
        self.checked()
            .unwrap_or(Duration::from_nanos(i64::MAX as u64))
    }

    /// Returns the text it was read from.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Prints a duration as Go's `Duration.String` does: `1h0m0s`, `1.5s`, `2ms`, `0s`.
pub fn format(duration: Duration) -> String {
    format_nanos(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}

impl From<Duration> for GoDuration {
    fn from(duration: Duration) -> Self {
        let nanos = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        Self {
            text: format_nanos(nanos),
            value: Ok(nanos),
        }
    }
}

impl Default for GoDuration {
    fn default() -> Self {
        Duration::ZERO.into()
    }
}

impl FromStr for GoDuration {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// Prints the canonical form; a text without a value prints as it is.
impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Ok(nanos) => f.write_str(&format_nanos(*nanos)),
            Err(_) => f.write_str(&self.text),
        }
    }
}

/// Compares values, not texts: `60s` equals `1m`.
impl PartialEq for GoDuration {
    fn eq(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Ok(a), Ok(b)) => a == b,
            (Err(_), Err(_)) => self.text == other.text,
            _ => false,
        }
    }
}

impl Eq for GoDuration {}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = parse_nanos(&text);
        Ok(Self { text, value })
    }
}

impl JsonSchema for GoDuration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GoDuration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": INTERVAL_PATTERN })
    }
}

fn clamp(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

/// Follows Go's `time.ParseDuration` step by step, with its limits: fractions beyond the precision
/// are cut, and the sum must stay within 2^63 - 1 (one more when negative).
fn parse_nanos(text: &str) -> Result<i64, Error> {
    let invalid = || Error::Invalid(text.to_owned());
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let whole_len = digits(rest);
        // Parity: Go notices a number that is too large before it looks at the unit.
        let whole = number(&rest[..whole_len]).ok_or_else(invalid)?;
        rest = &rest[whole_len..];
        let mut fraction = "";
        if let Some(after) = rest.strip_prefix('.') {
            let len = digits(after);
            fraction = &after[..len];
            rest = &after[len..];
        }
        if whole_len == 0 && fraction.is_empty() {
            return Err(invalid());
        }
        let unit_len = rest
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(rest.len());
        if unit_len == 0 {
            return Err(Error::MissingUnit(text.to_owned()));
        }
        let unit = unit_nanos(&rest[..unit_len])
            .ok_or_else(|| Error::UnknownUnit(rest[..unit_len].to_owned(), text.to_owned()))?;
        rest = &rest[unit_len..];
        total = whole
            .checked_mul(unit)
            .filter(|n| *n <= 1 << 63)
            .and_then(|n| n.checked_add(fraction_nanos(fraction, unit)))
            .and_then(|n| n.checked_add(total))
            .filter(|n| *n <= 1 << 63)
            .ok_or_else(invalid)?;
    }
    match (negative, total) {
        (true, n) => Ok((n as i64).wrapping_neg()),
        (false, n) => i64::try_from(n).map_err(|_| invalid()),
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() {
        return Some(0);
    }
    digits.parse::<u64>().ok().filter(|n| *n <= 1 << 63)
}

/// Returns the part after the point, in nanoseconds; computed in floating point as Go does.
fn fraction_nanos(digits: &str, unit: u64) -> u64 {
    let (mut value, mut scale, mut overflow): (u64, f64, bool) = (0, 1.0, false);
    for digit in digits.bytes() {
        if overflow {
            continue;
        }
        let next = if value > (i64::MAX as u64) / 10 {
            None
        } else {
            Some(value * 10 + u64::from(digit - b'0')).filter(|n| *n <= 1 << 63)
        };
        match next {
            Some(n) => {
                value = n;
                scale *= 10.0;
            }
            None => overflow = true,
        }
    }
    if value == 0 {
        return 0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

fn unit_nanos(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

fn format_nanos(nanos: i64) -> String {
    let magnitude = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    let body = match magnitude {
        0 => return "0s".to_owned(),
        1..1_000 => format!("{magnitude}ns"),
        1_000..1_000_000 => decimal(magnitude, 1_000, "\u{b5}s"),
        1_000_000..1_000_000_000 => decimal(magnitude, 1_000_000, "ms"),
        _ => {
            let seconds = magnitude / 1_000_000_000;
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            let rest = decimal(magnitude % 60_000_000_000, 1_000_000_000, "s");
            match (hours, minutes) {
                (0, 0) => rest,
                (0, m) => format!("{m}m{rest}"),
                (h, m) => format!("{h}h{m}m{rest}"),
            }
        }
    };
    format!("{sign}{body}")
}

/// Prints `value / unit` without trailing zeros.
fn decimal(value: u64, unit: u64, suffix: &str) -> String {
    let whole = value / unit;
    let width = unit.ilog10() as usize;
    let fraction = format!("{:0width$}", value % unit);
    match fraction.trim_end_matches('0') {
        "" => format!("{whole}{suffix}"),
        kept => format!("{whole}.{kept}{suffix}"),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(text) => write!(f, "time: invalid duration {}", quote(text)),
            Self::MissingUnit(text) => {
                write!(f, "time: missing unit in duration {}", quote(text))
            }
            Self::UnknownUnit(unit, text) => {
                write!(
                    f,
                    "time: unknown unit {} in duration {}",
                    quote(unit),
                    quote(text)
                )
            }
        }
    }
}

impl std::error::Error for Error {}

/// Quotes as package time does: control and non-ASCII bytes as `\xNN`.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x20..0x80 => out.push(char::from(byte)),
            other => out.push_str(&format!("\\x{other:02x}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_canonical_form_of_go() {
        for (text, printed) in [
            ("0", "0s"),
            ("0s", "0s"),
            ("60s", "1m0s"),
            ("1h", "1h0m0s"),
            ("90m", "1h30m0s"),
            ("1.5h", "1h30m0s"),
            ("1m30.5s", "1m30.5s"),
            ("100ms", "100ms"),
            ("1.5ms", "1.5ms"),
            ("1500us", "1.5ms"),
            ("2\u{b5}s", "2\u{b5}s"),
            ("2\u{3bc}s", "2\u{b5}s"),
            ("7ns", "7ns"),
            ("-1.5s", "-1.5s"),
            ("+5s", "5s"),
            (".5s", "500ms"),
            ("1.s", "1s"),
            ("3h2m1s", "3h2m1s"),
            ("0.3333333333333333333h", "20m0s"),
            ("9223372036854775807ns", "2562047h47m16.854775807s"),
            ("-9223372036854775808ns", "-2562047h47m16.854775808s"),
            ("9007199254.740993ms", "2501h59m59.254740993s"),
        ] {
            let parsed = GoDuration::parse(text).unwrap();
            assert_eq!(parsed.to_string(), printed, "{text}");
            assert_eq!(parsed.as_str(), text);
        }
    }

    #[test]
    fn refuses_what_go_refuses_with_its_words() {
        for (text, message) in [
            ("", "time: invalid duration \"\""),
            ("3", "time: missing unit in duration \"3\""),
            ("-", "time: invalid duration \"-\""),
            ("s", "time: invalid duration \"s\""),
            (".", "time: invalid duration \".\""),
            (".s", "time: invalid duration \".s\""),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""),
            ("1 m", "time: unknown unit \" m\" in duration \"1 m\""),
            ("\u{e9}", "time: invalid duration \"\\xc3\\xa9\""),
            (
                "9223372036854775808ns",
                "time: invalid duration \"9223372036854775808ns\"",
            ),
            (
                "99999999999999999999x",
                "time: invalid duration \"99999999999999999999x\"",
            ),
            ("3000000h", "time: invalid duration \"3000000h\""),
        ] {
            assert_eq!(GoDuration::parse(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn keeps_its_text_through_json_even_without_a_value() {
        for text in ["60s", "99999999h", "soon", ""] {
            let json = serde_json::Value::from(text);
            let read: GoDuration = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), json);
        }
        let endless: GoDuration = serde_json::from_value("99999999h".into()).unwrap();
        assert!(endless.checked().is_err());
        assert_eq!(endless.as_std(), Duration::from_nanos(i64::MAX as u64));
    }

    #[test]
    fn compares_values_and_counts_negative_as_zero() {
        assert_eq!(GoDuration::parse("60s"), GoDuration::parse("1m"));
        assert_eq!(GoDuration::parse("-5s").unwrap().as_std(), Duration::ZERO);
        assert_eq!(
            GoDuration::from(Duration::from_millis(90_500)).as_str(),
            "1m30.5s"
        );
    }
}
