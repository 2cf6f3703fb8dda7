//! The tree a document becomes: scalars keep their source text, tag, style and line.
//!
//! Keys are scalars (a collection as a key is a parse error), entries keep their order, and a key may
//! stand twice: whether that is an error is decided by whoever renders, as in Go.

use compact_str::CompactString;

/// What a node's tag says, shortened as yaml.v3 does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    /// No tag yet: the value decides when the node is rendered.
    Unset,
    /// `!!null`
    Null,
    /// `!!bool`
    Bool,
    /// `!!int`
    Int,
    /// `!!float`
    Float,
    /// `!!str`
    Str,
    /// `!!timestamp`
    Timestamp,
    /// `!!binary`
    Binary,
    /// `!!merge`, the key `<<`
    Merge,
    /// Any other tag. It is rare, and every node is as large as this: so it is one pointer.
    Other(Box<String>),
}

impl Tag {
    /// Shortens a tag of the source.
    pub fn parse(tag: &str) -> Self {
        let short = tag
            .strip_prefix("tag:yaml.org,2002:")
            .or_else(|| tag.strip_prefix("!!"));
        match short {
            Some("null") => Self::Null,
            Some("bool") => Self::Bool,
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("str") => Self::Str,
            Some("timestamp") => Self::Timestamp,
            Some("binary") => Self::Binary,
            Some("merge") => Self::Merge,
            Some(other) => Self::Other(Box::new(format!("!!{other}"))),
            None => Self::Other(Box::new(tag.to_owned())),
        }
    }

    /// Returns the short spelling, empty for [`Tag::Unset`].
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unset => "",
            Self::Null => "!!null",
            Self::Bool => "!!bool",
            Self::Int => "!!int",
            Self::Float => "!!float",
            Self::Str => "!!str",
            Self::Timestamp => "!!timestamp",
            Self::Binary => "!!binary",
            Self::Merge => "!!merge",
            Self::Other(tag) => tag,
        }
    }
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    #[default]
    Plain,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// One scalar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// The text, unescaped.
    pub value: CompactString,
    /// The tag, resolved by yaml.v3's rules where the source has none.
    pub tag: Tag,
    /// How it was written.
    pub style: Style,
    /// Whether the source spelled the tag out.
    pub tagged: bool,
    /// The line in the source, from 1; 0 where it has none.
    pub line: u32,
    /// Not 0 where Go would share one node among several places: those with the same number in a tree.
    pub alias: u16,
}

impl Scalar {
    /// Makes a scalar whose value decides its type, as kyaml's `NewScalarRNode`.
    pub fn untagged(value: impl Into<CompactString>) -> Self {
        Self {
            value: value.into(),
            tag: Tag::Unset,
            style: Style::Plain,
            tagged: false,
            line: 0,
            alias: 0,
        }
    }

    /// Makes a string.
    pub fn string(value: impl Into<CompactString>) -> Self {
        Self {
            tag: Tag::Str,
            ..Self::untagged(value)
        }
    }

    /// Makes a scalar with the tag.
    pub fn with_tag(value: impl Into<CompactString>, tag: Tag) -> Self {
        Self {
            tag,
            ..Self::untagged(value)
        }
    }

    /// Says whether the tag is `!!null`.
    pub fn is_null(&self) -> bool {
        self.tag == Tag::Null
    }

    /// Says whether the tag is `!!str` or not set.
    pub fn is_string(&self) -> bool {
        matches!(self.tag, Tag::Str | Tag::Unset)
    }
}

/// A sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seq {
    /// The elements.
    pub items: Vec<Node>,
    /// Whether it was written as `[…]`.
    pub flow: bool,
}

/// A mapping, in source order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// Keys and values; a key may stand twice.
    pub entries: Vec<(Scalar, Node)>,
    /// Whether it was written as `{…}`.
    pub flow: bool,
}

/// A value of a document, aliases expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A scalar.
    Scalar(Scalar),
    /// A sequence.
    Seq(Seq),
    /// A mapping.
    Map(Map),
}

impl Map {
    /// Returns the value of the first entry with the key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries
            .iter()
            .find(|(k, _)| k.value == key)
            .map(|(_, v)| v)
    }

    /// Returns the value of the first entry with the key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries
            .iter_mut()
            .find(|(k, _)| k.value == key)
            .map(|(_, v)| v)
    }

    /// Removes the first entry with the key.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let at = self.entries.iter().position(|(k, _)| k.value == key)?;
        Some(self.entries.remove(at).1)
    }

    /// Puts a value in place of the first entry with the key, or at the end.
    pub fn insert(&mut self, key: &str, value: Node) {
        match self.get_mut(key) {
            Some(slot) => *slot = value,
            None => self.push(key, value),
        }
    }

    /// Adds an entry at the end without looking for the key.
    pub fn push(&mut self, key: &str, value: Node) {
        // Most maps are small, and growing reserves more than they hold.
        if self.entries.len() < 8 {
            self.entries.reserve_exact(1);
        }
        self.entries.push((Scalar::untagged(key), value));
    }

    /// Returns the value at the key, made by `make` at the end where it is missing.
    pub fn entry(&mut self, key: &str, make: impl FnOnce() -> Node) -> &mut Node {
        let at = match self.entries.iter().position(|(k, _)| k.value == key) {
            Some(at) => at,
            None => {
                self.push(key, make());
                self.entries.len() - 1
            }
        };
        &mut self.entries[at].1
    }
}

impl Node {
    /// Makes a string.
    pub fn string(value: impl Into<CompactString>) -> Self {
        Self::Scalar(Scalar::string(value))
    }

    /// Makes a null.
    pub fn null() -> Self {
        Self::Scalar(Scalar::with_tag("null", Tag::Null))
    }

    /// Makes an empty mapping.
    pub fn map() -> Self {
        Self::Map(Map::default())
    }

    /// Makes an empty sequence.
    pub fn seq() -> Self {
        Self::Seq(Seq::default())
    }

    /// Returns the scalar, if it is one.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Returns the text of a scalar.
    pub fn as_str(&self) -> Option<&str> {
        self.as_scalar().map(|scalar| scalar.value.as_str())
    }

    /// Returns the mapping, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns the mapping, if it is one, to change it.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns the sequence, if it is one.
    pub fn as_seq(&self) -> Option<&Seq> {
        match self {
            Self::Seq(seq) => Some(seq),
            _ => None,
        }
    }

    /// Returns the value of a mapping's key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.get(key)
    }

    /// Says whether it is a `!!null` scalar.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(scalar) if scalar.is_null())
    }

    /// Says whether it is null, an empty mapping or an empty sequence.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(scalar) => scalar.is_null(),
            Self::Seq(seq) => seq.items.is_empty(),
            Self::Map(map) => map.entries.is_empty(),
        }
    }

    /// Names the kind as kyaml does in its errors.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "ScalarNode",
            Self::Seq(_) => "SequenceNode",
            Self::Map(_) => "MappingNode",
        }
    }
}
