//! Nodes as Go writes values in its own syntax (`%#v`), for the messages that show a key which cannot be one.

use crate::value::v2_typed;
use crate::{Error, Node, Typed, format_g, quote};

/// Writes a node as goyaml.v2 decodes it into an `interface{}`.
///
/// # Errors
/// A tag does not fit its text.
pub(crate) fn go_syntax(node: &Node) -> Result<String, Error> {
    Ok(match node {
        Node::Scalar(scalar) => match v2_typed(scalar)? {
            Typed::Null => "interface {}(nil)".to_owned(),
            Typed::Bool(flag) => flag.to_string(),
            Typed::Int(number) => number.to_string(),
            Typed::Uint(number) => format!("{number:#x}"),
            Typed::Float(number) => format_g(number),
            Typed::Str(text) => quote(&text),
        },
        Node::Seq(seq) => {
            let items: Result<Vec<_>, _> = seq.items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items?.join(", "))
        }
        Node::Map(map) => {
            let mut entries = Vec::new();
            for (key, value) in &map.entries {
                let key = go_syntax(&Node::Scalar(key.clone()))?;
                entries.push(format!("{key}:{}", go_syntax(value)?));
            }
            entries.sort_unstable();
            format!(
                "map[interface {{}}]interface {{}}{{{}}}",
                entries.join(", ")
            )
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail at any line")]

    use crate::{Limits, Merge, parse_first};

    #[test]
    fn keys_that_are_lists_or_maps_are_shown_in_gos_syntax() {
        for (text, want) in [
            (
                "[1, a, ~, 1.5, true]: x",
                r#"[]interface {}{1, "a", interface {}(nil), 1.5, true}"#,
            ),
            (
                "[!!float 1, !!str 2, !!binary aGk=, \"a'\\u007f\\u0085\"]: x",
                r#"[]interface {}{1, "2", "hi", "a'\x7f\u0085"}"#,
            ),
            (
                "{b: [], a: '1'}: x",
                r#"map[interface {}]interface {}{"a":"1", "b":[]interface {}{}}"#,
            ),
        ] {
            let error = parse_first(text.as_bytes(), Merge::V2, &Limits::default()).unwrap_err();
            assert_eq!(error.to_string(), format!("yaml: invalid map key: {want}"));
        }
        let error = parse_first(b"[!!int a]: x", Merge::V2, &Limits::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "yaml: cannot decode !!str `a` as a !!int"
        );
    }
}
