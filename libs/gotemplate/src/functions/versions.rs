//! Semantic versions, as Masterminds/semver.

use super::arguments::{STRING, text};
use super::function;
use crate::Text;
use crate::function::{Failure, Function, Scope};
use crate::types::Type;
use crate::value::{Method, Object, Value};
use fjord_semver::{Constraint, Version};
use std::any::Any;

pub(super) const TABLE: &[Function] = &[
    function("semver", &[STRING], semver),
    function("semverCompare", &[STRING, STRING], semver_compare),
];

type Result_ = Result<Value, Failure>;

const POINTER: &str = "*semver.Version";
const VALUE: &str = "semver.Version";

fn parse(text: &Text) -> Result<Version, Failure> {
    let text = text.to_str();
    Version::parse(&text).ok_or_else(|| Failure::Message(Version::why_not(&text)))
}

fn semver(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    Ok(Value::object(Semver {
        version: parse(&text(arguments, 0))?,
        is_pointer: true,
    }))
}

fn semver_compare(_: &Scope<'_>, arguments: &[Value]) -> Result_ {
    let constraint = Constraint::parse(&text(arguments, 0).to_str())
        .map_err(|error| Failure::new(error.to_string()))?;
    let version = parse(&text(arguments, 1))?;
    Ok(Value::Bool(constraint.accepts(&version)))
}

/// A version; `semver` returns a pointer to one, the methods that increment a plain one.
#[derive(Debug)]
struct Semver {
    version: Version,
    is_pointer: bool,
}

impl Object for Semver {
    fn type_name(&self) -> &'static str {
        if self.is_pointer { POINTER } else { VALUE }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("major", Value::Uint64(self.version.major())),
            ("minor", Value::Uint64(self.version.minor())),
            ("patch", Value::Uint64(self.version.patch())),
            ("pre", Value::from(self.version.pre_release())),
            ("metadata", Value::from(self.version.metadata())),
            ("original", Value::from(self.version.original())),
        ]
    }

    fn methods(&self) -> &'static [Method] {
        METHODS
    }

    fn display(&self) -> Option<Text> {
        Some(self.version.to_string().into())
    }

    fn encoded(&self) -> Option<Value> {
        Some(Value::from(self.version.to_string()))
    }

    fn is_equal(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<Self>();
        other.is_some_and(|other| {
            self.version.original() == other.version.original()
                && self.version.to_string() == other.version.to_string()
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

const OTHER: &[Type] = &[Type::Object(POINTER)];

const fn method(
    name: &'static str,
    parameters: &'static [Type],
    call: fn(&Scope<'_>, &Value, &[Value]) -> Result_,
) -> Method {
    Method {
        name,
        parameters,
        variadic: false,
        call,
    }
}

const METHODS: &[Method] = &[
    method("Compare", OTHER, |_, v, a| {
        Ok(Value::Int(of(v)?.version.cmp(&of(&a[0])?.version) as i64))
    }),
    method("Equal", OTHER, |_, v, a| {
        Ok(Value::Bool(of(v)?.version.cmp(&of(&a[0])?.version).is_eq()))
    }),
    method("GreaterThan", OTHER, |_, v, a| {
        Ok(Value::Bool(of(v)?.version.cmp(&of(&a[0])?.version).is_gt()))
    }),
    method("GreaterThanEqual", OTHER, |_, v, a| {
        Ok(Value::Bool(of(v)?.version.cmp(&of(&a[0])?.version).is_ge()))
    }),
    method("IncMajor", &[], |_, v, _| increment(v, Part::Major)),
    method("IncMinor", &[], |_, v, _| increment(v, Part::Minor)),
    method("IncPatch", &[], |_, v, _| increment(v, Part::Patch)),
    method("LessThan", OTHER, |_, v, a| {
        Ok(Value::Bool(of(v)?.version.cmp(&of(&a[0])?.version).is_lt()))
    }),
    method("LessThanEqual", OTHER, |_, v, a| {
        Ok(Value::Bool(of(v)?.version.cmp(&of(&a[0])?.version).is_le()))
    }),
    method("Major", &[], |_, v, _| {
        Ok(Value::Uint64(of(v)?.version.major()))
    }),
    method("Metadata", &[], |_, v, _| {
        Ok(Value::from(of(v)?.version.metadata()))
    }),
    method("Minor", &[], |_, v, _| {
        Ok(Value::Uint64(of(v)?.version.minor()))
    }),
    method("Original", &[], |_, v, _| {
        Ok(Value::from(of(v)?.version.original()))
    }),
    method("Patch", &[], |_, v, _| {
        Ok(Value::Uint64(of(v)?.version.patch()))
    }),
    method("Prerelease", &[], |_, v, _| {
        Ok(Value::from(of(v)?.version.pre_release()))
    }),
    method("SetMetadata", &[Type::String], |_, v, a| {
        let version = &of(v)?.version;
        changed(version, version.pre_release(), &text(a, 0).to_str())
    }),
    method("SetPrerelease", &[Type::String], |_, v, a| {
        let version = &of(v)?.version;
        changed(version, &text(a, 0).to_str(), version.metadata())
    }),
    method("String", &[], |_, v, _| {
        Ok(Value::from(of(v)?.version.to_string()))
    }),
];

fn of(value: &Value) -> Result<&Semver, Failure> {
    let object = match value {
        Value::Object(object) => object.as_any().downcast_ref(),
        _ => None,
    };
    object.ok_or_else(|| super::arguments::NIL_POINTER.into())
}

fn plain(text: &str) -> Result_ {
    Ok(Value::object(Semver {
        version: parse(&Text::from(text))?,
        is_pointer: false,
    }))
}

/// Returns the version with another pre-release and metadata.
fn changed(version: &Version, pre_release: &str, metadata: &str) -> Result_ {
    let (major, minor, patch) = (version.major(), version.minor(), version.patch());
    let v = if version.original().starts_with('v') {
        "v"
    } else {
        ""
    };
    let dash = if pre_release.is_empty() { "" } else { "-" };
    let plus = if metadata.is_empty() { "" } else { "+" };
    plain(&format!(
        "{v}{major}.{minor}.{patch}{dash}{pre_release}{plus}{metadata}"
    ))
}

enum Part {
    Major,
    Minor,
    Patch,
}

fn increment(value: &Value, part: Part) -> Result_ {
    let version = &of(value)?.version;
    let (major, minor, patch) = (version.major(), version.minor(), version.patch());
    let (major, minor, patch) = match part {
        Part::Major => (major.wrapping_add(1), 0, 0),
        Part::Minor => (major, minor.wrapping_add(1), 0),
        // Of a pre-release the patch is its own release.
        Part::Patch if !version.pre_release().is_empty() => (major, minor, patch),
        Part::Patch => (major, minor, patch.wrapping_add(1)),
    };
    let v = if version.original().starts_with('v') {
        "v"
    } else {
        ""
    };
    plain(&format!("{v}{major}.{minor}.{patch}"))
}
