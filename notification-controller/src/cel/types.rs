//! Types of expressions, as cel-go prints and relates them.

use std::collections::BTreeMap;
use std::fmt;

/// The static type of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Known only when it is evaluated.
    Dyn,
    /// A boolean.
    Bool,
    /// A signed integer.
    Int,
    /// An unsigned integer.
    Uint,
    /// A floating-point number.
    Double,
    /// A text.
    String,
    /// Bytes.
    Bytes,
    /// Nothing.
    Null,
    /// A point in time.
    Timestamp,
    /// A span of time.
    Duration,
    /// A list.
    List(Box<Self>),
    /// A map.
    Map(Box<Self>, Box<Self>),
    /// A value that may be absent.
    Optional(Box<Self>),
    /// A type still to be found, by number.
    Var(u32),
}

/// cel-go's spelling.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn => f.write_str("dyn"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Null => f.write_str("null"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Optional(inner) => write!(f, "optional_type({inner})"),
            Self::Var(number) => write!(f, "_var{number}"),
        }
    }
}

/// What is known about type variables.
#[derive(Debug, Clone, Default)]
pub(super) struct Bindings {
    known: BTreeMap<u32, Type>,
    next: u32,
}

impl Bindings {
    /// Makes a type that is still to be found.
    pub(super) fn fresh(&mut self) -> Type {
        self.next += 1;
        Type::Var(self.next)
    }

    /// Tells whether a value of one type may stand where the other is wanted, and learns from it.
    pub(super) fn assignable(&mut self, from: &Type, to: &Type) -> bool {
        let before = self.clone();
        let fits = self.unify(from, to);
        if !fits {
            let next = self.next;
            *self = before;
            self.next = next;
        }
        fits
    }

    fn unify(&mut self, from: &Type, to: &Type) -> bool {
        match (from, to) {
            (Type::Var(a), Type::Var(b)) if a == b => true,
            (_, Type::Var(number)) => self.bind(*number, from),
            (Type::Var(number), _) => self.bind(*number, to),
            // A null may stand for what a message wrapper or an absent value is.
            (Type::Dyn, _)
            | (_, Type::Dyn)
            | (Type::Null, Type::Timestamp | Type::Duration | Type::Optional(_)) => true,
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
                self.unify(a, b)
            }
            (Type::Map(ka, va), Type::Map(kb, vb)) => self.unify(ka, kb) && self.unify(va, vb),
            (a, b) => a == b,
        }
    }

    fn bind(&mut self, number: u32, to: &Type) -> bool {
        if let Some(known) = self.known.get(&number).cloned() {
            if !self.unify(to, &known) {
                return false;
            }
            // The more general of the two stays.
            if *to == Type::Dyn {
                self.known.insert(number, Type::Dyn);
            }
            return true;
        }
        if self.occurs(number, to) {
            return false;
        }
        self.known.insert(number, to.clone());
        true
    }

    fn occurs(&self, number: u32, inside: &Type) -> bool {
        match inside {
            Type::Var(other) => {
                *other == number
                    || self
                        .known
                        .get(other)
                        .is_some_and(|known| self.occurs(number, known))
            }
            Type::List(item) | Type::Optional(item) => self.occurs(number, item),
            Type::Map(key, value) => self.occurs(number, key) || self.occurs(number, value),
            _ => false,
        }
    }

    /// Replaces what is known; what is not becomes dyn.
    pub(super) fn settle(&self, of: &Type) -> Type {
        self.replace(of, true)
    }

    /// Replaces what is known and keeps the rest open.
    pub(super) fn resolve(&self, of: &Type) -> Type {
        self.replace(of, false)
    }

    fn replace(&self, of: &Type, settle: bool) -> Type {
        match of {
            Type::Var(number) => match self.known.get(number) {
                Some(known) => self.replace(known, settle),
                None if settle => Type::Dyn,
                None => of.clone(),
            },
            Type::List(item) => Type::List(Box::new(self.replace(item, settle))),
            Type::Optional(item) => Type::Optional(Box::new(self.replace(item, settle))),
            Type::Map(key, value) => Type::Map(
                Box::new(self.replace(key, settle)),
                Box::new(self.replace(value, settle)),
            ),
            other => other.clone(),
        }
    }
}
