//! Name prefixes and suffixes.

use super::Transform;
use crate::build::Cx;
use crate::error::{Error, invalid};
use crate::fieldspec::{Create, ScalarTag, Spec};
use crate::id::Gvk;
use crate::resmap::ResMap;
use crate::tree::{set_scalar, wrong_kind};
use crate::types::FieldSpec;
use fjord_yaml::{Node, Tag};

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

impl Transform for Affix {
    fn run(&self, map: &mut ResMap, cx: &Cx<'_>) -> Result<(), Error> {
        let schema = cx.schema.borrow();
        for object in map.items_mut() {
            let mut original = object.gvk();
            if let Some(first) = object.book.previous.first() {
                original.kind.clone_from(&first.kind);
            }
            if Self::skips(&original) {
                continue;
            }
            for spec in &self.specs {
                if !spec.fits(&original) {
                    continue;
                }
                if spec.text == "metadata/name" && !self.text.is_empty() {
                    match self.side {
                        Side::Prefix => object.book.prefixes.push(self.text.clone()),
                        Side::Suffix => object.book.suffixes.push(self.text.clone()),
                    }
                    object.store_previous_id(&schema);
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
        }
        Ok(())
    }
}
