//! Artifacts: how fast they appear, what keeps them whole, what they cost when nothing changes.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::{Story, eventually};

#[tokio::test]
async fn a_commit_becomes_an_artifact_in_well_under_a_second() {
    let story = Story::begin("fast").await;
    story.apply("app", json!({})).await;
    story.condition("app", "Ready", "True").await;
    let mut times = Vec::new();
    for number in 0..10 {
        let content = format!("a: {number}\n");
        let commit = story
            .repository
            .commit("next", &[("a.yaml", Some(&content))])
            .unwrap();
        let from = Instant::now();
        story.request("app").await;
        times.push(from.elapsed());
        let artifact = story.artifact("app", &commit).await;
        let served = reqwest::get(&artifact.url)
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
        assert_eq!(served.len() as i64, artifact.size.unwrap());
    }
    times.sort();
    println!(
        "from the request to the artifact: median {:?}, longest {:?}",
        times[5], times[9]
    );
    assert!(times[5] < Duration::from_secs(2), "{times:?}");
}

#[tokio::test]
async fn a_file_that_was_tampered_with_is_noticed_and_built_again() {
    let story = Story::begin("tampered").await;
    story.apply("app", json!({})).await;
    let commit = story.repository.head().unwrap();
    let artifact = story.artifact("app", &commit).await;
    let file = story.file(&artifact.path);
    let good = std::fs::read(&file).unwrap();
    std::fs::write(&file, "tampered").unwrap();
    story.request("app").await;
    story.condition("app", "Ready", "True").await;
    assert_eq!(
        std::fs::read(&file).unwrap(),
        good,
        "the same commit gives the same bytes"
    );
    assert_eq!(story.artifact("app", &commit).await.digest, artifact.digest);
    let told = story.events("app").await;
    assert!(
        told.iter()
            .any(|(reason, _)| reason == "ArtifactVerificationFailed"),
        "{told:?}"
    );
}

#[tokio::test]
async fn nothing_new_costs_one_listing_and_at_most_one_event() {
    let story = Story::begin("idle").await;
    story.apply("app", json!({"interval": "1s"})).await;
    story.condition("app", "Ready", "True").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    story.server.take_requests();
    let from = jiff::Timestamp::now();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let asked = story.server.take_requests();
    let passes = asked
        .iter()
        .filter(|request| request.starts_with("GET"))
        .count();
    assert!((2..=5).contains(&passes), "{asked:?}");
    assert!(
        asked.len() <= 2 * passes,
        "a listing is two requests: {asked:?}"
    );
    let requests = story.requests_since(from);
    let others: Vec<_> = requests.iter().filter(|r| r.resource != "events").collect();
    assert!(others.is_empty(), "no read and no status patch: {others:?}");
    assert!(
        requests.len() <= passes + 1,
        "one event a pass: {requests:?}"
    );
}

#[tokio::test]
async fn old_artifacts_are_collected_and_a_deleted_object_leaves_nothing() {
    let story = Story::begin("collected").await;
    story.apply("app", json!({})).await;
    for number in 0..5 {
        let content = format!("a: {number}\n");
        let commit = story
            .repository
            .commit("next", &[("a.yaml", Some(&content))])
            .unwrap();
        story.request("app").await;
        story.artifact("app", &commit).await;
    }
    story.request("app").await;
    let folder = story.file("gitrepository/collected/app");
    assert_eq!(
        std::fs::read_dir(&folder).unwrap().count(),
        2,
        "the records that are kept"
    );
    let mirror = story.file(".git-mirrors/collected/app");
    assert!(mirror.exists());
    let sources = kube::Api::<fjord_crds::source::v1::GitRepository>::namespaced(
        story.client.clone(),
        story.namespace,
    );
    sources.delete("app", &Default::default()).await.unwrap();
    let is_gone = || async {
        sources
            .get_opt("app")
            .await
            .unwrap()
            .is_none()
            .then_some(())
    };
    eventually("the object is gone", is_gone).await;
    assert!(!folder.exists() && !mirror.exists());
}
