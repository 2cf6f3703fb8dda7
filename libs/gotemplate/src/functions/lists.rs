//! Lists. All functions return new ones, but `sortAlpha`, which sorts a list of strings where it stands.

use super::arguments::{ANY, INT, STRING, elements, int, list_of_strings, text, value};
use super::convert::{int64, strslice, strval};
use super::defaults::is_empty;
use super::{function, variadic};
use crate::Text;
use crate::function::{Failure, Function, Scope};
use crate::value::{List, ListType, Value};

pub(super) const TABLE: &[Function] = &[
    function("append", &[ANY, ANY], push),
    function("chunk", &[INT, ANY], chunk),
    function("compact", &[ANY], compact),
    variadic("concat", &[ANY], concat),
    function("first", &[ANY], first),
    function("has", &[ANY, ANY], has),
    function("initial", &[ANY], initial),
    function("join", &[STRING, ANY], join),
    function("last", &[ANY], last),
    variadic("list", &[ANY], list),
    function("mustAppend", &[ANY, ANY], push),
    function("mustChunk", &[INT, ANY], chunk),
    function("mustCompact", &[ANY], compact),
    function("mustFirst", &[ANY], first),
    function("mustHas", &[ANY, ANY], has),
    function("mustInitial", &[ANY], initial),
    function("mustLast", &[ANY], last),
    function("mustPrepend", &[ANY, ANY], prepend),
    function("mustPush", &[ANY, ANY], push),
    function("mustRest", &[ANY], rest),
    function("mustReverse", &[ANY], reverse),
    variadic("mustSlice", &[ANY, ANY], slice),
    function("mustUniq", &[ANY], uniq),
    variadic("mustWithout", &[ANY, ANY], without),
    function("prepend", &[ANY, ANY], prepend),
    function("push", &[ANY, ANY], push),
    function("rest", &[ANY], rest),
    function("reverse", &[ANY], reverse),
    variadic("slice", &[ANY, ANY], slice),
    function("sortAlpha", &[ANY], sort_alpha),
    variadic("tuple", &[ANY], list),
    function("uniq", &[ANY], uniq),
    variadic("without", &[ANY, ANY], without),
];

type Result_ = Result<Value, Failure>;

fn nil_list() -> Value {
    Value::List(List::nil(&ListType::ANY))
}

fn list(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::list(arguments.to_vec()))
}

fn push(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut items = elements(&value(arguments, 0), "Cannot push on type")?;
    items.push(value(arguments, 1));
    Ok(Value::list(items))
}

fn prepend(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut items = elements(&value(arguments, 0), "Cannot prepend on type")?;
    items.insert(0, value(arguments, 1));
    Ok(Value::list(items))
}

fn first(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let items = elements(&value(arguments, 0), "Cannot find first on type")?;
    Ok(items.into_iter().next().unwrap_or_default())
}

fn last(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let items = elements(&value(arguments, 0), "Cannot find last on type")?;
    Ok(items.into_iter().next_back().unwrap_or_default())
}

fn rest(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut items = elements(&value(arguments, 0), "Cannot find rest on type")?;
    if items.is_empty() {
        return Ok(nil_list());
    }
    items.remove(0);
    Ok(Value::list(items))
}

fn initial(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut items = elements(&value(arguments, 0), "Cannot find initial on type")?;
    if items.pop().is_none() {
        return Ok(nil_list());
    }
    Ok(Value::list(items))
}

fn reverse(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut items = elements(&value(arguments, 0), "Cannot find reverse on type")?;
    items.reverse();
    Ok(Value::list(items))
}

fn compact(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut items = elements(&value(arguments, 0), "Cannot compact on type")?;
    items.retain(|item| !is_empty(item));
    Ok(Value::list(items))
}

fn contains(haystack: &[Value], needle: &Value) -> Result<bool, Failure> {
    for item in haystack {
        if needle.deep_equal(item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn uniq(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let items = elements(&value(arguments, 0), "Cannot find uniq on type")?;
    let mut seen: Vec<Value> = Vec::new();
    for item in items {
        if !contains(&seen, &item)? {
            seen.push(item);
        }
    }
    Ok(Value::list(seen))
}

fn without(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let items = elements(&value(arguments, 0), "Cannot find without on type")?;
    let mut kept = Vec::new();
    for item in items {
        if !contains(&arguments[1..], &item)? {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

fn has(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let haystack = value(arguments, 1);
    if let Value::Nil = haystack {
        return Ok(Value::Bool(false));
    }
    let items = elements(&haystack, "Cannot find has on type")?;
    Ok(Value::Bool(contains(&items, &value(arguments, 0))?))
}

fn slice(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let source = value(arguments, 0);
    let items = elements(&source, "list should be type of slice or array but")?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let start = arguments.get(1).map_or(0, int64);
    let end = arguments.get(2).map_or(length, int64);
    if start < 0 || end < start || end > length {
        return Err("reflect.Value.Slice: slice index out of bounds".into());
    }
    let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
    let part = items[range.clone()].to_vec();
    Ok(match source {
        Value::List(list) => Value::List(List::new(part, list.of())),
        Value::Bytes(bytes) => Value::Bytes(bytes.as_bytes()[range].to_vec().into()),
        _ => Value::list(part),
    })
}

fn concat(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut items = Vec::new();
    for argument in arguments {
        let more = match argument {
            Value::List(_) | Value::Bytes(_) | Value::Nil => elements(argument, "")?,
            other => {
                return Err(Failure::new(format!(
                    "Cannot concat type {} as list",
                    other.kind().name()
                )));
            }
        };
        super::convert::check_size(scope, items.len() + more.len())?;
        items.extend(more);
    }
    if items.is_empty() {
        return Ok(nil_list());
    }
    Ok(Value::list(items))
}

fn chunk(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let size = int(arguments, 0);
    let items = elements(&value(arguments, 1), "Cannot chunk type")?;
    let chunks = |parts: Vec<Value>| Value::List(List::new(parts, &ListType::LISTS));
    match usize::try_from(size) {
        Ok(size) if size > 0 => Ok(chunks(
            items
                .chunks(size)
                .map(|part| Value::list(part.to_vec()))
                .collect(),
        )),
        // Parity: Go divides by the size and asks for that many lists.
        Ok(_) => Err("runtime error: makeslice: len out of range".into()),
        Err(_) => {
            let count = ((items.len() as f64 - 1.0) / size as f64).floor() + 1.0;
            if count <= 0.0 {
                return if count < 0.0 {
                    Err("runtime error: makeslice: len out of range".into())
                } else {
                    Ok(chunks(Vec::new()))
                };
            }
            // Parity: a single item fits the remainder of the division, whatever the sign of the size.
            if items.len() == 1 && size != -1 {
                return Ok(chunks(vec![Value::list(items.clone())]));
            }
            Err("runtime error: makeslice: len out of range".into())
        }
    }
}

fn join(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let separator = text(arguments, 0);
    let words = strslice(&value(arguments, 1))?;
    let size = words.iter().map(|word| word.len() + separator.len()).sum();
    super::convert::check_size(scope, size)?;
    let words: Vec<&[u8]> = words.iter().map(Text::as_bytes).collect();
    Ok(Value::string(words.join(separator.as_bytes())))
}

fn sort_alpha(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let source = value(arguments, 0);
    let by_text = |a: &Value, b: &Value| match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => std::cmp::Ordering::Equal,
    };
    match &source {
        Value::List(list) if list.of().name == ListType::STRINGS.name => {
            list.update(|items| items.sort_by(by_text));
            Ok(source)
        }
        Value::List(_) | Value::Bytes(_) => {
            let mut words = strslice(&source)?;
            words.sort();
            Ok(list_of_strings(words))
        }
        other => Ok(list_of_strings(vec![strval(other)?])),
    }
}
