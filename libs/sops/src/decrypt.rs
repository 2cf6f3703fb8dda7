//! The story of a decryption: read, find the metadata, open the data key, decrypt every value, check the whole.

use crate::cipher::{self, DataKey};
use crate::error::Error;
use crate::format::Format;
use crate::keys::{KeyService, open_data_key};
use crate::metadata::Metadata;
use crate::store;
use crate::tree::{Branch, Key, Node, erase};
use sha2::{Digest as _, Sha256, Sha512};
use subtle::ConstantTimeEq as _;

/// The most bytes of an encrypted file; what Kubernetes stores is far smaller.
pub const MAX_BYTES: usize = 16 << 20;

/// What becomes of the checksum over all values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mac {
    /// A wrong one is an error.
    Verify,
    /// It is not looked at: the document was changed on purpose since (as kustomize does).
    Skip,
}

/// A decrypted file; its values are overwritten when it is dropped, and never printed.
pub struct Decrypted {
    documents: Vec<Branch>,
}

impl Decrypted {
    /// Returns the documents.
    pub fn documents(&self) -> &[Branch] {
        &self.documents
    }

    /// Writes the documents in a format, as `sops decrypt --output-type` does.
    ///
    /// # Errors
    /// The format cannot hold them.
    pub fn write(&self, format: Format) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
        store::write(&self.documents, format).map(zeroize::Zeroizing::new)
    }
}

impl Drop for Decrypted {
    fn drop(&mut self) {
        self.documents.iter_mut().for_each(erase);
    }
}

impl std::fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} decrypted documents", self.documents.len())
    }
}

/// Decrypts a file that SOPS encrypted.
///
/// # Errors
/// See [`Error`]; none of them holds a value.
pub fn decrypt(
    text: &[u8],
    format: Format,
    keys: &dyn KeyService,
    mac: Mac,
) -> Result<Decrypted, Error> {
    if text.len() > MAX_BYTES {
        return Err(Error::Limit {
            what: "the file",
            limit: MAX_BYTES,
        });
    }
    let (documents, metadata) = store::read(text, format)?;
    let mut decrypted = Decrypted { documents };
    let key = open_data_key(&metadata, keys)?;
    let mut walk = Walk::new(&metadata, &key);
    for document in &mut decrypted.documents {
        let mut path = Vec::new();
        walk.branch(document, &mut path, false)?;
    }
    if mac == Mac::Verify {
        walk.verify(&metadata, &key)?;
    }
    Ok(decrypted)
}

struct Walk<'a> {
    metadata: &'a Metadata,
    key: &'a DataKey,
    hash: Sha512,
}

impl<'a> Walk<'a> {
    fn new(metadata: &'a Metadata, key: &'a DataKey) -> Self {
        let mut hash = Sha512::new();
        if metadata.mac_only_encrypted {
            // A checksum over less must never pass for one over everything.
            hash.update(Sha256::digest(b"sops"));
        }
        Self {
            metadata,
            key,
            hash,
        }
    }

    /// Walks a map; `marked` says whether a comment above it decides about what it holds.
    fn branch(
        &mut self,
        branch: &mut Branch,
        path: &mut Vec<String>,
        marked: bool,
    ) -> Result<(), Error> {
        let mut marks = false;
        for (key, node) in branch {
            match key {
                Key::Comment(comment) => {
                    match self.comment(&comment.text, path, marked, &mut marks) {
                        None => {}
                        Some(Node::Comment(plain)) => *comment = plain,
                        Some(Node::Text(plain)) => comment.text = plain,
                        Some(_) => {
                            return Err(Error::Value {
                                path: path.join("."),
                                reason: "a comment holds a value that is no text",
                            });
                        }
                    }
                }
                Key::Text(name) => {
                    path.push(name.clone());
                    self.node(node, path, marked || marks)?;
                    path.pop();
                    marks = false;
                }
            }
        }
        Ok(())
    }

    fn list(
        &mut self,
        items: &mut [Node],
        path: &mut Vec<String>,
        marked: bool,
    ) -> Result<(), Error> {
        let mut marks = false;
        for item in items {
            if let Node::Comment(comment) = item {
                if let Some(plain) = self.comment(&comment.text, path, marked, &mut marks) {
                    *item = plain;
                }
            } else {
                // Parity: SOPS makes encrypted comments of a list its items, and takes them for values here. They enter the
                // checksum, so that such a file never verifies.
                self.node(item, path, marked || marks)?;
                marks = false;
            }
        }
        Ok(())
    }

    fn node(&mut self, node: &mut Node, path: &mut Vec<String>, marked: bool) -> Result<(), Error> {
        match node {
            Node::Map(branch) => self.branch(branch, path, marked),
            Node::List(items) => self.list(items, path, marked),
            Node::Null | Node::Comment(_) => Ok(()),
            leaf => self.leaf(leaf, path, marked),
        }
    }

    fn leaf(&mut self, leaf: &mut Node, path: &[String], marked: bool) -> Result<(), Error> {
        let encrypted = self.metadata.rule.encrypts(path, marked);
        if encrypted {
            let fault = |reason| Error::Value {
                path: path.join("."),
                reason,
            };
            let Node::Text(text) = leaf else {
                return Err(fault("it should be encrypted and is no text"));
            };
            *leaf = cipher::decrypt(text, self.key, &additional(path)).map_err(fault)?;
        }
        if (encrypted || !self.metadata.mac_only_encrypted)
            && let Some(bytes) = leaf.bytes().map(zeroize::Zeroizing::new)
        {
            self.hash.update(&*bytes);
        }
        Ok(())
    }

    /// Decrypts a comment, which may decide about what follows; one that does not decrypt was not encrypted, and stays.
    fn comment(
        &self,
        comment: &str,
        path: &[String],
        marked: bool,
        marks: &mut bool,
    ) -> Option<Node> {
        let rule = &self.metadata.rule;
        let before = marked || *marks;
        *marks |= rule.marks(comment);
        let by = before || *marks && rule.marks_itself();
        if !rule.encrypts(path, by) {
            return None;
        }
        cipher::decrypt(comment, self.key, &additional(path)).ok()
    }

    fn verify(self, metadata: &Metadata, key: &DataKey) -> Result<(), Error> {
        let sum = self.hash.finalize();
        let computed: String = sum.iter().map(|byte| format!("{byte:02X}")).collect();
        let stored = cipher::decrypt(&metadata.mac, key, &metadata.last_modified);
        match stored {
            Ok(Node::Text(stored)) if bool::from(stored.as_bytes().ct_eq(computed.as_bytes())) => {
                Ok(())
            }
            _ => Err(Error::Mac),
        }
    }
}

/// Returns what a value's encryption is bound to: the keys that lead to it.
fn additional(path: &[String]) -> String {
    path.join(":") + ":"
}
