//! A value with what its static type is.

use crate::types::Type;
use crate::value::Value;

/// A value as Go's `reflect` holds it.
///
/// Two nils differ: one held in an interface (an entry of a map) and no value at all. Error texts name the static type,
/// which of an entry of a map is `interface {}` whatever it holds.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) value: Value,
    /// Held in an interface.
    pub(crate) boxed: bool,
}

impl Slot {
    /// Holds a value of its own type.
    pub(crate) fn bare(value: Value) -> Self {
        Self {
            value,
            boxed: false,
        }
    }

    /// Holds an element of a map or list of that element type.
    pub(crate) fn element(value: Value, of: Type) -> Self {
        Self {
            value,
            boxed: of.is_interface(),
        }
    }

    /// No value at all.
    pub(crate) fn invalid() -> Self {
        Self::bare(Value::Nil)
    }

    /// Says whether there is no value at all.
    pub(crate) fn is_invalid(&self) -> bool {
        !self.boxed && matches!(self.value, Value::Nil)
    }

    /// Takes the value out of its interface.
    pub(crate) fn unboxed(mut self) -> Self {
        self.boxed = false;
        self
    }

    /// Returns the name of the static type.
    pub(crate) fn type_name(&self) -> &'static str {
        if self.boxed {
            "interface {}"
        } else {
            self.value.type_name()
        }
    }
}
