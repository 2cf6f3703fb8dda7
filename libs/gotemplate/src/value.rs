//! Go's values as templates see them.
//!
//! Owns what a value is, its kind, type name and truth. The types are Go's: `int` and `int64` differ, maps and
//! lists are shared and mutable (`set` is seen by everyone who holds the map), a nil map differs from an empty
//! one. The surprise: [`Value::Nil`] is the untyped nil; nil maps and lists are typed and are not it.

mod convert;
mod equal;
mod list;
mod map;
mod object;

pub use list::{List, ListType};
pub(crate) use map::WeakMap;
pub use map::{Map, MapType};
pub use object::{Method, Object};

use crate::Text;
use crate::types::Type;
use std::rc::Rc;

/// How deep values may nest where the engine walks them (printing, encoding, comparing, copying).
pub const MAX_DEPTH: usize = 500;

/// A Go value.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// The untyped nil.
    #[default]
    Nil,
    /// `bool`.
    Bool(bool),
    /// `int`: literals, `len`, indexes of `range`.
    Int(i64),
    /// `int64`: sprig's arithmetic and integers of `--set`.
    Int64(i64),
    /// `uint8`: an element of a string or of `[]byte`.
    Uint8(u8),
    /// `uint64`: parts of a semantic version.
    Uint64(u64),
    /// `float64`: every number of a values file.
    Float64(f64),
    /// `string`.
    String(Text),
    /// `[]byte`.
    Bytes(Text),
    /// A slice, shared.
    List(List),
    /// A map with string keys, shared.
    Map(Map),
    /// A struct or another type with methods.
    Object(Rc<dyn Object>),
}

/// The kinds of Go's `reflect` that values here can have; `name` is what `kindOf` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No value.
    Invalid,
    /// A boolean.
    Bool,
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `uint8`.
    Uint8,
    /// `uint64`.
    Uint64,
    /// `float64`.
    Float64,
    /// A string.
    String,
    /// A slice.
    Slice,
    /// A map.
    Map,
    /// A struct.
    Struct,
    /// A pointer.
    Ptr,
}

impl Kind {
    /// Returns Go's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Uint64 => "uint64",
            Self::Float64 => "float64",
            Self::String => "string",
            Self::Slice => "slice",
            Self::Map => "map",
            Self::Struct => "struct",
            Self::Ptr => "ptr",
        }
    }
}

impl Value {
    /// Makes a string.
    pub fn string(text: impl Into<Text>) -> Self {
        Self::String(text.into())
    }

    /// Makes a `[]interface {}`.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(items, &ListType::ANY))
    }

    /// Makes a `[]string`.
    pub fn strings<T: Into<Text>>(items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().map(Self::string).collect();
        Self::List(List::new(items, &ListType::STRINGS))
    }

    /// Makes a `map[string]interface {}`.
    pub fn map<K: Into<Text>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(Map::new(
            entries.into_iter().map(|(key, value)| (key.into(), value)),
            &MapType::ANY,
        ))
    }

    /// Makes an object.
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Rc::new(object))
    }

    /// Returns the kind as Go's `reflect` names it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Nil => Kind::Invalid,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Int64(_) => Kind::Int64,
            Self::Uint8(_) => Kind::Uint8,
            Self::Uint64(_) => Kind::Uint64,
            Self::Float64(_) => Kind::Float64,
            Self::String(_) => Kind::String,
            Self::Bytes(_) | Self::List(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Object(object) => object.kind(),
        }
    }

    /// Returns the type as Go's `%T` prints it: `map[string]interface {}`, `<nil>` for nil.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Uint8(_) => "uint8",
            Self::Uint64(_) => "uint64",
            Self::Float64(_) => "float64",
            Self::String(_) => "string",
            Self::Bytes(_) => "[]uint8",
            Self::List(list) => list.of().name,
            Self::Map(map) => map.of().name,
            Self::Object(object) => object.type_name(),
        }
    }

    /// Says whether `if` takes the value as true: not zero and not empty; structs always.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(b) => *b,
            Self::Int(i) | Self::Int64(i) => *i != 0,
            Self::Uint8(i) => *i != 0,
            Self::Uint64(i) => *i != 0,
            Self::Float64(f) => *f != 0.0,
            Self::String(text) | Self::Bytes(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(object) => object.is_true(),
        }
    }

    /// Says whether Go's `reflect.Value.IsNil` would be true: nil itself, a nil map or slice.
    pub fn is_nil(&self) -> bool {
        match self {
            Self::Nil => true,
            Self::List(list) => list.is_nil(),
            Self::Map(map) => map.is_nil(),
            _ => false,
        }
    }

    /// Says whether the value nests at most so many levels.
    pub(crate) fn nests_within(&self, levels: usize) -> bool {
        let Some(below) = levels.checked_sub(1) else {
            return false;
        };
        match self {
            Self::List(list) => list
                .borrow()
                .is_none_or(|items| items.iter().all(|item| item.nests_within(below))),
            Self::Map(map) => map
                .borrow()
                .is_none_or(|entries| entries.values().all(|value| value.nests_within(below))),
            _ => true,
        }
    }

    /// Returns the string if it is one.
    pub fn as_text(&self) -> Option<&Text> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the map if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns the list if it is one.
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// Returns the zero value of a type: what a missing entry of a map reads as.
    pub fn zero(of: Type) -> Self {
        match of {
            Type::String => Self::String(Text::default()),
            Type::Bool => Self::Bool(false),
            Type::Int => Self::Int(0),
            Type::Int64 => Self::Int64(0),
            Type::Uint64 | Type::Uint32 => Self::Uint64(0),
            Type::Float64 => Self::Float64(0.0),
            Type::Bytes => Self::Bytes(Text::default()),
            Type::Dict => Self::Map(Map::nil(&MapType::ANY)),
            Type::List => Self::List(List::nil(&ListType::ANY)),
            Type::Strings => Self::List(List::nil(&ListType::STRINGS)),
            Type::Any | Type::Object(_) => Self::Nil,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::string(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::string(value)
    }
}

impl From<Text> for Value {
    fn from(value: Text) -> Self {
        Self::String(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float64(value)
    }
}
