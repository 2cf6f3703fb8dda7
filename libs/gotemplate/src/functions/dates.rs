//! Dates. What is no time, integer or text of the kind a function takes means now.

use super::arguments::{ANY, STRING, text, value};
use super::convert::parse_int;
use super::function;
use super::time::{Instant, Time, parse_duration, show_duration};
use crate::Text;
use crate::function::{Failure, Function, Scope};
use crate::types::Type;
use crate::value::Value;

const TIME: Type = Type::Object("time.Time");

pub(super) const TABLE: &[Function] = &[
    function("ago", &[ANY], ago),
    function("date", &[STRING, ANY], date),
    function("dateInZone", &[STRING, ANY, STRING], date_in_zone),
    function("dateModify", &[STRING, TIME], date_modify),
    function("date_in_zone", &[STRING, ANY, STRING], date_in_zone),
    function("date_modify", &[STRING, TIME], date_modify),
    function("duration", &[ANY], duration),
    function("durationRound", &[ANY], duration_round),
    function("htmlDate", &[ANY], html_date),
    function("htmlDateInZone", &[ANY, STRING], html_date_in_zone),
    function("mustDateModify", &[STRING, TIME], must_date_modify),
    function("mustToDate", &[STRING, STRING], must_to_date),
    function("must_date_modify", &[STRING, TIME], must_date_modify),
    function("now", &[], now),
    function("toDate", &[STRING, STRING], to_date),
    function("unixEpoch", &[TIME], unix_epoch),
];

type Result_ = Result<Value, Failure>;

const SECOND: i64 = 1_000_000_000;

fn instant(scope: &Scope<'_>, value: &Value) -> Instant {
    match value {
        Value::Int(seconds) | Value::Int64(seconds) => Instant::unix(*seconds, 0),
        other => Time::of(Some(other)).map_or_else(|| Instant::now(scope), |time| time.0.clone()),
    }
}

fn shown(scope: &Scope<'_>, layout: &str, date: &Value, zone: &Text) -> Result_ {
    let instant = instant(scope, date);
    let zoned = instant.in_zone(&zone.to_str()).unwrap_or_else(|| {
        // An unknown zone is UTC.
        Instant::unix(instant.seconds(), 0)
            .plus(instant.since(&Instant::unix(instant.seconds(), 0)))
    });
    Ok(Value::from(zoned.format(layout)))
}

fn date(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let layout = text(arguments, 0);
    shown(
        scope,
        &layout.to_str(),
        &value(arguments, 1),
        &"Local".into(),
    )
}

fn date_in_zone(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let layout = text(arguments, 0);
    let zone = text(arguments, 2);
    shown(scope, &layout.to_str(), &value(arguments, 1), &zone)
}

fn html_date(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    shown(scope, "2006-01-02", &value(arguments, 0), &"Local".into())
}

fn html_date_in_zone(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let zone = text(arguments, 1);
    shown(scope, "2006-01-02", &value(arguments, 0), &zone)
}

fn now(scope: &Scope<'_>, _: &[Value]) -> Result_ {
    Ok(Value::object(Time(Instant::now(scope))))
}

fn ago(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let passed = Instant::now(scope).since(&instant(scope, &value(arguments, 0)));
    Ok(Value::from(show_duration(rounded(passed))))
}

/// Rounds to seconds, half away from zero.
fn rounded(nanos: i64) -> i64 {
    let rest = nanos % SECOND;
    let down = nanos - rest;
    if rest.abs() * 2 < SECOND {
        down
    } else {
        down.saturating_add(rest.signum() * SECOND)
    }
}

fn date_modify(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    match must_date_modify(scope, arguments) {
        Err(_) => Ok(value(arguments, 1)),
        changed => changed,
    }
}

fn must_date_modify(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let nanos = parse_duration(&text(arguments, 0).to_str()).map_err(Failure::Message)?;
    let changed = instant(scope, &value(arguments, 1)).plus(nanos);
    Ok(Value::object(Time(changed)))
}

fn duration(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let seconds = match arguments.first() {
        Some(Value::Int64(seconds)) => *seconds,
        Some(Value::String(text)) => {
            let text = text.to_str();
            let digits = text.trim_start_matches(['+', '-']);
            // Base 10 only, unlike the conversions to numbers.
            if digits.len() > 1 && digits.starts_with('0') {
                text.parse().unwrap_or(0)
            } else {
                parse_int(&text).unwrap_or(0)
            }
        }
        _ => 0,
    };
    Ok(Value::from(show_duration(seconds.wrapping_mul(SECOND))))
}

fn duration_round(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let nanos = match arguments.first() {
        Some(Value::String(text)) => parse_duration(&text.to_str()).unwrap_or(0),
        Some(Value::Int64(nanos)) => *nanos,
        other => Time::of(other).map_or(0, |time| Instant::now(scope).since(&time.0)),
    };
    const HOUR: u64 = 3600 * SECOND.unsigned_abs();
    const UNITS: [(u64, &str); 6] = [
        (HOUR * 24 * 365, "y"),
        (HOUR * 24 * 30, "mo"),
        (HOUR * 24, "d"),
        (HOUR, "h"),
        (HOUR / 60, "m"),
        (SECOND.unsigned_abs(), "s"),
    ];
    let total = nanos.unsigned_abs();
    let found = UNITS.iter().find(|(unit, _)| total > *unit);
    Ok(Value::from(found.map_or_else(
        || "0s".to_owned(),
        |(unit, name)| format!("{}{name}", total / unit),
    )))
}

fn to_date(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    match must_to_date(scope, arguments) {
        Err(_) => Ok(Value::object(Time(Instant::zero()))),
        parsed => parsed,
    }
}

fn must_to_date(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let (layout, source) = (text(arguments, 0), text(arguments, 1));
    let parsed = Instant::parse(layout.as_bytes(), source.as_bytes()).map_err(Failure::Message)?;
    Ok(Value::object(Time(parsed)))
}

fn unix_epoch(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let seconds = instant(scope, &value(arguments, 0)).seconds();
    Ok(Value::from(seconds.to_string()))
}
