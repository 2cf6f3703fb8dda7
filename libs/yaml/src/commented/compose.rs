//! Tokens to documents: which comments each node takes along.

use super::scan::{Token, Tokens};
use super::{Comments, Document, Node, Value};
use crate::caught::caught;
use crate::parse::{Ending, feed, scalar};
use crate::{Error, Limits};
use compact_str::CompactString;
use libyaml_safer::{ScalarStyle, TokenData};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Collections nested in one another, whatever the caller's limit: each takes its part of the stack.
const DEPTH: usize = 160;
const TAG_PREFIX: &str = "tag:yaml.org,2002:";

pub(super) fn documents(text: &[u8], limits: &Limits) -> Result<Vec<Document>, Error> {
    if text.len() > limits.bytes {
        return Err(Error::Limit(format!(
            "document is larger than {} bytes",
            limits.bytes
        )));
    }
    let text = as_utf8(text)?;
    let (fed, ending) = feed(&text);
    // As in `parse`: the scanner asserts on some hostile input.
    caught(|| {
        let mut input = &*fed;
        let length = text.len().min(fed.len());
        Composer {
            tokens: Tokens::new(&fed[..length], &mut input),
            limits,
            ending,
            head: String::new(),
            line: String::new(),
            foot: String::new(),
            stem: None,
            handles: HashMap::new(),
            anchors: HashMap::new(),
            open: HashSet::new(),
            nodes: 0,
        }
        .documents()
    })
}

/// Takes a byte order mark off, so that places in the text are the scanner's.
fn as_utf8(text: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    let order: fn([u8; 2]) -> u16 = match text {
        [0xEF, 0xBB, 0xBF, rest @ ..] => return Ok(Cow::Borrowed(rest)),
        [0xFF, 0xFE, ..] => u16::from_le_bytes,
        [0xFE, 0xFF, ..] => u16::from_be_bytes,
        _ => return Ok(Cow::Borrowed(text)),
    };
    let units = text[2..].chunks(2).map(|pair| match *pair {
        [a, b] => order([a, b]),
        _ => 0xD800,
    });
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.map(|text| Cow::Owned(text.into_bytes()))
        .map_err(|_| Error::syntax("invalid UTF-16"))
}

/// What a token is, where its contents do not matter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    StreamStart,
    StreamEnd,
    Directive,
    DocumentStart,
    DocumentEnd,
    BlockSequence,
    BlockMapping,
    BlockEnd,
    FlowSequence,
    FlowSequenceEnd,
    FlowMapping,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias,
    Anchor,
    Tag,
    Scalar,
}

fn kind(token: &TokenData) -> Kind {
    match token {
        TokenData::StreamStart { .. } => Kind::StreamStart,
        TokenData::StreamEnd => Kind::StreamEnd,
        TokenData::VersionDirective { .. } | TokenData::TagDirective { .. } => Kind::Directive,
        TokenData::DocumentStart => Kind::DocumentStart,
        TokenData::DocumentEnd => Kind::DocumentEnd,
        TokenData::BlockSequenceStart => Kind::BlockSequence,
        TokenData::BlockMappingStart => Kind::BlockMapping,
        TokenData::BlockEnd => Kind::BlockEnd,
        TokenData::FlowSequenceStart => Kind::FlowSequence,
        TokenData::FlowSequenceEnd => Kind::FlowSequenceEnd,
        TokenData::FlowMappingStart => Kind::FlowMapping,
        TokenData::FlowMappingEnd => Kind::FlowMappingEnd,
        TokenData::BlockEntry => Kind::BlockEntry,
        TokenData::FlowEntry => Kind::FlowEntry,
        TokenData::Key => Kind::Key,
        TokenData::Value => Kind::Value,
        TokenData::Alias { .. } => Kind::Alias,
        TokenData::Anchor { .. } => Kind::Anchor,
        TokenData::Tag { .. } => Kind::Tag,
        TokenData::Scalar { .. } => Kind::Scalar,
    }
}

struct Composer<'r, 't, 'l> {
    tokens: Tokens<'r, 't>,
    limits: &'l Limits,
    ending: Option<Ending>,
    /// The comments that the next node which asks takes.
    head: String,
    line: String,
    foot: String,
    /// The comment above a dash, for the collection behind it.
    stem: Option<String>,
    handles: HashMap<String, String>,
    /// Parity: yaml.v3 keeps anchors from one document to the next.
    anchors: HashMap<String, (Node, usize)>,
    open: HashSet<String>,
    nodes: usize,
}

fn join(comment: &mut String, more: &str) {
    if more.is_empty() {
        return;
    }
    if !comment.is_empty() {
        comment.push('\n');
    }
    comment.push_str(more);
}

impl Composer<'_, '_, '_> {
    fn documents(mut self) -> Result<Vec<Document>, Error> {
        if self.peek()? != Kind::StreamStart {
            return Err(self.unexpected("did not find expected <stream-start>"));
        }
        self.skip()?;
        let mut documents = Vec::new();
        while let Some(document) = self.document(documents.is_empty())? {
            documents.push(document);
        }
        Ok(documents)
    }

    /// Looks at the next token; comments that waited for it are at hand from then on.
    fn peek(&mut self) -> Result<Kind, Error> {
        let token = self.tokens.peek()?;
        let (kind, place) = (kind(&token.data), token.start.index);
        while let Some(comment) = self.tokens.comments.front()
            && place >= comment.taken_from
        {
            // The end of a block has nothing below that the comment could be above.
            if !comment.head.is_empty() && kind == Kind::BlockEnd {
                break;
            }
            join(&mut self.head, &comment.head);
            join(&mut self.foot, &comment.foot);
            join(&mut self.line, &comment.line);
            self.tokens.comments.pop_front();
        }
        Ok(kind)
    }

    fn skip(&mut self) -> Result<Token, Error> {
        self.tokens.take()
    }

    fn next(&mut self) -> Result<Kind, Error> {
        self.skip()?;
        self.peek()
    }

    fn take_comments(&mut self) -> Comments {
        self.stem = None;
        Comments {
            head: std::mem::take(&mut self.head),
            line: std::mem::take(&mut self.line),
            foot: std::mem::take(&mut self.foot),
        }
    }

    fn unexpected(&mut self, message: &str) -> Error {
        let line = self.tokens.peek().map_or(0, |token| token.start.line + 1);
        Error::Syntax {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            message: message.to_owned(),
        }
    }

    fn document(&mut self, first: bool) -> Result<Option<Document>, Error> {
        let mut next = self.peek()?;
        while !first && next == Kind::DocumentEnd {
            next = self.next()?;
        }
        let mut comments = Comments::default();
        self.handles.clear();
        let root = match next {
            Kind::StreamEnd => return Ok(None),
            Kind::Directive | Kind::DocumentStart => {
                self.directives()?;
                self.explicit()?
            }
            _ if !first => {
                return Err(self.unexpected("did not find expected <document start>"));
            }
            _ => {
                // What an empty line separates from the first value is above the whole document.
                let split = self.head.rfind('\n').and_then(|at| {
                    let last = at + 1 == self.head.len();
                    let blank = self.head.rfind("\n\n");
                    if last {
                        (at > 0).then_some((at, at + 1))
                    } else {
                        blank.map(|at| (at, at + 2))
                    }
                });
                if let Some((end, start)) = split {
                    comments.head = self.head[..end].to_owned();
                    self.head.drain(..start);
                }
                self.node(true, false, 0)?
            }
        };
        if self.peek()? == Kind::DocumentEnd {
            self.skip()?;
        }
        let below = self.take_comments();
        comments.foot = if below.foot.is_empty() {
            below.head
        } else {
            below.foot
        };
        Ok(Some(Document { comments, root }))
    }

    fn explicit(&mut self) -> Result<Node, Error> {
        if self.peek()? != Kind::DocumentStart {
            return Err(self.unexpected("did not find expected <document start>"));
        }
        match self.next()? {
            Kind::Directive | Kind::DocumentStart | Kind::DocumentEnd | Kind::StreamEnd => {
                Ok(self.empty())
            }
            _ => self.node(true, false, 0),
        }
    }

    fn directives(&mut self) -> Result<(), Error> {
        let mut versioned = false;
        while self.peek()? == Kind::Directive {
            match self.skip()?.data {
                TokenData::VersionDirective { major, minor } => {
                    if std::mem::replace(&mut versioned, true) {
                        return Err(self.unexpected("found duplicate %YAML directive"));
                    }
                    if (major, minor) != (1, 1) {
                        return Err(self.unexpected("found incompatible YAML document"));
                    }
                }
                TokenData::TagDirective { handle, prefix } => {
                    let double = self.handles.insert(handle, prefix);
                    if double.is_some() {
                        return Err(self.unexpected("found duplicate %TAG directive"));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn count(&mut self, more: usize) -> Result<(), Error> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > self.limits.nodes {
            return Err(Error::Limit(format!(
                "document has more than {} nodes",
                self.limits.nodes
            )));
        }
        Ok(())
    }

    /// Makes the value where there is none; it takes no comments.
    fn empty(&mut self) -> Node {
        self.nodes = self.nodes.saturating_add(1);
        let empty = scalar(None, CompactString::default(), ScalarStyle::Plain, 0);
        Node::plain(Value::Scalar(empty))
    }

    fn node(&mut self, block: bool, indentless: bool, depth: usize) -> Result<Node, Error> {
        let limit = self.limits.depth.min(DEPTH);
        if depth > limit {
            return Err(Error::Limit(format!("exceeded max depth of {limit}")));
        }
        let before = self.nodes;
        self.count(1)?;
        let mut next = self.peek()?;
        if next == Kind::Alias {
            return self.alias();
        }
        let (mut anchor, mut tag) = (None, None);
        loop {
            match next {
                Kind::Anchor if anchor.is_none() => {
                    if let TokenData::Anchor { value } = self.skip()?.data {
                        self.open.insert(value.clone());
                        anchor = Some(value);
                    }
                }
                Kind::Tag if tag.is_none() => {
                    if let TokenData::Tag { handle, suffix } = self.skip()?.data {
                        tag = Some(self.tag(handle, suffix)?);
                    }
                }
                _ => break,
            }
            next = self.peek()?;
        }
        let node = match next {
            Kind::BlockEntry if indentless => {
                let items = self.indentless(depth)?;
                Node::plain(Value::Seq(items))
            }
            Kind::Scalar => self.scalar(tag)?,
            Kind::FlowSequence => self.flow_sequence(depth)?,
            Kind::FlowMapping => self.flow_mapping(depth)?,
            Kind::BlockSequence if block => {
                let head = self.stem.take().unwrap_or_default();
                let items = self.block_sequence(depth)?;
                let mut node = Node::plain(Value::Seq(items));
                node.comments.head = head;
                node
            }
            Kind::BlockMapping if block => {
                let head = self.stem.take().unwrap_or_default();
                let mut node = self.block_mapping(depth)?;
                node.comments.head = head;
                node
            }
            _ if anchor.is_some() || tag.is_some() => {
                let empty = scalar(tag, CompactString::default(), ScalarStyle::Plain, 0);
                Node::plain(Value::Scalar(empty))
            }
            _ => return Err(self.unexpected("did not find expected node content")),
        };
        if let Some(anchor) = anchor {
            self.open.remove(&anchor);
            let size = self.nodes - before;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn tag(&mut self, handle: String, suffix: String) -> Result<String, Error> {
        let prefix = match handle.as_str() {
            "" => "",
            handle => match (self.handles.get(handle), handle) {
                (Some(prefix), _) => prefix,
                (None, "!") => "!",
                (None, "!!") => TAG_PREFIX,
                _ => return Err(self.unexpected("found undefined tag handle")),
            },
        };
        Ok(format!("{prefix}{suffix}"))
    }

    fn alias(&mut self) -> Result<Node, Error> {
        let comments = self.take_comments();
        let token = self.skip()?;
        let TokenData::Alias { value: anchor } = token.data else {
            return Err(self.unexpected("did not find expected node content"));
        };
        if self.open.contains(&anchor) {
            return Err(Error::syntax(format!(
                "anchor '{anchor}' value contains itself"
            )));
        }
        let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
            return Err(Error::syntax(format!(
                "unknown anchor '{anchor}' referenced"
            )));
        };
        self.count(size)?;
        Ok(Node {
            comments,
            value: Value::Alias(Box::new(node)),
        })
    }

    fn scalar(&mut self, tag: Option<String>) -> Result<Node, Error> {
        let comments = self.take_comments();
        let token = self.skip()?;
        let TokenData::Scalar { mut value, style } = token.data else {
            return Err(self.unexpected("did not find expected node content"));
        };
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
            && let Some(ending) = self.ending
        {
            ending.unfed(&mut value, token.end_line);
        }
        let line = u32::try_from(token.start.line + 1).unwrap_or(u32::MAX);
        Ok(Node {
            comments,
            value: Value::Scalar(scalar(tag, value.into(), style, line)),
        })
    }

    fn block_sequence(&mut self, depth: usize) -> Result<Vec<Node>, Error> {
        self.skip()?;
        let mut items = Vec::new();
        loop {
            match self.peek()? {
                Kind::BlockEntry => {
                    let item = match self.dash()? {
                        Kind::BlockEntry | Kind::BlockEnd => self.empty(),
                        _ => self.node(true, false, depth + 1)?,
                    };
                    items.push(item);
                }
                Kind::BlockEnd => {
                    self.skip()?;
                    return Ok(items);
                }
                _ => return Err(self.unexpected("did not find expected '-' indicator")),
            }
        }
    }

    fn indentless(&mut self, depth: usize) -> Result<Vec<Node>, Error> {
        let mut items = Vec::new();
        while self.peek()? == Kind::BlockEntry {
            let item = match self.dash()? {
                Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd => self.empty(),
                _ => self.node(true, false, depth + 1)?,
            };
            items.push(item);
        }
        Ok(items)
    }

    /// Takes a dash; the comment above it belongs to the collection behind it, not to that one's first entry.
    fn dash(&mut self) -> Result<Kind, Error> {
        let above = self.head.len();
        let next = self.next()?;
        if above > 0 && matches!(next, Kind::BlockSequence | Kind::BlockMapping) {
            let rest = self.head.split_off(above);
            let stem = std::mem::replace(&mut self.head, rest);
            if self.head.starts_with('\n') {
                self.head.remove(0);
            }
            self.stem = Some(stem);
        }
        Ok(next)
    }

    fn block_mapping(&mut self, depth: usize) -> Result<Node, Error> {
        self.skip()?;
        let mut entries: Vec<(Node, Node)> = Vec::new();
        loop {
            match self.peek()? {
                Kind::Key => {
                    let mut key = match self.next()? {
                        Kind::Key | Kind::Value | Kind::BlockEnd => self.empty(),
                        _ => self.node(true, true, depth + 1)?,
                    };
                    // What is below a deeper block was met with this key, and belongs to the one before.
                    if !key.comments.foot.is_empty()
                        && let Some((prior, _)) = entries.last_mut()
                    {
                        prior.comments.foot = std::mem::take(&mut key.comments.foot);
                    }
                    let value = match self.peek()? {
                        Kind::Value => match self.next()? {
                            Kind::Key | Kind::Value | Kind::BlockEnd => self.empty(),
                            _ => self.node(true, true, depth + 1)?,
                        },
                        _ => self.empty(),
                    };
                    entries.push(entry(key, value));
                }
                Kind::BlockEnd => {
                    let mut comments = self.take_comments();
                    self.skip()?;
                    if !comments.foot.is_empty()
                        && let Some((last, _)) = entries.last_mut()
                    {
                        last.comments.foot = std::mem::take(&mut comments.foot);
                    }
                    comments.head.clear();
                    let value = Value::Map(entries);
                    return Ok(Node { comments, value });
                }
                _ => return Err(self.unexpected("did not find expected key")),
            }
        }
    }

    fn flow_sequence(&mut self, depth: usize) -> Result<Node, Error> {
        let head = self.take_comments().head;
        self.skip()?;
        let mut items = Vec::new();
        let mut next = self.peek()?;
        while next != Kind::FlowSequenceEnd {
            if !items.is_empty() {
                if next != Kind::FlowEntry {
                    return Err(self.unexpected("did not find expected ',' or ']'"));
                }
                next = self.next()?;
            }
            match next {
                Kind::FlowSequenceEnd => break,
                Kind::Key => items.push(self.pair(depth + 1)?),
                _ => items.push(self.node(false, false, depth + 1)?),
            }
            next = self.peek()?;
        }
        let end = self.take_comments();
        self.skip()?;
        Ok(Node {
            comments: Comments { head, ..end },
            value: Value::Seq(items),
        })
    }

    /// Reads the single entry of a mapping without braces.
    fn pair(&mut self, depth: usize) -> Result<Node, Error> {
        self.count(1)?;
        let key = match self.next()? {
            Kind::Value | Kind::FlowEntry | Kind::FlowSequenceEnd => {
                // Parity: the token is passed over, whatever it is.
                self.skip()?;
                self.empty()
            }
            _ => self.node(false, false, depth + 1)?,
        };
        let value = match self.peek()? {
            Kind::Value => match self.next()? {
                Kind::FlowEntry | Kind::FlowSequenceEnd => self.empty(),
                _ => self.node(false, false, depth + 1)?,
            },
            _ => self.empty(),
        };
        self.peek()?;
        Ok(Node::plain(Value::Map(vec![entry(key, value)])))
    }

    fn flow_mapping(&mut self, depth: usize) -> Result<Node, Error> {
        let head = self.take_comments().head;
        self.skip()?;
        let mut entries = Vec::new();
        let mut next = self.peek()?;
        while next != Kind::FlowMappingEnd {
            if !entries.is_empty() {
                if next != Kind::FlowEntry {
                    return Err(self.unexpected("did not find expected ',' or '}'"));
                }
                next = self.next()?;
            }
            let (key, value) = match next {
                Kind::FlowMappingEnd => break,
                Kind::Key => {
                    let key = match self.next()? {
                        Kind::Value | Kind::FlowEntry | Kind::FlowMappingEnd => self.empty(),
                        _ => self.node(false, false, depth + 1)?,
                    };
                    let value = match self.peek()? {
                        Kind::Value => match self.next()? {
                            Kind::FlowEntry | Kind::FlowMappingEnd => self.empty(),
                            _ => self.node(false, false, depth + 1)?,
                        },
                        _ => self.empty(),
                    };
                    (key, value)
                }
                _ => {
                    let key = self.node(false, false, depth + 1)?;
                    self.peek()?;
                    (key, self.empty())
                }
            };
            entries.push(entry(key, value));
            next = self.peek()?;
        }
        let end = self.take_comments();
        self.skip()?;
        Ok(Node {
            comments: Comments { head, ..end },
            value: Value::Map(entries),
        })
    }
}

/// What is below a value is below its entry.
fn entry(mut key: Node, mut value: Node) -> (Node, Node) {
    if key.comments.foot.is_empty() {
        key.comments.foot = std::mem::take(&mut value.comments.foot);
    }
    (key, value)
}
