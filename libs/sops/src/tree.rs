//! The tree that every format is read into: order and comments are kept, values keep their types.

use zeroize::Zeroize;

/// A document: entries in their order.
pub type Branch = Vec<(Key, Node)>;

/// What stands where a key is.
#[derive(Clone, PartialEq)]
pub enum Key {
    /// A key.
    Text(String),
    /// A comment; its node is null.
    Comment(Comment),
}

/// One line of a comment, without its mark.
#[derive(Clone, Default, PartialEq)]
pub struct Comment {
    /// The text.
    pub text: String,
    /// It stands behind the value that follows it here, not on a line of its own.
    pub inline: bool,
}

impl From<String> for Comment {
    fn from(text: String) -> Self {
        Self {
            text,
            inline: false,
        }
    }
}

/// A value; those that were encrypted are texts until they are decrypted.
#[derive(Clone, PartialEq)]
pub enum Node {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A text.
    Text(String),
    /// A timestamp, in RFC 3339.
    Time(String),
    /// What a binary file holds.
    Bytes(Vec<u8>),
    /// A comment among the items of a list, or one that stands where a value was.
    Comment(Comment),
    /// A list.
    List(Vec<Self>),
    /// A map.
    Map(Branch),
}

// A decrypted tree must not be printed by accident.
impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(key) => write!(f, "{key:?}"),
            Self::Comment(_) => f.write_str("a comment"),
        }
    }
}

impl Node {
    /// Names the kind of the value, for errors.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Text(_) => "a text",
            Self::Time(_) => "a timestamp",
            Self::Bytes(_) => "bytes",
            Self::Comment(_) => "a comment",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// Returns the bytes that the checksum covers; none for null and collections.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        Some(match self {
            Self::Bool(true) => b"True".to_vec(),
            Self::Bool(false) => b"False".to_vec(),
            Self::Int(int) => int.to_string().into_bytes(),
            Self::Float(float) => format!("{float}").into_bytes(),
            Self::Text(text) | Self::Time(text) => text.clone().into_bytes(),
            Self::Comment(comment) => comment.text.clone().into_bytes(),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Null | Self::List(_) | Self::Map(_) => return None,
        })
    }

    /// Overwrites the values.
    pub(crate) fn erase(&mut self) {
        match self {
            Self::Text(text) | Self::Time(text) => text.zeroize(),
            Self::Comment(comment) => comment.text.zeroize(),
            Self::Bytes(bytes) => bytes.zeroize(),
            Self::Int(int) => int.zeroize(),
            Self::Float(float) => float.zeroize(),
            Self::Bool(flag) => flag.zeroize(),
            Self::List(items) => items.iter_mut().for_each(Self::erase),
            Self::Map(entries) => erase(entries),
            Self::Null => {}
        }
    }
}

/// Overwrites the values and comments of a map.
pub(crate) fn erase(entries: &mut Branch) {
    for (key, node) in entries {
        if let Key::Comment(comment) = key {
            comment.text.zeroize();
        }
        node.erase();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erasing_leaves_no_value_of_any_kind() {
        let text = || "planted".to_owned();
        let leaves = vec![
            Node::Bool(true),
            Node::Int(7),
            Node::Float(7.5),
            Node::Text(text()),
            Node::Time(text()),
            Node::Bytes(b"planted".to_vec()),
            Node::Comment(text().into()),
        ];
        let mut tree = vec![
            (Key::Comment(text().into()), Node::Null),
            (Key::Text("list".into()), Node::List(leaves.clone())),
            (
                Key::Text("map".into()),
                Node::Map(vec![(Key::Text("inner".into()), Node::List(leaves))]),
            ),
        ];
        erase(&mut tree);
        let Key::Comment(comment) = &tree[0].0 else {
            unreachable!("it was a comment")
        };
        assert!(comment.text.is_empty());
        let (Node::List(outer), Node::Map(map)) = (&tree[1].1, &tree[2].1) else {
            unreachable!("a list and a map")
        };
        let Node::List(inner) = &map[0].1 else {
            unreachable!("a list")
        };
        for leaf in outer.iter().chain(inner) {
            let rest = leaf.bytes().unwrap_or_default();
            assert!(
                matches!(&rest[..], b"" | b"0" | b"False"),
                "{leaf:?} keeps {rest:?}"
            );
        }
    }
}
