//! The decoder: integers are `int64`, dates keep how much of them was written.

use crate::Text;
use crate::types::Type;
use crate::value::{ListType, Map, MapType, Object, Value};
use std::any::Any;
use toml::Value as Toml;

/// Reads a document into a map; the error is worded like the original's as far as both know it.
pub(super) fn read(text: &str) -> Result<Value, String> {
    match text.parse::<toml::Table>() {
        Ok(table) => Ok(value(Toml::Table(table))),
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start).min(text.len());
            let before = text.get(..at).unwrap_or(text);
            let line = before.matches('\n').count() + 1;
            let line_text = text.lines().nth(line - 1).unwrap_or_default();
            let key = line_text.split('=').next().unwrap_or_default().trim();
            let message = if error.message().contains("duplicate key") {
                format!("Key '{key}' has already been defined.")
            } else if line_text.trim_end().ends_with('=') {
                "unexpected EOF; expected value".to_owned()
            } else {
                error.message().to_owned()
            };
            let last = if key.is_empty() {
                String::new()
            } else {
                format!(" (last key {})", crate::quote::quote(key.as_bytes()))
            };
            Err(format!("toml: line {line}{last}: {message}"))
        }
    }
}

fn value(toml: Toml) -> Value {
    const TABLES: ListType = ListType {
        name: "[]map[string]interface {}",
        element: Type::Dict,
        methods: &[],
    };
    match toml {
        Toml::String(text) => Value::from(text),
        Toml::Integer(int) => Value::Int64(int),
        Toml::Float(float) => Value::Float64(float),
        Toml::Boolean(b) => Value::Bool(b),
        Toml::Datetime(datetime) => Value::object(Datetime(datetime)),
        Toml::Array(items) => {
            let tables = !items.is_empty() && items.iter().all(Toml::is_table);
            let items = items.into_iter().map(value).collect();
            if tables {
                Value::List(crate::value::List::new(items, &TABLES))
            } else {
                Value::list(items)
            }
        }
        Toml::Table(table) => Value::Map(Map::new(
            table
                .into_iter()
                .map(|(key, toml)| (Text::from(key), value(toml))),
            &MapType::ANY,
        )),
    }
}

/// A date, a time of day or both, as written; the decoder of the original makes a time of each.
#[derive(Debug)]
struct Datetime(toml::value::Datetime);

impl Datetime {
    /// Writes year to nanosecond, what was not written being that of the year 0.
    fn instant(&self, between: char) -> String {
        let (year, month, day) = self
            .0
            .date
            .map_or((0, 1, 1), |date| (date.year, date.month, date.day));
        let (hour, minute, second, nanosecond) = self.0.time.map_or((0, 0, 0, 0), |time| {
            (time.hour, time.minute, time.second, time.nanosecond)
        });
        let mut text =
            format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}");
        if nanosecond > 0 {
            text += format!(".{nanosecond:09}").trim_end_matches('0');
        }
        text
    }

    /// Returns the offset from UTC in minutes.
    fn offset(&self) -> i16 {
        match self.0.offset {
            Some(toml::value::Offset::Custom { minutes }) => minutes,
            _ => 0,
        }
    }

    /// Returns the name that the original's decoder gives to the zone of what has none, or the one of an offset.
    fn zone(&self, digits: &str) -> String {
        match (self.0.date, self.0.time, self.0.offset) {
            (_, _, Some(_)) if self.offset() == 0 => "UTC".to_owned(),
            (_, _, Some(_)) => digits.to_owned(),
            (Some(_), Some(_), None) => "datetime-local".to_owned(),
            (Some(_), None, None) => "date-local".to_owned(),
            (None, _, None) => "time-local".to_owned(),
        }
    }
}

/// Writes an offset with its sign, and what stands between hours and minutes.
fn offset(minutes: i16, between: &str) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!("{sign}{:02}{between}{:02}", minutes / 60, minutes % 60)
}

impl Object for Datetime {
    fn type_name(&self) -> &'static str {
        "time.Time"
    }

    fn display(&self) -> Option<Text> {
        let digits = offset(self.offset(), "");
        Some(format!("{} {digits} {}", self.instant(' '), self.zone(&digits)).into())
    }

    fn datetime(&self) -> Option<String> {
        Some(self.0.to_string())
    }

    fn encoded(&self) -> Option<Value> {
        let zone = match self.offset() {
            0 => "Z".to_owned(),
            minutes => offset(minutes, ":"),
        };
        Some(Value::from(self.instant('T') + &zone))
    }

    fn is_equal(&self, other: &dyn Object) -> bool {
        other.datetime() == self.datetime()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
