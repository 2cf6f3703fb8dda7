//! What is measured about events and deliveries; Flux has no such metrics (notification-controller §8.6).

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// Counters and gauges of the event pipeline.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Events by the road they came on and what became of them.
    pub events: IntCounterVec,
    /// Ends of deliveries, by provider and result.
    pub deliveries: IntCounterVec,
    /// Rounds of attempts that failed and are tried again later, by provider.
    pub retries: IntCounterVec,
    /// Seconds from an event's arrival to its delivery.
    pub latency: Histogram,
    /// Entries in the outbox.
    pub waiting: IntGauge,
    /// Bytes in the outbox.
    pub waiting_bytes: IntGauge,
    /// Times that Events may have expired before they were seen.
    pub gaps: IntCounter,
    /// Occurrences that a newer one of the same Event replaced before they were seen.
    pub overwritten: IntCounter,
}

const PROVIDER: [&str; 3] = ["provider_namespace", "provider_name", "provider_type"];
const LATENCY: [f64; 10] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 600.0, 3600.0];

impl Metrics {
    /// Creates the metrics and registers them.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let opts = |name: &str, help: &str| Opts::new(format!("fjord_notification_{name}"), help);
        let with_result: Vec<&str> = PROVIDER.into_iter().chain(["result"]).collect();
        let latency = HistogramOpts::from(opts(
            "delivery_duration_seconds",
            "Seconds from the arrival of an event to its delivery.",
        ))
        .buckets(LATENCY.to_vec());
        let metrics = Self {
            events: IntCounterVec::new(
                opts("events_total", "Events by road (watch, post) and result."),
                &["road", "result"],
            )?,
            deliveries: IntCounterVec::new(
                opts(
                    "deliveries_total",
                    "Deliveries that ended, by provider and result.",
                ),
                &with_result,
            )?,
            retries: IntCounterVec::new(
                opts(
                    "delivery_retries_total",
                    "Delivery rounds to be repeated, by provider.",
                ),
                &PROVIDER,
            )?,
            latency: Histogram::with_opts(latency)?,
            waiting: IntGauge::with_opts(opts("outbox_entries", "Deliveries not yet ended."))?,
            waiting_bytes: IntGauge::with_opts(opts(
                "outbox_bytes",
                "Bytes of deliveries not yet ended.",
            ))?,
            gaps: IntCounter::with_opts(opts(
                "watch_gaps_total",
                "Times that Events may have expired before they were seen.",
            ))?,
            overwritten: IntCounter::with_opts(opts(
                "overwritten_total",
                "At least so many occurrences were replaced by a newer one of the same Event before they were seen.",
            ))?,
        };
        registry.register(Box::new(metrics.events.clone()))?;
        registry.register(Box::new(metrics.deliveries.clone()))?;
        registry.register(Box::new(metrics.retries.clone()))?;
        registry.register(Box::new(metrics.latency.clone()))?;
        registry.register(Box::new(metrics.waiting.clone()))?;
        registry.register(Box::new(metrics.waiting_bytes.clone()))?;
        registry.register(Box::new(metrics.gaps.clone()))?;
        registry.register(Box::new(metrics.overwritten.clone()))?;
        Ok(metrics)
    }
}
