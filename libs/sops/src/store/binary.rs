//! Binary files: JSON with the whole file under `data`.

use crate::error::Error;
use crate::tree::{Key, Node};

pub(super) fn write(branch: &[(Key, Node)]) -> Result<Vec<u8>, Error> {
    for (key, node) in branch {
        if *key == Key::Text("data".to_owned()) {
            return match node {
                Node::Text(text) => Ok(text.clone().into_bytes()),
                Node::Bytes(bytes) => Ok(bytes.clone()),
                other => Err(Error::syntax("binary", format!("data is {}", other.kind()))),
            };
        }
    }
    Err(Error::syntax(
        "binary",
        "no binary data found in the document",
    ))
}
