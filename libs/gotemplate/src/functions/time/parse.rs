//! Reading a time in a layout: `time.ParseInLocation` in UTC.

use super::layout::{DAYS, MONTHS, Part, next_part};
use super::{Instant, days_from_civil, quote_bytes};
use jiff::tz::{Offset, TimeZone};

struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    afternoon: bool,
    morning: bool,
    offset: Option<i64>,
}

/// Makes each byte a character: Go compares bytes, also of what is no UTF-8.
fn characters(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Quotes characters that are bytes.
fn quote(characters: &str) -> String {
    quote_bytes(characters.chars().filter_map(|c| u8::try_from(c).ok()))
}

impl Instant {
    /// Parses; the error is Go's.
    pub(crate) fn parse(layout: &[u8], text: &[u8]) -> Result<Self, String> {
        let (layout, text) = (&*characters(layout), &*characters(text));
        let mut fields = Fields {
            year: 0,
            month: None,
            day: None,
            year_day: None,
            hour: 0,
            minute: 0,
            second: 0,
            nanos: 0,
            afternoon: false,
            morning: false,
            offset: None,
        };
        let fault = |value: &str, part: &str, reason: &str| {
            let (layout, text) = (quote(layout), quote(text));
            if reason.is_empty() {
                format!(
                    "parsing time {text} as {layout}: cannot parse {} as {}",
                    quote(value),
                    quote(part)
                )
            } else {
                format!("parsing time {text}{reason}")
            }
        };
        let (mut pattern, mut value) = (layout, text);
        loop {
            let (before, part, after) = next_part(pattern);
            let part_text = &pattern[before.len()..pattern.len() - after.len()];
            value = skip(value, before).map_err(|rest| fault(rest, before, ""))?;
            let Some(part) = part else {
                if value.is_empty() {
                    break;
                }
                let extra = format!(": extra text: {}", quote(value));
                return Err(fault("", "", &extra));
            };
            pattern = after;
            let start = value;
            let outcome = fields.read(part, &mut value, after);
            outcome.map_err(|reason| {
                let reason = if reason.is_empty() {
                    String::new()
                } else {
                    format!(": {reason} out of range")
                };
                fault(start, part_text, &reason)
            })?;
        }
        fields
            .instant()
            .map_err(|reason| fault("", "", &format!(": {reason} out of range")))
    }
}

/// Drops the literal text of a layout; spaces match any number of spaces.
///
/// # Errors
/// What is left where the two part.
fn skip<'v>(value: &'v str, literal: &str) -> Result<&'v str, &'v str> {
    let (mut value, mut literal) = (value, literal);
    while let Some(expected) = literal.chars().next() {
        if expected == ' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return Err(value);
            }
            literal = literal.trim_start_matches(' ');
            value = value.trim_start_matches(' ');
            continue;
        }
        value = value.strip_prefix(expected).ok_or(value)?;
        literal = &literal[expected.len_utf8()..];
    }
    Ok(value)
}

/// Takes a number of so many digits at least and at most.
fn take(value: &mut &str, fewest: usize, most: usize) -> Result<i64, &'static str> {
    let digits = value
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if digits < fewest.max(1) {
        return Err("");
    }
    let number = value[..digits].parse().map_err(|_| "")?;
    *value = &value[digits..];
    Ok(number)
}

fn take_name(value: &mut &str, names: &[&str], length: Option<usize>) -> Result<i64, &'static str> {
    for (index, name) in names.iter().enumerate() {
        let name = &name[..length.unwrap_or(name.len())];
        let head = value.get(..name.len()).unwrap_or_default();
        if head.eq_ignore_ascii_case(name) {
            *value = &value[name.len()..];
            return Ok(i64::try_from(index).unwrap_or(0));
        }
    }
    Err("")
}

fn within(number: i64, low: i64, high: i64, name: &'static str) -> Result<i64, &'static str> {
    if (low..=high).contains(&number) {
        Ok(number)
    } else {
        Err(name)
    }
}

impl Fields {
    /// Reads one part; the error names what is out of range, or nothing where the text does not fit.
    fn read(&mut self, part: Part, value: &mut &str, after: &str) -> Result<(), &'static str> {
        match part {
            Part::LongYear => self.year = take(value, 4, 4)?,
            Part::Year => {
                let year = take(value, 2, 2)?;
                self.year = if year >= 69 { 1900 + year } else { 2000 + year };
            }
            Part::LongMonth => self.month = Some(take_name(value, &MONTHS, None)? + 1),
            Part::Month => self.month = Some(take_name(value, &MONTHS, Some(3))? + 1),
            Part::NumberMonth => {
                self.month = Some(within(take(value, 1, 2)?, 1, 12, "month")?);
            }
            Part::ZeroMonth => self.month = Some(within(take(value, 2, 2)?, 1, 12, "month")?),
            Part::LongWeekDay => {
                take_name(value, &DAYS, None)?;
            }
            Part::WeekDay => {
                take_name(value, &DAYS, Some(3))?;
            }
            Part::Day => self.day = Some(take(value, 1, 2)?),
            Part::UnderDay => {
                *value = value.strip_prefix(' ').unwrap_or(value);
                self.day = Some(take(value, 1, 2)?);
            }
            Part::ZeroDay => self.day = Some(take(value, 2, 2)?),
            Part::UnderYearDay => {
                *value = value.trim_start_matches(' ');
                self.year_day = Some(take(value, 1, 3)?);
            }
            Part::ZeroYearDay => self.year_day = Some(take(value, 3, 3)?),
            Part::Hour => self.hour = within(take(value, 1, 2)?, 0, 23, "hour")?,
            Part::Hour12 => self.hour = within(take(value, 1, 2)?, 0, 12, "hour")?,
            Part::ZeroHour12 => self.hour = within(take(value, 2, 2)?, 0, 12, "hour")?,
            Part::Minute => self.minute = within(take(value, 1, 2)?, 0, 59, "minute")?,
            Part::ZeroMinute => self.minute = within(take(value, 2, 2)?, 0, 59, "minute")?,
            Part::Second | Part::ZeroSecond => {
                let fewest = if part == Part::Second { 1 } else { 2 };
                self.second = within(take(value, fewest, 2)?, 0, 59, "second")?;
                // A fraction may follow although the layout has none.
                let written = matches!(next_part(after), ("", Some(Part::Fraction { .. }), _));
                if !written && value.starts_with(['.', ',']) {
                    let digits = value[1..].bytes().take_while(u8::is_ascii_digit).count();
                    if digits > 0 {
                        self.fraction(value, digits);
                    }
                }
            }
            Part::UpperHalf | Part::LowerHalf => {
                let half = value.get(..2).unwrap_or_default();
                let upper = part == Part::UpperHalf;
                match half {
                    "PM" if upper => self.afternoon = true,
                    "AM" if upper => self.morning = true,
                    "pm" if !upper => self.afternoon = true,
                    "am" if !upper => self.morning = true,
                    _ => return Err(""),
                }
                *value = &value[2..];
            }
            Part::ZoneName => {
                let letters = value.bytes().take_while(u8::is_ascii_uppercase).count();
                if !(3..=5).contains(&letters) {
                    return Err("");
                }
                *value = &value[letters..];
            }
            Part::Offset {
                z,
                colons,
                minutes,
                seconds,
            } => {
                if let (true, Some(rest)) = (z, value.strip_prefix('Z')) {
                    *value = rest;
                    self.offset = Some(0);
                    return Ok(());
                }
                self.offset = Some(take_offset(value, colons, minutes, seconds)?);
            }
            Part::Fraction {
                digits,
                keeps_zeros,
                ..
            } => {
                let found = value.strip_prefix(['.', ',']).map_or(0, |rest| {
                    rest.bytes().take_while(u8::is_ascii_digit).count()
                });
                if keeps_zeros {
                    if found < digits {
                        return Err("");
                    }
                    self.fraction(value, digits);
                } else if found > 0 {
                    self.fraction(value, found);
                }
            }
        }
        Ok(())
    }

    fn fraction(&mut self, value: &mut &str, digits: usize) {
        let text = format!("{:0<9}", &value[1..=digits]);
        self.nanos = text[..9].parse().unwrap_or(0);
        *value = &value[1 + digits..];
    }

    fn instant(self) -> Result<Instant, &'static str> {
        let mut hour = self.hour;
        if self.afternoon && hour < 12 {
            hour += 12;
        } else if self.morning && hour == 12 {
            hour = 0;
        }
        let days = match self.year_day {
            Some(year_day) if self.month.is_none() && self.day.is_none() => {
                let length =
                    days_from_civil(self.year + 1, 1, 1) - days_from_civil(self.year, 1, 1);
                within(year_day, 1, length, "day-of-year")?;
                days_from_civil(self.year, 1, 1) + year_day - 1
            }
            _ => {
                let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
                let first = days_from_civil(self.year, month, 1);
                let next = if month == 12 {
                    days_from_civil(self.year + 1, 1, 1)
                } else {
                    days_from_civil(self.year, month + 1, 1)
                };
                within(day, 1, next - first, "day")?;
                first + day - 1
            }
        };
        let offset = self.offset.unwrap_or(0);
        let mut instant = Instant::unix(
            days * 86_400 + hour * 3600 + self.minute * 60 + self.second - offset,
            self.nanos,
        );
        if offset != 0
            && let Ok(offset) = Offset::from_seconds(i32::try_from(offset).unwrap_or(0))
        {
            instant.zone = TimeZone::fixed(offset);
        }
        Ok(instant)
    }
}

fn take_offset(
    value: &mut &str,
    colons: bool,
    minutes: bool,
    seconds: bool,
) -> Result<i64, &'static str> {
    let negative = match value.as_bytes().first() {
        Some(b'-') => true,
        Some(b'+') => false,
        _ => return Err(""),
    };
    *value = &value[1..];
    let mut total = within(take(value, 2, 2)?, 0, 24, "time zone offset hour")? * 3600;
    let mut rest = |value: &mut &str, scale: i64, name| -> Result<(), &'static str> {
        if colons {
            *value = value.strip_prefix(':').ok_or("")?;
        }
        total += within(take(value, 2, 2)?, 0, 60, name)? * scale;
        Ok(())
    };
    if minutes {
        rest(value, 60, "time zone offset minute")?;
    }
    if seconds {
        rest(value, 1, "time zone offset second")?;
    }
    Ok(if negative { -total } else { total })
}
