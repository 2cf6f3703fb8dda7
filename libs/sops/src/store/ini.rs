//! INI files: sections of keys; metadata in the section `sops`.
//!
//! Reads and writes what SOPS does by `gopkg.in/ini.v1` (1.67.3): of a key given twice the last value counts, sections given
//! twice stay two, a value may span lines, and a comment belongs to what follows it or stands before it in its line.

mod read;
mod write;

pub(super) use write::write;

use super::flat::unflatten;
use super::take_metadata;
use crate::error::Error;
use crate::metadata::Metadata;
use crate::tree::{Branch, Key, Node};

/// What keys before the first section belong to.
const DEFAULT: &str = "DEFAULT";

/// A section, or what stands before the first.
#[derive(Default)]
struct Section {
    name: String,
    comment: String,
    keys: Vec<Entry>,
}

/// A key of a section.
#[derive(Default)]
struct Entry {
    name: String,
    value: String,
    comment: String,
}

impl Section {
    /// Sets a key; one that is known keeps its place.
    fn set(&mut self, entry: Entry) {
        match self.keys.iter_mut().find(|key| key.name == entry.name) {
            Some(known) => *known = entry,
            None => self.keys.push(entry),
        }
    }
}

pub(super) fn read(text: &[u8]) -> Result<(Branch, Metadata), Error> {
    let text = std::str::from_utf8(text).map_err(|_| Error::syntax("ini", "it is not UTF-8"))?;
    let mut branch: Branch = read::sections(text)?.into_iter().map(entry).collect();
    let Some(Node::Map(entries)) = take_metadata(&mut branch)? else {
        return Err(Error::NotEncrypted);
    };
    let flat: Vec<(String, String)> = entries
        .into_iter()
        .filter_map(|(key, node)| match (key, node) {
            (Key::Text(key), Node::Text(value)) => Some((key, value)),
            _ => None,
        })
        .collect();
    Ok((branch, Metadata::read(&unflatten(&flat)?)?))
}

/// Makes a section an entry of the tree.
fn entry(section: Section) -> (Key, Node) {
    let mut entries = Branch::new();
    entries.extend(comment(&section.comment));
    for key in section.keys {
        entries.push((Key::Text(key.name), Node::Text(key.value)));
        // Parity: in the tree, the comment of a key stands behind it.
        entries.extend(comment(&key.comment));
    }
    (Key::Text(section.name), Node::Map(entries))
}

/// Makes a comment an entry, without the marks and spaces it begins with; its other lines keep theirs.
fn comment(comment: &str) -> Option<(Key, Node)> {
    let text = match comment.chars().next()? {
        mark @ (';' | '#') => comment.trim_start_matches([mark, ' ']),
        _ => comment,
    };
    Some((Key::Comment(text.to_owned().into()), Node::Null))
}

/// Names the place of an error.
fn wrong(line: usize, what: &str) -> Error {
    Error::syntax("ini", format!("line {line} {what}"))
}
