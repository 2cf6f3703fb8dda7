//! From a file to its templates.
//!
//! The surprise: a `define` whose body is blank does not replace a template of the same name, here and when files meet
//! in a [`Set`](crate::Set).

mod control;
mod lex;
mod number;
mod pipeline;
mod token;

use crate::error::ParseError;
use crate::function::Functions;
use crate::node::{Node, Source, Tree};
use crate::quote::unquote;
use crate::{Limits, Text};
use lex::Lexer;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use token::{Kind, Token};

/// Parses a file: its own template first, then those that it defines.
///
/// # Errors
/// [`ParseError`] with Go's text.
pub(crate) fn parse(
    name: &str,
    text: Text,
    functions: &Functions,
    limits: &Limits,
) -> Result<Vec<Tree>, ParseError> {
    if u32::try_from(text.len()).is_err() {
        return Err(ParseError {
            name: name.to_owned(),
            line: 1,
            message: "the text is larger than 4 GiB".to_owned(),
        });
    }
    let source = Arc::new(Source {
        name: name.to_owned(),
        text,
    });
    let mut parser = Parser {
        lexer: Lexer::new(source.text.as_bytes()),
        tokens: [Token::none(), Token::none(), Token::none()],
        peeked: 0,
        name,
        functions,
        limits,
        source: source.clone(),
        trees: Vec::new(),
        texts: HashSet::new(),
        body: Body::default(),
        control_depth: 0,
    };
    let root = parser.file()?;
    let main = Tree {
        name: name.into(),
        source: source.clone(),
        root,
    };
    parser.add(main)?;
    let mut trees = parser.trees;
    trees.sort_by_key(|tree| tree.name != name);
    Ok(trees)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// A ring of look-ahead as in Go, whose first place tells the line of an error.
    tokens: [Token<'a>; 3],
    peeked: usize,
    name: &'a str,
    functions: &'a Functions,
    limits: &'a Limits,
    source: Arc<Source>,
    trees: Vec<Tree>,
    /// The texts of literals; a file says most of them again and again.
    texts: HashSet<Text>,
    body: Body<'a>,
    control_depth: usize,
}

/// What is known inside one template body.
struct Body<'a> {
    variables: Vec<Cow<'a, [u8]>>,
    ranges: usize,
    expression_depth: usize,
    /// The line on which the action at hand began; 0 outside.
    action_line: usize,
}

impl Default for Body<'_> {
    fn default() -> Self {
        Self {
            variables: vec![Cow::Borrowed(b"$")],
            ranges: 0,
            expression_depth: 0,
            action_line: 0,
        }
    }
}

/// What ends a list of nodes.
enum Stop {
    End,
    Else,
}

impl Token<'_> {
    fn none() -> Self {
        Self {
            kind: Kind::EndOfInput,
            position: 0,
            line: 0,
            text: Cow::Borrowed(b""),
        }
    }
}

type Result_<T> = Result<T, ParseError>;

impl<'a> Parser<'a> {
    fn next(&mut self) -> Token<'a> {
        if self.peeked > 0 {
            self.peeked -= 1;
        } else {
            self.tokens[0] = self.lexer.next();
        }
        self.tokens[self.peeked].clone()
    }

    fn back(&mut self) {
        self.peeked += 1;
    }

    fn peek(&mut self) -> &Token<'a> {
        if self.peeked == 0 {
            self.tokens[0] = self.lexer.next();
            self.peeked = 1;
        }
        &self.tokens[self.peeked - 1]
    }

    fn next_after_space(&mut self) -> Token<'a> {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_after_space(&mut self) -> Token<'a> {
        let token = self.next_after_space();
        self.back();
        token
    }

    /// Reads the text of a literal.
    fn literal(&mut self, token: &Token<'_>) -> Result_<Text> {
        let text = unquote(&token.text).ok_or_else(|| self.error("invalid syntax"))?;
        if let Some(known) = self.texts.get(text.as_slice()) {
            return Ok(known.clone());
        }
        let text = Text::from(text);
        self.texts.insert(text.clone());
        Ok(text)
    }

    fn error(&self, message: impl Into<String>) -> ParseError {
        ParseError {
            name: self.name.to_owned(),
            line: self.tokens[0].line,
            message: message.into(),
        }
    }

    fn unexpected(&self, token: &Token<'_>, context: &str) -> ParseError {
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {} in {context}", token.describe()));
        }
        let mut message = token.describe();
        if self.body.action_line != 0 && self.body.action_line != token.line {
            let verb = if message.ends_with(" action") {
                ""
            } else {
                " in action"
            };
            message += &format!("{verb} started at {}:{}", self.name, self.body.action_line);
        }
        self.error(message)
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result_<Token<'a>> {
        let token = self.next_after_space();
        if token.kind == kind {
            Ok(token)
        } else {
            Err(self.unexpected(&token, context))
        }
    }

    fn file(&mut self) -> Result_<Box<[Node]>> {
        let mut root = Vec::new();
        loop {
            match self.peek().kind {
                Kind::EndOfInput => return Ok(root.into()),
                Kind::LeftDelimiter => {
                    let delimiter = self.next();
                    if self.next_after_space().kind == Kind::Define {
                        self.definition()?;
                        continue;
                    }
                    self.tokens[1] = delimiter;
                    self.peeked = 2;
                }
                _ => {}
            }
            match self.text_or_action()? {
                Ok(node) => root.push(node),
                Err(Stop::End) => return Err(self.error("unexpected {{end}}")),
                Err(Stop::Else) => return Err(self.error("unexpected {{else}}")),
            }
        }
    }

    fn definition(&mut self) -> Result_<()> {
        const CONTEXT: &str = "define clause";
        let token = self.next_after_space();
        let outer = std::mem::take(&mut self.body);
        let name = self.template_name(&token, CONTEXT)?;
        self.expect(Kind::RightDelimiter, CONTEXT)?;
        let root = self.body_until_end(CONTEXT)?;
        self.body = outer;
        self.define(name, root)
    }

    /// Reads a body up to its `end`.
    fn body_until_end(&mut self, context: &str) -> Result_<Box<[Node]>> {
        let (root, stop) = self.list()?;
        match stop {
            Stop::End => Ok(root),
            Stop::Else => Err(self.error(format!("unexpected {{{{else}}}} in {context}"))),
        }
    }

    fn define(&mut self, name: Text, root: Box<[Node]>) -> Result_<()> {
        let tree = Tree {
            name,
            source: self.source.clone(),
            root,
        };
        self.add(tree)
    }

    fn add(&mut self, tree: Tree) -> Result_<()> {
        match self.trees.iter_mut().find(|old| old.name == tree.name) {
            None => self.trees.push(tree),
            Some(old) if old.is_blank() => *old = tree,
            Some(_) if tree.is_blank() => {}
            Some(_) => {
                let name = crate::quote::quote(tree.name.as_bytes());
                return Err(self.error(format!("template: multiple definition of template {name}")));
            }
        }
        Ok(())
    }
}
