//! Go's `encoding/json` as kustomize uses it: case-insensitive names, unknown fields, its own wording.
//!
//! A table of [`Ty`] describes each structure. [`check`] walks a value along it, gives fields their
//! canonical names, drops nulls and refuses what Go would; after that serde cannot fail.

mod checked;

use crate::error::{Error, invalid};
pub(crate) use checked::Checked;
use serde_json::{Map, Value};

/// The Go type a value is decoded into.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ty {
    /// `string`
    Str,
    /// `bool`
    Bool,
    /// `int`, `int64`
    Int,
    /// `map[string]string`
    StrMap,
    /// `map[string]interface{}`
    Any,
    /// A slice.
    List(&'static Self),
    /// A struct.
    Struct(&'static Struct),
}

/// A Go struct.
#[derive(Debug)]
pub(crate) struct Struct {
    /// Its name, for messages.
    pub(crate) name: &'static str,
    /// Its fields, inlined ones included.
    pub(crate) fields: &'static [(&'static str, Ty)],
}

/// How strict a decode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Unknown fields are errors, as in a kustomization file.
    Strict,
    /// Unknown fields are ignored and numbers and booleans pass as strings (`sigs.k8s.io/yaml`).
    Lenient,
    /// Both: unknown fields are errors, numbers and booleans pass as strings.
    StrictCoerce,
}

/// Brings a value into the shape of a struct.
///
/// # Errors
/// Go's sentence about the first field that does not fit.
pub(crate) fn check(value: &mut Value, ty: &'static Struct, mode: Mode) -> Result<(), Error> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    let path = Path {
        root: ty.name,
        parent: ty.name,
        fields: String::new(),
    };
    structure(value, ty, mode, &path)
}

#[derive(Clone)]
struct Path {
    root: &'static str,
    parent: &'static str,
    fields: String,
}

impl Path {
    fn below(&self, name: &str, parent: &'static str) -> Self {
        let fields = if self.fields.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.fields)
        };
        Self {
            root: self.root,
            parent,
            fields,
        }
    }

    fn mismatch(&self, value: &Value, ty: &str) -> Error {
        let what = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(n) if ty.starts_with("int") => format!("number {n}"),
            Value::Number(_) => "number".to_owned(),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        if self.fields.is_empty() {
            return invalid(format!(
                "json: cannot unmarshal {what} into Go value of type types.{}",
                self.root
            ));
        }
        invalid(format!(
            "json: cannot unmarshal {what} into Go struct field {}.{} of type {ty}",
            self.parent, self.fields
        ))
    }
}

fn structure(value: &mut Value, ty: &'static Struct, mode: Mode, path: &Path) -> Result<(), Error> {
    let Value::Object(object) = value else {
        return Err(path.mismatch(value, &format!("types.{}", ty.name)));
    };
    let given = std::mem::take(object);
    for (key, mut value) in given {
        let exact = ty.fields.iter().find(|(name, _)| *name == key);
        let field = exact.or_else(|| {
            ty.fields
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(&key))
        });
        let Some((name, field)) = field else {
            if mode == Mode::Lenient {
                continue;
            }
            return Err(invalid(format!("json: unknown field {key:?}")));
        };
        if value.is_null() {
            continue;
        }
        fit(&mut value, field, mode, &path.below(name, path.parent))?;
        object.insert((*name).to_owned(), value);
    }
    Ok(())
}

fn fit(value: &mut Value, ty: &'static Ty, mode: Mode, path: &Path) -> Result<(), Error> {
    match (ty, &mut *value) {
        (Ty::Any, Value::Object(_)) | (Ty::Str, Value::String(_)) | (Ty::Bool, Value::Bool(_)) => {
            Ok(())
        }
        (Ty::Str, Value::Number(_) | Value::Bool(_)) if mode != Mode::Strict => {
            let text = match &*value {
                Value::Number(n) => match n.as_f64() {
                    Some(f) if n.is_f64() => fjord_yaml::format_g(f),
                    _ => n.to_string(),
                },
                other => other.to_string(),
            };
            *value = Value::String(text);
            Ok(())
        }
        (Ty::Int, Value::Number(n)) if n.is_i64() => Ok(()),
        (Ty::StrMap, Value::Object(object)) => {
            for (key, value) in object.iter_mut() {
                if value.is_null() {
                    *value = Value::String(String::new());
                }
                fit(value, &Ty::Str, mode, &path.below(key, path.parent))?;
            }
            Ok(())
        }
        (Ty::List(element), Value::Array(items)) => {
            for item in items.iter_mut() {
                if item.is_null() {
                    *item = match element {
                        Ty::Str => Value::String(String::new()),
                        Ty::Int => Value::from(0),
                        Ty::Bool => Value::Bool(false),
                        Ty::List(_) => Value::Array(Vec::new()),
                        Ty::StrMap | Ty::Any | Ty::Struct(_) => Value::Object(Map::new()),
                    };
                }
                fit(item, element, mode, path)?;
            }
            Ok(())
        }
        (Ty::Struct(inner), Value::Object(_)) => structure(
            value,
            inner,
            mode,
            &Path {
                parent: inner.name,
                ..path.clone()
            },
        ),
        (ty, _) => Err(path.mismatch(value, &go_name(ty))),
    }
}

fn go_name(ty: &Ty) -> String {
    match ty {
        Ty::Str => "string".to_owned(),
        Ty::Bool => "bool".to_owned(),
        Ty::Int => "int64".to_owned(),
        Ty::StrMap => "map[string]string".to_owned(),
        Ty::Any => "map[string]interface {}".to_owned(),
        Ty::List(element) => format!("[]{}", go_name(element)),
        Ty::Struct(inner) => format!("types.{}", inner.name),
    }
}
