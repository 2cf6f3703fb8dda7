//! What stands between tokens: blanks, line breaks and comments.
//!
//! A run of comments is split where yaml.v3 splits it: what directly follows a token in its own column is below it (a foot), what
//! an empty line separates from that is above the next one (a head).

use super::scan::{Comment, Mark, Tokens};
use libyaml_safer::TokenData;

/// How many blanks and breaks yaml.v3 looks over for a comment.
const REACH: i64 = 512;

impl Tokens<'_, '_> {
    /// Returns the byte at a distance; 0 behind the end.
    pub(super) fn byte(&self, distance: i64) -> u8 {
        usize::try_from(self.at.index + distance)
            .ok()
            .and_then(|at| self.text.get(at))
            .copied()
            .unwrap_or(0)
    }

    fn is_blank(&self, distance: i64) -> bool {
        matches!(self.byte(distance), b' ' | b'\t')
    }

    fn is_break(&self, distance: i64) -> bool {
        match self.byte(distance) {
            b'\r' | b'\n' => true,
            0xC2 => self.byte(distance + 1) == 0x85,
            0xE2 => {
                self.byte(distance + 1) == 0x80 && matches!(self.byte(distance + 2), 0xA8 | 0xA9)
            }
            _ => false,
        }
    }

    fn is_break_or_end(&self, distance: i64) -> bool {
        self.byte(distance) == 0 || self.is_break(distance)
    }

    /// Moves over one character, or over a whole line break.
    fn step(&mut self) {
        let first = self.byte(0);
        if self.is_break(0) {
            let width = match first {
                b'\r' if self.byte(1) == b'\n' => 2,
                0xC2 => 2,
                0xE2 => 3,
                _ => 1,
            };
            self.at.index += width;
            self.at.line += 1;
            self.at.column = 0;
            self.newlines += 1;
            return;
        }
        if !self.is_blank(0) {
            self.newlines = 0;
        }
        self.at.index += match first {
            0..=0xBF => 1,
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            _ => 4,
        };
        self.at.column += 1;
    }

    /// Moves on to a place that is not behind the end.
    pub(super) fn move_to(&mut self, index: u64) {
        let length = i64::try_from(self.text.len()).unwrap_or(i64::MAX);
        let index = i64::try_from(index).unwrap_or(i64::MAX).min(length);
        while self.at.index < index {
            self.step();
        }
    }

    pub(super) fn skip_spaces(&mut self) {
        while self.byte(0) == b' ' {
            self.step();
        }
    }

    /// Moves over blanks and breaks; says whether there was a break.
    pub(super) fn skip_blanks_and_breaks(&mut self) -> bool {
        let line = self.at.line;
        while self.is_blank(0) || self.is_break(0) {
            self.step();
        }
        self.at.line > line
    }

    /// Moves behind the end of the line, comment or not.
    pub(super) fn skip_line_end(&mut self) {
        while !self.is_break_or_end(0) {
            self.step();
        }
        if self.is_break(0) {
            self.step();
        }
    }

    /// Moves over the first line of a block scalar up to its end, and notes its comment.
    pub(super) fn skip_block_header(&mut self) {
        let start = self.at.index;
        self.step();
        while matches!(self.byte(0), b'+' | b'-' | b'0'..=b'9') {
            self.step();
        }
        while self.is_blank(0) {
            self.step();
        }
        if self.byte(0) == b'#' {
            self.line_comment(start);
        }
    }

    /// Reads the text from a distance up to the end of its line.
    fn read_line(&mut self, distance: i64, text: &mut String) {
        let seen = self.at.index + distance;
        while self.at.index < seen {
            self.step();
        }
        let from = self.at.index;
        while !self.is_break_or_end(0) {
            self.step();
        }
        let range = |at: i64| usize::try_from(at).unwrap_or(0).min(self.text.len());
        let bytes = &self.text[range(from)..range(self.at.index)];
        text.push_str(&String::from_utf8_lossy(bytes));
    }

    /// Notes a comment behind a token in its line.
    pub(super) fn line_comment(&mut self, taken_from: i64) {
        if self.newlines > 0 {
            return;
        }
        let Some(distance) = (0..REACH).find(|&distance| !self.is_blank(distance)) else {
            return;
        };
        if self.byte(distance) != b'#' {
            return;
        }
        let start = Mark {
            index: self.at.index + distance,
            line: self.at.line,
            column: self.at.column + distance,
        };
        let mut line = String::new();
        self.read_line(distance, &mut line);
        self.comments.push_back(Comment {
            taken_from,
            start,
            line,
            ..Comment::default()
        });
    }

    /// Moves on to the next token over blanks, breaks and comments.
    pub(super) fn skip_blank(&mut self, searched: Mark) {
        loop {
            while self.is_blank(0) {
                self.step();
            }
            self.line_comment_above_first_item();
            if self.byte(0) == b'#' {
                self.block_comment(searched);
            }
            if !self.is_break(0) {
                return;
            }
            self.step();
            if self.flow_level == 0 {
                self.key_allowed = true;
            }
        }
    }

    /// Makes a comment behind what a sequence belongs to one that is above its first item.
    fn line_comment_above_first_item(&mut self) {
        let mut last = self.queue.iter().rev().map(|token| &token.data);
        let first_dash = matches!(last.next(), Some(TokenData::BlockEntry))
            && matches!(last.next(), Some(TokenData::BlockSequenceStart));
        if !first_dash || self.is_break(0) {
            return;
        }
        let at = self.at;
        if let Some(comment) = self.comments.back_mut()
            && !comment.line.is_empty()
        {
            comment.head = std::mem::take(&mut comment.line);
            if comment.start.line == at.line - 1 {
                comment.taken_from = at.index;
            }
        }
    }

    /// Notes the comments from here on, up to what is neither blank nor comment.
    fn block_comment(&mut self, searched: Mark) {
        let mut back = self.queue.iter().rev();
        let mut prior = back.next();
        if let (Some(last), Some(before)) = (prior, back.next())
            && matches!(last.data, TokenData::FlowEntry)
        {
            prior = Some(before);
        }
        let after_colon = prior.is_some_and(|token| matches!(token.data, TokenData::Value));
        let indent = self.indent.max(0);
        let mut run = Run {
            searched: searched.index,
            taken_from: prior.map_or(0, |token| token.start.index),
            start: Mark::default(),
            text: String::new(),
        };
        // The line in which a comment still belongs to what is above it.
        let foot_line = if searched.line == 0 {
            -1
        } else if self.newlines == 0 && self.at.column > 1 {
            self.at.line + 2
        } else {
            self.at.line - self.newlines + 1
        };
        let mut no_gap = self.newlines <= 1;
        let mut in_gap = false;
        let (mut line, mut column) = (self.at.line, self.at.column);
        let mut distance = 0;
        while distance < REACH {
            column += 1;
            if self.is_blank(distance) {
                distance += 1;
                continue;
            }
            let closes = self.flow_level > 0 && matches!(self.byte(distance), b']' | b'}');
            let here = self.at.index + distance;
            if closes || self.is_break_or_end(distance) {
                if closes || !in_gap {
                    let dedented = run.start.column - 1 < indent;
                    let directly_below = run.start.line == foot_line && !after_colon;
                    if closes || no_gap && (directly_below || dedented) {
                        if dedented && !run.text.is_empty() {
                            run.taken_from = run.start.index;
                        }
                        self.foot(&mut run, here);
                    } else if !run.text.is_empty() && self.byte(distance) != 0 {
                        run.text.push('\n');
                    }
                }
                if !self.is_break(distance) {
                    break;
                }
                (no_gap, in_gap) = (false, true);
                column = 0;
                line += 1;
                distance += 1;
                continue;
            }
            if column - 1 < indent && column != run.start.column {
                self.foot(&mut run, here);
            }
            if self.byte(distance) != b'#' {
                break;
            }
            if run.text.is_empty() {
                run.start = Mark {
                    index: here,
                    line,
                    column,
                };
            } else {
                run.text.push('\n');
            }
            in_gap = false;
            self.read_line(distance, &mut run.text);
            // Parity: the break behind the comment is passed over unseen, so the next line counts as this one, and the second
            // half of a CR LF as an empty line.
            distance = 1;
            column = 0;
            line = self.at.line;
        }
        if !run.text.is_empty() {
            self.comments.push_back(Comment {
                searched: run.searched,
                taken_from: run.start.index,
                start: run.start,
                end: self.at.index + distance - 1,
                head: run.text,
                ..Comment::default()
            });
        }
    }

    /// Notes what was read so far as below the prior token.
    fn foot(&mut self, run: &mut Run, here: i64) {
        if run.text.is_empty() {
            return;
        }
        self.comments.push_back(Comment {
            searched: run.searched,
            taken_from: run.taken_from,
            start: run.start,
            end: here,
            foot: std::mem::take(&mut run.text),
            ..Comment::default()
        });
        run.searched = here;
        run.taken_from = here;
    }
}

/// The comment lines that belong together so far.
struct Run {
    searched: i64,
    taken_from: i64,
    start: Mark,
    text: String,
}
