//! Documents with comments to text, as yaml.v3's emitter writes them.
//!
//! Its comments are pending until the next place that prints their kind, which need not be at the node they came with: one behind
//! a mapping ends up behind a later scalar. Pending comments are kept here as the emitter keeps them.

use super::StyledNode;
use super::analysis::is_break;
use super::writer::{Context, Writer, is_simple};
use crate::commented::{Comments, Document, Node, Value};
use crate::{Scalar, Tag};

/// Writes documents with an indent.
pub(crate) fn text(documents: &[Document], indent: u8) -> String {
    let writer = Writer::new(usize::MAX, true).indenting_sequences(i32::from(indent.clamp(2, 9)));
    let mut emitter = Emitter {
        writer,
        head: String::new(),
        foot: String::new(),
        tail: String::new(),
        key_line: String::new(),
    };
    for (index, document) in documents.iter().enumerate() {
        emitter.document(document, index == 0);
    }
    emitter.writer.finish()
}

struct Emitter {
    /// It holds the pending comment for the end of the line.
    writer: Writer,
    head: String,
    foot: String,
    /// What is below the prior entry of a mapping.
    tail: String,
    /// The comment for the end of a key's line.
    key_line: String,
}

/// Makes a comment pending; one that nobody printed is lost.
fn announce(pending: &mut String, comment: &str) {
    if !comment.is_empty() {
        pending.clear();
        pending.push_str(comment);
    }
}

impl Writer {
    /// Writes the pending comment behind what is in the line.
    pub(super) fn write_line_comment(&mut self, indent: i32) {
        if self.line_comment.is_empty() {
            return;
        }
        if !self.whitespace {
            self.put(' ');
        }
        let comment = std::mem::take(&mut self.line_comment);
        self.write_comment(&comment, indent);
    }

    fn write_comment(&mut self, comment: &str, indent: i32) {
        let (mut breaks, mut marked) = (false, false);
        for c in comment.chars() {
            if is_break(c) {
                self.write_break(c);
                self.indention = true;
                (breaks, marked) = (true, false);
                continue;
            }
            if breaks {
                self.write_indent(indent);
            }
            if !marked && c != '#' {
                self.put('#');
                self.put(' ');
            }
            marked = true;
            self.put(c);
            self.indention = false;
            breaks = false;
        }
        if !breaks {
            self.put_break();
        }
        self.whitespace = true;
        self.indention = true;
    }
}

impl Emitter {
    fn write_head(&mut self, indent: i32) {
        if !self.tail.is_empty() {
            let tail = std::mem::take(&mut self.tail);
            self.writer.write_indent(indent);
            self.writer.write_comment(&tail, indent);
            self.writer.foot_indent = indent.max(0);
        }
        if !self.head.is_empty() {
            let head = std::mem::take(&mut self.head);
            self.writer.write_indent(indent);
            self.writer.write_comment(&head, indent);
        }
    }

    fn write_line_and_foot(&mut self, indent: i32) {
        self.writer.write_line_comment(indent);
        self.write_foot(indent);
    }

    fn write_foot(&mut self, indent: i32) {
        if !self.foot.is_empty() {
            let foot = std::mem::take(&mut self.foot);
            self.writer.write_indent(indent);
            self.writer.write_comment(&foot, indent);
            self.writer.foot_indent = indent.max(0);
        }
    }

    fn document(&mut self, document: &Document, first: bool) {
        announce(&mut self.head, &document.comments.head);
        if !first {
            self.writer.write_indent(-1);
            self.writer.indicator("---", true, false, false);
            self.writer.write_indent(-1);
        }
        if !self.head.is_empty() {
            self.write_head(-1);
            self.writer.put_break();
        }
        self.begin(&document.root);
        self.write_head(-1);
        self.node(&document.root, Context::ROOT);
        announce(&mut self.foot, &document.comments.foot);
        // What is below a document keeps away from it.
        self.writer.foot_indent = 0;
        self.write_foot(-1);
        self.writer.foot_indent = -1;
        self.writer.write_indent(-1);
    }

    /// Makes the comments pending that come with the beginning of a node.
    fn begin(&mut self, node: &Node) {
        let node = match &node.value {
            Value::Alias(target) => target.target(),
            _ => node,
        };
        announce(&mut self.head, &node.comments.head);
        if matches!(node.value, Value::Scalar(_)) {
            self.end(&node.comments);
        }
    }

    /// Makes the comments pending that come with the end of a node.
    fn end(&mut self, comments: &Comments) {
        announce(&mut self.writer.line_comment, &comments.line);
        announce(&mut self.foot, &comments.foot);
    }

    /// Writes a node whose beginning was announced.
    fn node(&mut self, node: &Node, at: Context) {
        let node = node.target();
        if let Value::Scalar(scalar) = &node.value {
            self.scalar(scalar, at);
        }
        self.write_line_and_foot(at.indent);
        match &node.value {
            Value::Seq(items) if items.is_empty() => {
                self.writer.indicator("[", true, true, false);
                self.end(&node.comments);
                if self.writer.column == 0 {
                    self.writer.write_indent(at.indent);
                }
                self.writer.indicator("]", false, false, false);
                self.write_line_and_foot(at.indent);
            }
            Value::Map(entries) if entries.is_empty() => {
                self.writer.indicator("{", true, true, false);
                self.end(&node.comments);
                let inside = match at.indent {
                    ..0 => self.writer.deeper(Context { indent: 0, ..at }, false),
                    _ => self.writer.deeper(at, false),
                };
                self.write_head(inside);
                self.writer.indicator("}", false, false, false);
                self.write_line_and_foot(at.indent);
            }
            Value::Seq(items) => {
                let indent = self.writer.deeper(at, false);
                let inside = Context {
                    indent,
                    sequence: true,
                    ..Context::ROOT
                };
                for item in items {
                    self.begin(item);
                    self.write_head(indent);
                    self.writer.write_indent(indent);
                    self.writer.indicator("-", true, false, true);
                    self.node(item, inside);
                }
                self.end(&node.comments);
            }
            Value::Map(entries) => self.block_map(entries, &node.comments, at),
            Value::Scalar(_) | Value::Alias(_) => {}
        }
    }

    fn block_map(&mut self, entries: &[(Node, Node)], comments: &Comments, at: Context) {
        let indent = self.writer.deeper(at, false);
        let inside = Context {
            indent,
            mapping: true,
            ..Context::ROOT
        };
        let mut below = "";
        for (key, value) in entries {
            let of_key = &key.comments;
            announce(&mut self.head, &of_key.head);
            announce(&mut self.writer.line_comment, &of_key.line);
            announce(&mut self.tail, below);
            below = &of_key.foot;
            self.write_head(indent);
            self.writer.write_indent(indent);
            if !self.writer.line_comment.is_empty() {
                self.key_line = std::mem::take(&mut self.writer.line_comment);
            }
            self.key(key, inside);
            self.begin(value);
            self.write_key_line(value, indent);
            self.node(value, inside);
        }
        announce(&mut self.tail, below);
        self.end(comments);
        self.write_head(indent);
    }

    fn key(&mut self, key: &Node, inside: Context) {
        let Value::Scalar(scalar) = &key.target().value else {
            return;
        };
        if is_simple(&scalar.value) {
            let simple = Context {
                simple_key: true,
                ..inside
            };
            self.scalar(scalar, simple);
            self.writer.indicator(":", false, false, false);
        } else {
            self.writer.indicator("?", true, false, true);
            self.scalar(scalar, inside);
            self.writer.write_indent(inside.indent);
            self.writer.indicator(":", true, false, true);
        }
    }

    /// Writes the comment of a key's line where a block follows; before a scalar it waits for that one's end.
    fn write_key_line(&mut self, value: &Node, indent: i32) {
        if self.key_line.is_empty() {
            return;
        }
        match value.target().value {
            Value::Scalar(_) => {
                if self.writer.line_comment.is_empty() {
                    self.writer.line_comment = std::mem::take(&mut self.key_line);
                }
            }
            _ => {
                std::mem::swap(&mut self.writer.line_comment, &mut self.key_line);
                self.writer.write_line_comment(indent);
                std::mem::swap(&mut self.writer.line_comment, &mut self.key_line);
            }
        }
    }

    fn scalar(&mut self, scalar: &Scalar, at: Context) {
        if scalar.tag == Tag::Binary && scalar.tagged {
            if !self.writer.whitespace {
                self.writer.put(' ');
            }
            for c in "!!binary".chars() {
                self.writer.put(c);
            }
            self.writer.whitespace = false;
            self.writer.indention = false;
            self.writer.scalar(&scalar.value, scalar.style, at);
            return;
        }
        let (text, style) = StyledNode::scalar(scalar);
        self.writer.scalar(&text, style, at);
    }
}
