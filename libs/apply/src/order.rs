//! In which order kinds are applied, and in which stage.
//!
//! Deletion runs in the exact reverse. Parity: the kind's name alone decides its place, whatever
//! its group (fluxcd/pkg `ssa/sort.go`), and any kind named `...Class` is a class definition.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::object::{GroupKind, Object, ObjectId};

/// The stages of an apply, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// CRDs, Namespaces and ClusterRoles; waited for.
    Definitions,
    /// Kinds whose name ends in `Class`; waited for.
    Classes,
    /// The kinds of `--custom-apply-stage-kinds`.
    Custom,
    /// Everything else.
    Resources,
}

impl Stage {
    /// Returns the stage of an object.
    pub fn of(object: &Object, custom: &BTreeSet<GroupKind>) -> Self {
        let kind = object.kind();
        let is = |name: &str| kind.eq_ignore_ascii_case(name);
        let in_group = |group: &str| {
            object
                .api_version()
                .strip_prefix(group)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        if is_crd(object)
            || (is("Namespace") && object.api_version() == "v1")
            || (is("ClusterRole") && in_group("rbac.authorization.k8s.io"))
        {
            Self::Definitions
        } else if kind.ends_with("Class") {
            Self::Classes
        } else if custom.contains(&object.id().group_kind()) {
            Self::Custom
        } else {
            Self::Resources
        }
    }

    /// Tells whether the next stage waits until the objects of this one are ready.
    pub fn is_awaited(self) -> bool {
        matches!(self, Self::Definitions | Self::Classes)
    }
}

/// Tells whether an object is a CustomResourceDefinition.
pub fn is_crd(object: &Object) -> bool {
    object
        .kind()
        .eq_ignore_ascii_case("CustomResourceDefinition")
        && object.api_version().starts_with("apiextensions.k8s.io/")
}

const FIRST: [&str; 23] = [
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Returns the rank of a kind: kinds of equal rank may be applied side by side.
pub fn rank(kind: &str) -> usize {
    match kind {
        "MutatingWebhookConfiguration" => FIRST.len() + 1,
        "ValidatingWebhookConfiguration" => FIRST.len() + 2,
        _ => FIRST
            .iter()
            .position(|first| *first == kind)
            .unwrap_or(FIRST.len()),
    }
}

/// Orders two objects as they are applied.
pub fn compare(a: &ObjectId, b: &ObjectId) -> Ordering {
    let key = |id: &ObjectId| rank(&id.kind);
    key(a)
        .cmp(&key(b))
        .then_with(|| a.group.cmp(&b.group))
        .then_with(|| a.kind.cmp(&b.kind))
        .then_with(|| a.namespace.cmp(&b.namespace))
        .then_with(|| a.name.cmp(&b.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kinds_are_applied_in_flux_order() {
        let mut ids: Vec<ObjectId> = [
            "_hook_admissionregistration.k8s.io_ValidatingWebhookConfiguration",
            "n_i_networking.k8s.io_Ingress",
            "n_b_apps_Deployment",
            "n_a__Service",
            "n_z__ConfigMap",
            "m_z__ConfigMap",
            "n_pdb_policy_PodDisruptionBudget",
            "n_j_batch_Job",
            "_n__Namespace",
        ]
        .iter()
        .map(|id| id.parse().unwrap())
        .collect();
        ids.sort_by(compare);
        let subjects: Vec<String> = ids.iter().map(ToString::to_string).collect();
        assert_eq!(
            subjects,
            [
                "Namespace/n",
                "ConfigMap/m/z",
                "ConfigMap/n/z",
                "Service/n/a",
                "Deployment/n/b",
                "PodDisruptionBudget/n/pdb",
                "Job/n/j",
                "Ingress/n/i",
                "ValidatingWebhookConfiguration/hook",
            ]
        );
    }

    #[test]
    fn stages_follow_kind_and_group() {
        let custom = BTreeSet::from([GroupKind::parse("x.io/Early")]);
        for (api_version, kind, stage) in [
            (
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                Stage::Definitions,
            ),
            ("v1", "Namespace", Stage::Definitions),
            ("x.io/v1", "Namespace", Stage::Resources),
            (
                "rbac.authorization.k8s.io/v1",
                "ClusterRole",
                Stage::Definitions,
            ),
            ("rbac.authorization.k8s.io/v1", "Role", Stage::Resources),
            ("x.io/v1", "AnyClass", Stage::Classes),
            ("x.io/v1", "Early", Stage::Custom),
            ("v1", "ConfigMap", Stage::Resources),
        ] {
            let object =
                Object::try_from(json!({"apiVersion": api_version, "kind": kind})).unwrap();
            assert_eq!(Stage::of(&object, &custom), stage, "{api_version} {kind}");
        }
    }
}
