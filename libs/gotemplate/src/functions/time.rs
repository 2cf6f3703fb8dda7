//! Go's `time`: instants with a zone, durations, layouts.
//!
//! `Local` is UTC here: a render does not depend on the machine it runs on.

mod layout;
mod parse;
mod value;

pub(super) use value::Time;

use crate::function::Scope;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::sync::LazyLock;

const NANOS: i64 = 1_000_000_000;

/// An instant and the zone it is shown in.
#[derive(Clone, Debug)]
pub(super) struct Instant {
    seconds: i64,
    nanos: u32,
    zone: TimeZone,
}

/// The parts of an instant in its zone.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    weekday: usize,
    year_day: i64,
    /// Seconds east of UTC.
    offset: i64,
    abbreviation: String,
}

impl Instant {
    pub(super) fn unix(seconds: i64, nanos: u32) -> Self {
        Self {
            seconds,
            nanos,
            zone: TimeZone::UTC,
        }
    }

    pub(super) fn now(scope: &Scope<'_>) -> Self {
        let (seconds, nanos) = scope.host().now();
        Self::unix(seconds, nanos)
    }

    /// The zero of Go's type: the first of January of the year 1.
    pub(super) fn zero() -> Self {
        Self::unix(days_from_civil(1, 1, 1) * 86_400, 0)
    }

    pub(super) fn seconds(&self) -> i64 {
        self.seconds
    }

    /// Shows the instant in a zone of the tz database; none for an unknown name.
    pub(super) fn in_zone(&self, name: &str) -> Option<Self> {
        static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
        let zone = match name {
            "" | "UTC" | "Local" => TimeZone::UTC,
            name => ZONES.get(name).ok()?,
        };
        Some(Self {
            zone,
            ..self.clone()
        })
    }

    /// Adds nanoseconds.
    pub(super) fn plus(&self, nanos: i64) -> Self {
        let total = i64::from(self.nanos) + nanos.rem_euclid(NANOS);
        Self {
            seconds: self
                .seconds
                .saturating_add(nanos.div_euclid(NANOS))
                .saturating_add(total.div_euclid(NANOS)),
            nanos: u32::try_from(total.rem_euclid(NANOS)).unwrap_or(0),
            zone: self.zone.clone(),
        }
    }

    /// Returns the nanoseconds from another instant to this one, at most what 64 bits hold.
    pub(super) fn since(&self, earlier: &Self) -> i64 {
        self.seconds
            .saturating_sub(earlier.seconds)
            .saturating_mul(NANOS)
            .saturating_add(i64::from(self.nanos) - i64::from(earlier.nanos))
    }

    fn civil(&self) -> Civil {
        let (offset, abbreviation) = match jiff::Timestamp::new(self.seconds, 0) {
            Ok(timestamp) => {
                let info = self.zone.to_offset_info(timestamp);
                (
                    i64::from(info.offset().seconds()),
                    info.abbreviation().to_owned(),
                )
            }
            Err(_) => (0, "UTC".to_owned()),
        };
        let local = self.seconds.saturating_add(offset);
        let days = local.div_euclid(86_400);
        let rest = local.rem_euclid(86_400);
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month,
            day,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            // The first of January 1970 was a Thursday.
            weekday: usize::try_from((days + 4).rem_euclid(7)).unwrap_or(0),
            year_day: days - days_from_civil(year, 1, 1) + 1,
            offset,
            abbreviation,
        }
    }
}

/// Counts days from 1970 in the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Prints a duration as Go: `1h2m3.5s`, `0s`.
pub(super) fn show_duration(nanos: i64) -> String {
    if nanos == 0 {
        return "0s".to_owned();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let total = nanos.unsigned_abs();
    let fraction = |value: u64, unit: u64| {
        let width = unit.ilog10() as usize;
        let text = format!("{:0width$}", value % unit);
        let trimmed = text.trim_end_matches('0');
        if trimmed.is_empty() {
            String::new()
        } else {
            format!(".{trimmed}")
        }
    };
    if total < 1000 {
        return format!("{sign}{total}ns");
    }
    if total < 1_000_000 {
        return format!("{sign}{}{}µs", total / 1000, fraction(total, 1000));
    }
    if total < 1_000_000_000 {
        let unit = 1_000_000;
        return format!("{sign}{}{}ms", total / unit, fraction(total, unit));
    }
    let seconds = total / 1_000_000_000;
    let mut out = sign.to_owned();
    if seconds >= 3600 {
        out += &format!("{}h", seconds / 3600);
    }
    if seconds >= 60 {
        out += &format!("{}m", seconds / 60 % 60);
    }
    out + &format!("{}{}s", seconds % 60, fraction(total, 1_000_000_000))
}

/// Quotes as Go's `time` does: control characters and what is not ASCII byte by byte.
fn quote(text: &str) -> String {
    quote_bytes(text.bytes())
}

fn quote_bytes(bytes: impl Iterator<Item = u8>) -> String {
    let mut out = String::from("\"");
    for byte in bytes {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(byte as char);
            }
            b' '..=b'~' | 0x7f => out.push(byte as char),
            byte => out += &format!("\\x{byte:02x}"),
        }
    }
    out.push('"');
    out
}

/// Splits behind the digits at the start.
fn leading_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// Reads a duration as `time.ParseDuration`; the error is Go's.
pub(super) fn parse_duration(text: &str) -> Result<i64, String> {
    let quoted = quote(text);
    let invalid = || format!("time: invalid duration {quoted}");
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
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (whole, after) = leading_digits(rest);
        let (fraction, after) = after.strip_prefix('.').map_or(("", after), leading_digits);
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let scale: u128 = match unit {
            "" => return Err(format!("time: missing unit in duration {quoted}")),
            "ns" => 1,
            "us" | "µs" | "μs" => 1000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            unit => {
                let unit = quote(unit);
                return Err(format!("time: unknown unit {unit} in duration {quoted}"));
            }
        };
        let number: u128 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| invalid())?
        };
        let mut part = number.checked_mul(scale).ok_or_else(invalid)?;
        if !fraction.is_empty() {
            let digits = &fraction[..fraction.len().min(18)];
            let value: u128 = digits.parse().map_err(|_| invalid())?;
            let power = 10u128.pow(u32::try_from(digits.len()).unwrap_or(0));
            part += value * scale / power;
        }
        total = total.checked_add(part).ok_or_else(invalid)?;
        rest = next;
    }
    let most = i64::MAX.unsigned_abs().into();
    match total {
        total if total <= most => {
            let value = i64::try_from(total).unwrap_or(i64::MAX);
            Ok(if negative { -value } else { value })
        }
        total if negative && total == most + 1 => Ok(i64::MIN),
        _ => Err(invalid()),
    }
}
