//! What is refused because it is not built yet.
//!
//! A field that chooses an identity, a cluster, a key or a dependency must not be ignored: the
//! object is stalled, the field named and nothing applied (DESIGN §2.9). A flag of that sort stops
//! the start. Each line here leaves when its feature arrives.

use fjord_crds::kustomize::v1::{KustomizationSpec, SourceKind};

use crate::args::Args;

/// Returns the first field that chooses something not built yet.
pub(crate) fn unsupported_field(spec: &KustomizationSpec) -> Option<&'static str> {
    let reads_variables = spec
        .post_build
        .as_ref()
        .is_some_and(|post_build| !post_build.substitute_from.is_empty());
    let evaluates = spec
        .depends_on
        .iter()
        .any(|dependency| dependency.ready_expr.is_some());
    let fields = [
        (
            "spec.sourceRef.kind",
            spec.source_ref.kind != SourceKind::GitRepository,
        ),
        ("spec.decryption", spec.decryption.is_some()),
        (
            "spec.serviceAccountName",
            spec.service_account_name.is_some(),
        ),
        ("spec.kubeConfig", spec.kube_config.is_some()),
        ("spec.healthCheckExprs", !spec.health_check_exprs.is_empty()),
        ("spec.dependsOn.readyExpr", evaluates),
        ("spec.postBuild.substituteFrom", reads_variables),
    ];
    fields
        .into_iter()
        .find(|(_, is_set)| *is_set)
        .map(|(field, _)| field)
}

/// Says what a user reads where a field is refused.
pub(crate) fn refusal(field: &str) -> String {
    format!("{field} is not supported yet: nothing is applied")
}

/// Returns the first flag that chooses something not built yet.
pub(crate) fn unsupported_flag(args: &Args) -> Option<&'static str> {
    let flags = [
        (
            "--default-service-account",
            &args.common.default_service_account,
        ),
        (
            "--default-decryption-service-account",
            &args.default_decryption_service_account,
        ),
        (
            "--default-kubeconfig-service-account",
            &args.default_kubeconfig_service_account,
        ),
        ("--sops-age-secret", &args.sops_age_secret),
        ("--sops-vault-configmap", &args.sops_vault_configmap),
    ];
    flags
        .into_iter()
        .find(|(_, value)| !value.is_empty())
        .map(|(flag, _)| flag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use serde_json::{Value, json};

    fn spec(fields: Value) -> KustomizationSpec {
        let mut all = json!({"interval": "1m", "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": "app"}});
        all.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn each_field_that_is_not_built_is_named() {
        let cases = [
            (
                "spec.sourceRef.kind",
                json!({"sourceRef": {"kind": "Bucket", "name": "b"}}),
            ),
            (
                "spec.sourceRef.kind",
                json!({"sourceRef": {"kind": "OCIRepository", "name": "b"}}),
            ),
            (
                "spec.sourceRef.kind",
                json!({"sourceRef": {"kind": "ExternalArtifact", "name": "b"}}),
            ),
            (
                "spec.decryption",
                json!({"decryption": {"provider": "sops"}}),
            ),
            (
                "spec.serviceAccountName",
                json!({"serviceAccountName": "sa"}),
            ),
            (
                "spec.kubeConfig",
                json!({"kubeConfig": {"secretRef": {"name": "k"}}}),
            ),
            (
                "spec.healthCheckExprs",
                json!({"healthCheckExprs": [{"apiVersion": "v1", "current": "true"}]}),
            ),
            (
                "spec.dependsOn.readyExpr",
                json!({"dependsOn": [{"name": "a"}, {"name": "b", "readyExpr": "true"}]}),
            ),
            (
                "spec.postBuild.substituteFrom",
                json!({"postBuild": {"substituteFrom": [{"kind": "Secret", "name": "s"}]}}),
            ),
        ];
        for (field, fields) in cases {
            assert_eq!(unsupported_field(&spec(fields)), Some(field));
        }
    }

    #[test]
    fn what_is_built_is_not_refused() {
        let spec = spec(json!({
            "path": "a", "wait": true, "force": true, "timeout": "1m", "suspend": false,
            "targetNamespace": "n", "namePrefix": "p", "nameSuffix": "s", "components": ["c"],
            "commonMetadata": {"labels": {"a": "b"}}, "images": [{"name": "i"}],
            "patches": [{"patch": "x"}], "healthChecks": [{"kind": "Job", "name": "j"}],
            "dependsOn": [{"name": "a"}], "postBuild": {"substitute": {"a": "b"}},
            "deletionPolicy": "Orphan", "ignore": [{"paths": ["/a"]}],
            "buildMetadata": ["originAnnotations"]
        }));
        assert_eq!(unsupported_field(&spec), None);
    }

    #[test]
    fn each_flag_that_is_not_built_is_named() {
        let flags = [
            "--default-service-account",
            "--default-decryption-service-account",
            "--default-kubeconfig-service-account",
            "--sops-age-secret",
            "--sops-vault-configmap",
        ];
        for flag in flags {
            let args = Args::try_parse_from(["k", &format!("{flag}=x")]).unwrap();
            assert_eq!(unsupported_flag(&args), Some(flag));
        }
        assert_eq!(
            unsupported_flag(&Args::try_parse_from(["k"]).unwrap()),
            None
        );
    }
}
