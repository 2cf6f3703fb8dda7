//! Files to trees and back, one module a format.

mod binary;
mod dotenv;
mod flat;
mod ini;
mod json;
mod yaml;

use crate::error::Error;
use crate::format::Format;
use crate::metadata::Metadata;
use crate::tree::{Branch, Key, Node};

/// The key that metadata stand at.
const METADATA: &str = "sops";

/// How deep documents may nest.
pub(crate) const DEPTH: usize = 128;

/// Reads a file: its documents without the metadata, and those.
pub(crate) fn read(text: &[u8], format: Format) -> Result<(Vec<Branch>, Metadata), Error> {
    match format {
        Format::Yaml => yaml::read(text),
        Format::Json => json::read(text).map(|(branch, metadata)| (vec![branch], metadata)),
        Format::Dotenv => dotenv::read(text).map(|(branch, metadata)| (vec![branch], metadata)),
        Format::Ini => ini::read(text).map(|(branch, metadata)| (vec![branch], metadata)),
        Format::Binary => json::read(text).map(|(branch, metadata)| (vec![branch], metadata)),
    }
}

/// Writes decrypted documents.
pub(crate) fn write(documents: &[Branch], format: Format) -> Result<Vec<u8>, Error> {
    let first = || documents.first().map(Vec::as_slice).unwrap_or_default();
    match format {
        Format::Yaml => yaml::write(documents),
        Format::Json => json::write(first()),
        Format::Dotenv => dotenv::write(first()),
        Format::Ini => ini::write(first()),
        Format::Binary => binary::write(first()),
    }
}

/// Takes the metadata out of a document; none if there are none.
fn take_metadata(branch: &mut Branch) -> Result<Option<Node>, Error> {
    let mut found = Vec::new();
    branch.retain_mut(|(key, node)| {
        let is_metadata = matches!(key, Key::Text(key) if key == METADATA);
        if is_metadata {
            found.push(std::mem::replace(node, Node::Null));
        }
        !is_metadata
    });
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => Err(Error::Metadata(format!(
            "{METADATA} is given more than once"
        ))),
    }
}

/// Writes a value as Go does where a format has texts only; none for collections.
fn go_text(node: &Node) -> Option<Vec<u8>> {
    Some(match node {
        Node::Null => b"<nil>".to_vec(),
        Node::Bool(flag) => flag.to_string().into_bytes(),
        Node::Float(float) => {
            let text = fjord_yaml::format_g(*float).to_uppercase();
            if text.contains(['.', 'E']) {
                text.into_bytes()
            } else {
                format!("{float:.1}").into_bytes()
            }
        }
        Node::Comment(comment) => format!("{{{} {}}}", comment.text, comment.inline).into_bytes(),
        node => return node.bytes(),
    })
}
