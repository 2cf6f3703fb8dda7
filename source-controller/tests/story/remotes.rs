//! Remotes that need credentials and certificates, and remotes that are slow.

use std::time::Duration;

use fjord_sandbox::{Access, GitServerOptions};
use serde_json::json;

use crate::world::{Story, eventually};

#[tokio::test]
async fn a_secret_brings_credentials_authority_and_client_certificate() {
    let options = GitServerOptions {
        tls: true,
        client_certificates: true,
    };
    let story = Story::begin_with("secret", options).await;
    story.server.set_access(Access::Basic {
        username: "git".into(),
        password: "s3cret".into(),
    });
    let (certificate, key) = story.server.client_certificate().unwrap();
    let whole = json!({"username": "git", "password": "s3cret", "ca.crt": story.server.ca(),
        "tls.crt": certificate, "tls.key": key});
    story.secret("whole", whole.clone()).await;
    let mut without = whole.clone();
    without.as_object_mut().unwrap().remove("ca.crt");
    story.secret("without-ca", without).await;
    let mut half = whole;
    half.as_object_mut().unwrap().remove("tls.key");
    story.secret("half", half).await;
    for name in ["whole", "without-ca", "half"] {
        story
            .apply(name, json!({"secretRef": {"name": name}}))
            .await;
    }
    story.condition("whole", "Ready", "True").await;
    let (reason, message) = story.condition("without-ca", "Ready", "False").await;
    assert_eq!(reason, "GitOperationFailed");
    assert!(message.contains("certificate"), "{message}");
    let told = story.condition("half", "Ready", "False").await;
    let text =
        "failed to configure authentication options: 'tls.crt' and 'tls.key' must be set together";
    assert_eq!(told, ("AuthenticationFailed".into(), text.into()));
    for name in ["whole", "without-ca", "half"] {
        let shown = serde_json::to_string(&story.get(name).await).unwrap();
        assert!(!shown.contains("s3cret"), "a status shows a secret");
    }
}

#[tokio::test]
async fn work_that_takes_long_is_announced_meanwhile() {
    let story = Story::begin("slow").await;
    story.server.set_delay(Duration::from_millis(1500));
    story.apply("app", json!({})).await;
    let told = story.condition("app", "Reconciling", "True").await;
    assert_eq!(told, ("Progressing".into(), "building artifact".into()));
    story.condition("app", "Ready", "Unknown").await;
    story.condition("app", "Ready", "True").await;
    let is_settled = || async {
        let conditions = story.get("app").await.status?.conditions;
        conditions
            .iter()
            .all(|c| c.type_ != "Reconciling")
            .then_some(())
    };
    eventually("nothing is going on any more", is_settled).await;
}

#[tokio::test]
async fn a_new_revision_wins_over_a_remote_that_hangs() {
    let story = Story::begin("hanging").await;
    story.apply("app", json!({"timeout": "2s"})).await;
    story.condition("app", "Ready", "True").await;
    story.server.set_delay(Duration::from_secs(20));
    story.request("app").await;
    let (reason, message) = story.condition("app", "Ready", "False").await;
    assert_eq!(reason, "GitOperationFailed");
    assert!(message.ends_with("context deadline exceeded"), "{message}");
    assert!(
        story.get("app").await.status.unwrap().artifact.is_some(),
        "the artifact stays"
    );
    story.server.set_delay(Duration::ZERO);
    let commit = story
        .repository
        .commit("two", &[("a.yaml", Some("a: 2\n"))])
        .unwrap();
    story.artifact("app", &commit).await;
    story.condition("app", "Ready", "True").await;
}
