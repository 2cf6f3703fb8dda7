//! kyaml's small edits of a tree: setting fields the way its filters do, styles and quirks included.

use crate::error::Error;
use fjord_yaml::{Dialect, Map, Node, Resolved, Scalar, Style, Tag, to_v3};

/// Makes the error of a node of the wrong kind, its content included.
pub(crate) fn wrong_kind(expected: &str, node: &Node) -> Error {
    let content = to_v3(node).unwrap_or_default();
    Error::WrongKind {
        scalar: matches!(node, Node::Scalar(_)),
        message: format!(
            "wrong node kind: expected {expected} but got {}: node contents:\n{content}",
            node.kind()
        ),
    }
}

/// Says whether YAML 1.1 would read the plain text as something other than a string.
pub(crate) fn reads_as_non_string(text: &str) -> bool {
    if text.is_empty() || text.contains('\n') {
        return false;
    }
    if is_one_plain_scalar(text) {
        let resolved = fjord_yaml::resolve(text, Dialect::V2);
        return !matches!(resolved, Resolved::Str | Resolved::Timestamp(_));
    }
    let limits = fjord_yaml::Limits::default();
    fjord_yaml::to_json(text.as_bytes(), &limits).is_ok_and(|value| !value.is_string())
}

/// Says whether a text is certainly a document of one plain scalar: nearly all are, and need no scanner.
fn is_one_plain_scalar(text: &str) -> bool {
    let bytes = text.as_bytes();
    let begins = bytes.first().is_some_and(u8::is_ascii_alphanumeric);
    let ends = !matches!(bytes.last(), None | Some(b' ' | b':'));
    let separates = |pair: &[u8]| matches!(pair, [b' ', b'#'] | [b':', b' ']);
    begins
        && ends
        && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
        && !bytes.windows(2).any(separates)
}

/// Puts a scalar's text and tag in place of a node; the style of the old one stays.
///
/// # Errors
/// The node is a collection.
pub(crate) fn set_scalar(node: &mut Node, value: &str, tag: Tag) -> Result<(), Error> {
    match node {
        Node::Scalar(old) => {
            old.value = value.into();
            old.tag = tag;
            Ok(())
        }
        _ => Err(wrong_kind("ScalarNode", node)),
    }
}

/// Sets a map's field to a scalar; an existing scalar keeps its style.
pub(crate) fn put(map: &mut Map, key: &str, mut value: Scalar) {
    match map.get_mut(key) {
        Some(Node::Scalar(old)) => {
            value.style = old.style;
            value.tagged = old.tagged;
            value.alias = old.alias;
            *old = value;
        }
        Some(other) => *other = Node::Scalar(value),
        None => {
            if value.is_string() && value.style == Style::Plain && reads_as_non_string(&value.value)
            {
                value.style = Style::Double;
            }
            map.push(key, Node::Scalar(value));
        }
    }
}

/// Returns the map at a path, making what is missing.
pub(crate) fn map_at<'n>(node: &'n mut Node, path: &[&str]) -> Option<&'n mut Map> {
    let mut map = node.as_map_mut()?;
    for part in path {
        let next = map.entry(part, Node::map);
        if next.is_null() {
            *next = Node::map();
        }
        map = next.as_map_mut()?;
    }
    Some(map)
}

/// Says whether two trees are the same to the line and style of each scalar.
pub(crate) fn same(a: &Node, b: &Node) -> bool {
    let scalars = |a: &Scalar, b: &Scalar| {
        let b = Scalar {
            alias: a.alias,
            ..b.clone()
        };
        *a == b
    };
    match (a, b) {
        (Node::Scalar(a), Node::Scalar(b)) => scalars(a, b),
        (Node::Seq(a), Node::Seq(b)) => {
            a.flow == b.flow
                && a.items.len() == b.items.len()
                && a.items.iter().zip(&b.items).all(|(a, b)| same(a, b))
        }
        (Node::Map(a), Node::Map(b)) => {
            let mut pairs = a.entries.iter().zip(&b.entries);
            a.flow == b.flow
                && a.entries.len() == b.entries.len()
                && pairs.all(|(a, b)| scalars(&a.0, &b.0) && same(&a.1, &b.1))
        }
        _ => false,
    }
}

/// Copies the text of aliased scalars that changed to the others of the same number.
///
/// Parity: kustomize puts one and the same label value into all the places it creates, so that a later
/// change of one of them changes all (see [`Scalar::alias`]).
pub(crate) fn sync_aliases(node: &mut Node, changed: &[(u16, Scalar)]) {
    if changed.is_empty() {
        return;
    }
    match node {
        Node::Scalar(scalar) if scalar.alias != 0 => {
            if let Some((alias, new)) = changed.iter().rev().find(|(a, _)| *a == scalar.alias) {
                *scalar = Scalar {
                    alias: *alias,
                    ..new.clone()
                };
            }
        }
        Node::Scalar(_) => {}
        Node::Seq(seq) => seq
            .items
            .iter_mut()
            .for_each(|item| sync_aliases(item, changed)),
        Node::Map(map) => map
            .entries
            .iter_mut()
            .for_each(|(_, v)| sync_aliases(v, changed)),
    }
}

/// Splits at a delimiter that a backslash escapes; a leading delimiter is ignored.
pub(crate) fn split_path(path: &str, delimiter: char) -> Vec<String> {
    let mut parts = path.split(delimiter);
    let mut out: Vec<String> = Vec::new();
    let first = parts.next().unwrap_or_default();
    match (first, parts.next()) {
        ("", Some(second)) => out.push(second.to_owned()),
        (first, second) => {
            out.push(first.to_owned());
            if let Some(second) = second {
                append(&mut out, second, delimiter);
            }
        }
    }
    for part in parts {
        append(&mut out, part, delimiter);
    }
    out
}

fn append(out: &mut Vec<String>, part: &str, delimiter: char) {
    match out.last_mut() {
        Some(last) if last.ends_with('\\') => {
            last.pop();
            last.push(delimiter);
            last.push_str(part);
        }
        _ => out.push(part.to_owned()),
    }
}

/// Splits at dots; what stands in brackets is one part, freed of them unless it is a `[key=value]`.
pub(crate) fn split_field_path(path: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut parts = split_path(path, '.').into_iter();
    while let Some(part) = parts.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            out.push(part);
            continue;
        }
        let mut whole = part;
        for next in parts.by_ref() {
            whole.push('.');
            whole.push_str(&next);
            if next.ends_with(']') {
                break;
            }
        }
        if whole.contains('=') {
            out.push(whole);
        } else {
            out.push(whole.trim_matches(['[', ']']).to_owned());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_needs_no_scanner_means_what_the_scanner_says() {
        let pieces = [
            "a",
            "yes",
            "1",
            "0x1",
            ".5",
            " ",
            ":",
            "#",
            "-",
            ",",
            "[",
            "}",
            "\"",
            "'",
            "@",
            "%",
            "2001-01-01",
            "null",
            "é",
        ];
        let scanned = |text: &str| {
            let read = fjord_yaml::to_json(text.as_bytes(), &fjord_yaml::Limits::default());
            read.is_ok_and(|value| !value.is_string())
        };
        let mut without_scanner = 0;
        for number in 0..pieces.len().pow(3) {
            let piece = |place: u32| pieces[number / pieces.len().pow(place) % pieces.len()];
            let text = [piece(0), piece(1), piece(2)].concat();
            without_scanner += usize::from(is_one_plain_scalar(&text));
            assert_eq!(reads_as_non_string(&text), scanned(&text), "{text:?}");
        }
        assert!(without_scanner > 1000);
    }

    #[test]
    fn paths_split_where_kustomize_splits_them() {
        assert_eq!(split_path("a/b\\/c/d", '/'), ["a", "b/c", "d"]);
        assert_eq!(split_path("/a", '/'), ["a"]);
        assert_eq!(
            split_field_path("m.annotations.[a.b/c]"),
            ["m", "annotations", "a.b/c"]
        );
        assert_eq!(split_field_path("x.[n=a.b].y"), ["x", "[n=a.b]", "y"]);
        assert_eq!(split_field_path("a\\.b.c"), ["a.b", "c"]);
    }
}
