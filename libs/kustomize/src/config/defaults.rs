//! kustomize's default field specs, as compact tables.
//!
//! A line is a path and the kinds it belongs to, each `Kind`, `Kind/version` or `Kind/version/group`
//! (empty parts match all); a path that begins with `+` is created where it is missing. `POD` stands
//! for the place of the pod spec in the kind.

use super::Config;
use crate::types::{FieldSpec, NameReference};

/// Kinds that come first in the legacy order.
pub(crate) const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Kinds that come last in the legacy order.
pub(crate) const LAST: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

type Row = (&'static str, &'static [&'static str]);

const NAMESPACE: [Row; 3] = [
    ("+metadata/name", &["Namespace"]),
    (
        "+spec/service/namespace",
        &["APIService//apiregistration.k8s.io"],
    ),
    (
        "spec/conversion/webhook/clientConfig/service/namespace",
        &["CustomResourceDefinition//apiextensions.k8s.io"],
    ),
];

/// Labels of objects and of the pods they make.
const METADATA_LABELS: [Row; 5] = [
    ("+metadata/labels", &[""]),
    (
        "+spec/template/metadata/labels",
        &[
            "ReplicationController/v1",
            "Deployment",
            "ReplicaSet",
            "DaemonSet",
            "StatefulSet//apps",
            "Job//batch",
        ],
    ),
    (
        "+spec/volumeClaimTemplates[]/metadata/labels",
        &["StatefulSet//apps"],
    ),
    ("+spec/jobTemplate/metadata/labels", &["CronJob//batch"]),
    (
        "+spec/jobTemplate/spec/template/metadata/labels",
        &["CronJob//batch"],
    ),
];

const WITH_AFFINITY: &[&str] = &["Deployment//apps", "StatefulSet//apps"];
const POLICY: &[&str] = &["NetworkPolicy//networking.k8s.io"];

const SELECTORS: [Row; 12] = [
    (
        "+spec/selector",
        &["Service/v1", "ReplicationController/v1"],
    ),
    (
        "+spec/selector/matchLabels",
        &["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet//apps"],
    ),
    (
        "spec/template/spec/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
        WITH_AFFINITY,
    ),
    (
        "spec/template/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
        WITH_AFFINITY,
    ),
    (
        "spec/template/spec/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
        WITH_AFFINITY,
    ),
    (
        "spec/template/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
        WITH_AFFINITY,
    ),
    (
        "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels",
        WITH_AFFINITY,
    ),
    (
        "spec/selector/matchLabels",
        &["Job//batch", "PodDisruptionBudget//policy"],
    ),
    (
        "spec/jobTemplate/spec/selector/matchLabels",
        &["CronJob//batch"],
    ),
    ("spec/podSelector/matchLabels", POLICY),
    ("spec/ingress/from/podSelector/matchLabels", POLICY),
    ("spec/egress/to/podSelector/matchLabels", POLICY),
];

const ANNOTATIONS: [Row; 4] = [
    ("+metadata/annotations", &[""]),
    (
        "+spec/template/metadata/annotations",
        &[
            "ReplicationController/v1",
            "Deployment",
            "ReplicaSet",
            "DaemonSet",
            "StatefulSet",
            "Job//batch",
        ],
    ),
    (
        "+spec/jobTemplate/metadata/annotations",
        &["CronJob//batch"],
    ),
    (
        "+spec/jobTemplate/spec/template/metadata/annotations",
        &["CronJob//batch"],
    ),
];

const IMAGES: [Row; 6] = [
    ("+spec/containers[]/image", &[""]),
    ("+spec/initContainers[]/image", &[""]),
    ("+spec/volumes[]/image/reference", &[""]),
    ("+spec/template/spec/containers[]/image", &[""]),
    ("+spec/template/spec/initContainers[]/image", &[""]),
    ("+spec/template/spec/volumes[]/image/reference", &[""]),
];

const REPLICAS: [Row; 1] = [(
    "+spec/replicas",
    &[
        "Deployment",
        "ReplicationController",
        "ReplicaSet",
        "StatefulSet",
    ],
)];

const RUNNERS: &[&str] = &[
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "Pod",
    "ReplicaSet",
    "StatefulSet",
];

const VARIABLES: [Row; 20] = [
    ("POD/containers/args", RUNNERS),
    ("POD/containers/command", RUNNERS),
    ("POD/containers/env/value", RUNNERS),
    ("POD/containers/volumeMounts/mountPath", RUNNERS),
    ("POD/initContainers/args", RUNNERS),
    ("POD/initContainers/command", RUNNERS),
    ("POD/initContainers/env/value", RUNNERS),
    ("POD/initContainers/volumeMounts/mountPath", RUNNERS),
    (
        "POD/volumes/nfs/server",
        &["DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet"],
    ),
    // Parity: kustomize's path for CronJobs leaves out the pod's spec.
    (
        "spec/jobTemplate/spec/template/volumes/nfs/server",
        &["CronJob"],
    ),
    ("spec/template/metadata/annotations", &["Deployment"]),
    ("spec/rules/host", &["Ingress"]),
    ("spec/tls/hosts", &["Ingress"]),
    ("spec/tls/secretName", &["Ingress"]),
    ("spec/ports/port", &["Service"]),
    ("spec/ports/targetPort", &["Service"]),
    (
        "spec/volumeClaimTemplates/spec/nfs/server",
        &["StatefulSet"],
    ),
    ("spec/nfs/server", &["PersistentVolume"]),
    ("metadata/labels", &[""]),
    ("metadata/annotations", &[""]),
];

const PODS: &[&str] = &[
    "Pod/v1",
    "PodTemplate",
    "Deployment",
    "ReplicaSet",
    "DaemonSet",
    "StatefulSet",
    "Job",
    "CronJob",
];
const ACCOUNTS: &[&str] = &[
    "Pod",
    "StatefulSet",
    "Deployment",
    "ReplicationController",
    "CronJob",
    "Job",
    "DaemonSet",
];
const ROLES: &[&str] = &["Role", "ClusterRole"];
const RBAC: &str = "rbac.authorization.k8s.io";

/// The kind referred to as (kind, version, group), and the fields that refer to it.
type Reference = ((&'static str, &'static str, &'static str), &'static [Row]);

const REFERENCES: [Reference; 15] = [
    (
        ("Deployment", "", ""),
        &[("spec/scaleTargetRef/name", &["HorizontalPodAutoscaler"])],
    ),
    (
        ("ReplicationController", "", ""),
        &[("spec/scaleTargetRef/name", &["HorizontalPodAutoscaler"])],
    ),
    (
        ("ReplicaSet", "", ""),
        &[("spec/scaleTargetRef/name", &["HorizontalPodAutoscaler"])],
    ),
    (
        ("StatefulSet", "", ""),
        &[("spec/scaleTargetRef/name", &["HorizontalPodAutoscaler"])],
    ),
    (
        ("ConfigMap", "v1", ""),
        &[
            ("POD/volumes/configMap/name", PODS),
            ("POD/containers/env/valueFrom/configMapKeyRef/name", PODS),
            (
                "POD/initContainers/env/valueFrom/configMapKeyRef/name",
                PODS,
            ),
            ("POD/containers/envFrom/configMapRef/name", PODS),
            ("POD/initContainers/envFrom/configMapRef/name", PODS),
            ("POD/volumes/projected/sources/configMap/name", PODS),
            ("spec/configSource/configMap", &["Node"]),
            ("rules/resourceNames", ROLES),
            (
                "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap",
                &["Ingress"],
            ),
        ],
    ),
    (
        ("Secret", "v1", ""),
        &[
            ("POD/volumes/secret/secretName", PODS),
            ("POD/containers/env/valueFrom/secretKeyRef/name", PODS),
            ("POD/initContainers/env/valueFrom/secretKeyRef/name", PODS),
            ("POD/containers/envFrom/secretRef/name", PODS),
            ("POD/initContainers/envFrom/secretRef/name", PODS),
            ("POD/imagePullSecrets/name", PODS),
            ("POD/volumes/projected/sources/secret/name", PODS),
            ("spec/tls/secretName", &["Ingress"]),
            (
                "metadata/annotations/ingress.kubernetes.io\\/auth-secret",
                &["Ingress"],
            ),
            (
                "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret",
                &["Ingress"],
            ),
            (
                "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret",
                &["Ingress"],
            ),
            // Parity: it stands there twice, so that what the first visit wrote is looked up again.
            ("spec/tls/secretName", &["Ingress"]),
            ("imagePullSecrets/name", &["ServiceAccount"]),
            ("parameters/secretName", &["StorageClass"]),
            ("parameters/adminSecretName", &["StorageClass"]),
            ("parameters/userSecretName", &["StorageClass"]),
            ("parameters/secretRef", &["StorageClass"]),
            ("rules/resourceNames", ROLES),
            (
                "spec/template/spec/containers/env/valueFrom/secretKeyRef/name",
                &["Service/v1/serving.knative.dev"],
            ),
            ("spec/azureFile/secretName", &["PersistentVolume"]),
        ],
    ),
    (
        ("Service", "v1", ""),
        &[
            ("spec/serviceName", &["StatefulSet//apps"]),
            ("spec/rules/http/paths/backend/serviceName", &["Ingress"]),
            ("spec/backend/serviceName", &["Ingress"]),
            ("spec/rules/http/paths/backend/service/name", &["Ingress"]),
            ("spec/defaultBackend/service/name", &["Ingress"]),
            ("spec/service/name", &["APIService//apiregistration.k8s.io"]),
            (
                "webhooks/clientConfig/service",
                &[
                    "ValidatingWebhookConfiguration//admissionregistration.k8s.io",
                    "MutatingWebhookConfiguration//admissionregistration.k8s.io",
                ],
            ),
        ],
    ),
    (
        ("Role", "", RBAC),
        &[("roleRef/name", &["RoleBinding//rbac.authorization.k8s.io"])],
    ),
    (
        ("ClusterRole", "", RBAC),
        &[(
            "roleRef/name",
            &[
                "RoleBinding//rbac.authorization.k8s.io",
                "ClusterRoleBinding//rbac.authorization.k8s.io",
            ],
        )],
    ),
    (
        ("ServiceAccount", "v1", ""),
        &[
            (
                "subjects",
                &[
                    "RoleBinding//rbac.authorization.k8s.io",
                    "ClusterRoleBinding//rbac.authorization.k8s.io",
                ],
            ),
            ("POD/serviceAccountName", ACCOUNTS),
        ],
    ),
    (
        ("PersistentVolumeClaim", "v1", ""),
        &[("POD/volumes/persistentVolumeClaim/claimName", ACCOUNTS)],
    ),
    (
        ("PersistentVolume", "v1", ""),
        &[
            ("spec/volumeName", &["PersistentVolumeClaim"]),
            ("rules/resourceNames", &["ClusterRole"]),
        ],
    ),
    (
        ("StorageClass", "v1", "storage.k8s.io"),
        &[
            (
                "spec/storageClassName",
                &["PersistentVolume", "PersistentVolumeClaim"],
            ),
            (
                "spec/volumeClaimTemplates/spec/storageClassName",
                &["StatefulSet"],
            ),
        ],
    ),
    (
        ("PriorityClass", "v1", "scheduling.k8s.io"),
        &[("POD/priorityClassName", ACCOUNTS)],
    ),
    // Parity: kustomize writes `networking.k8s.io/v1` for the group of IngressClass, which matches nothing.
    (
        (
            "ValidatingAdmissionPolicy",
            "",
            "admissionregistration.k8s.io",
        ),
        &[(
            "spec/policyName",
            &["ValidatingAdmissionPolicyBinding//admissionregistration.k8s.io"],
        )],
    ),
];

/// Builds the default config.
pub(super) fn config() -> Config {
    let every = |path: &str| specs(&[(path, &[""])]);
    let mut common_labels = specs(&SELECTORS);
    common_labels.extend(specs(&METADATA_LABELS));
    let name_reference = REFERENCES
        .iter()
        .map(|((kind, version, group), rows)| NameReference {
            group: (*group).to_owned(),
            version: (*version).to_owned(),
            kind: (*kind).to_owned(),
            field_specs: specs(rows),
        });
    let mut config = Config {
        name_prefix: every("metadata/name"),
        name_suffix: every("metadata/name"),
        namespace: specs(&NAMESPACE),
        common_labels,
        labels: Vec::new(),
        template_labels: specs(&METADATA_LABELS),
        common_annotations: specs(&ANNOTATIONS),
        name_reference: name_reference.collect(),
        var_reference: specs(&VARIABLES),
        images: specs(&IMAGES),
        replicas: specs(&REPLICAS),
    };
    config.sort();
    config
}

fn specs(rows: &[(&str, &[&str])]) -> Vec<FieldSpec> {
    let mut out = Vec::with_capacity(rows.iter().map(|(_, kinds)| kinds.len()).sum());
    for (path, kinds) in rows {
        let (path, create) = match path.strip_prefix('+') {
            Some(path) => (path, true),
            None => (*path, false),
        };
        for kind in *kinds {
            let mut parts = kind.splitn(3, '/');
            let mut part = || parts.next().unwrap_or_default().to_owned();
            let (kind, version, group) = (part(), part(), part());
            let path = match path.strip_prefix("POD") {
                Some(below) => format!("{}{below}", pod_spec(&kind)),
                None => path.to_owned(),
            };
            out.push(FieldSpec {
                group,
                version,
                kind,
                path,
                create,
            });
        }
    }
    out
}

fn pod_spec(kind: &str) -> &'static str {
    match kind {
        "Pod" => "spec",
        "PodTemplate" => "template/spec",
        "CronJob" => "spec/jobTemplate/spec/template/spec",
        _ => "spec/template/spec",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_have_the_sizes_of_kustomizes_own() {
        let config = config();
        let references: usize = config
            .name_reference
            .iter()
            .map(|r| r.field_specs.len())
            .sum();
        assert_eq!(config.common_labels.len(), 32);
        assert_eq!(config.template_labels.len(), 10);
        assert_eq!(config.common_annotations.len(), 9);
        assert_eq!(config.var_reference.len(), 72);
        assert_eq!((config.name_reference.len(), references), (15, 166));
    }
}
