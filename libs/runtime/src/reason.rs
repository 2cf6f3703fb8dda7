//! Reasons of conditions and events: exact Flux strings behind a type.
//!
//! Every kind brings its own enum (see [`reasons!`](crate::reasons)); the frame carries [`Reason`], because a
//! reason may also come back from a stored condition that another version wrote.

use std::{borrow::Cow, fmt};

/// Names why a condition or an event is as it is; prints as the exact Flux string.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reason(Cow<'static, str>);

impl Reason {
    /// Makes a reason of a literal.
    pub const fn new(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Takes over a reason read from a stored object.
    pub fn stored(text: &str) -> Self {
        Self(Cow::Owned(text.to_owned()))
    }

    /// Returns the Flux string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The work is going on (fluxcd/pkg/apis/meta).
pub const PROGRESSING: Reason = Reason::new("Progressing");
/// The work failed and is tried again (fluxcd/pkg/apis/meta).
pub const PROGRESSING_WITH_RETRY: Reason = Reason::new("ProgressingWithRetry");
/// The work succeeded (fluxcd/pkg/apis/meta).
pub const SUCCEEDED: Reason = Reason::new("Succeeded");
/// The work failed (fluxcd/pkg/apis/meta).
pub const FAILED: Reason = Reason::new("Failed");

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Declares an enum of reasons whose `Display` is the variant's name, convertible into [`Reason`].
#[macro_export]
macro_rules! reasons {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "a variant is its own Flux string")]
        $vis enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Returns the Flux string.
            $vis const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl From<$name> for $crate::Reason {
            fn from(reason: $name) -> Self {
                Self::new(reason.as_str())
            }
        }
    };
}
