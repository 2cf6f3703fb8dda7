//! YAML: several documents with their comments, written as yaml.v3 does with an indent of four.
//!
//! A comment is an entry of its own in front of what it is about, or behind it where it stood below; one behind a value stands in
//! front of it and is marked as inline. Comments of a map or a list become those of its first entry.

use super::DEPTH;
use super::json::to_value;
use super::{METADATA, take_metadata};
use crate::error::Error;
use crate::metadata::Metadata;
use crate::tree::{Branch, Comment, Key, Node};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fjord_yaml::commented::{self, Comments, Document, Node as Yaml, Value};
use fjord_yaml::{Limits, Scalar, Style, Tag, Typed, v3_string};
use std::collections::HashSet;

const INDENT: u8 = 4;

pub(super) fn read(text: &[u8]) -> Result<(Vec<Branch>, Metadata), Error> {
    let parsed = commented::parse(text, &Limits::default())
        .map_err(|_| Error::syntax("yaml", "it is no YAML, or exceeds a limit"))?;
    let mut documents = Vec::new();
    let mut metadata = None;
    for (index, document) in parsed.iter().enumerate() {
        let reader = Reader { first: index == 0 };
        let mut branch = reader.document(document)?;
        // Only the first document says how the file is encrypted; the others repeat it.
        if index == 0 {
            metadata = take_metadata(&mut branch)?;
        } else {
            branch.retain(|(key, _)| !matches!(key, Key::Text(key) if key == METADATA));
        }
        documents.push(branch);
    }
    match metadata {
        Some(found) => Ok((documents, Metadata::read(&to_value(&found))?)),
        None => Err(Error::NotEncrypted),
    }
}

/// Splits a comment into lines, without their marks.
fn lines(comment: &str, inline: bool) -> impl Iterator<Item = Comment> {
    comment
        .split('\n')
        .filter_map(|line| line.strip_prefix('#'))
        .map(move |text| Comment {
            text: text.to_owned(),
            inline,
        })
}

fn add(branch: &mut Branch, comment: &str, inline: bool) {
    branch.extend(lines(comment, inline).map(|line| (Key::Comment(line), Node::Null)));
}

/// Reads the nodes of a document.
#[derive(Clone, Copy)]
struct Reader {
    /// Parity: SOPS decodes the first document into a Go map, too, and so refuses there what Go does.
    first: bool,
}

impl Reader {
    fn document(self, document: &Document) -> Result<Branch, Error> {
        let mut branch = Branch::new();
        let Document { comments, root } = document;
        add(&mut branch, &comments.head, false);
        add(&mut branch, &comments.line, false);
        add(&mut branch, &root.comments.head, false);
        add(&mut branch, &root.comments.line, false);
        match &root.value {
            Value::Map(entries) => self.entries(entries, &mut branch, 0)?,
            Value::Scalar(scalar) if scalar.is_null() => {
                add(&mut branch, &comments.foot, false);
                return Ok(branch);
            }
            _ => return Err(Error::syntax("yaml", "the top of a document is no map")),
        }
        add(&mut branch, &root.comments.foot, false);
        add(&mut branch, &comments.foot, false);
        Ok(branch)
    }

    fn entries(
        self,
        entries: &[(Yaml, Yaml)],
        branch: &mut Branch,
        depth: usize,
    ) -> Result<(), Error> {
        if self.first {
            let mut seen = HashSet::new();
            let names = entries.iter().filter_map(|(key, _)| name(key));
            if !names.into_iter().all(|name| seen.insert(name)) {
                return Err(Error::syntax("yaml", "a key stands twice in a map"));
            }
        }
        for (key, value) in entries {
            add(branch, &key.comments.head, false);
            add(branch, &key.comments.line, false);
            let of_value = matches!(value.value, Value::Scalar(_) | Value::Alias(_));
            if of_value {
                add(branch, &value.comments.head, false);
                add(branch, &value.comments.line, true);
            }
            let Value::Scalar(scalar) = &key.target().value else {
                return Err(Error::syntax("yaml", "a key is a map or a list"));
            };
            if self.first && scalar.tag == Tag::Merge && !merges(value) {
                return Err(Error::syntax("yaml", "what is merged is no map"));
            }
            let Node::Text(name) = self.leaf(scalar)? else {
                return Err(Error::syntax("yaml", "a key is no text"));
            };
            let node = self.node(value, of_value, depth + 1)?;
            branch.push((Key::Text(name), node));
            if of_value {
                add(branch, &value.comments.foot, false);
            }
            add(branch, &key.comments.foot, false);
        }
        Ok(())
    }

    /// Reads a value; `taken` says whether its own comments were read before.
    fn node(self, yaml: &Yaml, taken: bool, depth: usize) -> Result<Node, Error> {
        if depth > DEPTH {
            return Err(Error::Limit {
                what: "the depth of a document",
                limit: DEPTH,
            });
        }
        let none = Comments::default();
        let comments = if taken { &none } else { &yaml.comments };
        match &yaml.value {
            Value::Scalar(scalar) => self.leaf(scalar),
            Value::Alias(target) => self.node(target, false, depth + 1),
            Value::Map(entries) => {
                let mut branch = Branch::new();
                add(&mut branch, &comments.head, false);
                add(&mut branch, &comments.line, false);
                self.entries(entries, &mut branch, depth)?;
                add(&mut branch, &comments.foot, false);
                Ok(Node::Map(branch))
            }
            Value::Seq(items) => {
                let mut list = Vec::new();
                let add = |list: &mut Vec<Node>, comment: &str, inline| {
                    list.extend(lines(comment, inline).map(Node::Comment));
                };
                add(&mut list, &comments.head, false);
                add(&mut list, &comments.line, false);
                for item in items {
                    add(&mut list, &item.comments.head, false);
                    add(&mut list, &item.comments.line, true);
                    list.push(self.node(item, true, depth + 1)?);
                    add(&mut list, &item.comments.foot, false);
                }
                add(&mut list, &comments.foot, false);
                Ok(Node::List(list))
            }
        }
    }

    fn leaf(self, scalar: &Scalar) -> Result<Node, Error> {
        if scalar.tag == Tag::Str && !scalar.tagged {
            // As it was read; `typed` gives what comes of a text that is written and read once more.
            return Ok(Node::Text(scalar.value.to_string()));
        }
        let node = if scalar.tag == Tag::Binary {
            binary(&scalar.value)
        } else {
            let is_time = scalar.tag == Tag::Timestamp;
            scalar.typed().ok().and_then(|typed| {
                Some(match typed {
                    Typed::Null => Node::Null,
                    Typed::Bool(flag) => Node::Bool(flag),
                    Typed::Int(int) => Node::Int(int),
                    Typed::Uint(_) => return None,
                    Typed::Float(float) => Node::Float(float),
                    Typed::Str(text) if is_time => Node::Time(text.into_owned()),
                    Typed::Str(text) => Node::Text(text.into_owned()),
                })
            })
        };
        match node {
            Some(node) => Ok(node),
            None if scalar.tag == Tag::Int && !scalar.tagged => {
                Err(Error::syntax("yaml", "an integer is too large"))
            }
            None if self.first => Err(Error::syntax("yaml", "a value does not fit its tag")),
            // Parity: elsewhere what does not fit its tag is null.
            None => Ok(Node::Null),
        }
    }
}

/// Returns what tells a key from others: aliases have names of their own.
fn name(key: &Yaml) -> Option<&str> {
    match &key.value {
        Value::Scalar(scalar) => Some(&scalar.value),
        _ => None,
    }
}

/// Says whether a value may stand at the merge key.
fn merges(value: &Yaml) -> bool {
    let is_map = |node: &Yaml| matches!(node.target().value, Value::Map(_));
    match &value.value {
        Value::Seq(items) => items.iter().all(is_map),
        _ => is_map(value),
    }
}

fn binary(text: &str) -> Option<Node> {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = STANDARD.decode(text).ok()?;
    Some(match String::from_utf8(bytes) {
        Ok(text) => Node::Text(text),
        Err(error) => Node::Bytes(error.into_bytes()),
    })
}

pub(super) fn write(documents: &[Branch]) -> Result<Vec<u8>, Error> {
    let documents: Vec<Document> = documents
        .iter()
        .map(|branch| Document {
            comments: Comments::default(),
            root: map(branch),
        })
        .collect();
    Ok(commented::write(&documents, INDENT).into_bytes())
}

/// The comments that were met and wait for what they are about.
#[derive(Default)]
struct Waiting {
    head: Vec<String>,
    inline: Vec<String>,
}

impl Waiting {
    fn add(&mut self, comment: &Comment) {
        let to = if comment.inline {
            &mut self.inline
        } else {
            &mut self.head
        };
        to.push(format!("#{}", comment.text));
    }

    fn take_head(&mut self) -> String {
        std::mem::take(&mut self.head).join("\n")
    }

    fn take_inline(&mut self) -> String {
        std::mem::take(&mut self.inline).join("\n")
    }

    fn rest(mut self) -> String {
        self.head.append(&mut self.inline);
        self.head.join("\n")
    }
}

fn map(branch: &[(Key, Node)]) -> Yaml {
    let mut waiting = Waiting::default();
    let mut comments = Comments::default();
    let mut entries: Vec<(Yaml, Yaml)> = Vec::new();
    for (key, node) in branch {
        match key {
            Key::Comment(comment) => waiting.add(comment),
            Key::Text(key) => {
                let head = waiting.take_head();
                let mut key = Yaml::plain(Value::Scalar(v3_string(key)));
                // Parity: what is above the first entry is above the whole.
                if entries.is_empty() {
                    comments.head = head;
                } else {
                    key.comments.head = head;
                }
                let mut value = to_yaml(node);
                add_line(&mut value, waiting.take_inline());
                entries.push((key, value));
            }
        }
    }
    match entries.last_mut() {
        Some((last, _)) => last.comments.foot = waiting.rest(),
        None => comments.head = waiting.rest(),
    }
    Yaml {
        comments,
        value: Value::Map(entries),
    }
}

fn list(items: &[Node]) -> Yaml {
    let mut waiting = Waiting::default();
    let mut comments = Comments::default();
    let mut written: Vec<Yaml> = Vec::new();
    for item in items {
        if let Node::Comment(comment) = item {
            waiting.add(comment);
            continue;
        }
        let head = waiting.take_head();
        let mut item = to_yaml(item);
        if written.is_empty() {
            comments.head = head;
        } else {
            add_line_above(&mut item, head);
        }
        add_line(&mut item, waiting.take_inline());
        written.push(item);
    }
    match written.last_mut() {
        Some(last) => last.comments.foot = waiting.rest(),
        None => comments.head = waiting.rest(),
    }
    Yaml {
        comments,
        value: Value::Seq(written),
    }
}

/// Puts a comment above those a value has already.
fn add_line_above(node: &mut Yaml, head: String) {
    let head = match (head.is_empty(), node.comments.head.is_empty()) {
        (true, _) => return,
        (_, true) => head,
        (_, false) => head + "\n" + &node.comments.head,
    };
    node.comments.head = head;
}

fn add_line(node: &mut Yaml, line: String) {
    if !line.is_empty() {
        node.comments.line = line;
    }
}

fn to_yaml(node: &Node) -> Yaml {
    let plain = |text: String, tag| Value::Scalar(Scalar::with_tag(text, tag));
    Yaml::plain(match node {
        Node::Null => plain("null".to_owned(), Tag::Null),
        Node::Bool(flag) => plain(flag.to_string(), Tag::Bool),
        Node::Int(int) => plain(int.to_string(), Tag::Int),
        Node::Float(float) => {
            let text = fjord_yaml::format_g(*float);
            let tag = if text.contains(['.', 'e']) {
                Tag::Float
            } else {
                Tag::Int
            };
            plain(text, tag)
        }
        Node::Time(text) => plain(text.clone(), Tag::Timestamp),
        Node::Text(text) => Value::Scalar(v3_string(text)),
        Node::Bytes(bytes) => Value::Scalar(base64_scalar(bytes)),
        // Parity: a comment where a value should be shows what it is made of.
        Node::Comment(comment) => {
            let fields = [
                ("value", Node::Text(comment.text.clone())),
                ("inline", Node::Bool(comment.inline)),
            ];
            return map(&fields.map(|(key, node)| (Key::Text(key.to_owned()), node)));
        }
        Node::List(items) => return list(items),
        Node::Map(branch) => return map(branch),
    })
}

/// Writes what is no text as Go does, in lines of 70.
fn base64_scalar(bytes: &[u8]) -> Scalar {
    const LINE: usize = 70;
    let text = STANDARD.encode(bytes);
    let mut value = String::new();
    for line in text.as_bytes().chunks(LINE) {
        value.extend(line.iter().map(|&byte| char::from(byte)));
        if text.len() >= LINE {
            value.push('\n');
        }
    }
    let style = if value.contains('\n') {
        Style::Literal
    } else {
        Style::Plain
    };
    Scalar {
        style,
        tagged: true,
        ..Scalar::with_tag(value, Tag::Binary)
    }
}
