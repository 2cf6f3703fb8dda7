//! Dotenv files: `KEY=value` lines, comments, metadata as `sops_...` keys.

use super::flat::unflatten;
use super::go_text;
use crate::error::Error;
use crate::metadata::Metadata;
use crate::tree::{Branch, Key, Node};

const PREFIX: &str = "sops_";

pub(super) fn read(text: &[u8]) -> Result<(Branch, Metadata), Error> {
    let text = std::str::from_utf8(text).map_err(|_| Error::syntax("dotenv", "it is not UTF-8"))?;
    let mut branch = Branch::new();
    let mut flat = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            branch.push((Key::Comment(comment.to_owned().into()), Node::Null));
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            let reason = format!("line {} is no KEY=value", index + 1);
            return Err(Error::syntax("dotenv", reason));
        };
        match key.strip_prefix(PREFIX) {
            Some(key) => flat.push((key.to_owned(), value.to_owned())),
            None => {
                // A value that was written decrypted keeps line feeds as two characters.
                let value = value.replace("\\n", "\n");
                branch.push((Key::Text(key.to_owned()), Node::Text(value)));
            }
        }
    }
    if flat.is_empty() {
        return Err(Error::NotEncrypted);
    }
    Ok((branch, Metadata::read(&unflatten(&flat)?)?))
}

pub(super) fn write(branch: &[(Key, Node)]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for (key, node) in branch {
        match key {
            Key::Comment(comment) => {
                out.push(b'#');
                out.extend_from_slice(comment.text.as_bytes());
            }
            Key::Text(key) => {
                let Some(value) = go_text(node) else {
                    let reason = format!("{key} holds {}; use another output type", node.kind());
                    return Err(Error::syntax("dotenv", reason));
                };
                out.extend_from_slice(key.as_bytes());
                out.push(b'=');
                for byte in value {
                    if byte == b'\n' {
                        out.extend_from_slice(b"\\n");
                    } else {
                        out.push(byte);
                    }
                }
            }
        }
        out.push(b'\n');
    }
    Ok(out)
}
