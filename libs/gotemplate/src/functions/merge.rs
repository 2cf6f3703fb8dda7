//! `merge` and `mergeOverwrite`, by the rules of mergo.
//!
//! They change the first map. The surprises: a zero value there counts as unset; a map taken from a source stays shared
//! with it; where one side is a map and the other is not, what is kept differs between the two.

use super::arguments::{DICT, dict};
use super::variadic;
use crate::function::{Failure, Function, Scope};
use crate::value::{MAX_DEPTH, Map, MapType, Value};

pub(super) const TABLE: &[Function] = &[
    variadic("merge", &[DICT, DICT], merge),
    variadic("mergeOverwrite", &[DICT, DICT], merge_overwrite),
    variadic("mustMerge", &[DICT, DICT], merge),
    variadic("mustMergeOverwrite", &[DICT, DICT], merge_overwrite),
];

fn merge(scope: &Scope<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    merge_all(scope, arguments, false)
}

fn merge_overwrite(scope: &Scope<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    merge_all(scope, arguments, true)
}

fn merge_all(scope: &Scope<'_>, arguments: &[Value], overwrite: bool) -> Result<Value, Failure> {
    let mut target = dict(arguments, 0);
    for at in 1..arguments.len() {
        let source = dict(arguments, at);
        if target.is_nil() && !source.is_nil() {
            target = Map::empty();
        }
        deep(scope, &target, &source, overwrite, 0)?;
    }
    Ok(Value::Map(target.with_type(&MapType::ANY)))
}

fn deep(
    scope: &Scope<'_>,
    target: &Map,
    source: &Map,
    overwrite: bool,
    depth: usize,
) -> Result<(), Failure> {
    if depth > MAX_DEPTH {
        return Err(Failure::too_deep());
    }
    if target.is_same(source) {
        return Ok(());
    }
    for (key, from) in source.entries() {
        let into = target.get(&key);
        if let Value::Nil = from {
            if overwrite {
                put(scope, target, &key, from)?;
            }
            continue;
        }
        match (&from, &into) {
            (Value::Map(from), Some(Value::Map(into))) => {
                if into.is_nil() && !from.is_nil() {
                    // Parity: mergo cannot set a nil map that stands in an interface; the source replaces it below.
                } else {
                    crate::grow(|| deep(scope, into, from, overwrite, depth + 1))?;
                    if !into.is_empty() {
                        continue;
                    }
                }
            }
            (Value::List(list), _) => {
                let replace = overwrite || target.is_empty();
                let kept = match &into {
                    Some(Value::List(old)) if !replace => Value::List(old.clone()),
                    None | Some(Value::Nil) if !replace => {
                        Value::List(crate::value::List::new(Vec::new(), list.of()))
                    }
                    Some(old) if !replace && !old.is_nil() => old.clone(),
                    _ => from.clone(),
                };
                put(scope, target, &key, kept)?;
                if into.as_ref().is_some_and(|into| !is_zero(into)) {
                    continue;
                }
            }
            _ => {}
        }
        if overwrite || into.as_ref().is_none_or(is_zero) {
            put(scope, target, &key, from)?;
        }
    }
    Ok(())
}

fn put(scope: &Scope<'_>, target: &Map, key: &crate::Text, value: Value) -> Result<(), Failure> {
    if !target.insert(key.clone(), value) {
        return Err("assignment to entry in nil map".into());
    }
    scope.changed(target);
    Ok(())
}

/// Says whether mergo takes the value as unset.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Object(_) => false,
        other => !other.is_true(),
    }
}
