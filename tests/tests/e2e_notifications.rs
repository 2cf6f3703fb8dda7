//! Does every event arrive, whatever happens to the notification-controller and to its provider?
//!
//! The events are written by the test as our controllers write them; only the notification-controller
//! runs, so that nothing else can be the cause of a loss or a repeat.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use axum::http::StatusCode;
use fjord_sandbox::Options;
use fjord_tests::hook::Hook;
use fjord_tests::object::Object;
use fjord_tests::suite::{Suite, built_programs};
use k8s_openapi::api::core::v1::{Event, Namespace};
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

const CONTROLLER: &str = "notification-controller";

/// A suite with only the notification-controller, a hook, and an alert for every GitRepository.
struct Story {
    suite: Suite,
    hook: Hook,
}

impl Story {
    async fn begin(flags: &[&str]) -> Result<Self> {
        let mut suite = Suite::new(built_programs()?, Options::default()).await?;
        suite.flags(CONTROLLER, flags.iter().copied());
        let namespaces: Api<Namespace> = Api::all(suite.client.clone());
        let own: Namespace = serde_json::from_value(json!({"metadata": {"name": "flux-system"}}))?;
        // The sandbox may have made it already.
        let _ = namespaces.create(&PostParams::default(), &own).await;
        let hook = Hook::start().await?;
        let group = "notification.toolkit.fluxcd.io/v1beta3";
        let provider = json!({"apiVersion": group, "kind": "Provider", "metadata": {"name": "p"},
            "spec": {"type": "generic", "timeout": "1s", "address": hook.url()}});
        let alert = json!({"apiVersion": group, "kind": "Alert", "metadata": {"name": "a"},
            "spec": {"providerRef": {"name": "p"}, "eventSources": [{"kind": "GitRepository", "name": "*"}]}});
        for (kind, name, body) in [("Provider", "p", provider), ("Alert", "a", alert)] {
            let object = Object::new(&suite.client, &format!("{group}/{kind}"), "default", name)?;
            object.apply("test", &body).await?;
        }
        suite.start(&[CONTROLLER]).await?;
        Ok(Self { suite, hook })
    }

    /// Writes the Event that a controller of ours would write.
    async fn happens(&self, message: &str) -> Result<()> {
        let now = jiff::Timestamp::now();
        let event: Event = serde_json::from_value(json!({
            "metadata": {"name": message, "namespace": "default", "labels": {"fjord.dev/severity": "info"}},
            "involvedObject": {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
                "namespace": "default", "name": "app", "uid": "u"},
            "reason": "NewArtifact", "message": message, "type": "Normal", "count": 1,
            "firstTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "lastTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "reportingComponent": "source-controller", "reportingInstance": "here",
        }))?;
        let events: Api<Event> = Api::namespaced(self.suite.client.clone(), "default");
        events
            .create(&PostParams::default(), &event)
            .await
            .context("create event")?;
        Ok(())
    }

    /// Returns how often each message arrived while the hook accepted it.
    fn heard(&self) -> BTreeMap<String, usize> {
        let mut heard = BTreeMap::new();
        for delivery in self.hook.deliveries() {
            let message = delivery.body["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            *heard.entry(message).or_default() += 1;
        }
        heard
    }

    async fn hears_all(&self, count: usize, timeout: Duration) -> Result<()> {
        let deadline = tokio::time::Instant::now() + timeout;
        loop {
            let heard = self.heard();
            let missing: Vec<String> = (0..count)
                .map(name)
                .filter(|message| !heard.contains_key(message))
                .collect();
            if missing.is_empty() {
                return Ok(());
            }
            ensure!(
                tokio::time::Instant::now() < deadline,
                "never arrived: {missing:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn name(number: usize) -> String {
    format!("event-{number:03}")
}

/// Kills the controller again and again while events happen; every one must arrive.
async fn survives_kills(flags: &[&str]) -> Result<()> {
    const EVENTS: usize = 60;
    let mut story = Story::begin(flags).await?;
    for number in 0..EVENTS {
        story.happens(&name(number)).await?;
        if number % 6 == 5 {
            // At another moment of its work each time.
            tokio::time::sleep(Duration::from_millis((number as u64 * 7) % 40)).await;
            story.suite.kill(CONTROLLER);
            if number % 12 == 11 {
                // Something happens while nobody looks.
                tokio::time::sleep(Duration::from_millis(200)).await;
            } else {
                story.suite.start(&[CONTROLLER]).await?;
            }
        } else if number % 12 == 3 && number > 12 {
            story.suite.start(&[CONTROLLER]).await?;
        }
    }
    story.suite.kill(CONTROLLER);
    story.suite.start(&[CONTROLLER]).await?;
    story.hears_all(EVENTS, Duration::from_secs(60)).await?;
    let heard = story.heard();
    let repeats: usize = heard.values().map(|count| count - 1).sum();
    eprintln!("{EVENTS} events through 10 kills: all arrived, {repeats} of them again");
    ensure!(repeats <= EVENTS / 2, "restarts repeat too much: {heard:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_arrives_through_kills_with_the_outbox_on_a_volume() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("fjord-outbox-{}", std::process::id()));
    let flag = format!("--outbox-file={}", folder.display());
    let result = survives_kills(&[&flag]).await;
    let _ = std::fs::remove_file(&folder);
    result
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_arrives_through_kills_with_the_outbox_in_a_secret() -> Result<()> {
    survives_kills(&[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_provider_and_a_kill_in_it_lose_nothing() -> Result<()> {
    let mut story = Story::begin(&[]).await?;
    story.hook.set_status(StatusCode::SERVICE_UNAVAILABLE);
    for number in 0..10 {
        story.happens(&name(number)).await?;
    }
    // All ten stand in the outbox and at least one was tried.
    tokio::time::sleep(Duration::from_secs(3)).await;
    ensure!(!story.hook.deliveries().is_empty(), "nothing was tried");
    story.suite.kill(CONTROLLER);
    // The Events are gone when the controller comes back: only the outbox knows them.
    let events: Api<Event> = Api::namespaced(story.suite.client.clone(), "default");
    for number in 0..10 {
        events.delete(&name(number), &Default::default()).await?;
    }
    let tried = story.hook.deliveries().len();
    story.hook.set_status(StatusCode::OK);
    story.suite.start(&[CONTROLLER]).await?;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let after: std::collections::BTreeSet<String> = story.hook.deliveries()[tried..]
            .iter()
            .map(|delivery| {
                delivery.body["message"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect();
        if (0..10).all(|number| after.contains(&name(number))) {
            return Ok(());
        }
        ensure!(
            tokio::time::Instant::now() < deadline,
            "after the outage only {after:?} arrived"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_on_both_roads_is_delivered_once() -> Result<()> {
    let story = Story::begin(&[]).await?;
    let client = reqwest::Client::new();
    let post = async |message: &str| -> Result<u16> {
        let body = json!({"involvedObject": {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "namespace": "default", "name": "app"}, "severity": "info", "message": message, "reason": "NewArtifact"});
        let request = client
            .post(story.suite.events_url()?)
            .header("Fjord-Event-Id", message);
        Ok(request
            .body(body.to_string())
            .send()
            .await?
            .status()
            .as_u16())
    };
    story.happens("watch-first").await?;
    story
        .hook
        .wait("watch-first", Duration::from_secs(10), |d| {
            d.body["message"] == "watch-first"
        })
        .await?;
    assert_eq!(post("watch-first").await?, 202);
    assert_eq!(post("post-first").await?, 202);
    story.happens("post-first").await?;
    story.happens("last").await?;
    story
        .hook
        .wait("last", Duration::from_secs(10), |d| {
            d.body["message"] == "last"
        })
        .await?;
    let heard = story.heard();
    assert!(heard.values().all(|count| *count == 1), "{heard:?}");
    assert_eq!(heard.len(), 3);

    let metrics = reqwest::get(story.suite.metrics_url(CONTROLLER)?)
        .await?
        .text()
        .await?;
    let delivered = r#"fjord_notification_deliveries_total{provider_name="p",provider_namespace="default",provider_type="generic",result="delivered"} 3"#;
    let posts = r#"gotk_event_http_request_duration_seconds_count{code="202",handler="/",method="POST",service=""} 2"#;
    for line in [delivered, posts] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line} is not in\n{metrics}"
        );
    }
    Ok(())
}
