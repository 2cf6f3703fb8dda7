//! Scalars outside of flow collections: plain and quoted ones on one line, and block scalars.

use super::Reader;
use crate::Node;
use crate::parse::scalar as tagged;
use compact_str::CompactString;
use libyaml_safer::ScalarStyle;

/// Says whether a plain scalar may begin with a character, given the next one of the line.
pub(super) fn begins_plain(first: u8, next: Option<u8>) -> bool {
    match first {
        b'-' => !matches!(next, None | Some(b' ')),
        b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|'
        | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' | b'\t' | b' ' => false,
        _ => true,
    }
}

impl Reader<'_> {
    /// Reads what begins at a place of the line and is no block collection; the column is that of the collection around.
    pub(super) fn inline(&mut self, at: usize, column: usize, depth: usize) -> Option<Node> {
        if depth > self.depth {
            return None;
        }
        let first = self.byte(at)?;
        match first {
            b'"' | b'\'' => {
                self.count()?;
                let (value, style, after) = self.quoted(at, first)?;
                self.scalar(value, style, after)
            }
            b'[' | b'{' => {
                let (node, after) = self.flow(at, depth)?;
                if !self.is_rest_empty(after)? {
                    return None;
                }
                self.advance()?;
                Some(node)
            }
            b'|' | b'>' => {
                self.count()?;
                self.block(at, column)
            }
            _ if begins_plain(first, self.byte(at + 1)) => {
                self.count()?;
                let (value, after) = self.plain(at)?;
                self.scalar(value, ScalarStyle::Plain, after)
            }
            _ => None,
        }
    }

    fn scalar(&mut self, value: CompactString, style: ScalarStyle, after: usize) -> Option<Node> {
        if !self.is_rest_empty(after)? {
            return None;
        }
        let node = Node::Scalar(tagged(None, value, style, self.line));
        self.advance()?;
        Some(node)
    }

    /// Reads a plain scalar, which ends at a comment or with the line; none where it would be a key.
    fn plain(&self, at: usize) -> Option<(CompactString, usize)> {
        let line = &self.bytes[at..self.end];
        let mut end = line.len();
        for (index, byte) in line.iter().enumerate() {
            match byte {
                b':' if matches!(line.get(index + 1), None | Some(b' ')) => return None,
                b'\t' => return None,
                b'#' if index > 0 && line[index - 1] == b' ' => {
                    end = index;
                    break;
                }
                _ => {}
            }
        }
        let text = self.text.get(at..at + end)?.trim_end_matches(' ');
        Some((text.into(), at + text.len()))
    }

    /// Reads a quoted scalar that ends on its line.
    pub(super) fn quoted(
        &self,
        at: usize,
        quote: u8,
    ) -> Option<(CompactString, ScalarStyle, usize)> {
        let mut value = CompactString::default();
        let mut from = at + 1;
        let mut index = from;
        loop {
            match self.byte(index)? {
                byte if byte == quote => {
                    value.push_str(self.text.get(from..index)?);
                    if quote == b'"' {
                        return Some((value, ScalarStyle::DoubleQuoted, index + 1));
                    }
                    if self.byte(index + 1) != Some(b'\'') {
                        return Some((value, ScalarStyle::SingleQuoted, index + 1));
                    }
                    value.push('\'');
                    index += 2;
                    from = index;
                }
                b'\\' if quote == b'"' => {
                    value.push_str(self.text.get(from..index)?);
                    value.push(match self.byte(index + 1)? {
                        b'"' => '"',
                        b'\\' => '\\',
                        b'n' => '\n',
                        b't' => '\t',
                        _ => return None,
                    });
                    index += 2;
                    from = index;
                }
                b'\t' => return None,
                _ => index += 1,
            }
        }
    }

    /// Reads a block scalar, whose indicator stands at a place of the line, and goes to the line behind it.
    fn block(&mut self, at: usize, column: usize) -> Option<Node> {
        let is_literal = self.byte(at) == Some(b'|');
        let chomping = self.byte(at + 1).filter(|byte| matches!(byte, b'-' | b'+'));
        let after = at + 1 + usize::from(chomping.is_some());
        if !self.is_rest_empty(after)? {
            return None;
        }
        let line = self.line;
        let mut next = self.end + 1;
        let mut value = CompactString::default();
        // Named as in the scanner: the line feed of the last line with text, and those of the blank lines behind it.
        let (mut leading_break, mut trailing_breaks) = (false, 0);
        let (mut indent, mut widest) = (0, 0);
        let mut leading_blank = false;
        let mut is_ended = true;
        while next < self.bytes.len() {
            let rest = &self.bytes[next..];
            let found = super::find(rest, b'\n');
            let length = found.unwrap_or(rest.len());
            let text = &rest[..length];
            let spaces = text.iter().take_while(|byte| **byte == b' ').count();
            is_ended = found.is_some();
            // Parity: a text whose last line is blank and has no end has rules of its own.
            if !is_ended && spaces == length {
                return None;
            }
            if indent == 0 || spaces < indent || length == indent {
                match text.get(spaces) {
                    None => {
                        widest = widest.max(spaces);
                        trailing_breaks += 1;
                        self.line = self.line.checked_add(1)?;
                        next += length + 1;
                        continue;
                    }
                    Some(b'\t') => return None,
                    Some(_) if indent > 0 => break,
                    // The first line with text; blank ones before it may not be wider.
                    Some(_) if spaces <= column || spaces < widest => return None,
                    Some(_) => indent = spaces,
                }
            }
            let content = self.text.get(next + indent..next + length)?;
            let is_blank = content.starts_with([' ', '\t']);
            if !is_literal && leading_break && !leading_blank && !is_blank {
                if trailing_breaks == 0 {
                    value.push(' ');
                }
            } else if leading_break {
                value.push('\n');
            }
            value.extend(std::iter::repeat_n('\n', trailing_breaks));
            value.push_str(content);
            (leading_break, trailing_breaks, leading_blank) = (true, 0, is_blank);
            self.line = self.line.checked_add(1)?;
            next += length + 1;
        }
        if indent == 0 {
            return None;
        }
        // The last line of a text may lack its line feed, which then is no part of the value.
        let is_cut = !is_ended && next > self.bytes.len();
        if chomping != Some(b'-') && !is_cut {
            value.push('\n');
        }
        if chomping == Some(b'+') {
            value.extend(std::iter::repeat_n('\n', trailing_breaks));
        }
        let style = if is_literal {
            ScalarStyle::Literal
        } else {
            ScalarStyle::Folded
        };
        let node = Node::Scalar(tagged(None, value, style, line));
        self.skip_to(next)?;
        Some(node)
    }
}
