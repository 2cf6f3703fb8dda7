//! The tokens of a text in the order and with the look-ahead of yaml.v3, and the comments found on the way.
//!
//! What a token holds and where it ends comes from `libyaml-safer`. Which tokens are at hand when a comment is met decides where
//! it belongs, so the queue, the indents and the possible keys are followed here once more.

use crate::Error;
use libyaml_safer::{ScalarStyle, Scanner, Token as Scanned, TokenData};
use std::collections::{HashMap, VecDeque};

/// How far ahead yaml.v3 reads before it hands a token out.
const LOOK_AHEAD: usize = 2;
/// How long a key may be that is not marked with `?`.
const KEY_LENGTH: i64 = 1024;

/// A place in the text: the byte, the line and the column, from 0.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    pub(super) index: i64,
    pub(super) line: i64,
    pub(super) column: i64,
}

/// A token and where it begins.
pub(super) struct Token {
    pub(super) data: TokenData,
    pub(super) start: Mark,
    /// The line where it ends, as `libyaml-safer` counts.
    pub(super) end_line: u64,
}

/// One run of comment lines, and the token it waits for.
#[derive(Debug, Default)]
pub(super) struct Comment {
    /// Where the search that found it began.
    pub(super) searched: i64,
    /// Tokens from here on take it.
    pub(super) taken_from: i64,
    /// Its first mark; the column counts from 1.
    pub(super) start: Mark,
    /// Where it ends.
    pub(super) end: i64,
    pub(super) head: String,
    pub(super) line: String,
    pub(super) foot: String,
}

/// A scalar or collection that may turn out to be a key.
#[derive(Clone, Copy)]
struct MaybeKey {
    possible: bool,
    number: usize,
    mark: Mark,
}

/// The tokens of a text.
pub(super) struct Tokens<'r, 't> {
    scanner: Scanner<&'r mut &'t [u8]>,
    /// The text without a byte order mark.
    pub(super) text: &'t [u8],
    /// Where the scanner of yaml.v3 would stand.
    pub(super) at: Mark,
    /// The line breaks since the last character that is no blank.
    pub(super) newlines: i64,
    pub(super) queue: VecDeque<Token>,
    pub(super) comments: VecDeque<Comment>,
    taken: usize,
    started: bool,
    available: bool,
    pub(super) indent: i64,
    indents: Vec<i64>,
    pub(super) flow_level: usize,
    pub(super) key_allowed: bool,
    keys: Vec<MaybeKey>,
    /// Which of the possible keys a token is, by its number.
    numbered: HashMap<usize, usize>,
}

impl<'r, 't> Tokens<'r, 't> {
    /// Starts; `fed` is the text with a line feed at its end, for the scanner.
    pub(super) fn new(text: &'t [u8], fed: &'r mut &'t [u8]) -> Self {
        let mut scanner = Scanner::new();
        scanner.set_input_string(fed);
        Self {
            scanner,
            text,
            at: Mark::default(),
            newlines: 0,
            queue: VecDeque::new(),
            comments: VecDeque::new(),
            taken: 0,
            started: false,
            available: false,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            key_allowed: true,
            keys: Vec::new(),
            numbered: HashMap::new(),
        }
    }

    /// Returns the next token, which stays the next one.
    pub(super) fn peek(&mut self) -> Result<&Token, Error> {
        if !self.available {
            self.fetch_enough()?;
            self.available = true;
        }
        self.queue.front().ok_or_else(out_of_tokens)
    }

    /// Takes the next token.
    pub(super) fn take(&mut self) -> Result<Token, Error> {
        self.available = false;
        self.taken += 1;
        self.queue.pop_front().ok_or_else(out_of_tokens)
    }

    fn fetch_enough(&mut self) -> Result<(), Error> {
        loop {
            if self.queue.len() > LOOK_AHEAD {
                // A token that may be a key waits until that is known.
                let key = self.numbered.get(&self.taken).copied();
                if !key.is_some_and(|key| self.is_key(key)) {
                    return Ok(());
                }
            }
            self.fetch()?;
        }
    }

    fn fetch(&mut self) -> Result<(), Error> {
        if !self.started {
            self.started = true;
            self.keys.push(self.no_key());
            let token = self.scanned()?;
            self.push(token.data, self.at, 0);
            return Ok(());
        }
        let searched = self.at;
        self.skip_blank(searched);
        self.unroll(self.at.column, searched.index);
        let token = self.scanned()?;
        let start = self.at;
        match token.data {
            TokenData::StreamEnd => {
                if self.at.column != 0 {
                    self.at.column = 0;
                    self.at.line += 1;
                }
                self.end_blocks();
                self.push(TokenData::StreamEnd, self.at, 0);
            }
            TokenData::VersionDirective { .. } | TokenData::TagDirective { .. } => {
                self.end_blocks();
                self.move_to(token.end_mark.index);
                self.push(token.data, start, 0);
                self.skip_line_end();
            }
            TokenData::DocumentStart | TokenData::DocumentEnd => {
                self.end_blocks();
                self.move_to(token.end_mark.index);
                self.push(token.data, start, 0);
            }
            _ => {
                let of_prior = match self.byte(0) {
                    b':' => self.flow_level == 0,
                    b',' => self.flow_level > 0,
                    _ => false,
                };
                let taken_from = match self.queue.back() {
                    Some(prior) if of_prior => prior.start.index,
                    _ => start.index,
                };
                self.fetch_content(token, start);
                // What stands behind a lone dash belongs to what follows.
                let dash = |token: &Token| matches!(token.data, TokenData::BlockEntry);
                if !self.queue.back().is_some_and(dash) {
                    self.line_comment(taken_from);
                }
            }
        }
        Ok(())
    }

    fn fetch_content(&mut self, token: Scanned, start: Mark) {
        let end = token.end_mark.index;
        match &token.data {
            TokenData::FlowSequenceStart | TokenData::FlowMappingStart => {
                self.save_key();
                self.keys.push(self.no_key());
                self.flow_level += 1;
                self.key_allowed = true;
            }
            TokenData::FlowSequenceEnd | TokenData::FlowMappingEnd => {
                self.remove_key();
                if self.flow_level > 0 {
                    self.flow_level -= 1;
                    if let Some(key) = self.keys.pop() {
                        self.numbered.remove(&key.number);
                    }
                }
                self.key_allowed = false;
            }
            TokenData::FlowEntry => {
                self.remove_key();
                self.key_allowed = true;
            }
            TokenData::BlockEntry => {
                self.roll(start, None, TokenData::BlockSequenceStart);
                self.remove_key();
                self.key_allowed = true;
            }
            TokenData::Key => {
                self.roll(start, None, TokenData::BlockMappingStart);
                self.remove_key();
                self.key_allowed = self.flow_level == 0;
            }
            TokenData::Value => self.fetch_value(start),
            TokenData::Scalar { style, .. } => match style {
                ScalarStyle::Literal | ScalarStyle::Folded => {
                    self.remove_key();
                    self.key_allowed = true;
                    self.skip_block_header();
                    self.move_to(end);
                    self.skip_spaces();
                }
                style => {
                    self.save_key();
                    self.key_allowed = false;
                    self.move_to(end);
                    // An unquoted scalar ends where the next text begins.
                    if *style == ScalarStyle::Plain && self.skip_blanks_and_breaks() {
                        self.key_allowed = true;
                    }
                }
            },
            _ => {
                self.save_key();
                self.key_allowed = false;
            }
        }
        self.move_to(end);
        self.push(token.data, start, token.end_mark.line);
    }

    fn fetch_value(&mut self, start: Mark) {
        let last = self.keys.len().saturating_sub(1);
        if self.is_key(last) {
            let MaybeKey { number, mark, .. } = self.keys[last];
            let place = number.saturating_sub(self.taken).min(self.queue.len());
            let key = Token {
                data: TokenData::Key,
                start: mark,
                end_line: 0,
            };
            self.queue.insert(place, key);
            self.roll(mark, Some(place), TokenData::BlockMappingStart);
            self.keys[last].possible = false;
            self.numbered.remove(&number);
            self.key_allowed = false;
        } else {
            self.roll(start, None, TokenData::BlockMappingStart);
            self.key_allowed = self.flow_level == 0;
        }
    }

    /// Returns the next token that stands in the text; the others follow from those.
    fn scanned(&mut self) -> Result<Scanned, Error> {
        loop {
            let token =
                Scanner::scan(&mut self.scanner).map_err(|error| Error::syntax(error.problem()))?;
            let implied = match token.data {
                TokenData::BlockSequenceStart
                | TokenData::BlockMappingStart
                | TokenData::BlockEnd => true,
                TokenData::Key => token.start_mark.index == token.end_mark.index,
                _ => false,
            };
            let place = i64::try_from(token.start_mark.index).unwrap_or(i64::MAX);
            let marked = !matches!(
                token.data,
                TokenData::StreamStart { .. } | TokenData::StreamEnd
            );
            if !implied && marked && place != self.at.index {
                return Err(Error::syntax("found a token out of place"));
            }
            if !implied {
                return Ok(token);
            }
        }
    }

    fn push(&mut self, data: TokenData, start: Mark, end_line: u64) {
        self.queue.push_back(Token {
            data,
            start,
            end_line,
        });
    }

    /// Opens a block where the column is deeper than the one that is open.
    fn roll(&mut self, mark: Mark, place: Option<usize>, data: TokenData) {
        if self.flow_level > 0 || self.indent >= mark.column {
            return;
        }
        self.indents.push(self.indent);
        self.indent = mark.column;
        let place = place.unwrap_or(self.queue.len());
        let token = Token {
            data,
            start: mark,
            end_line: 0,
        };
        self.queue.insert(place, token);
    }

    /// Ends the blocks that are deeper than the column, before the comments that are theirs no more.
    fn unroll(&mut self, column: i64, searched: i64) {
        if self.flow_level > 0 {
            return;
        }
        let mut end = Mark {
            index: searched - 1,
            ..self.at
        };
        while self.indent > column {
            let mut stop = end.index;
            for comment in self.comments.iter().rev() {
                if comment.end < stop {
                    break;
                }
                if comment.start.column == self.indent + 1 {
                    end = comment.start;
                }
                stop = comment.searched;
            }
            self.push(TokenData::BlockEnd, end, 0);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn end_blocks(&mut self) {
        self.unroll(-1, self.at.index);
        self.remove_key();
        self.key_allowed = false;
    }

    fn no_key(&self) -> MaybeKey {
        MaybeKey {
            possible: false,
            number: self.taken + self.queue.len(),
            mark: self.at,
        }
    }

    fn is_key(&mut self, which: usize) -> bool {
        let at = self.at;
        let Some(key) = self.keys.get_mut(which) else {
            return false;
        };
        if key.mark.line < at.line || key.mark.index + KEY_LENGTH < at.index {
            key.possible = false;
        }
        key.possible
    }

    fn save_key(&mut self) {
        if self.key_allowed {
            self.remove_key();
            let key = MaybeKey {
                possible: true,
                ..self.no_key()
            };
            let last = self.keys.len().saturating_sub(1);
            if let Some(slot) = self.keys.last_mut() {
                *slot = key;
                self.numbered.insert(key.number, last);
            }
        }
    }

    fn remove_key(&mut self) {
        if let Some(key) = self.keys.last_mut()
            && std::mem::take(&mut key.possible)
        {
            self.numbered.remove(&key.number);
        }
    }
}

fn out_of_tokens() -> Error {
    Error::syntax("the text ends too early")
}
