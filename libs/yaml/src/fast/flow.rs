//! Flow collections on one line, with keys and values that leave no doubt about where they end.

use super::{KEY, Reader};
use crate::parse::scalar as tagged;
use crate::{Node, Scalar, Tag};
use libyaml_safer::ScalarStyle;

impl Reader<'_> {
    /// Reads a flow collection at a place of the line, and says what is behind it.
    pub(super) fn flow(&mut self, at: usize, depth: usize) -> Option<(Node, usize)> {
        if depth >= self.depth {
            return None;
        }
        self.count()?;
        match self.byte(at)? {
            b'[' => self.flow_sequence(at + 1, depth),
            _ => self.flow_mapping(at + 1, depth),
        }
    }

    fn flow_sequence(&mut self, at: usize, depth: usize) -> Option<(Node, usize)> {
        let start = self.items.len();
        let mut at = self.skip_spaces(at)?;
        if self.byte(at)? != b']' {
            loop {
                let (item, after) = self.flow_value(at, depth + 1)?;
                self.items.push(item);
                at = self.skip_spaces(after)?;
                match self.byte(at)? {
                    b',' => at = self.skip_spaces(at + 1)?,
                    b']' => break,
                    _ => return None,
                }
            }
        }
        Some((self.sequence_from(start, true), at + 1))
    }

    fn flow_mapping(&mut self, at: usize, depth: usize) -> Option<(Node, usize)> {
        let start = self.entries.len();
        let mut at = self.skip_spaces(at)?;
        if self.byte(at)? != b'}' {
            loop {
                let (key, after) = self.flow_scalar(at)?;
                let colon = self.skip_spaces(after)?;
                let is_key = self.byte(colon)? == b':' && self.byte(colon + 1)? == b' ';
                if !is_key || colon - at > KEY || key.tag == Tag::Null || key.value == "<<" {
                    return None;
                }
                let value_at = self.skip_spaces(colon + 1)?;
                let (value, after) = self.flow_value(value_at, depth + 1)?;
                self.add(start, key, value);
                at = self.skip_spaces(after)?;
                match self.byte(at)? {
                    b',' => at = self.skip_spaces(at + 1)?,
                    b'}' => break,
                    _ => return None,
                }
            }
        }
        Some((self.mapping_from(start, true), at + 1))
    }

    fn flow_value(&mut self, at: usize, depth: usize) -> Option<(Node, usize)> {
        match self.byte(at)? {
            b'[' | b'{' => self.flow(at, depth),
            _ if depth > self.depth => None,
            _ => {
                let (scalar, after) = self.flow_scalar(at)?;
                Some((Node::Scalar(scalar), after))
            }
        }
    }

    fn flow_scalar(&mut self, at: usize) -> Option<(Scalar, usize)> {
        self.count()?;
        let first = self.byte(at)?;
        let (value, style, after) = match first {
            b'"' | b'\'' => self.quoted(at, first)?,
            _ => {
                let mut end = at;
                let is_safe = |byte: u8| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-')
                };
                while self.byte(end).is_some_and(is_safe) {
                    end += 1;
                }
                // A dash alone has a meaning of its own.
                if end == at || first == b'-' && !self.byte(at + 1)?.is_ascii_alphanumeric() {
                    return None;
                }
                let text = self.text.get(at..end)?;
                (text.into(), ScalarStyle::Plain, end)
            }
        };
        Some((tagged(None, value, style, self.line), after))
    }
}
