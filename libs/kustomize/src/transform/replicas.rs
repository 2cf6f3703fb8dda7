//! The number of replicas.

use super::{Builtin, Setup, Transform};
use crate::build::Cx;
use crate::decode::{Struct, Ty};
use crate::error::{Error, invalid};
use crate::fieldspec::{Create, ScalarTag, Spec};
use crate::resmap::ResMap;
use crate::tree::set_scalar;
use crate::types::{FIELD_SPECS, FieldSpec, REPLICA, Replica};
use fjord_yaml::Tag;
use serde::Deserialize;

/// Sets the count of the objects with a name.
pub(crate) struct Replicas {
    replica: Replica,
    specs: Vec<Spec>,
}

impl Replicas {
    pub(crate) fn new(replica: Replica, specs: &[FieldSpec]) -> Self {
        Self {
            replica,
            specs: Spec::all(specs),
        }
    }
}

impl Transform for Replicas {
    fn run(&self, map: &mut ResMap, cx: &Cx<'_>) -> Result<(), Error> {
        let schema = cx.schema.borrow();
        let (name, count) = (&self.replica.name, self.replica.count.to_string());
        let mut found = false;
        for spec in &self.specs {
            for index in map.by_any_id(name, &schema, |id| id.name == *name && spec.fits(&id.gvk)) {
                found = true;
                let object = &mut map.objects_mut(spec.identifies())[index];
                spec.apply(object, Create::Scalar(ScalarTag::Int), &mut |node| {
                    set_scalar(node, &count, Tag::Int)
                })?;
            }
        }
        if found {
            return Ok(());
        }
        let kinds: Vec<String> = self.specs.iter().map(|spec| spec.gvk.to_string()).collect();
        Err(invalid(format!(
            "resource with name {name} does not match a config with the following GVK [{}]",
            kinds.join(" ")
        )))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    replica: Replica,
    field_specs: Vec<FieldSpec>,
}

pub(super) static REPLICAS: Builtin = Builtin {
    kind: "ReplicaCountTransformer",
    fields: &Struct {
        name: "ReplicaCountTransformer",
        fields: &[("replica", Ty::Struct(&REPLICA)), FIELD_SPECS],
    },
    make: |setup: &Setup<'_>| {
        let config: Config = setup.config()?;
        Ok(Box::new(Replicas::new(config.replica, &config.field_specs)))
    },
};
