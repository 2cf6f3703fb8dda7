//! `ValueAddTransformer`: one value written to, or into the path held by, selected fields.

use super::{Builtin, Namespace, Setup, Subjects, Transform};
use crate::build::Cx;
use crate::decode::{self, Mode, Struct, Ty};
use crate::error::{Error, invalid};
use crate::fs;
use crate::resmap::ResMap;
use crate::selector::Matcher;
use crate::tree::wrong_kind;
use crate::types::{VALUE_TARGET, ValueTarget};
use fjord_yaml::{Node, Scalar, Tag};
use serde::Deserialize;

/// Writes a value to targets.
struct ValueAdd {
    value: String,
    targets: Vec<ValueTarget>,
}

impl ValueAdd {
    fn new(value: String, targets: Vec<ValueTarget>) -> Result<Self, Error> {
        if targets.is_empty() {
            return Err(invalid("must specify at least one target"));
        }
        for target in &targets {
            if target.field_path.is_empty() {
                return Err(invalid("fieldPath cannot be empty"));
            }
            if target.file_path_position < 0 {
                return Err(invalid(format!(
                    "value of FilePathPosition ({}) cannot be negative",
                    target.file_path_position
                )));
            }
        }
        Ok(Self { value, targets })
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    value: String,
    targets: Vec<ValueTarget>,
    target_file_path: String,
}

pub(super) static VALUE_ADD: Builtin = Builtin {
    kind: "ValueAddTransformer",
    fields: &Struct {
        name: "ValueAddTransformer",
        fields: &[
            ("value", Ty::Str),
            ("targets", Ty::List(&Ty::Struct(&VALUE_TARGET))),
            ("targetFilePath", Ty::Str),
        ],
    },
    make: |setup: &Setup<'_>| {
        let config: Config = setup.config()?;
        let value = match config.value.trim() {
            "" => fs::base(setup.loader.root()),
            value => value,
        };
        let mut targets = config.targets;
        if !config.target_file_path.is_empty() {
            let bytes = setup.loader.load(setup.cx, &config.target_file_path)?;
            let mut file = fjord_yaml::to_json(&bytes, &setup.cx.options.limits.yaml)?;
            decode::check(&mut file, VALUE_ADD.fields, Mode::Lenient)?;
            targets.extend(setup.cx.shape::<Config>(file)?.targets);
        }
        Ok(Box::new(ValueAdd::new(value.to_owned(), targets)?))
    },
};

impl Transform for ValueAdd {
    fn run(&self, map: &mut ResMap, cx: &Cx<'_>) -> Result<(), Error> {
        for target in &self.targets {
            let matcher = target.selector.as_ref().map(Matcher::new).transpose()?;
            for object in map.items_mut() {
                let schema = cx.schema.borrow();
                if let Some(matcher) = &matcher
                    && !matcher.selects(object, &schema)?
                {
                    continue;
                }
                drop(schema);
                if target.field_path == "metadata/namespace" {
                    let set = Namespace::new(self.value.clone(), &[], false, Subjects::DefaultOnly);
                    set.apply(object, cx)?;
                } else {
                    add(&mut object.node, target, &self.value)?;
                }
            }
        }
        Ok(())
    }
}

fn add(node: &mut Node, target: &ValueTarget, value: &str) -> Result<(), Error> {
    let mut fields: Vec<String> = Vec::new();
    for part in target.field_path.split('/') {
        match fields.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('/');
                last.push_str(part);
            }
            _ => fields.push(part.to_owned()),
        }
    }
    let fields: Vec<&str> = fields
        .iter()
        .map(|f| f.trim())
        .filter(|f| !f.is_empty())
        .collect();
    let mut at = node;
    for (i, field) in fields.iter().enumerate() {
        let last = i + 1 == fields.len();
        let make = || {
            if last {
                Node::Scalar(Scalar::untagged(""))
            } else {
                Node::map()
            }
        };
        at = match at {
            Node::Map(map) => map.entry(field, make),
            Node::Seq(seq) => {
                let index = field.parse().unwrap_or(usize::MAX);
                match seq.items.get_mut(index) {
                    Some(item) => item,
                    None => return Ok(()),
                }
            }
            Node::Scalar(_) => return Err(wrong_kind("MappingNode", at)),
        };
    }
    let Node::Scalar(scalar) = at else {
        return Err(wrong_kind("ScalarNode", at));
    };
    scalar.value = match usize::try_from(target.file_path_position) {
        Ok(position) if position > 0 => insert_part(&scalar.value, position - 1, value).into(),
        _ => value.into(),
    };
    scalar.tag = Tag::Unset;
    Ok(())
}

/// Inserts a part into a path; an absolute path stays absolute.
fn insert_part(path: &str, position: usize, part: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    parts.insert(position.min(parts.len()), part);
    let joined = parts.join("/");
    if path.starts_with('/') {
        format!("/{joined}")
    } else {
        joined
    }
}
