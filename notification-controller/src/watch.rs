//! The watch of the Events that our controllers mark.
//!
//! The place in the watch moves only behind what the outbox has kept. When the API server has compacted
//! the place away, Events are listed anew; what was worked off before is told by its resourceVersion and
//! by its name and count.

use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event as CoreEvent;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use tokio_util::sync::CancellationToken;

use crate::args::PROGRAM;
use crate::directory::Directory;
use crate::event::{Event, SEVERITY_LABEL};
use crate::metrics::Metrics;
use crate::outbox::Outbox;
use crate::pipeline::{self, Pipeline, Watched};

/// How many Events one request lists.
const PAGE: u32 = 500;
/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long the API server keeps Events by default.
const EVENT_LIFETIME: Duration = Duration::from_secs(3600);

/// Brings marked Events to the pipeline.
pub(crate) struct EventWatch<'a, D> {
    pub(crate) api: Api<CoreEvent>,
    pub(crate) pipeline: &'a Pipeline<D>,
    pub(crate) outbox: &'a Outbox,
    pub(crate) metrics: &'a Metrics,
}

/// Why the watch is interrupted.
#[derive(Debug, thiserror::Error)]
enum Interruption {
    /// The place is compacted away.
    #[error("the place in the watch has expired")]
    Expired,
    /// The API server is away or the watch has ended.
    #[error("{0}")]
    Api(String),
    /// The outbox or the API server could not take part.
    #[error(transparent)]
    Pipeline(#[from] pipeline::Error),
}

impl<D: Directory> EventWatch<'_, D> {
    /// Watches until the token is cancelled.
    pub(crate) async fn run(&self, shutdown: &CancellationToken) {
        shutdown.run_until_cancelled(self.watch()).await;
    }

    async fn watch(&self) {
        let mut failures = 0;
        loop {
            let place = self.outbox.place().await;
            let result = match &place {
                Some(place) => self.follow(place).await,
                None => self.list(None).await,
            };
            let interruption = match result {
                Ok(()) => {
                    failures = 0;
                    continue;
                }
                Err(Interruption::Expired) => match self.list(place.as_deref()).await {
                    Ok(()) => {
                        failures = 0;
                        continue;
                    }
                    Err(error) => error,
                },
                Err(error) => error,
            };
            failures += 1;
            if failures > 1 {
                tracing::error!(error = %interruption, "failed to watch events");
            }
            let pause = Duration::from_millis(200).saturating_mul(1 << failures.min(10));
            tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        }
    }

    /// Works off all Events there are, oldest first, and takes the place behind them.
    async fn list(&self, place: Option<&str>) -> Result<(), Interruption> {
        let kept = place.and(self.outbox.kept_at().await);
        if let Some(kept) = kept {
            let away =
                Duration::try_from(Timestamp::now().duration_since(kept)).unwrap_or_default();
            if away > EVENT_LIFETIME {
                self.metrics.gaps.inc();
                tracing::warn!(
                    since = %kept,
                    "events older than the API server keeps them may have been missed"
                );
            }
        }
        let mut params = ListParams::default().labels(SEVERITY_LABEL).limit(PAGE);
        let mut events = Vec::new();
        let version = loop {
            let page = self.api.list(&params).await.map_err(interrupted)?;
            events.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => break page.metadata.resource_version.unwrap_or_default(),
            }
        };
        // Versions are ordered numbers; a list older than our place means a restored API server, whose
        // versions say nothing about what we have seen.
        let listed = number(Some(&version));
        let known = number(place).filter(|known| listed.is_some_and(|listed| *known <= listed));
        events.sort_by_key(|event| number(event.metadata.resource_version.as_deref()));
        let mut lost = 0;
        for event in &events {
            let at = number(event.metadata.resource_version.as_deref());
            if known.is_some() && at.is_some() && at <= known {
                continue;
            }
            lost += kept.map_or(0, |kept| overwritten(event, kept));
            self.take(event, None).await?;
        }
        if lost > 0 {
            self.metrics.overwritten.inc_by(lost);
            tracing::warn!(
                at_least = lost,
                "occurrences were missed while nobody watched: a newer one of the same Event replaced them"
            );
        }
        self.pipeline.advance(version).await?;
        Ok(())
    }

    /// Follows the watch from a place until it ends.
    async fn follow(&self, place: &str) -> Result<(), Interruption> {
        let params = WatchParams::default().labels(SEVERITY_LABEL).timeout(290);
        let stream = self.api.watch(&params, place).await.map_err(interrupted)?;
        let mut stream = std::pin::pin!(stream);
        while let Some(event) = stream.next().await {
            match event.map_err(interrupted)? {
                WatchEvent::Added(event) | WatchEvent::Modified(event) => {
                    let place = event.metadata.resource_version.clone();
                    self.take(&event, place).await?;
                }
                WatchEvent::Deleted(event) => {
                    if let Some(place) = event.metadata.resource_version {
                        self.pipeline.advance(place).await?;
                    }
                }
                WatchEvent::Bookmark(bookmark) => {
                    self.pipeline
                        .advance(bookmark.metadata.resource_version)
                        .await?;
                }
                WatchEvent::Error(status) => return Err(interrupted(kube::Error::Api(status))),
            }
        }
        Ok(())
    }

    async fn take(&self, core: &CoreEvent, place: Option<String>) -> Result<(), Interruption> {
        // Our own Events are about alerts, providers and receivers, which no alert may name.
        let own = core.reporting_component.as_deref() == Some(PROGRAM.name);
        match Event::from_core(core).filter(|_| !own) {
            Some(event) => {
                let watched = Watched {
                    id: id(core),
                    seen: seen(core),
                    event,
                };
                self.pipeline.watched(watched, place).await?;
            }
            None => {
                if let Some(place) = place {
                    self.pipeline.advance(place).await?;
                }
            }
        }
        Ok(())
    }
}

/// The name that this news has on both roads: the Event's, and the count of a repeat.
fn id(core: &CoreEvent) -> String {
    let of = |value: &Option<String>| value.clone().unwrap_or_default();
    let (namespace, name) = (of(&core.metadata.namespace), of(&core.metadata.name));
    match core.count {
        Some(count) if count > 1 => format!("{namespace}/{name}.{count}"),
        _ => format!("{namespace}/{name}"),
    }
}

/// How many occurrences an Event that changed since `kept` holds no more, at least.
///
/// Exact for an Event that was created since; how often an older one had occurred by then is not kept.
fn overwritten(core: &CoreEvent, kept: Timestamp) -> u64 {
    let count = core.count.unwrap_or(1).max(1);
    let created = core.metadata.creation_timestamp.as_ref().map(|time| time.0);
    if created.is_some_and(|created| created > kept) {
        return u64::from(count.unsigned_abs()) - 1;
    }
    u64::from(count > 2)
}

/// When the API server saw the news: its own clock for a new Event, the reporter's for a repeat.
fn seen(core: &CoreEvent) -> Timestamp {
    let created = core.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let last = core.last_timestamp.as_ref().map(|time| time.0);
    created.max(last).unwrap_or_else(Timestamp::now)
}

fn number(version: Option<&str>) -> Option<u128> {
    version?.parse().ok()
}

fn interrupted(error: kube::Error) -> Interruption {
    match error {
        kube::Error::Api(status) if status.code == 410 => Interruption::Expired,
        other => Interruption::Api(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occurrences_that_a_newer_one_replaced_are_counted() {
        let event = |created: &str, count: i32| -> CoreEvent {
            serde_json::from_value(serde_json::json!({
                "metadata": {"name": "web.17", "creationTimestamp": created}, "involvedObject": {}, "count": count
            }))
            .unwrap()
        };
        let kept = "2026-01-01T12:00:00Z".parse().unwrap();
        let (before, since) = ("2026-01-01T11:00:00Z", "2026-01-01T12:30:00Z");
        assert_eq!(overwritten(&event(since, 1), kept), 0);
        assert_eq!(overwritten(&event(since, 4), kept), 3);
        // The first was seen, the second is here.
        assert_eq!(overwritten(&event(before, 2), kept), 0);
        assert_eq!(overwritten(&event(before, 5), kept), 1);
    }

    #[test]
    fn a_repeat_has_another_id_than_the_first() {
        let event = |count: Option<i32>| -> CoreEvent {
            serde_json::from_value(serde_json::json!({
                "metadata": {"namespace": "apps", "name": "web.17"}, "involvedObject": {}, "count": count
            }))
            .unwrap()
        };
        assert_eq!(id(&event(None)), "apps/web.17");
        assert_eq!(id(&event(Some(1))), "apps/web.17");
        assert_eq!(id(&event(Some(3))), "apps/web.17.3");
    }
}
