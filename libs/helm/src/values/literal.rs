//! `--set-literal`: the key is read as for `--set`, the value is all the rest, commas and all.

use super::strvals::{
    Error, Stop, fault, inner_list, inner_table, one_deeper, one_list_deeper, parse_index, set,
    set_index, with_list, with_table,
};
use super::{Map, Value};
use crate::go;

/// Sets the value of a `--set-literal` expression, taking it verbatim.
///
/// ```
/// use fjord_helm::values::{Map, parse_literal_into};
///
/// let mut values = Map::new();
/// parse_literal_into("a.b=x,y=\\z", &mut values)?;
/// assert_eq!(values["a"]["b"], "x,y=\\z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The key is malformed, or is a field of what is no table.
pub fn parse_literal_into(text: &str, into: &mut Map) -> Result<(), Error> {
    let mut parser = Parser { rest: text };
    loop {
        match parser.key(into, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Fault(message)) => return Err(Error(message)),
        }
    }
}

struct Parser<'t> {
    rest: &'t str,
}

impl Parser<'_> {
    fn key(&mut self, data: &mut Map, nested: usize) -> Result<(), Stop> {
        let (key, last) = self.until(&['=', '[', '.']);
        match last {
            None if key.is_empty() => Err(Stop::End),
            None => fault(format!("key {} has no value", go::quote(&key))),
            Some('=') => {
                let value = self.remainder();
                set(data, key, value);
                Ok(())
            }
            Some('[') => {
                let index = self.index()?;
                with_list(data, key, |list| self.item(list, index, nested, 0))
            }
            Some(_) => {
                let nested = one_deeper(nested)?;
                with_table(data, key, |inner| self.key(inner, nested))
            }
        }
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
        let value = match last {
            None => return Err(Stop::End),
            Some('=') => self.remainder(),
            Some('[') => {
                let next = self.index()?;
                let lists = one_list_deeper(lists)?;
                let mut inner = inner_list(list, index)?;
                self.item(&mut inner, next, nested, lists)?;
                Value::Array(inner)
            }
            Some(_) => {
                let mut inner = inner_table(list, index);
                self.key(&mut inner, nested)?;
                Value::Object(inner)
            }
        };
        set_index(list, index, value)
    }

    fn index(&mut self) -> Result<i64, Stop> {
        let (text, last) = self.until(&[']']);
        if last.is_none() {
            return fault("error parsing index: EOF");
        }
        parse_index(&text)
    }

    fn remainder(&mut self) -> Value {
        Value::String(std::mem::take(&mut self.rest).to_owned())
    }

    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let Some(at) = self.rest.find(stops) else {
            return (std::mem::take(&mut self.rest).to_owned(), None);
        };
        let (text, rest) = self.rest.split_at(at);
        let mut characters = rest.chars();
        let last = characters.next();
        self.rest = characters.as_str();
        (text.to_owned(), last)
    }
}
