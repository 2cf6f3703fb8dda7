//! From text to tokens, one at a time.
//!
//! Positions are bytes, lines count from 1. The surprise: after an error the lexer stands at an empty input, so the
//! next token is the end.

use super::token::{Kind, Token};
use crate::quote::quote;
use crate::rune::{decode, is_alphanumeric};
use memchr::memmem::find;
use std::borrow::Cow;

const LEFT: &[u8] = b"{{";
const RIGHT: &[u8] = b"}}";
const SPACES: &[u8] = b" \t\r\n";

pub(super) struct Lexer<'a> {
    input: &'a [u8],
    position: usize,
    start: usize,
    line: usize,
    start_line: usize,
    inside_action: bool,
    parentheses: usize,
    failed: bool,
}

type Result<'a> = std::result::Result<Token<'a>, String>;

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            position: 0,
            start: 0,
            line: 1,
            start_line: 1,
            inside_action: false,
            parentheses: 0,
            failed: false,
        }
    }

    /// Returns the next token; at the end again and again the end.
    pub(super) fn next(&mut self) -> Token<'a> {
        if self.failed {
            return Token {
                kind: Kind::EndOfInput,
                position: 0,
                line: self.start_line,
                text: Cow::Borrowed(b"EOF"),
            };
        }
        let result = if self.inside_action {
            self.action()
        } else {
            self.text()
        };
        result.unwrap_or_else(|message| {
            self.failed = true;
            Token {
                kind: Kind::Error,
                position: self.start,
                line: self.start_line,
                text: Cow::Owned(message.into_bytes()),
            }
        })
    }

    fn rest(&self) -> &'a [u8] {
        &self.input[self.position..]
    }

    fn peek(&self) -> Option<char> {
        decode(self.rest()).map(|(c, _)| c)
    }

    fn advance(&mut self) -> Option<char> {
        let (c, width) = decode(self.rest())?;
        self.position += width;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn emit(&mut self, kind: Kind) -> Token<'a> {
        let token = Token {
            kind,
            position: self.start,
            line: self.start_line,
            text: Cow::Borrowed(&self.input[self.start..self.position]),
        };
        self.start = self.position;
        self.start_line = self.line;
        token
    }

    /// Drops what was read since the last token, counting its lines.
    fn ignore(&mut self) {
        self.count_lines();
        self.start = self.position;
        self.start_line = self.line;
    }

    fn count_lines(&mut self) {
        let read = &self.input[self.start..self.position];
        self.line += memchr::memchr_iter(b'\n', read).count();
    }

    fn text(&mut self) -> Result<'a> {
        loop {
            let Some(at) = find(self.rest(), LEFT) else {
                self.position = self.input.len();
                if self.position > self.start {
                    self.count_lines();
                    return Ok(self.emit(Kind::Text));
                }
                return Ok(Token {
                    kind: Kind::EndOfInput,
                    position: self.position,
                    line: self.start_line,
                    text: Cow::Borrowed(b"EOF"),
                });
            };
            if at > 0 {
                self.position += at;
                let mut trimmed = 0;
                if has_left_marker(&self.input[self.position + LEFT.len()..]) {
                    let text = &self.input[self.start..self.position];
                    trimmed = text.len() - trim_end(text).len();
                }
                self.position -= trimmed;
                self.count_lines();
                let token = self.emit(Kind::Text);
                self.position += trimmed;
                self.ignore();
                if !token.text.is_empty() {
                    return Ok(token);
                }
            }
            if let Some(token) = self.left_delimiter()? {
                return Ok(token);
            }
        }
    }

    /// Reads `{{`; none where a comment stood.
    fn left_delimiter(&mut self) -> std::result::Result<Option<Token<'a>>, String> {
        self.position += LEFT.len();
        let marker = if has_left_marker(self.rest()) { 2 } else { 0 };
        if self.input[self.position + marker..].starts_with(b"/*") {
            self.position += marker;
            self.ignore();
            self.comment()?;
            return Ok(None);
        }
        let token = self.emit(Kind::LeftDelimiter);
        self.inside_action = true;
        self.position += marker;
        self.ignore();
        self.parentheses = 0;
        Ok(Some(token))
    }

    fn comment(&mut self) -> std::result::Result<(), String> {
        self.position += 2;
        let end = find(self.rest(), b"*/").ok_or("unclosed comment")?;
        self.position += end + 2;
        let trim = self
            .right_delimiter_ahead()
            .ok_or("comment ends before closing delimiter")?;
        self.position += RIGHT.len() + if trim { 2 } else { 0 };
        if trim {
            let rest = self.rest();
            self.position += rest.len() - trim_start(rest).len();
        }
        self.ignore();
        Ok(())
    }

    /// Says whether `}}` follows, and if so whether with a trim marker.
    fn right_delimiter_ahead(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_marker(rest) && rest[2..].starts_with(RIGHT) {
            return Some(true);
        }
        rest.starts_with(RIGHT).then_some(false)
    }

    fn right_delimiter(&mut self, trim: bool) -> Token<'a> {
        if trim {
            self.position += 2;
            self.ignore();
        }
        self.position += RIGHT.len();
        let token = self.emit(Kind::RightDelimiter);
        if trim {
            let rest = self.rest();
            self.position += rest.len() - trim_start(rest).len();
            self.ignore();
        }
        self.inside_action = false;
        token
    }

    fn action(&mut self) -> Result<'a> {
        if let Some(trim) = self.right_delimiter_ahead() {
            if self.parentheses > 0 {
                return Err("unclosed left paren".to_owned());
            }
            return Ok(self.right_delimiter(trim));
        }
        let Some(c) = self.peek() else {
            return Err("unclosed action".to_owned());
        };
        if is_space(c) {
            return Ok(self.space());
        }
        let next = self.input.get(self.position + 1);
        let number = match c {
            '+' | '-' | '0'..='9' => true,
            '.' => next.is_some_and(u8::is_ascii_digit),
            _ => false,
        };
        if number {
            return self.number();
        }
        if is_alphanumeric(c) {
            return self.word(Kind::Identifier);
        }
        self.advance();
        Ok(match c {
            '=' => self.emit(Kind::Assign),
            ':' => {
                if self.advance() != Some('=') {
                    return Err("expected :=".to_owned());
                }
                self.emit(Kind::Declare)
            }
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted('"', "unterminated quoted string", Kind::String)?,
            '\'' => self.quoted('\'', "unterminated character constant", Kind::CharConstant)?,
            '`' => {
                loop {
                    match self.advance() {
                        None => return Err("unterminated raw quoted string".to_owned()),
                        Some('`') => break,
                        Some(_) => {}
                    }
                }
                self.emit(Kind::RawString)
            }
            '$' => return self.word(Kind::Variable),
            '.' => return self.word(Kind::Field),
            '(' => {
                self.parentheses += 1;
                self.emit(Kind::LeftParenthesis)
            }
            ')' => {
                self.parentheses = self
                    .parentheses
                    .checked_sub(1)
                    .ok_or("unexpected right paren")?;
                self.emit(Kind::RightParenthesis)
            }
            c if c.is_ascii_graphic() => self.emit(Kind::Char),
            c => return Err(format!("unrecognized character in action: {}", unicode(c))),
        })
    }

    fn space(&mut self) -> Token<'a> {
        let mut count = 0;
        while self.peek().is_some_and(is_space) {
            self.advance();
            count += 1;
        }
        // The last space may be the first half of a trim marker.
        let marker = &self.input[self.position - 1..];
        if has_right_marker(marker) && marker[2..].starts_with(RIGHT) {
            self.position -= 1;
            if self.input[self.position] == b'\n' {
                self.line -= 1;
            }
            if count == 1 {
                return self.right_delimiter(true);
            }
        }
        self.emit(Kind::Space)
    }

    /// Reads a name, after the `.` or `$` of a field or variable.
    fn word(&mut self, kind: Kind) -> Result<'a> {
        let bare = kind != Kind::Identifier && self.at_terminator();
        while !bare && self.peek().is_some_and(is_alphanumeric) {
            self.advance();
        }
        if !self.at_terminator() {
            // Parity: what Go names is the character after the word.
            let c = self.peek().unwrap_or_default();
            return Err(format!("bad character {}", unicode(c)));
        }
        let word = &self.input[self.start..self.position];
        let kind = match kind {
            Kind::Field if bare => Kind::Dot,
            Kind::Identifier => match word {
                b"true" | b"false" => Kind::Bool,
                word => Kind::keyword(word).unwrap_or(Kind::Identifier),
            },
            kind => kind,
        };
        Ok(self.emit(kind))
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(c) if is_space(c) => true,
            Some(_) => self.rest().starts_with(RIGHT),
        }
    }

    fn quoted(&mut self, mark: char, unterminated: &str, kind: Kind) -> Result<'a> {
        loop {
            let c = match self.advance() {
                Some('\\') => match self.advance() {
                    Some(c) if c != '\n' => continue,
                    _ => None,
                },
                c => c,
            };
            match c {
                None | Some('\n') => return Err(unterminated.to_owned()),
                Some(c) if c == mark => return Ok(self.emit(kind)),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Result<'a> {
        let bad = |lexer: &Self| {
            let text = &lexer.input[lexer.start..lexer.position];
            format!("bad number syntax: {}", quote(text))
        };
        if !self.scan_number() {
            return Err(bad(self));
        }
        if matches!(self.peek(), Some('+' | '-')) {
            if !self.scan_number() || self.input[self.position - 1] != b'i' {
                return Err(bad(self));
            }
            return Ok(self.emit(Kind::Complex));
        }
        Ok(self.emit(Kind::Number))
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        let found = self
            .rest()
            .first()
            .is_some_and(|first| valid.contains(first));
        if found {
            self.position += 1;
        }
        found
    }

    fn accept_run(&mut self, valid: &[u8]) {
        while self.accept(valid) {}
    }

    fn scan_number(&mut self) -> bool {
        const DECIMAL: &[u8] = b"0123456789_";
        const HEXADECIMAL: &[u8] = b"0123456789abcdefABCDEF_";
        self.accept(b"+-");
        let mut digits = DECIMAL;
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = HEXADECIMAL;
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        if digits == DECIMAL && self.accept(b"eE") || digits == HEXADECIMAL && self.accept(b"pP") {
            self.accept(b"+-");
            self.accept_run(DECIMAL);
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.advance();
            return false;
        }
        true
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn has_left_marker(text: &[u8]) -> bool {
    text.len() >= 2 && text[0] == b'-' && SPACES.contains(&text[1])
}

fn has_right_marker(text: &[u8]) -> bool {
    text.len() >= 2 && SPACES.contains(&text[0]) && text[1] == b'-'
}

fn trim_start(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|b| SPACES.contains(b)).count();
    &text[spaces..]
}

fn trim_end(text: &[u8]) -> &[u8] {
    let spaces = text.iter().rev().take_while(|b| SPACES.contains(b)).count();
    &text[..text.len() - spaces]
}

/// Prints a character as Go's `%#U`: `U+0040 '@'`.
fn unicode(c: char) -> String {
    let code = format!("U+{:04X}", c as u32);
    if crate::rune::is_print(c) {
        format!("{code} '{c}'")
    } else {
        code
    }
}
