//! Nodes as Go writes values in its own syntax (`%#v`), for the messages that show a key which cannot be one.

use crate::resolve::{Dialect, Resolved, resolve};
use crate::{Node, Style, format_g};

/// Writes a node as goyaml.v2 decodes it into an `interface{}`.
pub(crate) fn go_syntax(node: &Node) -> String {
    match node {
        Node::Scalar(scalar) if scalar.style != Style::Plain || scalar.tagged => {
            quoted(&scalar.value)
        }
        Node::Scalar(scalar) => match resolve(&scalar.value, Dialect::V2) {
            Resolved::Null => "interface {}(nil)".to_owned(),
            Resolved::Bool(flag) => flag.to_string(),
            Resolved::Int(number) => number.to_string(),
            Resolved::Uint(number) => format!("{number:#x}"),
            Resolved::Float(number) => format_g(number),
            _ => quoted(&scalar.value),
        },
        Node::Seq(seq) => {
            let items: Vec<String> = seq.items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Node::Map(map) => {
            let entries = map.entries.iter();
            let mut entries: Vec<String> = entries
                .map(|(key, value)| {
                    let key = go_syntax(&Node::Scalar(key.clone()));
                    format!("{key}:{}", go_syntax(value))
                })
                .collect();
            entries.sort_unstable();
            format!(
                "map[interface {{}}]interface {{}}{{{}}}",
                entries.join(", ")
            )
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out += "\\n",
            '\t' => out += "\\t",
            '\r' => out += "\\r",
            c if c.is_control() => out += &format!("\\x{:02x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
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
                "{b: [], a: '1'}: x",
                r#"map[interface {}]interface {}{"a":"1", "b":[]interface {}{}}"#,
            ),
        ] {
            let error = parse_first(text.as_bytes(), Merge::V2, &Limits::default()).unwrap_err();
            assert_eq!(error.to_string(), format!("yaml: invalid map key: {want}"));
        }
    }
}
