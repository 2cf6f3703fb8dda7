//! A tree to text.

use super::super::go_text;
use super::{DEFAULT, Entry, Section};
use crate::error::Error;
use crate::tree::{Key, Node};

/// Writes a tree of sections.
pub(in crate::store) fn write(branch: &[(Key, Node)]) -> Result<Vec<u8>, Error> {
    let mut sections = Vec::new();
    for (key, node) in branch {
        // Parity: comments between sections do not survive.
        if let Key::Text(name) = key {
            sections.push(section(name, node)?);
        }
    }
    let mut out = String::new();
    for (index, section) in sections.iter().enumerate() {
        write_comment(&mut out, &section.comment, false);
        if index > 0 || section.name.to_uppercase() != DEFAULT {
            out.push_str(&format!("[{}]\n", section.name));
        } else if section.keys.is_empty() {
            continue;
        }
        write_keys(&mut out, &section.keys);
        if index + 1 < sections.len() {
            out.push('\n');
        }
    }
    Ok(out.into_bytes())
}

/// Makes an entry of the tree a section.
fn section(name: &str, node: &Node) -> Result<Section, Error> {
    let Node::Map(entries) = node else {
        let reason = format!("{name} stands outside of a section; use another output type");
        return Err(Error::syntax("ini", reason));
    };
    if name.is_empty() {
        return Err(Error::syntax("ini", "a section has no name"));
    }
    let mut section = Section {
        name: name.to_owned(),
        ..Section::default()
    };
    let mut last = None;
    for (index, (key, node)) in entries.iter().enumerate() {
        match key {
            Key::Comment(comment) if index == 0 => section.comment.clone_from(&comment.text),
            Key::Comment(comment) => {
                if let Some(entry) = last.and_then(|at: usize| section.keys.get_mut(at)) {
                    entry.comment.clone_from(&comment.text);
                }
            }
            Key::Text(key) => last = Some(set(&mut section, key, node)?),
        }
    }
    Ok(section)
}

/// Sets a key of a section and returns its place.
fn set(section: &mut Section, key: &str, node: &Node) -> Result<usize, Error> {
    if key.is_empty() {
        let reason = format!("a key of {} is empty", section.name);
        return Err(Error::syntax("ini", reason));
    }
    let Some(value) = go_text(node) else {
        let reason = format!("{}.{key} holds {}", section.name, node.kind());
        return Err(Error::syntax("ini", reason));
    };
    let value = String::from_utf8_lossy(&value).into_owned();
    if let Some(at) = section.keys.iter().position(|known| known.name == key) {
        section.keys[at].value = value;
        return Ok(at);
    }
    section.keys.push(Entry {
        name: key.to_owned(),
        value,
        comment: String::new(),
    });
    Ok(section.keys.len() - 1)
}

/// Writes keys, padded to the longest.
fn write_keys(out: &mut String, keys: &[Entry]) {
    let width = |key: &Entry| key.name.len() + 2 * key_quote(&key.name).len();
    let widest = keys.iter().map(width).max().unwrap_or_default();
    for key in keys {
        write_comment(out, &key.comment, true);
        let quote = key_quote(&key.name);
        out.push_str(&format!("{quote}{}{quote}", key.name));
        out.extend(std::iter::repeat_n(' ', widest - width(key)));
        let quote = value_quote(&key.value);
        out.push_str(&format!(" = {quote}{}{quote}\n", key.value));
    }
}

/// Writes a comment, every line with a mark.
fn write_comment(out: &mut String, comment: &str, of_key: bool) {
    if comment.is_empty() {
        return;
    }
    for line in comment.split('\n') {
        match line.chars().next() {
            Some(mark @ (';' | '#')) => out.push_str(&format!("{mark} {}", line[1..].trim())),
            _ if of_key => out.push_str(&format!("; {}", line.trim())),
            _ => out.push_str(&format!("; {line}")),
        }
        out.push('\n');
    }
}

fn key_quote(key: &str) -> &'static str {
    if key.contains(['"', '=', ':']) {
        "`"
    } else if key.contains('`') {
        "\"\"\""
    } else {
        ""
    }
}

/// Quotes what would not be read back as it is.
fn value_quote(value: &str) -> &'static str {
    if value.contains(['\n', '`']) {
        "\"\"\""
    } else if value.contains(['#', ';']) {
        "`"
    } else if value.trim() != value {
        "\""
    } else {
        ""
    }
}
