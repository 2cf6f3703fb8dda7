//! The grammar of `--set`: `a.b[0].c=v,x={1,2}`, with its typed, string, file and JSON readings.
//!
//! The text is read strictly from left to right; what was set before a fault is thrown away by the
//! caller. The surprise is that an expression may just stop (`a[0]`, `a[0].`) without being wrong.

use super::{Map, Value};
use crate::go;

/// The highest index that a list may be given.
pub const MAX_INDEX: i64 = 65536;
/// How deep one name may nest.
pub const MAX_NESTED_NAMES: usize = 30;
/// How deep lists may nest by index; Helm has no such limit.
pub const MAX_NESTED_LISTS: usize = 1000;

/// An expression that cannot be read, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub(super) String);

/// Reads what stands after the `=` of `--set-file`: the name of a file gives its text.
pub type FileReader<'a> = dyn FnMut(&str) -> Result<String, String> + 'a;

/// Sets what a `--set` expression says: integers, booleans and null get their types.
///
/// ```
/// use fjord_helm::values::{Map, strvals};
///
/// let mut values = Map::new();
/// strvals::parse_into("a.b[1]=x,n=3,f=1.5", &mut values)?;
/// assert_eq!(serde_json::to_string(&values)?, r#"{"a":{"b":[null,"x"]},"f":"1.5","n":3}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The expression is malformed, or sets a field of what is no table.
pub fn parse_into(text: &str, into: &mut Map) -> Result<(), Error> {
    run(text, into, &mut Reading::Typed)
}

/// Sets what a `--set-string` expression says: every value is a string.
///
/// # Errors
/// As for [`parse_into`].
pub fn parse_string_into(text: &str, into: &mut Map) -> Result<(), Error> {
    run(text, into, &mut Reading::Text)
}

/// Sets what a `--set-json` expression of the form `key=JSON` says.
///
/// # Errors
/// As for [`parse_into`], or a value is no JSON.
pub fn parse_json_into(text: &str, into: &mut Map) -> Result<(), Error> {
    run(text, into, &mut Reading::Json)
}

/// Sets what a `--set-file` expression says: each value is the text of the file named.
///
/// # Errors
/// As for [`parse_into`], or the reader refused.
pub fn parse_file_into(
    text: &str,
    into: &mut Map,
    reader: &mut FileReader<'_>,
) -> Result<(), Error> {
    run(text, into, &mut Reading::File(reader))
}

fn run(text: &str, into: &mut Map, reading: &mut Reading<'_, '_>) -> Result<(), Error> {
    let mut parser = Parser {
        rest: text,
        reading,
    };
    loop {
        match parser.key(into, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Fault(message)) => return Err(Error(message)),
        }
    }
}

enum Reading<'r, 'f> {
    Typed,
    Text,
    Json,
    File(&'r mut FileReader<'f>),
}

/// Why reading stopped: the text is used up (which is how it ends well), or it is wrong.
pub(super) enum Stop {
    End,
    Fault(String),
}

pub(super) fn fault<T>(message: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fault(message.into()))
}

/// What stands after `=`, before it is known to be a list.
enum List {
    Items(Vec<Value>),
    Absent,
    Other,
}

struct Parser<'t, 'r, 'f, 'x> {
    rest: &'t str,
    reading: &'x mut Reading<'r, 'f>,
}

impl Parser<'_, '_, '_, '_> {
    fn key(&mut self, data: &mut Map, nested: usize) -> Result<(), Stop> {
        let (key, last) = self.until(&['=', '[', ',', '.']);
        match last {
            None if key.is_empty() => Err(Stop::End),
            None => fault(format!("key {} has no value", go::quote(&key))),
            Some('[') => {
                let index = self.index()?;
                with_list(data, key, |list| self.item(list, index, nested, 0))
            }
            Some('=') => self.assign(data, key),
            Some(',') => fault(format!(
                "key {} has no value (cannot end with ,)",
                go::quote(&key)
            )),
            Some(_) => {
                let nested = one_deeper(nested)?;
                with_table(data, key, |inner| self.key(inner, nested))
            }
        }
    }

    fn assign(&mut self, data: &mut Map, key: String) -> Result<(), Stop> {
        if matches!(self.reading, Reading::Json) {
            let value = self.json()?;
            set(data, key, value);
            return Ok(());
        }
        match self.list()? {
            List::Items(items) => set(data, key, Value::Array(items)),
            List::Absent => {
                set(data, key, Value::String(String::new()));
                return Err(Stop::End);
            }
            List::Other => {
                let (text, _) = self.until(&[',']);
                let value = self.read(text)?;
                set(data, key, value);
            }
        }
        Ok(())
    }

    fn item(
        &mut self,
        list: &mut Vec<Value>,
        index: i64,
        nested: usize,
        lists: usize,
    ) -> Result<(), Stop> {
        if index < 0 {
            return fault(format!("negative {index} index not allowed"));
        }
        let (key, last) = self.until(&['[', '.', '=']);
        if !key.is_empty() {
            return fault(format!(
                "unexpected data at end of array index: {}",
                go::quote_characters(&key)
            ));
        }
        match last {
            None => Err(Stop::End),
            Some('=') => {
                let value = if matches!(self.reading, Reading::Json) {
                    self.json()?
                } else {
                    match self.list()? {
                        List::Items(items) => Value::Array(items),
                        List::Absent => Value::String(String::new()),
                        List::Other => {
                            let (text, _) = self.until(&[',']);
                            self.read(text)?
                        }
                    }
                };
                set_index(list, index, value)
            }
            Some('[') => {
                let next = self.index()?;
                let lists = one_list_deeper(lists)?;
                let mut inner = inner_list(list, index)?;
                self.item(&mut inner, next, nested, lists)?;
                set_index(list, index, Value::Array(inner))
            }
            Some(_) => {
                let mut inner = inner_table(list, index);
                self.key(&mut inner, nested)?;
                set_index(list, index, Value::Object(inner))
            }
        }
    }

    fn index(&mut self) -> Result<i64, Stop> {
        let (text, last) = self.until(&[']']);
        if last.is_none() {
            return fault("error parsing index: EOF");
        }
        parse_index(&text)
    }

    fn list(&mut self) -> Result<List, Stop> {
        let Some(rest) = self.rest.strip_prefix('{') else {
            return Ok(if self.rest.is_empty() {
                List::Absent
            } else {
                List::Other
            });
        };
        self.rest = rest;
        let mut items = Vec::new();
        loop {
            let (text, last) = self.until(&[',', '}']);
            if last.is_none() {
                return fault("list must terminate with '}'");
            }
            if last == Some('}') {
                self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
            }
            items.push(self.read(text)?);
            if last == Some('}') {
                return Ok(List::Items(items));
            }
        }
    }

    fn json(&mut self) -> Result<Value, Stop> {
        if self.is_empty_value() {
            return Ok(Value::Null);
        }
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        let value = match stream.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return fault(go::json_error(self.rest, &error)),
            None => return fault("EOF"),
        };
        self.rest = self.rest.get(stream.byte_offset()..).unwrap_or_default();
        self.is_empty_value();
        Ok(super::floats(value))
    }

    /// Passes over spaces; says whether the value ends here, passing over the comma that ends it.
    fn is_empty_value(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        if self.rest.is_empty() {
            return true;
        }
        if let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            return true;
        }
        false
    }

    fn read(&mut self, text: String) -> Result<Value, Stop> {
        match &mut self.reading {
            Reading::Typed => Ok(typed(text)),
            Reading::Text | Reading::Json => Ok(Value::String(text)),
            Reading::File(reader) => reader(&text).map(Value::String).map_err(Stop::Fault),
        }
    }

    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        let mut characters = self.rest.chars();
        while let Some(c) = characters.next() {
            if stops.contains(&c) {
                self.rest = characters.as_str();
                return (text, Some(c));
            }
            if c != '\\' {
                text.push(c);
            } else if let Some(escaped) = characters.next() {
                text.push(escaped);
            }
        }
        self.rest = "";
        (text, None)
    }
}

fn typed(text: String) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return Value::Bool(true);
    }
    // Parity: Go folds the long s too.
    if text.eq_ignore_ascii_case("false") || text.eq_ignore_ascii_case("fal\u{17f}e") {
        return Value::Bool(false);
    }
    if text.eq_ignore_ascii_case("null") {
        return Value::Null;
    }
    if text == "0" {
        return Value::from(0_i64);
    }
    if !text.starts_with('0')
        && let Ok(number) = text.parse::<i64>()
    {
        return Value::from(number);
    }
    Value::String(text)
}

pub(super) fn parse_index(text: &str) -> Result<i64, Stop> {
    text.parse::<i64>().or_else(|error| {
        use std::num::IntErrorKind::{NegOverflow, PosOverflow};
        let why = match error.kind() {
            PosOverflow | NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        fault(format!(
            "error parsing index: strconv.Atoi: parsing {}: {why}",
            go::quote(text)
        ))
    })
}

pub(super) fn one_deeper(nested: usize) -> Result<usize, Stop> {
    if nested >= MAX_NESTED_NAMES {
        return fault(format!(
            "value name nested level is greater than maximum supported nested level of {MAX_NESTED_NAMES}"
        ));
    }
    Ok(nested + 1)
}

pub(super) fn one_list_deeper(lists: usize) -> Result<usize, Stop> {
    if lists >= MAX_NESTED_LISTS {
        return fault(format!(
            "lists are nested deeper than the maximum of {MAX_NESTED_LISTS}"
        ));
    }
    Ok(lists + 1)
}

/// Runs `fill` on the list under the key, which is made where absent.
pub(super) fn with_list(
    data: &mut Map,
    key: String,
    fill: impl FnOnce(&mut Vec<Value>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut list = match data.remove(&key) {
        None => Vec::new(),
        Some(Value::Array(list)) => list,
        Some(other) => return not_a(&other, "[]interface {}"),
    };
    let result = fill(&mut list);
    set(data, key, Value::Array(list));
    result
}

/// Runs `fill` on the table under the key, which is made where absent and kept unless empty.
pub(super) fn with_table(
    data: &mut Map,
    key: String,
    fill: impl FnOnce(&mut Map) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let existing = data.remove(&key);
    let existed = existing.is_some();
    let mut inner = match existing {
        None => Map::new(),
        Some(Value::Object(inner)) => inner,
        Some(other) => return not_a(&other, "map[string]interface {}"),
    };
    let result = fill(&mut inner);
    if result.is_ok() && inner.is_empty() {
        return fault(format!("key map {} has no value", go::quote(&key)));
    }
    if existed || !inner.is_empty() {
        set(data, key, Value::Object(inner));
    }
    result
}

pub(super) fn inner_list(list: &mut [Value], index: i64) -> Result<Vec<Value>, Stop> {
    let at = usize::try_from(index).unwrap_or(usize::MAX);
    match list.get_mut(at).map(Value::take) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(inner)) => Ok(inner),
        Some(other) => not_a(&other, "[]interface {}"),
    }
}

pub(super) fn inner_table(list: &mut [Value], index: i64) -> Map {
    let at = usize::try_from(index).unwrap_or(usize::MAX);
    match list.get_mut(at).map(Value::take) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    }
}

fn not_a<T>(value: &Value, want: &str) -> Result<T, Stop> {
    let got = go::type_name(value);
    fault(format!(
        "unable to parse key: interface conversion: interface {{}} is {got}, not {want}"
    ))
}

pub(super) fn set(data: &mut Map, key: String, value: Value) {
    if !key.is_empty() {
        data.insert(key, value);
    }
}

pub(super) fn set_index(list: &mut Vec<Value>, index: i64, value: Value) -> Result<(), Stop> {
    if index > MAX_INDEX {
        return fault(format!(
            "index of {index} is greater than maximum supported index of {MAX_INDEX}"
        ));
    }
    let at = usize::try_from(index).unwrap_or_default();
    if list.len() <= at {
        list.resize(at + 1, Value::Null);
    }
    if let Some(slot) = list.get_mut(at) {
        *slot = value;
    }
    Ok(())
}
