//! `time.Time`, `time.Duration`, `time.Month` and `time.Weekday` as values, with the methods templates use.

use super::layout::{DAYS, MONTHS};
use super::{Instant, NANOS, show_duration};
use crate::Text;
use crate::function::{Failure, Scope};
use crate::functions::arguments::{NIL_POINTER, int, text};
use crate::types::Type;
use crate::value::{Kind, Method, Object, Value};
use std::any::Any;

type Result_ = Result<Value, Failure>;

const TIME: &str = "time.Time";
/// The name of Go's duration type.
pub(crate) const DURATION: &str = "time.Duration";

/// A `time.Time`.
#[derive(Clone, Debug)]
pub(crate) struct Time(pub(crate) Instant);

/// A `time.Duration` in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Duration(pub(crate) i64);

/// A `time.Month` or `time.Weekday`.
#[derive(Clone, Copy, Debug)]
struct Named {
    type_name: &'static str,
    number: i64,
    name: &'static str,
}

impl Time {
    /// Takes a time out of an argument.
    pub(crate) fn of(value: Option<&Value>) -> Option<&Self> {
        match value {
            Some(Value::Object(object)) => object.as_any().downcast_ref(),
            _ => None,
        }
    }
}

impl Object for Time {
    fn type_name(&self) -> &'static str {
        TIME
    }

    fn methods(&self) -> &'static [Method] {
        TIME_METHODS
    }

    fn display(&self) -> Option<Text> {
        let text = self.0.format("2006-01-02 15:04:05.999999999 -0700 MST");
        Some(text.into())
    }

    fn encoded(&self) -> Option<Value> {
        Some(Value::from(
            self.0.format("2006-01-02T15:04:05.999999999Z07:00"),
        ))
    }

    fn datetime(&self) -> Option<String> {
        Some(self.0.format("2006-01-02T15:04:05.999999999Z07:00"))
    }

    fn is_equal(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<Self>();
        other.is_some_and(|other| self.0.since(&other.0) == 0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Duration {
    fn type_name(&self) -> &'static str {
        DURATION
    }

    fn kind(&self) -> Kind {
        Kind::Int64
    }

    fn methods(&self) -> &'static [Method] {
        DURATION_METHODS
    }

    fn display(&self) -> Option<Text> {
        Some(show_duration(self.0).into())
    }

    fn encoded(&self) -> Option<Value> {
        Some(Value::Int64(self.0))
    }

    fn integer(&self) -> Option<i64> {
        Some(self.0)
    }

    fn is_true(&self) -> bool {
        self.0 != 0
    }

    fn is_equal(&self, other: &dyn Object) -> bool {
        other.integer() == Some(self.0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Named {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn kind(&self) -> Kind {
        Kind::Int
    }

    fn methods(&self) -> &'static [Method] {
        const METHODS: &[Method] = &[method("String", &[], |_, value, _| match value {
            Value::Object(object) => Ok(Value::String(object.display().unwrap_or_default())),
            _ => Err(NIL_POINTER.into()),
        })];
        METHODS
    }

    fn display(&self) -> Option<Text> {
        Some(self.name.into())
    }

    fn encoded(&self) -> Option<Value> {
        Some(Value::Int(self.number))
    }

    fn calendar_number(&self) -> Option<i64> {
        Some(self.number)
    }

    fn integer(&self) -> Option<i64> {
        Some(self.number)
    }

    fn is_true(&self) -> bool {
        self.number != 0
    }

    fn is_equal(&self, other: &dyn Object) -> bool {
        other.integer() == Some(self.number)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

const fn method(
    name: &'static str,
    parameters: &'static [Type],
    call: fn(&Scope<'_>, &Value, &[Value]) -> Result_,
) -> Method {
    Method {
        name,
        parameters,
        variadic: false,
        call,
    }
}

fn receiver(value: &Value) -> Result<&Instant, Failure> {
    Time::of(Some(value))
        .map(|time| &time.0)
        .ok_or_else(|| NIL_POINTER.into())
}

fn other(arguments: &[Value]) -> Result<&Instant, Failure> {
    Time::of(arguments.first())
        .map(|time| &time.0)
        .ok_or_else(|| NIL_POINTER.into())
}

fn nanos(value: &Value) -> i64 {
    match value {
        Value::Object(object) => object.integer().unwrap_or(0),
        other => int(std::slice::from_ref(other), 0),
    }
}

fn time(instant: Instant) -> Result_ {
    Ok(Value::object(Time(instant)))
}

const ONE_TIME: &[Type] = &[Type::Object(TIME)];
const ONE_DURATION: &[Type] = &[Type::Object(DURATION)];

const TIME_METHODS: &[Method] = &[
    method("Add", ONE_DURATION, |_, v, a| {
        time(receiver(v)?.plus(nanos(&a[0])))
    }),
    method("AddDate", &[Type::Int, Type::Int, Type::Int], |_, v, a| {
        let instant = receiver(v)?;
        let civil = instant.civil();
        let months = (civil.year + int(a, 0)) * 12 + civil.month - 1 + int(a, 1);
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        let days = super::days_from_civil(year, month, 1) + civil.day - 1 + int(a, 2);
        let seconds = days * 86_400 + civil.hour * 3600 + civil.minute * 60 + civil.second;
        time(Instant {
            seconds: seconds - civil.offset,
            ..instant.clone()
        })
    }),
    method("After", ONE_TIME, |_, v, a| {
        Ok(Value::Bool(receiver(v)?.since(other(a)?) > 0))
    }),
    method("Before", ONE_TIME, |_, v, a| {
        Ok(Value::Bool(receiver(v)?.since(other(a)?) < 0))
    }),
    method("Compare", ONE_TIME, |_, v, a| {
        Ok(Value::Int(receiver(v)?.since(other(a)?).signum()))
    }),
    method("Day", &[], |_, v, _| {
        Ok(Value::Int(receiver(v)?.civil().day))
    }),
    method("Equal", ONE_TIME, |_, v, a| {
        Ok(Value::Bool(receiver(v)?.since(other(a)?) == 0))
    }),
    method("Format", &[Type::String], |_, v, a| {
        Ok(Value::from(receiver(v)?.format(&text(a, 0).to_str())))
    }),
    method("Hour", &[], |_, v, _| {
        Ok(Value::Int(receiver(v)?.civil().hour))
    }),
    method("IsZero", &[], |_, v, _| {
        Ok(Value::Bool(receiver(v)?.since(&Instant::zero()) == 0))
    }),
    method("Local", &[], |_, v, _| time(utc(receiver(v)?))),
    method("Minute", &[], |_, v, _| {
        Ok(Value::Int(receiver(v)?.civil().minute))
    }),
    method("Month", &[], |_, v, _| {
        let number = receiver(v)?.civil().month;
        Ok(Value::object(Named {
            type_name: "time.Month",
            number,
            name: MONTHS[usize::try_from(number - 1).unwrap_or(0)],
        }))
    }),
    method("Nanosecond", &[], |_, v, _| {
        Ok(Value::Int(i64::from(receiver(v)?.nanos)))
    }),
    method("Second", &[], |_, v, _| {
        Ok(Value::Int(receiver(v)?.civil().second))
    }),
    method("String", &[], |_, v, _| match v {
        Value::Object(object) => Ok(Value::String(object.display().unwrap_or_default())),
        _ => Err(NIL_POINTER.into()),
    }),
    method("Sub", ONE_TIME, |_, v, a| {
        Ok(Value::object(Duration(receiver(v)?.since(other(a)?))))
    }),
    method("UTC", &[], |_, v, _| time(utc(receiver(v)?))),
    method("Unix", &[], |_, v, _| {
        Ok(Value::Int64(receiver(v)?.seconds))
    }),
    method("UnixMicro", &[], |_, v, _| {
        let instant = receiver(v)?;
        let whole = instant.seconds.wrapping_mul(1_000_000);
        Ok(Value::Int64(whole + i64::from(instant.nanos / 1000)))
    }),
    method("UnixMilli", &[], |_, v, _| {
        let instant = receiver(v)?;
        let whole = instant.seconds.wrapping_mul(1000);
        Ok(Value::Int64(whole + i64::from(instant.nanos / 1_000_000)))
    }),
    method("UnixNano", &[], |_, v, _| {
        let instant = receiver(v)?;
        let whole = instant.seconds.wrapping_mul(NANOS);
        Ok(Value::Int64(whole.wrapping_add(i64::from(instant.nanos))))
    }),
    method("Weekday", &[], |_, v, _| {
        let day = receiver(v)?.civil().weekday;
        Ok(Value::object(Named {
            type_name: "time.Weekday",
            number: i64::try_from(day).unwrap_or(0),
            name: DAYS[day],
        }))
    }),
    method("Year", &[], |_, v, _| {
        Ok(Value::Int(receiver(v)?.civil().year))
    }),
    method("YearDay", &[], |_, v, _| {
        Ok(Value::Int(receiver(v)?.civil().year_day))
    }),
];

fn utc(instant: &Instant) -> Instant {
    Instant::unix(instant.seconds, instant.nanos)
}

const DURATION_METHODS: &[Method] = &[
    method("Hours", &[], |_, v, _| {
        Ok(Value::Float64(nanos(v) as f64 / 3.6e12))
    }),
    method("Milliseconds", &[], |_, v, _| {
        Ok(Value::Int64(nanos(v) / 1_000_000))
    }),
    method("Minutes", &[], |_, v, _| {
        Ok(Value::Float64(nanos(v) as f64 / 6e10))
    }),
    method("Nanoseconds", &[], |_, v, _| Ok(Value::Int64(nanos(v)))),
    method("Seconds", &[], |_, v, _| {
        Ok(Value::Float64(nanos(v) as f64 / 1e9))
    }),
    method("String", &[], |_, v, _| {
        Ok(Value::from(show_duration(nanos(v))))
    }),
];
