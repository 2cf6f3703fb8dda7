//! Dictionaries. `set` and `unset` change the map that is given; those who share it see it.

use super::arguments::{ANY, DICT, STRING, dict as map, list_of_strings, text, value};
use super::convert::strval;
use super::{function, variadic};
use crate::function::{Failure, Function, Scope};
use crate::value::{Map, MapType, Value};

pub(super) const TABLE: &[Function] = &[
    function("deepCopy", &[ANY], deep_copy),
    variadic("dict", &[ANY], dict),
    variadic("dig", &[ANY], dig),
    function("get", &[DICT, STRING], get),
    function("hasKey", &[DICT, STRING], has_key),
    variadic("keys", &[DICT], keys),
    function("mustDeepCopy", &[ANY], deep_copy),
    variadic("omit", &[DICT, STRING], omit),
    variadic("pick", &[DICT, STRING], pick),
    variadic("pluck", &[STRING, DICT], pluck),
    function("set", &[DICT, STRING, ANY], set),
    function("unset", &[DICT, STRING], unset),
    function("values", &[DICT], values),
];

type Result_ = Result<Value, Failure>;

fn dict(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let mut entries = Vec::with_capacity(arguments.len().div_ceil(2));
    for pair in arguments.chunks(2) {
        let value = pair.get(1).cloned().unwrap_or_else(|| Value::from(""));
        entries.push((strval(&pair[0])?, value));
    }
    Ok(Value::Map(Map::new(entries, &MapType::ANY)))
}

fn get(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let found = map(arguments, 0).get(text(arguments, 1));
    Ok(found.unwrap_or_else(|| Value::from("")))
}

fn set(scope: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let target = map(arguments, 0);
    if !target.insert(text(arguments, 1), value(arguments, 2)) {
        return Err("assignment to entry in nil map".into());
    }
    scope.changed(&target);
    Ok(unnamed(&target))
}

fn unset(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let target = map(arguments, 0);
    target.remove(text(arguments, 1));
    Ok(unnamed(&target))
}

/// Returns the same map as a plain `map[string]interface {}`, which is what these functions return.
fn unnamed(map: &Map) -> Value {
    Value::Map(map.with_type(&MapType::ANY))
}

fn has_key(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::Bool(map(arguments, 0).contains(text(arguments, 1))))
}

fn pluck(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let key = text(arguments, 0);
    let found = (1..arguments.len()).filter_map(|at| map(arguments, at).get(&key));
    Ok(Value::list(found.collect()))
}

fn keys(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    // Go's order is random; ours is the keys'.
    let keys = (0..arguments.len()).flat_map(|at| map(arguments, at).keys());
    Ok(list_of_strings(keys.collect()))
}

fn values(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let entries = map(arguments, 0).entries();
    Ok(Value::list(
        entries.into_iter().map(|(_, value)| value).collect(),
    ))
}

fn pick(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let source = map(arguments, 0);
    let picked = (1..arguments.len()).filter_map(|at| {
        let key = text(arguments, at);
        source.get(&key).map(|value| (key, value))
    });
    Ok(Value::Map(Map::new(picked, &MapType::ANY)))
}

fn omit(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let omitted: Vec<_> = (1..arguments.len()).map(|at| text(arguments, at)).collect();
    let kept = map(arguments, 0)
        .entries()
        .into_iter()
        .filter(|(key, _)| !omitted.contains(key));
    Ok(Value::Map(Map::new(kept, &MapType::ANY)))
}

/// Says what Go says of a value that is not of the type a function insists on.
fn conversion(value: &Value, wanted: &str) -> Failure {
    let found = match value {
        Value::Nil => "nil",
        other => other.type_name(),
    };
    Failure::new(format!(
        "interface conversion: interface {{}} is {found}, not {wanted}"
    ))
}

fn dig(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let [keys @ .., default, source] = arguments else {
        return Err("dig needs at least three arguments".into());
    };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".into());
    }
    // Parity: a named map type is not a `map[string]interface {}` for a type assertion.
    let as_dict = |value: &Value| match value {
        Value::Map(map) if map.of().name == MapType::ANY.name => Ok(map.clone()),
        other => Err(conversion(other, MapType::ANY.name)),
    };
    let mut at = as_dict(source)?;
    let mut path = Vec::with_capacity(keys.len());
    for key in keys {
        match key {
            Value::String(key) => path.push(key),
            other => return Err(conversion(other, "string")),
        }
    }
    let Some((last, steps)) = path.split_last() else {
        return Ok(default.clone());
    };
    for key in steps {
        match at.get(key) {
            None => return Ok(default.clone()),
            Some(next) => at = as_dict(&next)?,
        }
    }
    Ok(at.get(last).unwrap_or_else(|| default.clone()))
}

fn deep_copy(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    match value(arguments, 0) {
        Value::Nil => Err("reflect: call of reflect.Value.Type on zero Value".into()),
        value => value.deep_copy(),
    }
}
