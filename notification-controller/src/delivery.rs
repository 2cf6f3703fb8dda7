//! Brings what stands in the outbox to the providers: fan-out, retries and rate limits per provider.
//!
//! Each provider has a lane. A lane sends several events at once while the provider accepts them; after a
//! failed round (the retries inside the provider's timeout) it is closed for a growing while and then
//! probed with one event, the least tried first, so that one bad event never blocks the others. What a
//! provider refuses for good ends at once, as in Flux; an outage only delays.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fjord_crds::duration;
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::directory::{DISPATCH_FAILED, Directory};
use crate::metrics::Metrics;
use crate::outbox::{Entry, Outbox, ProviderKey};
use crate::provider::{Clients, Sender};

/// How fast and how long deliveries are tried.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How many deliveries run at once for one provider.
    pub at_once: usize,
    /// How many deliveries may start per second for one provider.
    pub per_second: f64,
    /// How many may start in a burst.
    pub burst: f64,
    /// The first pause after a failed round; it doubles from round to round.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// After this time an event is given up.
    pub give_up: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            at_once: 8,
            per_second: 50.0,
            burst: 200.0,
            first_pause: Duration::from_secs(10),
            longest_pause: Duration::from_secs(300),
            give_up: Duration::from_secs(24 * 3600),
        }
    }
}

/// How long running deliveries may go on after the order to stop; the outbox keeps the rest.
const GRACE: Duration = Duration::from_secs(5);

/// Runs deliveries until it is told to stop.
#[derive(Debug)]
pub struct Deliveries<D> {
    outbox: Arc<Outbox>,
    shared: Arc<Shared<D>>,
    pace: Pace,
    lanes: BTreeMap<ProviderKey, Lane>,
    running: JoinSet<Ended>,
    next: u64,
}

#[derive(Debug)]
struct Shared<D> {
    directory: Arc<D>,
    clients: Clients,
    metrics: Metrics,
}

/// A delivery to be made; the outbox holds what is delivered.
#[derive(Debug, Clone)]
struct Job {
    number: u64,
    provider: ProviderKey,
    rounds: u32,
    ready: Instant,
}

#[derive(Debug)]
struct Ended {
    job: Job,
    entry: Option<Entry>,
    end: End,
}

#[derive(Debug)]
struct Lane {
    waiting: Vec<Job>,
    running: usize,
    failures: u32,
    closed_until: Instant,
    tokens: f64,
    refilled: Instant,
}

#[derive(Debug)]
enum End {
    Delivered,
    /// Ended without a delivery; the word is the metric's `result`.
    Dropped(&'static str),
    Again {
        error: String,
        retry_after: Option<Duration>,
    },
}

impl<D: Directory> Deliveries<D> {
    /// Prepares deliveries from an outbox.
    pub fn new(outbox: Arc<Outbox>, directory: Arc<D>, metrics: Metrics, pace: Pace) -> Self {
        let shared = Arc::new(Shared {
            directory,
            clients: Clients::default(),
            metrics,
        });
        Self {
            outbox,
            shared,
            pace,
            lanes: BTreeMap::new(),
            running: JoinSet::new(),
            next: 0,
        }
    }

    /// Runs until the token is cancelled, then lets running deliveries end within a few seconds.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut arrivals = self.outbox.arrivals();
        self.collect().await;
        loop {
            self.start();
            let wake = self.next_wake();
            tokio::select! {
                () = shutdown.cancelled() => break,
                changed = arrivals.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.collect().await;
                }
                Some(ended) = self.running.join_next(), if !self.running.is_empty() => {
                    if let Ok(ended) = ended {
                        self.settle(ended).await;
                    }
                }
                () = sleep_until(wake) => {}
            }
        }
        let grace = Instant::now() + GRACE;
        while let Ok(Some(ended)) = tokio::time::timeout_at(grace, self.running.join_next()).await {
            if let Ok(ended) = ended {
                self.settle(ended).await;
            }
        }
        if let Err(error) = self.outbox.flush().await {
            tracing::error!(%error, "the last deliveries were not written; a restart repeats them");
        }
    }

    /// Puts what is new in the outbox into the lanes.
    async fn collect(&mut self) {
        let now = Instant::now();
        for (number, provider) in self.outbox.arrived_from(self.next).await {
            self.next = number + 1;
            let burst = self.pace.burst;
            let lane = self
                .lanes
                .entry(provider.clone())
                .or_insert_with(|| Lane::new(now, burst));
            lane.waiting.push(Job {
                number,
                provider,
                rounds: 0,
                ready: now,
            });
        }
        self.measure().await;
    }

    fn start(&mut self) {
        let now = Instant::now();
        for lane in self.lanes.values_mut() {
            while let Some(job) = lane.take(now, &self.pace) {
                let shared = Arc::clone(&self.shared);
                let outbox = Arc::clone(&self.outbox);
                self.running.spawn(async move {
                    let entry = outbox.entry(job.number).await;
                    let end = match &entry {
                        Some(entry) => shared.deliver(entry).await,
                        None => End::Dropped("evicted"),
                    };
                    Ended { job, entry, end }
                });
            }
        }
    }

    fn next_wake(&self) -> Instant {
        let now = Instant::now();
        let idle = now + Duration::from_secs(3600);
        self.lanes
            .values()
            .filter_map(|lane| lane.wake(&self.pace))
            .min()
            .unwrap_or(idle)
            .max(now)
    }

    async fn settle(&mut self, Ended { job, entry, end }: Ended) {
        let now = Instant::now();
        let burst = self.pace.burst;
        let lane = self
            .lanes
            .entry(job.provider.clone())
            .or_insert_with(|| Lane::new(now, burst));
        lane.running = lane.running.saturating_sub(1);
        match (end, entry) {
            (End::Again { error, retry_after }, Some(entry)) => {
                lane.failures += 1;
                let pause = self
                    .pace
                    .pause(lane.failures)
                    .max(retry_after.unwrap_or_default());
                lane.closed_until = now + pause;
                let rounds = job.rounds + 1;
                let age = Timestamp::now().duration_since(entry.received);
                let age = Duration::try_from(age).unwrap_or_default();
                let given_up = age >= self.pace.give_up;
                // Flux tells once per event; later rounds of the same outage say nothing new.
                if job.rounds == 0 || given_up {
                    self.shared.warn(&entry, &error);
                }
                if given_up {
                    self.shared.give_up(&entry, rounds, age).await;
                    self.outbox.finish(job.number).await;
                } else {
                    self.shared.count_retry(&entry).await;
                    let ready = now + self.pace.pause(rounds);
                    lane.waiting.push(Job {
                        rounds,
                        ready,
                        ..job
                    });
                }
            }
            (end, _) => {
                if matches!(end, End::Delivered | End::Dropped("refused")) {
                    // Whoever answers is there again.
                    lane.failures = 0;
                    lane.closed_until = now;
                }
                let idle = lane.is_idle();
                self.outbox.finish(job.number).await;
                if idle {
                    self.lanes.remove(&job.provider);
                }
            }
        }
        self.measure().await;
    }

    async fn measure(&self) {
        let (entries, bytes) = self.outbox.depth().await;
        self.shared
            .metrics
            .waiting
            .set(i64::try_from(entries).unwrap_or(i64::MAX));
        self.shared
            .metrics
            .waiting_bytes
            .set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

impl<D: Directory> Shared<D> {
    async fn deliver(&self, entry: &Entry) -> End {
        let end = self.try_deliver(entry).await;
        match &end {
            End::Delivered => {
                let seconds = Timestamp::now()
                    .duration_since(entry.received)
                    .as_secs_f64();
                self.metrics.latency.observe(seconds.max(0.0));
                self.count(entry, "delivered").await;
            }
            End::Dropped(result) => self.count(entry, result).await,
            End::Again { .. } => {}
        }
        end
    }

    async fn try_deliver(&self, entry: &Entry) -> End {
        let Ok(event) = entry.event() else {
            // Only a store written by something else can hold it.
            return End::Dropped("unreadable");
        };
        let object = &event.involved_object;
        let key = entry.provider_key();
        let provider = match self.directory.provider(&key).await {
            Ok(Some(provider)) => provider,
            Ok(None) => {
                self.warn(
                    entry,
                    &format!(
                        "failed to dispatch notification for {object}: {}",
                        not_found(&key)
                    ),
                );
                return End::Dropped("misconfigured");
            }
            Err(error) => {
                let error = format!(
                    "failed to dispatch notification for {object}: failed to read provider: {error}"
                );
                return End::Again {
                    error,
                    retry_after: None,
                };
            }
        };
        if provider.spec.suspend {
            return End::Dropped("suspended");
        }
        let sender = match Sender::new(&provider, &*self.directory).await {
            Ok(sender) => sender,
            Err(error) => {
                let name = &key.name;
                let text = format!(
                    "failed to dispatch notification for {object}: failed to initialize notifier for provider '{name}': {error}"
                );
                if error.may_pass() {
                    return End::Again {
                        error: text,
                        retry_after: None,
                    };
                }
                self.warn(entry, &text);
                return End::Dropped("misconfigured");
            }
        };
        match sender.send(&event, &self.clients).await {
            Ok(()) => End::Delivered,
            Err(error) => {
                let text = sender.mask(&error.to_string());
                let text = format!("failed to send notification for {object}: {text}");
                if error.may_pass() {
                    return End::Again {
                        error: text,
                        retry_after: error.retry_after(),
                    };
                }
                self.warn(entry, &text);
                End::Dropped("refused")
            }
        }
    }

    fn warn(&self, entry: &Entry, message: &str) {
        let alert = format!("{}/{}", entry.alert.namespace, entry.alert.name);
        tracing::error!(error = message, alert, "failed to send notification");
        self.directory.warn(&entry.alert, DISPATCH_FAILED, message);
    }

    async fn give_up(&self, entry: &Entry, rounds: u32, age: Duration) {
        let Ok(event) = entry.event() else { return };
        let object = &event.involved_object;
        let age = duration::format(Duration::from_secs(age.as_secs()));
        self.warn(
            entry,
            &format!("gave up the notification for {object} after {age} and {rounds} rounds"),
        );
        self.count(entry, "expired").await;
    }

    async fn count(&self, entry: &Entry, result: &str) {
        let (key, kind) = self.labels(entry).await;
        self.metrics
            .deliveries
            .with_label_values(&[key.namespace.as_str(), &key.name, &kind, result])
            .inc();
    }

    async fn count_retry(&self, entry: &Entry) {
        let (key, kind) = self.labels(entry).await;
        self.metrics
            .retries
            .with_label_values(&[key.namespace.as_str(), &key.name, &kind])
            .inc();
    }

    async fn labels(&self, entry: &Entry) -> (ProviderKey, String) {
        let key = entry.provider_key();
        let known = self.directory.provider(&key).await;
        let kind = match known {
            Ok(Some(provider)) => provider.spec.type_.to_string(),
            _ => String::new(),
        };
        (key, kind)
    }
}

/// What Flux says about a missing Provider.
pub(crate) fn not_found(key: &ProviderKey) -> String {
    format!(
        "failed to read provider: Provider.notification.toolkit.fluxcd.io {:?} not found",
        key.name
    )
}

impl Lane {
    fn new(now: Instant, burst: f64) -> Self {
        Self {
            waiting: Vec::new(),
            running: 0,
            failures: 0,
            closed_until: now,
            tokens: burst,
            refilled: now,
        }
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running == 0 && self.failures == 0
    }

    /// Takes the next job that may start now.
    fn take(&mut self, now: Instant, pace: &Pace) -> Option<Job> {
        self.tokens = self.refilled_tokens(now, pace);
        self.refilled = now;
        let allowed = if self.failures > 0 { 1 } else { pace.at_once };
        if self.running >= allowed || now < self.closed_until || self.tokens < 1.0 {
            return None;
        }
        let ready = self
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, job)| job.ready <= now);
        let (index, _) = ready.min_by_key(|(_, job)| (job.rounds, job.number))?;
        self.tokens -= 1.0;
        self.running += 1;
        Some(self.waiting.swap_remove(index))
    }

    fn refilled_tokens(&self, now: Instant, pace: &Pace) -> f64 {
        let gained = now.duration_since(self.refilled).as_secs_f64() * pace.per_second;
        (self.tokens + gained).min(pace.burst)
    }

    /// Returns when the lane can start something, if only time stands in its way.
    fn wake(&self, pace: &Pace) -> Option<Instant> {
        let allowed = if self.failures > 0 { 1 } else { pace.at_once };
        if self.running >= allowed {
            return None;
        }
        let ready = self.waiting.iter().map(|job| job.ready).min()?;
        let lacking = (1.0 - self.tokens).max(0.0) / pace.per_second;
        let tokens = self.refilled + Duration::from_secs_f64(lacking);
        Some(ready.max(self.closed_until).max(tokens))
    }
}

impl Pace {
    fn pause(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(16));
        self.first_pause
            .saturating_mul(doubled)
            .min(self.longest_pause)
    }
}

#[cfg(test)]
mod tests;
