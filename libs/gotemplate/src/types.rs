//! The Go types that parameters, map elements and list elements can have.

use crate::value::{Kind, ListType, MapType, Value};

/// A static type; its `name` is what Go prints in `expected string; got int`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`.
    Any,
    /// `string`.
    String,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `uint64`.
    Uint64,
    /// `uint32`; a literal adapts to it, no value has it.
    Uint32,
    /// `float64`.
    Float64,
    /// `[]uint8`.
    Bytes,
    /// `map[string]interface {}`; named map types of that shape are assignable, `map[string]string` is not.
    Dict,
    /// `[]interface {}`.
    List,
    /// `[]string`.
    Strings,
    /// A named type with methods, by its name.
    Object(&'static str),
}

impl Type {
    /// Returns the name as `reflect` prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::String => "string",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint64 => "uint64",
            Self::Uint32 => "uint32",
            Self::Float64 => "float64",
            Self::Bytes => "[]uint8",
            Self::Dict => "map[string]interface {}",
            Self::List => "[]interface {}",
            Self::Strings => "[]string",
            Self::Object(name) => name,
        }
    }

    /// Says whether a parameter of the type takes nil.
    pub fn can_be_nil(self) -> bool {
        match self {
            Self::Any | Self::Bytes | Self::Dict | Self::List | Self::Strings => true,
            Self::Object(name) => name.starts_with('*'),
            _ => false,
        }
    }

    /// Says whether a value that is not nil is assignable to the type without a conversion.
    pub fn accepts(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::String => matches!(value, Value::String(_)),
            Self::Bool => matches!(value, Value::Bool(_)),
            Self::Int => matches!(value, Value::Int(_)),
            Self::Int64 => matches!(value, Value::Int64(_)),
            Self::Uint64 => matches!(value, Value::Uint64(_)),
            Self::Uint32 => false,
            Self::Float64 => matches!(value, Value::Float64(_)),
            Self::Bytes => matches!(value, Value::Bytes(_)),
            Self::Dict => matches!(value, Value::Map(map) if map.of().element == Self::Any),
            Self::List => {
                matches!(value, Value::List(list) if list.of().element == Self::Any)
            }
            Self::Strings => {
                matches!(value, Value::List(list) if list.of().element == Self::String)
            }
            Self::Object(name) => value.type_name() == name,
        }
    }

    /// Returns the kind of values of the type.
    pub fn kind(self) -> Kind {
        match self {
            Self::Any => Kind::Invalid,
            Self::String => Kind::String,
            Self::Bool => Kind::Bool,
            Self::Int => Kind::Int,
            Self::Int64 => Kind::Int64,
            Self::Uint64 | Self::Uint32 => Kind::Uint64,
            Self::Float64 => Kind::Float64,
            Self::Bytes | Self::List | Self::Strings => Kind::Slice,
            Self::Dict => Kind::Map,
            Self::Object(_) => Kind::Struct,
        }
    }
}

impl MapType {
    /// `map[string]interface {}`.
    pub const ANY: Self = Self {
        name: "map[string]interface {}",
        element: Type::Any,
        methods: &[],
    };
    /// `map[string]string`.
    pub const STRINGS: Self = Self {
        name: "map[string]string",
        element: Type::String,
        methods: &[],
    };
}

impl ListType {
    /// `[]interface {}`.
    pub const ANY: Self = Self {
        name: "[]interface {}",
        element: Type::Any,
        methods: &[],
    };
    /// `[]string`.
    pub const STRINGS: Self = Self {
        name: "[]string",
        element: Type::String,
        methods: &[],
    };
    /// `[]int`.
    pub const INTS: Self = Self {
        name: "[]int",
        element: Type::Int,
        methods: &[],
    };
    /// `[][]interface {}`.
    pub const LISTS: Self = Self {
        name: "[][]interface {}",
        element: Type::List,
        methods: &[],
    };
}
