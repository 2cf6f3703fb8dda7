//! libyaml's emitter as a recursive writer.
//!
//! Its state machine keeps three facts between tokens (column, whitespace, indention) on which line
//! breaks and folding depend; they are kept here under the same names, so that quirks come out alike.

use super::analysis::{analyze, is_break, printable};
use crate::{Error, Style};
use std::borrow::Cow;

/// One node as the writer sees it.
pub(super) enum View<'a, T> {
    /// Text and the style asked for.
    Scalar(Cow<'a, str>, Style),
    /// A tag, and the text and style after it.
    Tagged(Cow<'a, str>, Cow<'a, str>, Style),
    /// Elements, and whether to write `[…]`.
    Seq(&'a [T], bool),
    /// Keys with their style and values, and whether to write `{…}`.
    Map(Vec<(Cow<'a, str>, Style, &'a T)>, bool),
}

/// A kind of tree that can be written.
pub(super) trait Source {
    /// Its nodes.
    type Node;

    /// Shows a node; `top` is the root of the document.
    fn view(node: &Self::Node, top: bool) -> Result<View<'_, Self::Node>, Error>;
}

#[derive(Clone, Copy)]
pub(super) struct Context {
    /// The indent of the collection the node stands in; -1 at the root.
    pub(super) indent: i32,
    pub(super) mapping: bool,
    pub(super) sequence: bool,
    pub(super) flow: bool,
    pub(super) simple_key: bool,
}

impl Context {
    pub(super) const ROOT: Self = Self {
        indent: -1,
        mapping: false,
        sequence: false,
        flow: false,
        simple_key: false,
    };
}

/// The text so far and what the emitter remembers of it.
pub(super) struct Writer {
    out: String,
    pub(super) column: usize,
    pub(super) whitespace: bool,
    pub(super) indention: bool,
    width: usize,
    tabs_in_blocks: bool,
    /// Sequences in a mapping stand deeper than their key, as yaml.v3 does unless told otherwise.
    indents_sequences: bool,
    /// How much deeper a collection stands than what it is in.
    step: i32,
    /// The indent of a comment below what was written last, which the next line must not touch; -1 if there is none.
    pub(super) foot_indent: i32,
    /// The comment for the end of the line that is being written.
    pub(super) line_comment: String,
}

impl Writer {
    pub(super) fn new(width: usize, tabs_in_blocks: bool) -> Self {
        Self {
            out: String::new(),
            column: 0,
            whitespace: true,
            indention: true,
            width,
            tabs_in_blocks,
            indents_sequences: false,
            step: 2,
            foot_indent: -1,
            line_comment: String::new(),
        }
    }

    /// Writes behind a text.
    pub(super) fn behind(mut self, text: String) -> Self {
        self.out = text;
        self
    }

    pub(super) fn indenting_sequences(mut self, step: i32) -> Self {
        self.indents_sequences = true;
        self.step = step;
        self
    }

    pub(super) fn document<S: Source>(&mut self, node: &S::Node) -> Result<(), Error> {
        self.node::<S>(node, true, Context::ROOT)?;
        self.write_indent(0);
        Ok(())
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    fn node<S: Source>(&mut self, node: &S::Node, top: bool, at: Context) -> Result<(), Error> {
        match S::view(node, top)? {
            View::Scalar(text, style) => self.scalar(&text, style, at),
            View::Tagged(tag, text, style) => {
                self.indicator(&tag, true, false, false);
                self.scalar(&text, style, at);
            }
            View::Seq(items, flow) if flow || at.flow || items.is_empty() => {
                self.indicator("[", true, true, false);
                let inside = Context {
                    flow: true,
                    mapping: false,
                    sequence: false,
                    simple_key: false,
                    ..at
                };
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        self.indicator(",", false, false, false);
                    }
                    self.node::<S>(item, false, inside)?;
                }
                self.indicator("]", false, false, false);
            }
            View::Seq(items, _) => {
                let indentless = at.mapping && !self.indention && !self.indents_sequences;
                let indent = self.deeper(at, indentless);
                let inside = Context {
                    indent,
                    mapping: false,
                    sequence: true,
                    flow: false,
                    simple_key: false,
                };
                for item in items {
                    self.write_indent(indent);
                    self.indicator("-", true, false, true);
                    self.node::<S>(item, false, inside)?;
                }
            }
            View::Map(entries, flow) if flow || at.flow || entries.is_empty() => {
                self.flow_map::<S>(entries, at)?;
            }
            View::Map(entries, _) => self.block_map::<S>(entries, at)?,
        }
        Ok(())
    }

    fn flow_map<S: Source>(
        &mut self,
        entries: Vec<(Cow<'_, str>, Style, &S::Node)>,
        at: Context,
    ) -> Result<(), Error> {
        self.indicator("{", true, true, false);
        let inside = Context {
            flow: true,
            mapping: true,
            sequence: false,
            simple_key: false,
            ..at
        };
        for (i, (key, style, value)) in entries.into_iter().enumerate() {
            if i > 0 {
                self.indicator(",", false, false, false);
            }
            if is_simple(&key) {
                self.scalar(
                    &key,
                    style,
                    Context {
                        simple_key: true,
                        ..inside
                    },
                );
                self.indicator(":", false, false, false);
            } else {
                self.indicator("?", true, false, false);
                self.scalar(&key, style, inside);
                self.indicator(":", true, false, false);
            }
            self.node::<S>(value, false, inside)?;
        }
        self.indicator("}", false, false, false);
        Ok(())
    }

    fn block_map<S: Source>(
        &mut self,
        entries: Vec<(Cow<'_, str>, Style, &S::Node)>,
        at: Context,
    ) -> Result<(), Error> {
        let indent = self.deeper(at, false);
        let inside = Context {
            indent,
            mapping: true,
            sequence: false,
            flow: false,
            simple_key: false,
        };
        for (key, style, value) in entries {
            self.write_indent(indent);
            if is_simple(&key) {
                self.scalar(
                    &key,
                    style,
                    Context {
                        simple_key: true,
                        ..inside
                    },
                );
                self.indicator(":", false, false, false);
            } else {
                self.indicator("?", true, false, true);
                self.scalar(&key, style, inside);
                self.write_indent(indent);
                self.indicator(":", true, false, true);
            }
            self.node::<S>(value, false, inside)?;
        }
        Ok(())
    }

    /// Writes a scalar in the style that was asked for, or one that its text allows.
    pub(super) fn scalar(&mut self, text: &str, mut style: Style, at: Context) {
        let analysis = analyze(text, self.tabs_in_blocks);
        if at.simple_key && analysis.multiline {
            style = Style::Double;
        }
        if style == Style::Plain {
            let allowed = if at.flow {
                analysis.flow_plain
            } else {
                analysis.block_plain
            };
            if !allowed || text.is_empty() && (at.flow || at.simple_key) {
                style = Style::Single;
            }
        }
        if style == Style::Single && !analysis.single {
            style = Style::Double;
        }
        if matches!(style, Style::Literal | Style::Folded)
            && (!analysis.block || at.flow || at.simple_key)
        {
            style = Style::Double;
        }
        let indent = self.deeper(
            Context {
                indent: at.indent.max(0),
                ..at
            },
            false,
        );
        let folds = !at.simple_key;
        match style {
            Style::Plain => self.plain(text, folds, indent),
            Style::Single => self.single(text, folds, indent),
            Style::Double => self.double(text, folds, indent),
            Style::Literal => self.literal(text, indent),
            Style::Folded => self.folded(text, indent),
        }
    }

    /// Returns the indent of a collection: below a dash it skips just that, else it aligns to the step.
    pub(super) fn deeper(&self, at: Context, indentless: bool) -> i32 {
        match (at.indent < 0, indentless) {
            (true, _) => 0,
            (false, true) => at.indent,
            (false, false) if at.sequence => at.indent + 2,
            (false, false) => self.step * ((at.indent + self.step) / self.step),
        }
    }

    pub(super) fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    pub(super) fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    pub(super) fn write_break(&mut self, c: char) {
        if c == '\n' {
            self.put_break();
        } else {
            self.out.push(c);
            self.column = 0;
        }
    }

    pub(super) fn write_indent(&mut self, indent: i32) {
        let below_foot = self.foot_indent == indent.max(0);
        let indent = usize::try_from(indent).unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        if below_foot {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
        self.foot_indent = -1;
    }

    pub(super) fn indicator(
        &mut self,
        text: &str,
        needs_space: bool,
        is_space: bool,
        is_indention: bool,
    ) {
        if needs_space && !self.whitespace {
            self.put(' ');
        }
        self.out.push_str(text);
        self.column += text.len();
        self.whitespace = is_space;
        self.indention = self.indention && is_indention;
    }

    fn plain(&mut self, text: &str, folds: bool, indent: i32) {
        // Parity: goyaml.v2 writes the space before an empty plain scalar, yaml.v3 does not.
        if !(self.whitespace || self.tabs_in_blocks && text.is_empty()) {
            self.put(' ');
        }
        if text.len() + self.column <= self.width && !text.contains(is_break) {
            self.out.push_str(text);
            self.column += text.chars().count();
        } else {
            self.fold(text, folds, indent, |_, _, next| next != Some(' '), false);
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn single(&mut self, text: &str, folds: bool, indent: i32) {
        self.indicator("'", true, false, false);
        let last = text.len().saturating_sub(1);
        let may =
            move |_: &Self, i: usize, next: Option<char>| i > 0 && i < last && next != Some(' ');
        self.fold(text, folds, indent, may, true);
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    /// Writes plain or single-quoted text, breaking at single spaces past the width.
    fn fold(
        &mut self,
        text: &str,
        folds: bool,
        indent: i32,
        may_break: impl Fn(&Self, usize, Option<char>) -> bool,
        quote: bool,
    ) {
        let (mut spaces, mut breaks) = (false, false);
        let mut chars = text.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            let next = chars.peek().map(|&(_, c)| c);
            if c == ' ' {
                if folds && !spaces && self.column > self.width && may_break(self, i, next) {
                    self.write_indent(indent);
                } else {
                    self.put(c);
                }
                spaces = true;
            } else if is_break(c) {
                if !breaks && c == '\n' {
                    self.put_break();
                }
                self.write_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent(indent);
                }
                if quote && c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                spaces = false;
                breaks = false;
            }
        }
    }

    fn double(&mut self, text: &str, folds: bool, indent: i32) {
        self.indicator("\"", true, false, false);
        let last = text.len().saturating_sub(1);
        let mut spaces = false;
        let mut chars = text.char_indices().peekable();
        // Parity: is_bom looks at the start of the text, whatever the position.
        let bom = text.starts_with('\u{FEFF}');
        while let Some((i, c)) = chars.next() {
            if !printable(c) || bom || is_break(c) || c == '"' || c == '\\' {
                self.escape(c);
                spaces = false;
            } else if c == ' ' {
                if folds && !spaces && self.column > self.width && i > 0 && i < last {
                    self.write_indent(indent);
                    if chars.peek().is_some_and(|&(_, next)| next == ' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn escape(&mut self, c: char) {
        self.put('\\');
        let short = match c {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{B}' => 'v',
            '\u{C}' => 'f',
            '\r' => 'r',
            '\u{1B}' => 'e',
            '"' | '\\' => c,
            '\u{85}' => 'N',
            '\u{A0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = u32::from(c);
                let (letter, digits) = match code {
                    0..=0xFF => ('x', 2),
                    0x100..=0xFFFF => ('u', 4),
                    _ => ('U', 8),
                };
                self.put(letter);
                let text = format!("{code:0digits$X}");
                self.out.push_str(&text);
                self.column += digits;
                return;
            }
        };
        self.put(short);
    }

    fn block_hints(&mut self, text: &str) {
        if text.starts_with(' ') || text.starts_with(is_break) {
            let step = self.step.to_string();
            self.indicator(&step, false, false, false);
        }
        let mut back = text.chars().rev();
        let chomp = match (back.next(), back.next()) {
            (Some(last), _) if !is_break(last) => "-",
            (Some(_), None) => "+",
            (Some(_), Some(before)) if is_break(before) => "+",
            (Some(_), Some(_)) => "",
            (None, _) => "-",
        };
        if !chomp.is_empty() {
            self.indicator(chomp, false, false, false);
        }
    }

    /// Ends the first line of a block scalar, with the comment there is for it.
    fn end_header(&mut self, indent: i32) {
        if self.line_comment.is_empty() {
            self.put_break();
        } else {
            self.write_line_comment(indent);
        }
        self.indention = true;
        self.whitespace = true;
    }

    fn literal(&mut self, text: &str, indent: i32) {
        self.indicator("|", true, false, false);
        self.block_hints(text);
        self.end_header(indent);
        let mut breaks = true;
        for c in text.chars() {
            if is_break(c) {
                self.write_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent(indent);
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
    }

    fn folded(&mut self, text: &str, indent: i32) {
        self.indicator(">", true, false, false);
        self.block_hints(text);
        self.end_header(indent);
        let (mut breaks, mut leading_spaces) = (true, true);
        let mut chars = text.chars().peekable();
        let first_text = text.chars().find(|&c| !is_break(c));
        while let Some(c) = chars.next() {
            if is_break(c) {
                // Parity: libyaml looks at the start of the text here, not at the position.
                let blank = first_text.is_none_or(|c| matches!(c, ' ' | '\t'));
                if !breaks && !leading_spaces && c == '\n' && !blank {
                    self.put_break();
                }
                self.write_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent(indent);
                    leading_spaces = matches!(c, ' ' | '\t');
                }
                let foldable = c == ' ' && chars.peek() != Some(&' ');
                if !breaks && foldable && self.column > self.width {
                    self.write_indent(indent);
                } else {
                    self.put(c);
                }
                self.indention = false;
                breaks = false;
            }
        }
    }
}

/// Says whether a key fits on the line before its colon.
pub(super) fn is_simple(key: &str) -> bool {
    key.len() <= 128 && !key.contains(is_break)
}
