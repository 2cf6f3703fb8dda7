//! The `workqueue_*` metrics of one controller.

use std::{sync::Arc, time::Duration};

use prometheus::{Histogram, HistogramOpts, Opts, proto::MetricFamily};

use super::{Lazy, Metrics};
use crate::queue::Queue;

/// Bounds of the workqueue's histograms (client-go: ten decades from 10 ns).
const BOUNDS: [f64; 12] = [
    1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0,
];

/// How long objects stand in the queue and are worked on.
#[derive(Clone)]
pub(crate) struct QueueMetrics {
    waited: Histogram,
    worked: Histogram,
}

impl QueueMetrics {
    pub(crate) fn new(
        metrics: &Metrics,
        controller: &str,
        queue: &Arc<Queue>,
    ) -> Result<Self, prometheus::Error> {
        let histogram = |name: &str, help: &str| {
            let opts = HistogramOpts::new(name, help)
                .buckets(BOUNDS.to_vec())
                .const_label("name", controller)
                .const_label("controller", controller);
            Histogram::with_opts(opts)
        };
        let waited = histogram(
            "workqueue_queue_duration_seconds",
            "How long in seconds an item stays in workqueue before being requested",
        )?;
        let worked = histogram(
            "workqueue_work_duration_seconds",
            "How long in seconds processing an item from workqueue takes.",
        )?;
        metrics.register(waited.clone())?;
        metrics.register(worked.clone())?;
        let (queue, name) = (queue.clone(), controller.to_owned());
        let labels = [("name", controller), ("controller", controller)];
        metrics.register(Lazy::new(&NAMES, &labels, move || families(&queue, &name))?)?;
        Ok(Self { waited, worked })
    }

    pub(crate) fn taken(&self, waited: Duration) {
        self.waited.observe(waited.as_secs_f64());
    }

    pub(crate) fn done(&self, worked: Duration) {
        self.worked.observe(worked.as_secs_f64());
    }
}

const NAMES: [(&str, &str); 5] = [
    ("workqueue_depth", "Current depth of workqueue"),
    (
        "workqueue_adds_total",
        "Total number of adds handled by workqueue",
    ),
    (
        "workqueue_retries_total",
        "Total number of retries handled by workqueue",
    ),
    (
        "workqueue_unfinished_work_seconds",
        "How many seconds of work has been done that is in progress and hasn't been observed by work_duration.",
    ),
    (
        "workqueue_longest_running_processor_seconds",
        "How many seconds has the longest running processor been running.",
    ),
];

fn families(queue: &Queue, controller: &str) -> Vec<MetricFamily> {
    let gauges = queue.gauges();
    let values = [
        gauges.depth as f64,
        gauges.adds as f64,
        gauges.retries as f64,
        gauges.unfinished.as_secs_f64(),
        gauges.longest.as_secs_f64(),
    ];
    let with = |opts: Opts| {
        opts.const_label("name", controller)
            .const_label("controller", controller)
    };
    let mut families = Vec::new();
    for ((name, help), value) in NAMES.into_iter().zip(values) {
        let opts = with(Opts::new(name, help));
        // The names and labels are constant, so neither constructor fails.
        if name.ends_with("_total") {
            let Ok(counter) = prometheus::Counter::with_opts(opts) else {
                continue;
            };
            counter.inc_by(value);
            families.extend(prometheus::core::Collector::collect(&counter));
        } else {
            let Ok(gauge) = prometheus::Gauge::with_opts(opts) else {
                continue;
            };
            gauge.set(value);
            families.extend(prometheus::core::Collector::collect(&gauge));
        }
    }
    families
}
