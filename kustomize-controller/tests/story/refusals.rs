//! What is not built yet is refused by name, and nothing is applied.

use serde_json::json;

use crate::world::{Story, config_map};

#[tokio::test(flavor = "multi_thread")]
async fn each_field_that_is_not_built_stalls_the_object_and_applies_nothing() {
    let story = Story::begin("refused").await;
    story
        .publish("r1", &[("one.yaml", &config_map("one", &[]))])
        .await;
    let cases = [
        (
            "spec.sourceRef.kind",
            json!({"sourceRef": {"kind": "Bucket", "name": "b"}}),
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
            json!({"healthCheckExprs": [{"apiVersion": "v1", "kind": "X", "current": "true"}]}),
        ),
        (
            "spec.dependsOn.readyExpr",
            json!({"dependsOn": [{"name": "b", "readyExpr": "true"}]}),
        ),
        (
            "spec.postBuild.substituteFrom",
            json!({"postBuild": {"substituteFrom": [{"kind": "Secret", "name": "s"}]}}),
        ),
    ];
    for (number, (field, fields)) in cases.into_iter().enumerate() {
        let name = format!("case-{number}");
        story.kustomization(&name, fields).await;
        let (reason, message) = story.ready(&name, "False").await;
        assert_eq!(reason, "Unsupported");
        assert_eq!(
            message,
            format!("{field} is not supported yet: nothing is applied")
        );
        let api = story.api::<fjord_crds::kustomize::v1::Kustomization>();
        let status = api.get(&name).await.unwrap().status.unwrap();
        assert!(
            status
                .conditions
                .iter()
                .any(|c| c.type_ == "Stalled" && c.status == "True")
        );
        assert!(status.inventory.is_none());
    }
    assert_eq!(story.data("one").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_still_encrypted_is_never_applied() {
    let story = Story::begin("encrypted").await;
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: 'ENC[x]'}\n\
        sops: {mac: x}\n";
    story.publish("r1", &[("s.yaml", secret)]).await;
    story.kustomization("app", json!({})).await;
    let (reason, message) = story.ready("app", "False").await;
    assert_eq!(reason, "ReconciliationFailed");
    assert!(
        message.starts_with("Secret/encrypted/s is SOPS encrypted, "),
        "{message}"
    );
}
