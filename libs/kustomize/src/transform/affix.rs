//! Name prefixes and suffixes.

use super::{Builtin, Each, Setup, Transform};
use crate::build::Cx;
use crate::decode::{Struct, Ty};
use crate::error::{Error, invalid};
use crate::fieldspec::{Create, ScalarTag, Spec};
use crate::id::Gvk;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::tree::{set_scalar, wrong_kind};
use crate::types::{FIELD_SPECS, FieldSpec};
use fjord_yaml::{Node, Tag};
use serde::Deserialize;

/// Which end of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Prefix,
    Suffix,
}

/// Adds a text to one end of names.
pub(crate) struct Affix {
    side: Side,
    text: String,
    specs: Vec<Spec>,
}

impl Affix {
    /// Makes the transformer; without a list of fields it is refused, as in kustomize.
    pub(crate) fn new(
        side: Side,
        text: String,
        specs: Option<&[FieldSpec]>,
    ) -> Result<Self, Error> {
        let specs = specs.ok_or_else(|| invalid("fieldSpecs is not expected to be nil"))?;
        Ok(Self {
            side,
            text,
            specs: Spec::all(specs),
        })
    }

    fn skips(gvk: &Gvk) -> bool {
        match gvk.kind.as_str() {
            "CustomResourceDefinition" | "Namespace" => true,
            "APIService" => gvk.group == "apiregistration.k8s.io",
            _ => false,
        }
    }
}

impl Affix {
    fn set(&self, object: &mut Resource, schema: &Schema) -> Result<(), Error> {
        let mut original = object.gvk();
        if let Some(first) = object.book.previous.first() {
            original.kind.clone_from(&first.kind);
        }
        if Self::skips(&original) {
            return Ok(());
        }
        for spec in self.specs.iter().filter(|spec| spec.fits(&original)) {
            if spec.text == "metadata/name" && !self.text.is_empty() {
                let list = match self.side {
                    Side::Prefix => &mut object.book_mut().prefixes,
                    Side::Suffix => &mut object.book_mut().suffixes,
                };
                list.reserve_exact(1);
                list.push(self.text.as_str().into());
                object.store_previous_id(schema);
            }
            spec.apply(object, Create::Scalar(ScalarTag::Str), &mut |node| {
                let Node::Scalar(scalar) = node else {
                    return Err(wrong_kind("ScalarNode", node));
                };
                let value = match self.side {
                    Side::Prefix => format!("{}{}", self.text, scalar.value),
                    Side::Suffix => format!("{}{}", scalar.value, self.text),
                };
                set_scalar(node, &value, Tag::Unset)
            })?;
        }
        Ok(())
    }
}

impl Transform for Affix {
    fn each<'a>(&'a self, cx: &'a Cx<'a>) -> Option<Vec<Each<'a>>> {
        let set = |object: &mut Resource| self.set(object, &cx.schema.borrow());
        Some(vec![Each::new(&self.specs, set)])
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    prefix: String,
    suffix: String,
    field_specs: Option<Vec<FieldSpec>>,
}

impl Config {
    fn affix(&self, side: Side) -> Result<Affix, Error> {
        let text = match side {
            Side::Prefix => &self.prefix,
            Side::Suffix => &self.suffix,
        };
        Affix::new(side, text.clone(), self.field_specs.as_deref())
    }
}

pub(super) static PREFIX: Builtin = Builtin {
    kind: "PrefixTransformer",
    fields: &Struct {
        name: "PrefixTransformer",
        fields: &[("prefix", Ty::Str), FIELD_SPECS],
    },
    make: |setup: &Setup<'_>| Ok(Box::new(setup.config::<Config>()?.affix(Side::Prefix)?)),
};

pub(super) static SUFFIX: Builtin = Builtin {
    kind: "SuffixTransformer",
    fields: &Struct {
        name: "SuffixTransformer",
        fields: &[("suffix", Ty::Str), FIELD_SPECS],
    },
    make: |setup: &Setup<'_>| Ok(Box::new(setup.config::<Config>()?.affix(Side::Suffix)?)),
};

pub(super) static BOTH: Builtin = Builtin {
    kind: "PrefixSuffixTransformer",
    fields: &Struct {
        name: "PrefixSuffixTransformer",
        fields: &[("prefix", Ty::Str), ("suffix", Ty::Str), FIELD_SPECS],
    },
    make: |setup: &Setup<'_>| {
        let config: Config = setup.config()?;
        let (prefix, suffix) = (config.affix(Side::Prefix)?, config.affix(Side::Suffix)?);
        Ok(Box::new(Both(prefix, suffix)))
    },
};

struct Both(Affix, Affix);

impl Transform for Both {
    fn each<'a>(&'a self, cx: &'a Cx<'a>) -> Option<Vec<Each<'a>>> {
        let mut changes = self.0.each(cx)?;
        changes.extend(self.1.each(cx)?);
        Some(changes)
    }
}
