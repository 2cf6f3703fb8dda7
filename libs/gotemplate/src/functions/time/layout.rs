//! Layouts: a date written as the second of January 2006 would be.

use super::Instant;

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// A part of a layout that stands for a part of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    LongMonth,
    Month,
    NumberMonth,
    ZeroMonth,
    LongWeekDay,
    WeekDay,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperHalf,
    LowerHalf,
    ZoneName,
    /// An offset such as `Z07:00`: whether `Z` stands for UTC, colons are written, minutes and seconds are.
    Offset {
        z: bool,
        colons: bool,
        minutes: bool,
        seconds: bool,
    },
    /// `.000` keeps zeros, `.999` drops them.
    Fraction {
        digits: usize,
        keeps_zeros: bool,
        mark: char,
    },
}

const fn offset(z: bool, colons: bool, minutes: bool, seconds: bool) -> Part {
    Part::Offset {
        z,
        colons,
        minutes,
        seconds,
    }
}

/// Longest first where one begins another.
const PARTS: &[(&str, Part)] = &[
    ("January", Part::LongMonth),
    ("Jan", Part::Month),
    ("Monday", Part::LongWeekDay),
    ("Mon", Part::WeekDay),
    ("MST", Part::ZoneName),
    ("002", Part::ZeroYearDay),
    ("01", Part::ZeroMonth),
    ("02", Part::ZeroDay),
    ("03", Part::ZeroHour12),
    ("04", Part::ZeroMinute),
    ("05", Part::ZeroSecond),
    ("06", Part::Year),
    ("15", Part::Hour),
    ("1", Part::NumberMonth),
    ("2006", Part::LongYear),
    ("2", Part::Day),
    ("__2", Part::UnderYearDay),
    ("_2", Part::UnderDay),
    ("3", Part::Hour12),
    ("4", Part::Minute),
    ("5", Part::Second),
    ("PM", Part::UpperHalf),
    ("pm", Part::LowerHalf),
    ("-07:00:00", offset(false, true, true, true)),
    ("-070000", offset(false, false, true, true)),
    ("-07:00", offset(false, true, true, false)),
    ("-0700", offset(false, false, true, false)),
    ("-07", offset(false, false, false, false)),
    ("Z07:00:00", offset(true, true, true, true)),
    ("Z070000", offset(true, false, true, true)),
    ("Z07:00", offset(true, true, true, false)),
    ("Z0700", offset(true, false, true, false)),
    ("Z07", offset(true, false, false, false)),
];

/// Finds the first part in a layout: the text before it, the part, the text after.
pub(super) fn next_part(layout: &str) -> (&str, Option<Part>, &str) {
    for (at, _) in layout.char_indices() {
        let rest = &layout[at..];
        // `_2006` is an underscore and a year.
        if rest.starts_with("_2006") {
            continue;
        }
        if let Some((text, part)) = PARTS.iter().find(|(text, _)| rest.starts_with(text)) {
            let follows_lower = rest[text.len()..].starts_with(|c: char| c.is_ascii_lowercase());
            // `Jan` and `Mon` must not begin a longer word.
            if matches!(part, Part::Month | Part::WeekDay) && follows_lower {
                continue;
            }
            return (&layout[..at], Some(*part), &rest[text.len()..]);
        }
        if let Some((part, length)) = fraction(rest) {
            return (&layout[..at], Some(part), &rest[length..]);
        }
    }
    (layout, None, "")
}

fn fraction(text: &str) -> Option<(Part, usize)> {
    let mark = text.chars().next().filter(|c| matches!(c, '.' | ','))?;
    let digit = text[1..]
        .chars()
        .next()
        .filter(|c| matches!(c, '0' | '9'))?;
    let digits = text[1..].chars().take_while(|c| *c == digit).count();
    let next = text[1 + digits..].chars().next();
    if next.is_some_and(|c| c.is_ascii_digit()) {
        return None;
    }
    Some((
        Part::Fraction {
            digits,
            keeps_zeros: digit == '0',
            mark,
        },
        1 + digits,
    ))
}

impl Instant {
    /// Writes the time in a layout.
    pub(crate) fn format(&self, layout: &str) -> String {
        let civil = self.civil();
        let mut out = String::with_capacity(layout.len() + 8);
        let mut rest = layout;
        loop {
            let (before, part, after) = next_part(rest);
            out += before;
            let Some(part) = part else {
                return out;
            };
            rest = after;
            let half_day = if civil.hour % 12 == 0 {
                12
            } else {
                civil.hour % 12
            };
            let month = MONTHS[usize::try_from(civil.month - 1).unwrap_or(0)];
            let day = DAYS[civil.weekday];
            out += &match part {
                Part::LongMonth => month.to_owned(),
                Part::Month => month[..3].to_owned(),
                Part::NumberMonth => civil.month.to_string(),
                Part::ZeroMonth => format!("{:02}", civil.month),
                Part::LongWeekDay => day.to_owned(),
                Part::WeekDay => day[..3].to_owned(),
                Part::Day => civil.day.to_string(),
                Part::UnderDay => format!("{:2}", civil.day),
                Part::ZeroDay => format!("{:02}", civil.day),
                Part::UnderYearDay => format!("{:3}", civil.year_day),
                Part::ZeroYearDay => format!("{:03}", civil.year_day),
                Part::Hour => format!("{:02}", civil.hour),
                Part::Hour12 => half_day.to_string(),
                Part::ZeroHour12 => format!("{half_day:02}"),
                Part::Minute => civil.minute.to_string(),
                Part::ZeroMinute => format!("{:02}", civil.minute),
                Part::Second => civil.second.to_string(),
                Part::ZeroSecond => format!("{:02}", civil.second),
                Part::LongYear => {
                    let sign = if civil.year < 0 { "-" } else { "" };
                    format!("{sign}{:04}", civil.year.unsigned_abs())
                }
                Part::Year => format!("{:02}", civil.year.rem_euclid(100)),
                Part::UpperHalf => if civil.hour >= 12 { "PM" } else { "AM" }.to_owned(),
                Part::LowerHalf => if civil.hour >= 12 { "pm" } else { "am" }.to_owned(),
                Part::ZoneName => civil.abbreviation.clone(),
                Part::Offset { z: true, .. } if civil.offset == 0 => "Z".to_owned(),
                Part::Offset {
                    colons,
                    minutes,
                    seconds,
                    ..
                } => show_offset(civil.offset, colons, minutes, seconds),
                Part::Fraction {
                    digits,
                    keeps_zeros,
                    mark,
                } => {
                    let text = format!("{:09}", self.nanos);
                    let text = format!("{text:0<digits$}")[..digits].to_owned();
                    let text = if keeps_zeros {
                        text.as_str()
                    } else {
                        text.trim_end_matches('0')
                    };
                    if text.is_empty() {
                        String::new()
                    } else {
                        format!("{mark}{text}")
                    }
                }
            };
        }
    }
}

fn show_offset(offset: i64, colons: bool, minutes: bool, seconds: bool) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let total = offset.unsigned_abs();
    let colon = if colons { ":" } else { "" };
    let mut out = format!("{sign}{:02}", total / 3600);
    if minutes {
        out += &format!("{colon}{:02}", total / 60 % 60);
    }
    if seconds {
        out += &format!("{colon}{:02}", total % 60);
    }
    out
}
