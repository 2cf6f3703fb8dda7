//! The shape of every closed set of strings in the API.
//!
//! The manifest refuses other values when an object is written, but an object stored under another
//! release may hold one. It reads as `Other`, so that its controller can refuse that object by
//! name while its neighbours stay readable.

/// Declares an enum over exact strings with an `Other` variant, serde and schema.
///
/// The order of the variants is the order in the manifest. The default is the empty string, Go's
/// zero value, unless a variant is named after `default`.
macro_rules! string_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident $(default $default:ident)? {
            $( $(#[$vmeta:meta])* $variant:ident = $text:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$vmeta])* $variant, )+
            /// A value that this release does not know, kept as it is.
            Other(String),
        }

        impl $name {
            /// The accepted values, in the order of the manifest.
            pub const ALL: &'static [&'static str] = &[$($text),+];

            /// Returns the exact text.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )+
                    Self::Other(text) => text,
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                $crate::enumeration::string_enum!(@default $($default)?)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $( $text => Self::$variant, )+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(String::deserialize(deserializer)?.as_str().into())
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": Self::ALL })
            }
        }
    };
    (@default) => { Self::Other(String::new()) };
    (@default $default:ident) => { Self::$default };
}

pub(crate) use string_enum;
