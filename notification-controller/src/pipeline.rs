//! From an event to entries in the outbox: duplicates, matching, Flux's dispatch rules, merged metadata.
//!
//! Both roads meet here and are worked off one event at a time, so that the second road of an event always
//! sees what the first one did. What fails for a reason that may pass is an error, and the caller keeps
//! the event: a POST is answered with 503, the watch does not move on.

use std::sync::{Arc, Mutex as SyncMutex};
use std::time::Duration;

use fjord_crds::notification::v1beta3::{Alert, Provider, ProviderType};
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::dedupe::{self, Verdict, Windows};
use crate::delivery::not_found;
use crate::directory::{DISPATCH_FAILED, Directory};
use crate::event::{EVENT_GROUP, Event};
use crate::go_regex;
use crate::matching;
use crate::metadata;
use crate::metrics::Metrics;
use crate::outbox::{self, AlertRef, Entry, Intake, Outbox, ProviderKey};

/// Which events pass.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// `--rate-limit-interval`.
    pub rate_limit_interval: Duration,
    /// `--no-cross-namespace-refs`.
    pub no_cross_namespace_refs: bool,
}

/// Takes events in.
#[derive(Debug)]
pub struct Pipeline<D> {
    directory: Arc<D>,
    outbox: Arc<Outbox>,
    metrics: Metrics,
    rules: Rules,
    windows: Mutex<Windows>,
    regexes: SyncMutex<go_regex::Cache>,
}

/// An event from the watch of Events.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Namespace, name and count.
    pub id: String,
    /// The event.
    pub event: Event,
    /// When the API server saw it last.
    pub seen: Timestamp,
}

impl<D: Directory> Pipeline<D> {
    /// Prepares a pipeline.
    pub fn new(directory: Arc<D>, outbox: Arc<Outbox>, metrics: Metrics, rules: Rules) -> Self {
        Self {
            directory,
            outbox,
            metrics,
            rules,
            windows: Mutex::new(Windows::new(rules.rate_limit_interval)),
            regexes: SyncMutex::default(),
        }
    }

    /// Takes in a posted event; the id names the core/v1 Event with the same news, if there is one.
    pub async fn post(&self, mut event: Event, id: Option<String>) -> Result<Verdict, Error> {
        metadata::clean(&mut event);
        let mut windows = self.windows.lock().await;
        let now = Timestamp::now();
        if let Some(id) = &id
            && self.outbox.has_seen(id).await
        {
            self.count("post", "known");
            let reset = now + self.rules.rate_limit_interval;
            return Ok(Verdict {
                admitted: true,
                reset,
            });
        }
        let key = dedupe::key(&event);
        let verdict = windows.take(key, now);
        let id = id.unwrap_or_else(|| format!("post/{}/{}", hex::encode(key), now.as_nanosecond()));
        if !verdict.admitted {
            self.count("post", "duplicate");
            self.outbox
                .take_in(
                    vec![Intake {
                        id,
                        entries: Vec::new(),
                    }],
                    None,
                )
                .await?;
            return Ok(verdict);
        }
        let taken = self.take_in(&mut event, id, "post", None, None).await;
        if taken.is_err() {
            // The sender tries again; its next attempt is not a duplicate.
            windows.give_back(&key);
        }
        taken.map(|()| verdict)
    }

    /// Takes in a watched event and moves the place in the watch behind it.
    pub async fn watched(&self, watched: Watched, place: Option<String>) -> Result<(), Error> {
        let Watched {
            id,
            mut event,
            seen,
        } = watched;
        metadata::clean(&mut event);
        let mut windows = self.windows.lock().await;
        if self.outbox.has_seen(&id).await {
            self.count("watch", "known");
            self.outbox.take_in(Vec::new(), place).await?;
            return Ok(());
        }
        let key = dedupe::key(&event);
        // Windows follow the time of the event: after an outage many arrive at once.
        if !windows.take(key, seen.min(Timestamp::now())).admitted {
            self.count("watch", "duplicate");
            self.outbox
                .take_in(
                    vec![Intake {
                        id,
                        entries: Vec::new(),
                    }],
                    place,
                )
                .await?;
            return Ok(());
        }
        let taken = self
            .take_in(&mut event, id, "watch", Some(seen), place)
            .await;
        if taken.is_err() {
            windows.give_back(&key);
        }
        taken
    }

    /// Moves the place in the watch where nothing was to be taken in.
    pub async fn advance(&self, place: String) -> Result<(), Error> {
        self.outbox.take_in(Vec::new(), Some(place)).await?;
        Ok(())
    }

    async fn take_in(
        &self,
        event: &mut Event,
        id: String,
        road: &str,
        seen: Option<Timestamp>,
        place: Option<String>,
    ) -> Result<(), Error> {
        metadata::remove_internal(event);
        let mut alerts = self.directory.alerts();
        // An alert never hears of what happened before it was there, though the Event still stands.
        if let Some(seen) = seen {
            alerts.retain(|alert| created(alert).is_none_or(|created| created <= seen));
        }
        let found = matching::find(event, &alerts, &*self.directory, &self.regexes).await;
        for complaint in found.complaints {
            self.directory.warn(
                &alert_ref(&complaint.alert),
                complaint.reason,
                &complaint.message,
            );
        }
        let object = event.involved_object.to_string();
        if found.alerts.is_empty() {
            tracing::info!(
                object,
                "discarding event, no alerts found for the involved object"
            );
            self.count(road, "unmatched");
        } else {
            tracing::info!(object, message = event.message, "dispatching event");
            self.count(road, "matched");
        }
        let mut entries = Vec::new();
        for alert in found.alerts {
            match self.dispatch(event, &alert, &id).await {
                Ok(entry) => entries.extend(entry),
                Err(Refusal::Later(error)) => return Err(Error::Unavailable(error)),
                Err(Refusal::Never(error)) => {
                    let text = format!("failed to dispatch notification for {object}: {error}");
                    let alert = alert_ref(&alert);
                    tracing::error!(
                        error = text,
                        alert = alert.name,
                        namespace = alert.namespace,
                        "failed to dispatch notification"
                    );
                    self.directory.warn(&alert, DISPATCH_FAILED, &text);
                }
            }
        }
        let evicted = self
            .outbox
            .take_in(vec![Intake { id, entries }], place)
            .await?;
        self.report(&evicted);
        Ok(())
    }

    /// Applies Flux's rules for one alert (§2.5 step 5); nothing where the event is silently skipped.
    async fn dispatch(
        &self,
        event: &Event,
        alert: &Alert,
        id: &str,
    ) -> Result<Option<Entry>, Refusal> {
        let alert_ref = alert_ref(alert);
        let object = &event.involved_object;
        if self.rules.no_cross_namespace_refs && object.namespace != alert_ref.namespace {
            return Err(Refusal::Never(format!(
                "discarding event, access denied to cross-namespace sources: alert '{}/{}' can't process event from '{object}', cross-namespace references have been blocked",
                alert_ref.namespace, alert_ref.name
            )));
        }
        let key = ProviderKey {
            namespace: alert_ref.namespace.clone(),
            name: alert.spec.provider_ref.name.clone(),
        };
        let provider = match self.directory.provider(&key).await {
            Ok(Some(provider)) => provider,
            Ok(None) => return Err(Refusal::Never(not_found(&key))),
            Err(error) => return Err(Refusal::Later(error)),
        };
        if provider.spec.suspend || skips(&provider, event) {
            return Ok(None);
        }
        if provider.spec.service_account_name.is_some() {
            return Err(Refusal::Never(
                "to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller"
                    .to_owned(),
            ));
        }
        let mut event = event.clone();
        let spec = &alert.spec;
        let conflicts =
            metadata::combine(&mut event, &spec.event_metadata, spec.summary.as_deref());
        if !conflicts.is_empty() {
            self.directory.warn_conflicts(&alert_ref, &conflicts);
        }
        Ok(Some(Entry {
            id: id.to_owned(),
            alert: alert_ref,
            provider: key.name,
            received: Timestamp::now(),
            event: event.to_json(),
        }))
    }

    fn report(&self, evicted: &[Entry]) {
        for entry in evicted {
            self.metrics
                .deliveries
                .with_label_values(&[
                    entry.alert.namespace.as_str(),
                    &entry.provider,
                    "",
                    "evicted",
                ])
                .inc();
        }
        if let Some(entry) = evicted.first() {
            let text = format!(
                "dropped {} waiting notifications of provider '{}': the outbox is full",
                evicted.len(),
                entry.provider
            );
            tracing::error!(error = text, "the outbox is full");
            self.directory.warn(&entry.alert, DISPATCH_FAILED, &text);
        }
    }

    fn count(&self, road: &str, result: &str) {
        self.metrics.events.with_label_values(&[road, result]).inc();
    }
}

enum Refusal {
    /// Only the user can help.
    Never(String),
    /// The API server could not say.
    Later(String),
}

/// Whether the type of the provider has no use for the event (commit statuses, change requests).
fn skips(provider: &Provider, event: &Event) -> bool {
    let group = event.involved_object.group();
    let update = event
        .metadata
        .get(&format!("{group}/commit_status"))
        .is_some_and(|v| v == "update");
    let has = |key: &str| {
        event
            .metadata
            .get(&format!("{EVENT_GROUP}/{key}"))
            .is_some_and(|value| !value.is_empty())
    };
    match provider.spec.type_ {
        ProviderType::Generic | ProviderType::GenericHmac => false,
        ProviderType::GitHub
        | ProviderType::GitLab
        | ProviderType::Gitea
        | ProviderType::BitbucketServer
        | ProviderType::Bitbucket
        | ProviderType::AzureDevOps => !has("commit") && !update && event.severity != "error",
        ProviderType::GitHubPullRequestComment
        | ProviderType::GitLabMergeRequestComment
        | ProviderType::GiteaPullRequestComment => update || !has("change_request"),
        _ => update,
    }
}

fn alert_ref(alert: &Alert) -> AlertRef {
    let of = |value: &Option<String>| value.clone().unwrap_or_default();
    AlertRef {
        namespace: of(&alert.metadata.namespace),
        name: of(&alert.metadata.name),
        uid: of(&alert.metadata.uid),
    }
}

fn created(alert: &Alert) -> Option<Timestamp> {
    alert
        .metadata
        .creation_timestamp
        .as_ref()
        .map(|time| time.0)
}

/// Why an event was not taken in; the same event may be offered again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The outbox could not keep it.
    #[error(transparent)]
    Outbox(#[from] outbox::Error),
    /// The API server could not say where it goes.
    #[error("failed to read provider: {0}")]
    Unavailable(String),
}

#[cfg(test)]
mod tests;
