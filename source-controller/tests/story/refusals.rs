//! What is not built yet is refused by name: stalled, nothing fetched, nothing stored.

use serde_json::json;

use crate::world::Story;

#[tokio::test]
async fn each_field_that_is_not_built_stalls_the_object_and_stores_nothing() {
    let story = Story::begin("refused").await;
    let cases = [
        (
            "ssh",
            json!({"url": "ssh://git@example.com/app"}),
            "spec.url with the scheme 'ssh'",
        ),
        (
            "github",
            json!({"provider": "github"}),
            "spec.provider other than 'generic'",
        ),
        (
            "azure",
            json!({"provider": "azure"}),
            "spec.provider other than 'generic'",
        ),
        (
            "account",
            json!({"provider": "aws", "serviceAccountName": "x"}),
            "spec.provider other than 'generic'",
        ),
        (
            "verify",
            json!({"verify": {"mode": "HEAD", "secretRef": {"name": "k"}}}),
            "spec.verify",
        ),
        (
            "include",
            json!({"include": [{"repository": {"name": "lib"}}]}),
            "spec.include",
        ),
        (
            "submodules",
            json!({"recurseSubmodules": true}),
            "spec.recurseSubmodules",
        ),
        (
            "sparse",
            json!({"sparseCheckout": ["apps"]}),
            "spec.sparseCheckout",
        ),
    ];
    for (name, changes, _) in &cases {
        story.apply(name, changes.clone()).await;
    }
    for (name, _, field) in cases {
        let text = format!("{field} is not supported by this version of source-controller");
        let told = ("Unsupported".to_owned(), text);
        assert_eq!(story.condition(name, "Ready", "False").await, told);
        assert_eq!(story.condition(name, "Stalled", "True").await, told);
        assert_eq!(story.condition(name, "FetchFailed", "True").await, told);
        let object = story.get(name).await;
        assert!(object.status.unwrap().artifact.is_none());
        assert!(
            !story
                .file(&format!("gitrepository/refused/{name}"))
                .exists()
        );
        assert_eq!(story.events(name).await, [told]);
    }
    assert_eq!(
        story.server.take_requests(),
        [""; 0],
        "nothing was asked of the remote"
    );
    // An edit helps at once.
    story.apply("sparse", json!({})).await;
    story.condition("sparse", "Ready", "True").await;
}
