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
        Toml::Datetime(datetime) => Value::object(Datetime(datetime.to_string())),
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

/// A date, a time of day or both, as written.
#[derive(Debug)]
struct Datetime(String);

impl Object for Datetime {
    fn type_name(&self) -> &'static str {
        "time.Time"
    }

    fn display(&self) -> Option<Text> {
        Some(self.0.as_str().into())
    }

    fn datetime(&self) -> Option<String> {
        Some(self.0.clone())
    }

    fn encoded(&self) -> Option<Value> {
        Some(Value::from(self.0.as_str()))
    }

    fn is_equal(&self, other: &dyn Object) -> bool {
        other.datetime().as_ref() == Some(&self.0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
