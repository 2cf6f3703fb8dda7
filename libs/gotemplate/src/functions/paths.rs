//! Paths with slashes, as Go's `path`; `os*` are the same, since charts are rendered as on Unix.

use super::arguments::{STRING, text};
use super::function;
use crate::Text;
use crate::function::{Failure, Function, Scope};
use crate::value::Value;

pub(super) const TABLE: &[Function] = &[
    function("base", &[STRING], base),
    function("clean", &[STRING], clean),
    function("dir", &[STRING], dir),
    function("ext", &[STRING], ext),
    function("isAbs", &[STRING], is_abs),
    function("osBase", &[STRING], base),
    function("osClean", &[STRING], clean),
    function("osDir", &[STRING], dir),
    function("osExt", &[STRING], ext),
    function("osIsAbs", &[STRING], is_abs),
];

type Result_ = Result<Value, Failure>;

fn base(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let source = text(arguments, 0);
    let mut path = source.as_bytes();
    if path.is_empty() {
        return Ok(Value::from("."));
    }
    while let Some(rest) = path.strip_suffix(b"/") {
        path = rest;
    }
    if path.is_empty() {
        return Ok(Value::from("/"));
    }
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    Ok(Value::String(Text::from_bytes(name)))
}

/// Resolves `.`, `..` and double slashes by text alone.
fn cleaned(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => match parts.last() {
                Some(last) if *last != b".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(part),
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/".as_slice(), &joined].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

fn clean(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::string(cleaned(text(arguments, 0).as_bytes())))
}

fn dir(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let source = text(arguments, 0);
    let path = source.as_bytes();
    let end = path.iter().rposition(|byte| *byte == b'/');
    Ok(Value::string(cleaned(
        &path[..end.map_or(0, |end| end + 1)],
    )))
}

fn ext(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let source = text(arguments, 0);
    let path = source.as_bytes();
    let at = path
        .iter()
        .rposition(|byte| matches!(byte, b'.' | b'/'))
        .filter(|at| path[*at] == b'.');
    Ok(Value::String(Text::from_bytes(
        at.map_or(&[], |at| &path[at..]),
    )))
}

fn is_abs(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::Bool(text(arguments, 0).as_bytes().starts_with(b"/")))
}
