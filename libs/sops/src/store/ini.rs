//! INI files: sections of keys; metadata in the section `sops`.

use super::flat::unflatten;
use super::go_text;
use crate::error::Error;
use crate::metadata::Metadata;
use crate::tree::{Branch, Key, Node};

const METADATA: &str = "sops";

pub(super) fn read(text: &[u8]) -> Result<(Branch, Metadata), Error> {
    let text = std::str::from_utf8(text).map_err(|_| Error::syntax("ini", "it is not UTF-8"))?;
    // Parity: keys before the first section belong to one that is called so.
    let mut branch: Branch = vec![(Key::Text("DEFAULT".to_owned()), Node::Map(Vec::new()))];
    let mut comment = String::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if line.starts_with([';', '#']) {
            add_comment(&mut comment, line);
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            let entries = take(&mut comment).into_iter().collect();
            branch.push((Key::Text(name.trim().to_owned()), Node::Map(entries)));
            continue;
        }
        let Some((key, value)) = line.split_once(['=', ':']) else {
            let reason = format!("line {} is no key = value", index + 1);
            return Err(Error::syntax("ini", reason));
        };
        let mut value = value.trim();
        if !value.starts_with(['`', '"', '\''])
            && let Some(at) = value.find(['#', ';'])
        {
            add_comment(&mut comment, &value[at..]);
            value = value[..at].trim();
        }
        if let Some((_, Node::Map(entries))) = branch.last_mut() {
            let value = Node::Text(unquoted(value));
            let key = Key::Text(unquoted(key.trim()));
            match entries.iter_mut().find(|(known, _)| *known == key) {
                // Parity: of a key that is given twice the last value counts, at the place of the first.
                Some((_, known)) => *known = value,
                None => entries.push((key, value)),
            }
            // Parity: in the tree, the comment of a key stands behind it.
            entries.extend(take(&mut comment));
        }
    }
    let metadata = branch
        .iter()
        .find(|(key, _)| *key == Key::Text(METADATA.to_owned()));
    let Some((_, Node::Map(entries))) = metadata else {
        return Err(Error::NotEncrypted);
    };
    let flat: Vec<(String, String)> = entries
        .iter()
        .filter_map(|(key, node)| match (key, node) {
            (Key::Text(key), Node::Text(value)) => Some((key.clone(), value.clone())),
            _ => None,
        })
        .collect();
    let metadata = Metadata::read(&unflatten(&flat)?)?;
    branch.retain(|(key, node)| {
        let is_empty_default = *key == Key::Text("DEFAULT".to_owned())
            && matches!(node, Node::Map(entries) if entries.is_empty());
        *key != Key::Text(METADATA.to_owned()) && !is_empty_default
    });
    Ok((branch, metadata))
}

/// Adds a line to the comment of what comes next.
fn add_comment(comment: &mut String, line: &str) {
    if !comment.is_empty() {
        comment.push('\n');
    }
    comment.push_str(line);
}

/// Takes the comment, of which the first mark is not a part.
fn take(comment: &mut String) -> Option<(Key, Node)> {
    let comment = std::mem::take(comment);
    let text = comment.trim_start_matches([';', '#']).trim();
    (!comment.is_empty()).then(|| (Key::Comment(text.to_owned().into()), Node::Null))
}

/// Writes a comment, every line with a mark.
fn write_comment(out: &mut String, comment: &str) {
    for line in comment.lines() {
        if !line.starts_with([';', '#']) {
            out.push_str("; ");
        }
        out.push_str(line);
        out.push('\n');
    }
}

/// Takes the quotes off a value that needs them.
fn unquoted(text: &str) -> String {
    for quote in ["`", "\"\"\"", "\"", "'"] {
        let inner = text
            .strip_prefix(quote)
            .and_then(|text| text.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner.to_owned();
        }
    }
    text.to_owned()
}

pub(super) fn write(branch: &[(Key, Node)]) -> Result<Vec<u8>, Error> {
    let mut out = String::new();
    for (section, node) in branch {
        let (section, mut entries) = match (section, node) {
            (Key::Comment(_), _) => continue,
            (Key::Text(section), Node::Map(entries)) => (section, entries.as_slice()),
            (Key::Text(section), _) => {
                let reason =
                    format!("{section} stands outside of a section; use another output type");
                return Err(Error::syntax("ini", reason));
            }
        };
        if !out.is_empty() {
            out.push('\n');
        }
        // What comes before the first key is the comment of the section.
        while let Some(((Key::Comment(comment), _), rest)) = entries.split_first() {
            write_comment(&mut out, &comment.text);
            entries = rest;
        }
        if section != "DEFAULT" {
            out.push_str(&format!("[{section}]\n"));
        }
        write_entries(&mut out, section, entries)?;
    }
    Ok(out.into_bytes())
}

/// Writes the keys of a section, padded to the longest.
fn write_entries(out: &mut String, section: &str, entries: &[(Key, Node)]) -> Result<(), Error> {
    let width = entries
        .iter()
        .filter_map(|(key, _)| match key {
            Key::Text(key) => Some(quoted_key(key).chars().count()),
            Key::Comment(_) => None,
        })
        .max()
        .unwrap_or(0);
    for (index, (key, node)) in entries.iter().enumerate() {
        let Key::Text(key) = key else {
            continue;
        };
        if let Some((Key::Comment(comment), _)) = entries.get(index + 1) {
            write_comment(out, &comment.text);
        }
        let Some(value) = go_text(node) else {
            let reason = format!("{section}.{key} holds {}", node.kind());
            return Err(Error::syntax("ini", reason));
        };
        let value = String::from_utf8_lossy(&value);
        let key = quoted_key(key);
        out.push_str(&format!("{key:<width$} = {}\n", quoted(&value)));
    }
    Ok(())
}

fn quoted_key(key: &str) -> String {
    if key.contains(['"', '=', ':']) {
        format!("`{key}`")
    } else {
        key.to_owned()
    }
}

/// Quotes what would not be read back as it is.
fn quoted(value: &str) -> String {
    if value.contains('\n') {
        format!("\"\"\"{value}\"\"\"")
    } else if value.contains(['#', ';']) || value.trim() != value {
        format!("`{value}`")
    } else {
        value.to_owned()
    }
}
