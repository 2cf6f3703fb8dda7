//! The namespace of objects and of the subjects of role bindings.

use super::{Builtin, Setup, Transform};
use crate::build::Cx;
use crate::decode::{Struct, Ty};
use crate::error::{Error, Wrap, invalid};
use crate::fieldspec::{Create, ScalarTag, Spec};
use crate::resmap::ResMap;
use crate::resource::{HELM_GENERATED, Resource};
use crate::tree::{set_scalar, wrong_kind};
use crate::types::{FIELD_SPECS, FieldSpec, META, Meta};
use fjord_yaml::{Node, Scalar, Tag};
use serde::Deserialize;
use std::collections::HashMap;

/// Which subjects of role bindings get the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Those named `default`, whatever their kind.
    DefaultOnly,
    /// Every ServiceAccount.
    AllServiceAccounts,
    /// None.
    None,
}

/// Sets the namespace.
pub(crate) struct Namespace {
    namespace: String,
    /// `metadata/namespace`, whatever the specs say.
    own: Spec,
    specs: Vec<Spec>,
    unset_only: bool,
    subjects: Subjects,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    metadata: Meta,
    field_specs: Vec<FieldSpec>,
    unset_only: bool,
    set_role_binding_subjects: String,
}

pub(super) static NAMESPACE: Builtin = Builtin {
    kind: "NamespaceTransformer",
    fields: &Struct {
        name: "NamespaceTransformer",
        fields: &[
            ("metadata", Ty::Struct(&META)),
            FIELD_SPECS,
            ("unsetOnly", Ty::Bool),
            ("setRoleBindingSubjects", Ty::Str),
        ],
    },
    make: |setup: &Setup<'_>| {
        let config: Config = setup.config()?;
        let subjects = match config.set_role_binding_subjects.as_str() {
            "" | "defaultOnly" => Subjects::DefaultOnly,
            "allServiceAccounts" => Subjects::AllServiceAccounts,
            "none" => Subjects::None,
            other => {
                return Err(invalid(format!(
                    "invalid value {other:?} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \"allServiceAccounts\""
                )));
            }
        };
        let (namespace, specs) = (config.metadata.namespace, &config.field_specs);
        let made = Namespace::new(namespace, specs, config.unset_only, subjects);
        Ok(Box::new(made))
    },
};

impl Namespace {
    pub(crate) fn new(
        namespace: String,
        specs: &[FieldSpec],
        unset_only: bool,
        subjects: Subjects,
    ) -> Self {
        Self {
            namespace,
            own: Spec::new(&FieldSpec {
                path: "metadata/namespace".to_owned(),
                create: true,
                ..FieldSpec::default()
            }),
            specs: Spec::all(specs),
            unset_only,
            subjects,
        }
    }

    fn set(&self, node: &mut Node) -> Result<(), Error> {
        let filled =
            matches!(node, Node::Scalar(scalar) if !scalar.is_null() && !scalar.value.is_empty());
        if self.unset_only && filled {
            return Ok(());
        }
        set_scalar(node, &self.namespace, Tag::Str)
    }

    /// Sets the namespace in one object.
    pub(crate) fn apply(&self, object: &mut Resource, cx: &Cx<'_>) -> Result<(), Error> {
        let scoped = cx
            .schema
            .borrow()
            .is_cluster_scoped(object.api_version(), object.kind());
        if !scoped {
            let create = Create::Scalar(ScalarTag::Unset);
            self.own.apply(object, create, &mut |node| self.set(node))?;
        }
        let binding = matches!(object.kind(), "RoleBinding" | "ClusterRoleBinding");
        if binding {
            self.bind(object)?;
        }
        let core = object.api_version() == "v1";
        for spec in &self.specs {
            let skip = match spec.text.as_str() {
                "metadata/namespace" => true,
                "metadata/name" => !core,
                "subjects/namespace" => {
                    binding
                        && matches!(spec.gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding")
                }
                _ => false,
            };
            if skip {
                continue;
            }
            let create = Create::Scalar(ScalarTag::Str);
            if let Err(error) = spec.apply(object, create, &mut |node| self.set(node)) {
                let scalar = !matches!(error.root(), Error::WrongKind { scalar: false, .. });
                return Err(error.context(if scalar {
                    "namespace transformation failed"
                } else {
                    "namespace field specs must target scalar nodes"
                }));
            }
        }
        Ok(())
    }

    fn bind(&self, object: &mut Resource) -> Result<(), Error> {
        let (field, value) = match self.subjects {
            Subjects::None => return Ok(()),
            Subjects::DefaultOnly => ("name", "default"),
            Subjects::AllServiceAccounts => ("kind", "ServiceAccount"),
        };
        let Some(subjects) = object
            .node
            .as_map_mut()
            .and_then(|map| map.get_mut("subjects"))
        else {
            return Ok(());
        };
        let result = match subjects {
            Node::Seq(seq) => seq
                .items
                .iter_mut()
                .try_for_each(|subject| self.subject(subject, field, value)),
            subjects if subjects.is_null() => Ok(()),
            subjects => Err(wrong_kind("SequenceNode", subjects)),
        };
        result.wrap(|| "setting namespace on (cluster)role binding subjects".to_owned())
    }

    fn subject(&self, subject: &mut Node, field: &str, value: &str) -> Result<(), Error> {
        let wrap = || format!("looking up {field} on (cluster)role binding subject");
        let map = match subject {
            Node::Map(map) => map,
            subject if subject.is_null() => return Ok(()),
            subject => return Err(wrong_kind("MappingNode", subject)).wrap(wrap),
        };
        match map.get(field) {
            Some(Node::Scalar(scalar)) if !scalar.is_null() => {
                if scalar.value != value {
                    return Ok(());
                }
            }
            Some(other) if !other.is_null() => {
                return Err(wrong_kind("ScalarNode", other)).wrap(wrap);
            }
            _ => return Ok(()),
        }
        self.set(map.entry("namespace", || Node::Scalar(Scalar::untagged(""))))
    }
}

impl Transform for Namespace {
    fn run(&self, map: &mut ResMap, cx: &Cx<'_>) -> Result<(), Error> {
        if self.namespace.is_empty() {
            return Ok(());
        }
        // How many objects have each id: the check after each object stays linear over all.
        let mut taken: HashMap<String, usize> = HashMap::new();
        for object in map.items() {
            *taken
                .entry(object.key(&cx.schema.borrow()))
                .or_default() += 1;
        }
        let mut conflict = None;
        for object in map.items_mut() {
            if object.is_deleted() || object.annotation(HELM_GENERATED) == Some("true") {
                continue;
            }
            let before = object.key(&cx.schema.borrow());
            object.store_previous_id(&cx.schema.borrow());
            self.apply(object, cx)?;
            if let Some(count) = taken.get_mut(&before) {
                *count -= 1;
            }
            let key = object.key(&cx.schema.borrow());
            let count = taken.entry(key.clone()).or_default();
            *count += 1;
            if *count > 1 {
                conflict = Some(key);
                break;
            }
        }
        let Some(key) = conflict else { return Ok(()) };
        let schema = cx.schema.borrow();
        let same = map
            .items()
            .iter()
            .filter(|object| object.key(&schema) == key);
        let shown: Vec<String> = same.map(Resource::describe_whole).collect();
        Err(invalid(format!(
            "namespace transformation produces ID conflict: [{}]",
            shown.join(" ")
        )))
    }
}
