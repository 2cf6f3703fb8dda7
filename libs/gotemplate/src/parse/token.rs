//! The tokens of a template.

use crate::node::Span;
use crate::quote::quote;
use crate::rune::runes;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    EndOfInput,
    Field,
    Identifier,
    LeftDelimiter,
    LeftParenthesis,
    Number,
    Pipe,
    RawString,
    RightDelimiter,
    RightParenthesis,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    /// Returns the keyword of a word; `break` and `continue` are always keywords, for no function has these names.
    pub(super) fn keyword(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"." => Self::Dot,
            b"block" => Self::Block,
            b"break" => Self::Break,
            b"continue" => Self::Continue,
            b"define" => Self::Define,
            b"else" => Self::Else,
            b"end" => Self::End,
            b"if" => Self::If,
            b"nil" => Self::Nil,
            b"range" => Self::Range,
            b"template" => Self::Template,
            b"with" => Self::With,
            _ => return None,
        })
    }

    fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Block
                | Self::Break
                | Self::Continue
                | Self::Dot
                | Self::Define
                | Self::Else
                | Self::End
                | Self::If
                | Self::Nil
                | Self::Range
                | Self::Template
                | Self::With
        )
    }
}

/// A token with its place; of an error the text is the message.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) position: usize,
    pub(super) line: usize,
    pub(super) text: std::borrow::Cow<'a, [u8]>,
}

impl Token<'_> {
    /// Says where the token stands in the file; not of errors, whose text is not from there. The parser takes no text whose
    /// places are larger numbers than these.
    pub(super) fn span(&self) -> Span {
        Span {
            start: self.position as u32,
            length: self.text.len() as u32,
        }
    }

    /// Says the token as Go's parser does in `unexpected ...`.
    pub(super) fn describe(&self) -> String {
        let text = String::from_utf8_lossy(&self.text);
        match self.kind {
            Kind::EndOfInput => "EOF".to_owned(),
            Kind::Error => text.into_owned(),
            kind if kind.is_keyword() => format!("<{text}>"),
            _ if self.text.len() > 10 => {
                let head: String = runes(&self.text).take(10).collect();
                format!("{}...", quote(head.as_bytes()))
            }
            _ => quote(&self.text),
        }
    }
}
