//! Structs and other types with methods, as the caller hands them in.

use super::{Kind, Value};
use crate::Text;
use crate::function::{Failure, Scope};
use crate::types::Type;
use std::any::Any;
use std::fmt::Debug;

/// A Go value whose fields and methods templates reach by name: a version, a time, `.Capabilities.KubeVersion`.
pub trait Object: Debug {
    /// Returns the type as Go's `%T` prints it; of a pointer with its star.
    fn type_name(&self) -> &'static str;

    /// Returns the kind; most are structs or pointers to them.
    fn kind(&self) -> Kind {
        if self.type_name().starts_with('*') {
            Kind::Ptr
        } else {
            Kind::Struct
        }
    }

    /// Returns an exported field.
    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    /// Returns the fields in their order, for `%v` and for JSON of a struct without a display of its own.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Returns the fields that are encoded, under the names they are encoded with: those that are exported.
    fn encoded_fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = self.fields();
        fields.retain(|(name, _)| name.starts_with(|c: char| c.is_ascii_uppercase()));
        fields
    }

    /// Returns the methods.
    fn methods(&self) -> &'static [Method] {
        &[]
    }

    /// Returns what `String()` or `Error()` says, if the type has one of them.
    fn display(&self) -> Option<Text> {
        None
    }

    /// Returns what an action prints of it where it stands, which also asks the methods of a pointer to it.
    fn display_in_place(&self) -> Option<Text> {
        self.display()
    }

    /// Returns what is encoded in its place in JSON and YAML, for types that marshal themselves; others are an object of
    /// their fields, in their order.
    fn encoded(&self) -> Option<Value> {
        None
    }

    /// Returns a time as TOML writes it, unquoted.
    fn datetime(&self) -> Option<String> {
        None
    }

    /// Returns the number of a month or a day of the week, which conversions to numbers take.
    fn calendar_number(&self) -> Option<i64> {
        None
    }

    /// Returns the number of a type whose kind is an integer, such as a duration.
    fn integer(&self) -> Option<i64> {
        None
    }

    /// Says whether `if` takes it as true; structs always are.
    fn is_true(&self) -> bool {
        true
    }

    /// Says whether both are equal for `deepEqual` and `has`.
    fn is_equal(&self, other: &dyn Object) -> bool;

    /// Lends itself for a downcast by the functions that know the type.
    fn as_any(&self) -> &dyn Any;
}

/// A method of an object or of a named map or list type.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// The types of its parameters; the last repeats when it is variadic.
    pub parameters: &'static [Type],
    /// Whether the last parameter repeats.
    pub variadic: bool,
    /// What it does, given the receiver and checked arguments.
    pub call: fn(&Scope<'_>, &Value, &[Value]) -> Result<Value, Failure>,
}
