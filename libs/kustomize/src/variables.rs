//! `vars`: `$(NAME)` replaced by a field of another object (legacy).

use crate::build::Cx;
use crate::config::Config;
use crate::error::{Error, invalid};
use crate::fieldspec::{Create, Spec};
use crate::id::{Gvk, ResId};
use crate::resmap::ResMap;
use crate::schema::Schema;
use crate::tree::split_field_path;
use crate::types::Var;
use fjord_yaml::{Node, Scalar, Style, Tag, Typed};
use std::collections::{BTreeMap, BTreeSet};

/// Variables by name.
pub(crate) type Vars = BTreeMap<String, Var>;

/// Adds variables; a name can be declared once.
pub(crate) fn merge(into: &mut Vars, vars: impl IntoIterator<Item = Var>) -> Result<(), Error> {
    for mut var in vars {
        if into.contains_key(&var.name) {
            return Err(invalid(format!("var '{}' already encountered", var.name)));
        }
        if var.fieldref.field_path.is_empty() {
            "metadata.name".clone_into(&mut var.fieldref.field_path);
        }
        into.insert(var.name.clone(), var);
    }
    Ok(())
}

/// Binds variables to the objects they refer to.
pub(crate) fn bind(map: &mut ResMap, vars: &[Var], schema: &Schema) -> Result<(), Error> {
    for var in vars {
        let id = target(var);
        let exact = !id.namespace.is_empty() || id.cluster_scoped;
        let found = map.by_any_id(&id.name, schema, |other| {
            if exact {
                id.same(other)
            } else {
                id.name == other.name && id.gvk == other.gvk
            }
        });
        match found.as_slice() {
            [] => {}
            [one] => map.contents_mut()[*one].variables.push(var.name.clone()),
            several => {
                return Err(invalid(format!(
                    "found {} resId matches for var {} (unable to disambiguate)",
                    several.len(),
                    describe(var)
                )));
            }
        }
    }
    Ok(())
}

// Parity: an id made of the parts of a variable never counts as cluster-scoped.
fn target(var: &Var) -> ResId {
    let reference = &var.objref;
    let gvk = match reference
        .api_version
        .split('/')
        .collect::<Vec<_>>()
        .as_slice()
    {
        [version] if !version.is_empty() => Gvk {
            group: reference.group.as_str().into(),
            version: (*version).into(),
            kind: reference.kind.as_str().into(),
        },
        [group, version] => Gvk {
            group: (*group).into(),
            version: (*version).into(),
            kind: reference.kind.as_str().into(),
        },
        _ => Gvk {
            group: reference.group.as_str().into(),
            version: reference.version.as_str().into(),
            kind: reference.kind.as_str().into(),
        },
    };
    ResId {
        gvk,
        name: reference.name.as_str().into(),
        namespace: reference.namespace.as_str().into(),
        cluster_scoped: false,
    }
}

fn describe(var: &Var) -> String {
    format!(
        "{{{} {} {{{}}}}}",
        var.name,
        target(var).gvk,
        var.fieldref.field_path
    )
}

/// A variable's value, with the type its field has.
#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A map or a list, which cannot be substituted.
    Other,
}

impl Value {
    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Int(int) => Some(int.to_string()),
            Self::Float(float) => Some(fjord_yaml::format_g(*float)),
            Self::Bool(bool) => Some(bool.to_string()),
            Self::Other => None,
        }
    }
}

/// Replaces every variable.
pub(crate) fn resolve(
    map: &mut ResMap,
    vars: &Vars,
    config: &Config,
    cx: &Cx<'_>,
) -> Result<(), Error> {
    if vars.is_empty() {
        return Ok(());
    }
    let mut values = BTreeMap::new();
    for var in vars.values() {
        values.insert(var.name.clone(), value_of(map, var)?);
    }
    let specs = Spec::all(&config.var_reference);
    let mut used = BTreeSet::new();
    for object in map.items_mut() {
        let gvk = object.gvk();
        let mut changed = Vec::new();
        for spec in specs.iter().filter(|spec| spec.fits(&gvk)) {
            let mut replace = Replace {
                values: &values,
                used: &mut used,
                changed: &mut changed,
            };
            spec.walk(object, Create::Never, &mut |node| replace.node(node))?;
        }
        object.sync(&changed);
    }
    let unused: Vec<&str> = values
        .keys()
        .map(String::as_str)
        .filter(|name| !used.contains(*name))
        .collect();
    if !unused.is_empty() {
        cx.warn(format!(
            "well-defined vars that were never replaced: {}",
            unused.join(",")
        ));
    }
    Ok(())
}

fn value_of(map: &ResMap, var: &Var) -> Result<Value, Error> {
    let bound = map
        .items()
        .iter()
        .find(|object| object.variables.contains(&var.name));
    let object = bound.ok_or_else(|| {
        invalid(format!(
            "var '{}' cannot be mapped to a field in the set of known resources",
            describe(var)
        ))
    })?;
    let missing = || {
        invalid(format!(
            "field specified in var '{}' not found in corresponding resource",
            describe(var)
        ))
    };
    let mut path = Vec::new();
    for part in split_field_path(&var.fieldref.field_path) {
        // `a[0]` is two parts.
        match part
            .strip_suffix(']')
            .and_then(|inner| inner.rsplit_once('['))
        {
            Some((name, index)) if index.parse::<usize>().is_ok() => {
                path.extend((!name.is_empty()).then(|| name.to_owned()));
                path.push(index.to_owned());
            }
            _ => path.push(part),
        }
    }
    let node = path
        .iter()
        .try_fold(&*object.node, |node, part| match node {
            Node::Map(map) => map.get(part),
            Node::Seq(seq) => seq.items.get(part.parse::<usize>().ok()?),
            Node::Scalar(_) => None,
        });
    let Node::Scalar(scalar) = node.ok_or_else(missing)? else {
        return Ok(Value::Other);
    };
    Ok(match scalar.tag {
        Tag::Int => scalar
            .value
            .parse()
            .map(Value::Int)
            .map_err(|_| missing())?,
        Tag::Float => scalar
            .value
            .parse()
            .map(Value::Float)
            .map_err(|_| missing())?,
        Tag::Bool => match scalar.typed() {
            Ok(Typed::Bool(b)) => Value::Bool(b),
            _ => Value::Bool(scalar.value == "true"),
        },
        _ => Value::Text(scalar.value.to_string()),
    })
}

struct Replace<'r> {
    values: &'r BTreeMap<String, Value>,
    used: &'r mut BTreeSet<String>,
    changed: &'r mut Vec<(u16, Scalar)>,
}

impl Replace<'_> {
    fn node(&mut self, node: &mut Node) -> Result<(), Error> {
        match node {
            Node::Scalar(scalar) => self.scalar(scalar),
            Node::Map(map) => {
                for (key, value) in &mut map.entries {
                    if !key.is_string() {
                        return Err(invalid(format!(
                            "invalid map key: value='{}', tag='{}'",
                            key.value,
                            key.tag.as_str()
                        )));
                    }
                    if let Node::Scalar(scalar) = value {
                        self.scalar(scalar);
                    }
                }
            }
            Node::Seq(seq) => {
                for item in &mut seq.items {
                    match item {
                        Node::Scalar(scalar) if scalar.is_string() => self.scalar(scalar),
                        _ => return Err(invalid("invalid value type expect a string")),
                    }
                }
            }
        }
        Ok(())
    }

    fn scalar(&mut self, scalar: &mut Scalar) {
        if !scalar.is_string() {
            return;
        }
        let (value, tag) = match self.expand(&scalar.value) {
            Value::Int(int) => (int.to_string(), Tag::Int),
            Value::Float(float) => (format!("{float}"), Tag::Float),
            Value::Bool(bool) => (bool.to_string(), Tag::Bool),
            Value::Text(text) => (text, Tag::Str),
            Value::Other => return,
        };
        scalar.value = value.into();
        scalar.tag = tag;
        scalar.style = Style::Plain;
        scalar.tagged = false;
        if scalar.alias != 0 {
            self.changed.push((scalar.alias, scalar.clone()));
        }
    }

    /// Returns the value of a variable, or its own text where it has none.
    fn lookup(&mut self, name: &str) -> Value {
        match self.values.get(name) {
            Some(Value::Other) | None => Value::Text(format!("$({name})")),
            Some(value) => {
                self.used.insert(name.to_owned());
                value.clone()
            }
        }
    }

    fn expand(&mut self, text: &str) -> Value {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if let Some(tail) = after.strip_prefix('$') {
                out.push('$');
                rest = tail;
            } else if let Some(open) = after.strip_prefix('(') {
                let Some(close) = open.find(')') else {
                    out.push_str("$(");
                    rest = open;
                    continue;
                };
                let value = self.lookup(&open[..close]);
                if out.is_empty() && at == 0 && rest.len() == text.len() && close + 3 == text.len()
                {
                    return value;
                }
                out.push_str(&value.text().unwrap_or_default());
                rest = &open[close + 1..];
            } else {
                out.push('$');
                rest = after;
            }
        }
        out.push_str(rest);
        Value::Text(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_expand_and_dollars_escape() {
        let values = BTreeMap::from([
            ("A".to_owned(), Value::Text("x".to_owned())),
            ("N".to_owned(), Value::Int(7)),
        ]);
        let (mut used, mut changed) = (BTreeSet::new(), Vec::new());
        let mut replace = Replace {
            values: &values,
            used: &mut used,
            changed: &mut changed,
        };
        for (text, want) in [
            ("$(A)", "x"),
            ("a-$(A)-$(N)", "a-x-7"),
            ("$$(A)", "$(A)"),
            ("$(B)", "$(B)"),
            ("$(A", "$(A"),
            ("5$", "5$"),
        ] {
            assert_eq!(replace.expand(text).text().unwrap(), want, "{text}");
        }
        assert!(matches!(replace.expand("$(N)"), Value::Int(7)));
    }
}
