//! Labels and annotations: pairs set in maps.

use super::{Builtin, Each, Setup, Transform};
use crate::build::Cx;
use crate::decode::{Struct, Ty};
use crate::error::Error;
use crate::fieldspec::{Create, Spec};
use crate::resource::{Resource, string_scalar};
use crate::tree::{put, wrong_kind};
use crate::types::{FIELD_SPECS, FieldSpec};
use fjord_yaml::{Node, Scalar};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Sets pairs in every map the specs lead to.
pub(crate) struct Labels {
    pairs: BTreeMap<String, String>,
    specs: Vec<Spec>,
}

impl Labels {
    pub(crate) fn new(pairs: BTreeMap<String, String>, specs: &[FieldSpec]) -> Self {
        Self {
            pairs,
            specs: Spec::all(specs),
        }
    }
}

impl Labels {
    fn set(&self, object: &mut Resource) -> Result<(), Error> {
        let fits = |spec: &&Spec| object.is_selected(&spec.gvk);
        let specs: Vec<&Spec> = self.specs.iter().filter(fits).collect();
        for (key, value) in &self.pairs {
            set_pair(object, &specs, key, value)?;
        }
        Ok(())
    }
}

impl Transform for Labels {
    fn each<'a>(&'a self, _cx: &'a Cx<'a>) -> Option<Vec<Each<'a>>> {
        if self.pairs.is_empty() {
            return Some(Vec::new());
        }
        let set = |object: &mut Resource| self.set(object);
        Some(vec![Each::new(&self.specs, set)])
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    #[serde(alias = "annotations")]
    labels: BTreeMap<String, String>,
    field_specs: Vec<FieldSpec>,
}

fn make(setup: &Setup<'_>) -> Result<Box<dyn Transform>, Error> {
    let config: Config = setup.config()?;
    Ok(Box::new(Labels::new(config.labels, &config.field_specs)))
}

pub(super) static LABELS: Builtin = Builtin {
    kind: "LabelTransformer",
    fields: &Struct {
        name: "LabelTransformer",
        fields: &[("labels", Ty::StrMap), FIELD_SPECS],
    },
    make,
};

pub(super) static ANNOTATIONS: Builtin = Builtin {
    kind: "AnnotationsTransformer",
    fields: &Struct {
        name: "AnnotationsTransformer",
        fields: &[("annotations", Ty::StrMap), FIELD_SPECS],
    },
    make,
};

fn set_pair(object: &mut Resource, specs: &[&Spec], key: &str, value: &str) -> Result<(), Error> {
    // Parity: the entries made here are one and the same node in kustomize; see `tree::sync_aliases`.
    let alias = object.next_alias();
    let mut changed: Vec<(u16, Scalar)> = Vec::new();
    for spec in specs {
        spec.walk(object, Create::Map, &mut |node| {
            let map = match node {
                Node::Map(map) => map,
                node if node.is_null() => return Ok(()),
                node => return Err(wrong_kind("MappingNode", node)),
            };
            let mut scalar = string_scalar(value);
            match map.get(key) {
                Some(Node::Scalar(old)) if old.alias != 0 && old.alias != alias => {
                    scalar.style = old.style;
                    changed.push((old.alias, scalar.clone()));
                }
                Some(_) => {}
                None => scalar.alias = alias,
            }
            put(map, key, scalar);
            Ok(())
        })?;
    }
    object.sync(&changed);
    Ok(())
}
