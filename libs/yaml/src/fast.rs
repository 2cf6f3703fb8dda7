//! The common subset of YAML, read without a scanner of tokens: what nearly every manifest and values file is made of.
//!
//! Block mappings and sequences, scalars on one line, block scalars and flow collections on one line. The surprise:
//! this reader never finds a fault. Whatever is not plainly in the subset is [`None`], and the caller asks the real
//! scanner, which also words the errors; so a text read here must give the very node that the scanner gives.

mod flow;
mod scalar;

use crate::parse::{Merge, new_entry, scalar as tagged};
use crate::{Limits, Map, Node, Scalar, Seq, Tag};
use compact_str::CompactString;
use libyaml_safer::ScalarStyle;
use smallvec::SmallVec;

/// How deep this reader goes; deeper texts are the scanner's.
const DEPTH: usize = 64;
/// How long a key may be before the scanner no longer takes it for one.
const KEY: usize = 1000;

/// Reads a text that is one document of the subset; none where it is anything else.
pub(crate) fn document(text: &[u8], merge: Merge, limits: &Limits) -> Option<Node> {
    let text = std::str::from_utf8(text).ok()?;
    if !is_readable(text.as_bytes()) {
        return None;
    }
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        merge,
        depth: limits.depth.min(DEPTH),
        nodes: limits.nodes,
        start: 0,
        end: 0,
        indent: 0,
        line: 0,
        is_over: false,
        entries: SmallVec::new(),
        items: SmallVec::new(),
    };
    reader.skip_to_content(0)?;
    if reader.is_marker() {
        reader.advance()?;
    }
    if reader.is_over || reader.indent != 0 || reader.is_reserved() {
        return None;
    }
    let node = reader.node(0)?;
    reader.is_over.then_some(node)
}

/// Says whether there is no character that the scanner refuses or takes for the end of a line, but line feeds.
fn is_readable(bytes: &[u8]) -> bool {
    const PLAIN: [bool; 256] = {
        let mut plain = [true; 256];
        let mut byte = 0;
        while byte < 256 {
            plain[byte] = !(byte < 0x20 && byte != 0x0A && byte != 0x09
                || byte == 0x7F
                || byte == 0xC2
                || byte == 0xE2
                || byte == 0xEF);
            byte += 1;
        }
        plain
    };
    bytes.iter().enumerate().all(|(at, byte)| {
        PLAIN[usize::from(*byte)]
            || match (*byte, bytes.get(at + 1), bytes.get(at + 2)) {
                (0xC2, Some(next), _) => *next >= 0xA0,
                (0xE2, Some(0x80), Some(last)) => !matches!(last, 0xA8 | 0xA9),
                (0xEF, Some(0xBB), Some(0xBF)) | (0xEF, Some(0xBF), Some(0xBE | 0xBF)) => false,
                (0xE2 | 0xEF, ..) => true,
                _ => false,
            }
    })
}

/// Stands at a line with content; [`None`] from any method means that the text is not in the subset.
struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    merge: Merge,
    depth: usize,
    nodes: usize,
    /// Where the line begins.
    start: usize,
    /// Where it ends, before its line feed.
    end: usize,
    /// How many spaces it begins with.
    indent: usize,
    /// Its number from 1.
    line: u32,
    is_over: bool,
    /// The entries of the mappings that are not over yet, the innermost last: each mapping is made once it is over, as
    /// large as it is, since many small lists that grow leave the memory in pieces.
    entries: SmallVec<[(Scalar, Node); 32]>,
    /// The same for sequences.
    items: SmallVec<[Node; 16]>,
}

impl Reader<'_> {
    /// Goes to the next line with content.
    fn advance(&mut self) -> Option<()> {
        self.skip_to(self.end + 1)
    }

    fn skip_to(&mut self, at: usize) -> Option<()> {
        self.skip_to_content(at)?;
        if !self.is_over && self.indent == 0 && (self.is_marker() || self.is_reserved()) {
            return None;
        }
        Some(())
    }

    /// Goes to the line at a place, or to the first one after it that is neither blank nor a comment.
    fn skip_to_content(&mut self, mut at: usize) -> Option<()> {
        while at < self.bytes.len() {
            let rest = &self.bytes[at..];
            let length = find(rest, b'\n').unwrap_or(rest.len());
            let line = &rest[..length];
            let indent = line.iter().take_while(|byte| **byte == b' ').count();
            self.line = self.line.checked_add(1)?;
            match line.get(indent) {
                None | Some(b'#') => at += length + 1,
                Some(b'\t') => return None,
                Some(_) => {
                    (self.start, self.end, self.indent) = (at, at + length, indent);
                    return Some(());
                }
            }
        }
        self.is_over = true;
        Some(())
    }

    /// Says whether the line is nothing but `---`.
    fn is_marker(&self) -> bool {
        !self.is_over && &self.bytes[self.start..self.end] == b"---"
    }

    /// Says whether the line begins as a marker or a directive does.
    fn is_reserved(&self) -> bool {
        let line = &self.bytes[self.start..self.end];
        line.starts_with(b"---") || line.starts_with(b"...") || line.starts_with(b"%")
    }

    fn count(&mut self) -> Option<()> {
        self.nodes = self.nodes.checked_sub(1)?;
        Some(())
    }

    fn byte(&self, at: usize) -> Option<u8> {
        (at < self.end).then(|| self.bytes[at])
    }

    /// Skips the spaces from a place of the line on; none where a tab stands.
    fn skip_spaces(&self, mut at: usize) -> Option<usize> {
        while self.byte(at) == Some(b' ') {
            at += 1;
        }
        (self.byte(at) != Some(b'\t')).then_some(at)
    }

    /// Says whether nothing but a comment follows; it must stand apart from what is before it.
    fn is_rest_empty(&self, at: usize) -> Option<bool> {
        let next = self.skip_spaces(at)?;
        Some(match self.byte(next) {
            None => true,
            Some(b'#') => next > at,
            Some(_) => false,
        })
    }

    /// Says whether an entry of a sequence begins at a place of the line.
    fn is_dash(&self, at: usize) -> bool {
        self.byte(at) == Some(b'-') && matches!(self.byte(at + 1), None | Some(b' '))
    }

    /// Reads what stands below a key or a dash: a collection, or a value that has the line for itself.
    fn below(&mut self, column: usize, depth: usize) -> Option<Node> {
        let at = self.start + self.indent;
        match self.collection(at, depth)? {
            Some(node) => Some(node),
            // How far a block scalar is indented is counted from elsewhere here.
            None if matches!(self.byte(at), Some(b'|' | b'>')) => None,
            None => self.inline(at, column, depth),
        }
    }

    /// Reads the collection that begins with this line.
    fn node(&mut self, depth: usize) -> Option<Node> {
        self.collection(self.start + self.indent, depth)?
    }

    /// Reads the collection at a place of the line; none inside where there is none.
    fn collection(&mut self, at: usize, depth: usize) -> Option<Option<Node>> {
        if depth >= self.depth {
            return None;
        }
        if self.is_dash(at) {
            self.count()?;
            return Some(Some(self.sequence(at, false, depth)?));
        }
        let Some((key, after)) = self.key(at)? else {
            return Some(None);
        };
        self.count()?;
        Some(Some(self.mapping(at, key, after, depth)?))
    }

    fn mapping(
        &mut self,
        at: usize,
        mut key: Scalar,
        mut after: usize,
        depth: usize,
    ) -> Option<Node> {
        let column = at - self.start;
        let start = self.entries.len();
        loop {
            self.count()?;
            let value = self.value(after, column, depth)?;
            self.add(start, key, value);
            if self.is_over || self.indent < column {
                return Some(self.mapping_from(start, false));
            }
            let at = self.start + self.indent;
            if self.indent > column || self.is_dash(at) {
                return None;
            }
            (key, after) = self.key(at)??;
        }
    }

    /// Reads what stands behind the colon of a key.
    fn value(&mut self, after: usize, column: usize, depth: usize) -> Option<Node> {
        if !self.is_rest_empty(after)? {
            let at = self.skip_spaces(after)?;
            return self.inline(at, column, depth + 1);
        }
        let line = self.line;
        self.advance()?;
        let at = self.start + self.indent;
        if !self.is_over && self.indent > column {
            return self.below(column, depth + 1);
        }
        self.count()?;
        if !self.is_over && self.indent == column && self.is_dash(at) {
            if depth + 1 >= self.depth {
                return None;
            }
            return self.sequence(at, true, depth + 1);
        }
        Some(Node::Scalar(tagged(
            None,
            CompactString::default(),
            ScalarStyle::Plain,
            line,
        )))
    }

    /// Reads a sequence whose first dash stands at a place of the line. One that stands no further in than the key it
    /// belongs to ends where the next key begins.
    fn sequence(&mut self, at: usize, below_key: bool, depth: usize) -> Option<Node> {
        let column = at - self.start;
        let start = self.items.len();
        let mut after = at + 1;
        loop {
            let item = self.item(after, column, depth)?;
            self.items.push(item);
            if self.is_over || self.indent < column {
                break;
            }
            let at = self.start + self.indent;
            if self.indent > column {
                return None;
            }
            if !self.is_dash(at) {
                if below_key {
                    break;
                }
                return None;
            }
            after = at + 1;
        }
        Some(self.sequence_from(start, false))
    }

    /// Adds an entry to the innermost mapping, whose entries are those from `start` on.
    fn add(&mut self, start: usize, key: Scalar, value: Node) {
        let own = &mut self.entries[start..];
        let new = new_entry(self.merge, own, key, value);
        self.entries.extend(new);
    }

    /// Ends the innermost mapping, whose entries are those from `start` on.
    fn mapping_from(&mut self, start: usize, flow: bool) -> Node {
        let mut entries = Vec::with_capacity(self.entries.len() - start);
        entries.extend(self.entries.drain(start..));
        Node::Map(Map { entries, flow })
    }

    /// Ends the innermost sequence.
    fn sequence_from(&mut self, start: usize, flow: bool) -> Node {
        let mut items = Vec::with_capacity(self.items.len() - start);
        items.extend(self.items.drain(start..));
        Node::Seq(Seq { items, flow })
    }

    fn item(&mut self, after: usize, column: usize, depth: usize) -> Option<Node> {
        if self.is_rest_empty(after)? {
            self.advance()?;
            if self.is_over || self.indent <= column {
                return None;
            }
            return self.below(column, depth + 1);
        }
        let at = self.skip_spaces(after)?;
        match self.collection(at, depth + 1)? {
            Some(node) => Some(node),
            None => self.inline(at, column, depth + 1),
        }
    }

    /// Reads a key and its colon at a place of the line, and says what is behind them; none inside where there is no
    /// colon.
    fn key(&mut self, at: usize) -> Option<Option<(Scalar, usize)>> {
        let (value, style, after) = match self.byte(at)? {
            quote @ (b'"' | b'\'') => self.quoted(at, quote)?,
            first => {
                let Some(end) = self.plain_key(at, first) else {
                    return Some(None);
                };
                let text = self.text.get(at..end)?.trim_end_matches(' ');
                (text.into(), ScalarStyle::Plain, end)
            }
        };
        let colon = self.skip_spaces(after)?;
        let is_key =
            self.byte(colon) == Some(b':') && matches!(self.byte(colon + 1), None | Some(b' '));
        if !is_key {
            return Some(None);
        }
        if colon - at > KEY {
            return None;
        }
        let key = tagged(None, value, style, self.line);
        // What is merged and what no text names is for the scanner.
        (key.tag != Tag::Null && key.value != "<<").then_some(Some((key, colon + 1)))
    }

    /// Finds the colon behind a plain key.
    fn plain_key(&self, at: usize, first: u8) -> Option<usize> {
        if !scalar::begins_plain(first, self.byte(at + 1)) {
            return None;
        }
        let line = &self.bytes[at..self.end];
        for (index, byte) in line.iter().enumerate() {
            match byte {
                b':' if matches!(line.get(index + 1), None | Some(b' ')) => {
                    return Some(at + index);
                }
                b'#' if line[index - 1] == b' ' => return None,
                b'\t' => return None,
                _ => {}
            }
        }
        None
    }
}

/// Finds a byte.
fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    memchr::memchr(wanted, bytes)
}

#[cfg(test)]
mod tests;
