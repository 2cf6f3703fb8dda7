//! Which kinds are certainly cluster-scoped.
//!
//! kustomize knows the kinds of Kubernetes 1.21 by exact apiVersion; everything else has a namespace.

/// Says what the built-in table knows of a kind: cluster-scoped, namespaced, or nothing.
pub(crate) fn is_cluster_scoped(api_version: &str, kind: &str) -> Option<bool> {
    let versions: &[&str] = match kind {
        "ComponentStatus" | "Namespace" | "Node" | "NodeProxyOptions" | "PersistentVolume" => {
            &["v1"]
        }
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => &[
            "admissionregistration.k8s.io/v1",
            "admissionregistration.k8s.io/v1beta1",
        ],
        "CustomResourceDefinition" => &["apiextensions.k8s.io/v1", "apiextensions.k8s.io/v1beta1"],
        "APIService" => &[
            "apiregistration.k8s.io/v1",
            "apiregistration.k8s.io/v1beta1",
        ],
        "CertificateSigningRequest" => &["certificates.k8s.io/v1", "certificates.k8s.io/v1beta1"],
        "FlowSchema" | "PriorityLevelConfiguration" => &["flowcontrol.apiserver.k8s.io/v1beta1"],
        "IngressClass" => &["networking.k8s.io/v1", "networking.k8s.io/v1beta1"],
        "RuntimeClass" => &["node.k8s.io/v1", "node.k8s.io/v1beta1"],
        "PodSecurityPolicy" => &["policy/v1beta1"],
        "ClusterRole" | "ClusterRoleBinding" => &[
            "rbac.authorization.k8s.io/v1",
            "rbac.authorization.k8s.io/v1beta1",
        ],
        "PriorityClass" => &["scheduling.k8s.io/v1", "scheduling.k8s.io/v1beta1"],
        "CSIDriver" | "CSINode" | "StorageClass" | "VolumeAttachment" => {
            &["storage.k8s.io/v1", "storage.k8s.io/v1beta1"]
        }
        _ => return is_namespaced(api_version, kind).then_some(false),
    };
    versions.contains(&api_version).then_some(true)
}

/// Says whether the table lists the kind as namespaced, which a custom schema cannot change.
fn is_namespaced(api_version: &str, kind: &str) -> bool {
    let kinds: &[&str] = match api_version {
        "v1" => &[
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "PersistentVolumeClaim",
            "Pod",
            "PodAttachOptions",
            "PodExecOptions",
            "PodPortForwardOptions",
            "PodProxyOptions",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
            "ServiceProxyOptions",
        ],
        "apps/v1" => &[
            "ControllerRevision",
            "DaemonSet",
            "Deployment",
            "ReplicaSet",
            "StatefulSet",
        ],
        "autoscaling/v1" => &["HorizontalPodAutoscaler", "Scale"],
        "autoscaling/v2beta1" | "autoscaling/v2beta2" => &["HorizontalPodAutoscaler"],
        "batch/v1" => &["CronJob", "Job"],
        "batch/v1beta1" => &["CronJob"],
        "coordination.k8s.io/v1" | "coordination.k8s.io/v1beta1" => &["Lease"],
        "discovery.k8s.io/v1" | "discovery.k8s.io/v1beta1" => &["EndpointSlice"],
        "events.k8s.io/v1" | "events.k8s.io/v1beta1" => &["Event"],
        "networking.k8s.io/v1" => &["Ingress", "NetworkPolicy"],
        "extensions/v1beta1" | "networking.k8s.io/v1beta1" => &["Ingress"],
        "policy/v1" | "policy/v1beta1" => &["PodDisruptionBudget"],
        "rbac.authorization.k8s.io/v1" | "rbac.authorization.k8s.io/v1beta1" => {
            &["Role", "RoleBinding"]
        }
        "storage.k8s.io/v1beta1" => &["CSIStorageCapacity"],
        _ => &[],
    };
    kinds.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::is_cluster_scoped;

    #[test]
    fn only_the_exact_api_version_counts() {
        assert_eq!(is_cluster_scoped("v1", "Namespace"), Some(true));
        assert_eq!(is_cluster_scoped("v2", "Namespace"), None);
        assert_eq!(is_cluster_scoped("apps/v1", "Deployment"), Some(false));
        assert_eq!(is_cluster_scoped("example.com/v1", "Widget"), None);
    }
}
