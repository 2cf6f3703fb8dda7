//! Request metrics under Flux's names (slok/go-http-metrics with a prefix).

use std::time::Instant;

use http::StatusCode;
use prometheus::{
    DEFAULT_BUCKETS, HistogramOpts, HistogramVec, IntGauge, IntGaugeVec, Opts, Registry,
    exponential_buckets,
};

/// The request metrics of one server.
#[derive(Debug, Clone)]
pub struct HttpMetrics {
    duration: HistogramVec,
    size: HistogramVec,
    inflight: IntGaugeVec,
}

const LABELS: [&str; 4] = ["service", "handler", "method", "code"];

impl HttpMetrics {
    /// Creates and registers the metrics under a prefix (`gotk_event`, `gotk_receiver`).
    pub fn new(prefix: &str, registry: &Registry) -> Result<Self, prometheus::Error> {
        let duration = HistogramOpts::new(
            format!("{prefix}_http_request_duration_seconds"),
            "The latency of the HTTP requests.",
        );
        let size = HistogramOpts::new(
            format!("{prefix}_http_response_size_bytes"),
            "The size of the HTTP responses.",
        );
        let inflight = Opts::new(
            format!("{prefix}_http_requests_inflight"),
            "The number of inflight requests being handled at the same time.",
        );
        let metrics = Self {
            duration: HistogramVec::new(duration.buckets(DEFAULT_BUCKETS.to_vec()), &LABELS)?,
            size: HistogramVec::new(size.buckets(exponential_buckets(100.0, 10.0, 8)?), &LABELS)?,
            inflight: IntGaugeVec::new(inflight, &LABELS[..2])?,
        };
        registry.register(Box::new(metrics.duration.clone()))?;
        registry.register(Box::new(metrics.size.clone()))?;
        registry.register(Box::new(metrics.inflight.clone()))?;
        Ok(metrics)
    }

    pub(super) fn begin(&self, handler: &str, method: &str) -> Measured<'_> {
        let inflight = self.inflight.with_label_values(&["", handler]);
        inflight.inc();
        Measured {
            metrics: self,
            handler: handler.to_owned(),
            // A method is the caller's text; an unknown one must not make a new series.
            method: match method {
                known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => {
                    known.to_owned()
                }
                _ => "OTHER".to_owned(),
            },
            began: Instant::now(),
            inflight,
        }
    }
}

/// A request being handled.
pub(super) struct Measured<'a> {
    metrics: &'a HttpMetrics,
    handler: String,
    method: String,
    began: Instant,
    inflight: IntGauge,
}

impl Measured<'_> {
    pub(super) fn end(&self, status: StatusCode, size: u64) {
        let labels = [
            "",
            self.handler.as_str(),
            self.method.as_str(),
            status.as_str(),
        ];
        let elapsed = self.began.elapsed().as_secs_f64();
        self.metrics
            .duration
            .with_label_values(&labels)
            .observe(elapsed);
        #[expect(clippy::cast_precision_loss, reason = "a body is far below 2^52 bytes")]
        self.metrics
            .size
            .with_label_values(&labels)
            .observe(size as f64);
    }
}

impl Drop for Measured<'_> {
    fn drop(&mut self) {
        self.inflight.dec();
    }
}
