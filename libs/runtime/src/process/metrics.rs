//! The metrics of one running controller, under the names, labels and buckets that Flux's dashboards and alerts use.
//!
//! One registry per controller, so that several can run in one process. `gotk_reconcile_condition` and
//! `gotk_suspend_status` are registered but unset in today's Flux; older alerts read them, so we set them.

use std::{collections::HashMap, time::Duration};

use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use crate::{ConditionType, Conditions, ObjectKey, conditions::Status};

mod go;
mod queue;
pub(crate) use queue::QueueMetrics;

/// Bounds of `gotk_reconcile_duration_seconds`: ten exponential steps from 10 ms to half an hour.
const RECONCILE_STEPS: usize = 10;

/// The metrics of one running controller; cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    duration: HistogramVec,
    condition: GaugeVec,
    suspended: GaugeVec,
    total: IntCounterVec,
    errors: IntCounterVec,
    terminal: IntCounterVec,
    panics: IntCounterVec,
    time: HistogramVec,
    active: IntGaugeVec,
    concurrency: IntGaugeVec,
    pub(crate) requests: IntCounterVec,
    pub(crate) leader: IntGaugeVec,
    pub(crate) events_dropped: IntCounter,
}

/// How a pass ended, as `controller_runtime_reconcile_total` counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Success,
    Error,
    Terminal,
    Requeue,
    RequeueAfter,
}

impl Metrics {
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let object = ["kind", "name", "namespace"];
        let metrics = Self {
            registry: Registry::new(),
            duration: HistogramVec::new(
                HistogramOpts::new(
                    "gotk_reconcile_duration_seconds",
                    "The duration in seconds of a GitOps Toolkit resource reconciliation.",
                )
                .buckets(exponential(0.01, 1800.0, RECONCILE_STEPS)),
                &object,
            )?,
            condition: GaugeVec::new(
                Opts::new(
                    "gotk_reconcile_condition",
                    "The current condition status of a GitOps Toolkit resource reconciliation.",
                ),
                &["kind", "name", "namespace", "type", "status"],
            )?,
            suspended: GaugeVec::new(
                Opts::new(
                    "gotk_suspend_status",
                    "The current suspend status of a GitOps Toolkit resource.",
                ),
                &object,
            )?,
            total: IntCounterVec::new(
                Opts::new(
                    "controller_runtime_reconcile_total",
                    "Total number of reconciliations per controller",
                ),
                &["controller", "result"],
            )?,
            errors: counter(
                "errors_total",
                "Total number of reconciliation errors per controller",
            )?,
            terminal: counter(
                "terminal_reconcile_errors_total",
                "Total number of terminal reconciliation errors per controller",
            )?,
            panics: counter(
                "panics_total",
                "Total number of reconciliation panics per controller",
            )?,
            time: HistogramVec::new(
                HistogramOpts::new(
                    "controller_runtime_reconcile_time_seconds",
                    "Length of time per reconciliation per controller",
                )
                .buckets(RECONCILE_TIME.to_vec()),
                &["controller"],
            )?,
            active: IntGaugeVec::new(
                Opts::new(
                    "controller_runtime_active_workers",
                    "Number of currently used workers per controller",
                ),
                &["controller"],
            )?,
            concurrency: IntGaugeVec::new(
                Opts::new(
                    "controller_runtime_max_concurrent_reconciles",
                    "Maximum number of concurrent reconciles per controller",
                ),
                &["controller"],
            )?,
            requests: IntCounterVec::new(
                Opts::new(
                    "rest_client_requests_total",
                    "Number of HTTP requests, partitioned by status code, method, and host.",
                ),
                &["code", "host", "method"],
            )?,
            leader: IntGaugeVec::new(
                Opts::new(
                    "leader_election_master_status",
                    "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates \
                     master. 'name' is the string used to identify the lease. Please make sure to group by name.",
                ),
                &["name"],
            )?,
            events_dropped: IntCounter::new(
                "fjord_events_dropped_total",
                "Events that neither road could take because a queue was full or the API server stayed away.",
            )?,
        };
        metrics.register_all()?;
        Ok(metrics)
    }

    /// Registers a controller's own metric.
    pub fn register(&self, collector: impl Collector + 'static) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(collector))
    }

    /// Returns all metrics in the text format, those of libraries that know no registry but the global one included.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        let mut families = self.registry.gather();
        families.extend(
            prometheus::gather()
                .into_iter()
                .filter(|family| !family.name().starts_with("process_")),
        );
        prometheus::TextEncoder::new().encode_to_string(&families)
    }

    pub(crate) fn begin(&self, controller: &str) {
        self.active.with_label_values(&[controller]).inc();
    }

    pub(crate) fn free(&self, controller: &str) {
        self.active.with_label_values(&[controller]).dec();
    }

    pub(crate) fn end(&self, controller: &str, ended: Ended, took: Duration) {
        let result = match ended {
            Ended::Success => "success",
            Ended::Error | Ended::Terminal => "error",
            Ended::Requeue => "requeue",
            Ended::RequeueAfter => "requeue_after",
        };
        self.total.with_label_values(&[controller, result]).inc();
        self.time
            .with_label_values(&[controller])
            .observe(took.as_secs_f64());
        if matches!(ended, Ended::Error | Ended::Terminal) {
            self.errors.with_label_values(&[controller]).inc();
        }
        if ended == Ended::Terminal {
            self.terminal.with_label_values(&[controller]).inc();
        }
    }

    pub(crate) fn panicked(&self, controller: &str) {
        self.panics.with_label_values(&[controller]).inc();
    }

    /// Records the duration of one object's reconcile.
    pub(crate) fn observe(&self, kind: &str, key: &ObjectKey, took: Duration) {
        self.duration
            .with_label_values(&[kind, &*key.name, &*key.namespace])
            .observe(took.as_secs_f64());
    }

    /// Records what the object's conditions say now.
    pub(crate) fn record(
        &self,
        kind: &str,
        key: &ObjectKey,
        conditions: &Conditions,
        suspended: bool,
    ) {
        for condition in [ConditionType::READY, ConditionType::STALLED] {
            let Some(current) = conditions.get(condition) else {
                self.clear_condition(kind, key, condition);
                continue;
            };
            for status in [Status::True, Status::False, Status::Unknown] {
                let labels = [
                    kind,
                    &*key.name,
                    &*key.namespace,
                    condition.as_str(),
                    status.as_str(),
                ];
                let value = f64::from(u8::from(current.status == status.as_str()));
                self.condition.with_label_values(&labels).set(value);
            }
        }
        let labels = [kind, &*key.name, &*key.namespace];
        self.suspended
            .with_label_values(&labels)
            .set(f64::from(u8::from(suspended)));
    }

    /// Removes the series of an object that is gone.
    pub(crate) fn remove(&self, kind: &str, key: &ObjectKey) {
        let labels = [kind, &*key.name, &*key.namespace];
        // An object without a series is fine: it was never reconciled here.
        let _ = self.duration.remove_label_values(&labels);
        let _ = self.suspended.remove_label_values(&labels);
        for condition in [ConditionType::READY, ConditionType::STALLED] {
            self.clear_condition(kind, key, condition);
        }
    }

    /// Makes a controller's series exist before its first pass, as controller-runtime does.
    pub(crate) fn prepare(&self, controller: &str, workers: usize) {
        for result in ["error", "requeue", "requeue_after", "success"] {
            self.total
                .with_label_values(&[controller, result])
                .inc_by(0);
        }
        for counter in [&self.errors, &self.terminal, &self.panics] {
            counter.with_label_values(&[controller]).inc_by(0);
        }
        self.active.with_label_values(&[controller]).set(0);
        self.concurrency
            .with_label_values(&[controller])
            .set(i64::try_from(workers).unwrap_or(i64::MAX));
    }

    fn clear_condition(&self, kind: &str, key: &ObjectKey, condition: ConditionType) {
        for status in [Status::True, Status::False, Status::Unknown] {
            let labels = [
                kind,
                &*key.name,
                &*key.namespace,
                condition.as_str(),
                status.as_str(),
            ];
            let _ = self.condition.remove_label_values(&labels);
        }
    }

    fn register_all(&self) -> Result<(), prometheus::Error> {
        self.register(self.duration.clone())?;
        self.register(self.condition.clone())?;
        self.register(self.suspended.clone())?;
        for counter in [
            &self.total,
            &self.errors,
            &self.terminal,
            &self.panics,
            &self.requests,
        ] {
            self.register(counter.clone())?;
        }
        self.register(self.time.clone())?;
        for gauge in [&self.active, &self.concurrency, &self.leader] {
            self.register(gauge.clone())?;
        }
        self.register(self.events_dropped.clone())?;
        self.register(go::Go::new()?)?;
        self.register(prometheus::process_collector::ProcessCollector::for_self())
    }
}

fn counter(name: &str, help: &str) -> Result<IntCounterVec, prometheus::Error> {
    let name = match name {
        "terminal_reconcile_errors_total" => format!("controller_runtime_{name}"),
        _ => format!("controller_runtime_reconcile_{name}"),
    };
    IntCounterVec::new(Opts::new(name, help), &["controller"])
}

/// Returns `count` exponential bounds from `min` to `max` (client_golang's `ExponentialBucketsRange`).
fn exponential(min: f64, max: f64, count: usize) -> Vec<f64> {
    let growth = (max / min).powf(1.0 / (count as f64 - 1.0));
    (0..count).map(|n| min * growth.powf(n as f64)).collect()
}

/// Bounds of `controller_runtime_reconcile_time_seconds`.
const RECONCILE_TIME: [f64; 40] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9,
    1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0,
    25.0, 30.0, 40.0, 50.0, 60.0,
];

/// Makes a collector of families that are computed when they are asked for.
pub(crate) struct Lazy<F> {
    desc: Vec<Desc>,
    families: F,
}

impl<F: Fn() -> Vec<MetricFamily> + Send + Sync> Lazy<F> {
    pub(crate) fn new(
        descriptions: &[(&str, &str)],
        labels: &[(&str, &str)],
        families: F,
    ) -> Result<Self, prometheus::Error> {
        let labels: HashMap<String, String> = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let desc = descriptions.iter().map(|(name, help)| {
            Desc::new(
                (*name).to_owned(),
                (*help).to_owned(),
                Vec::new(),
                labels.clone(),
            )
        });
        Ok(Self {
            desc: desc.collect::<Result<_, _>>()?,
            families,
        })
    }
}

impl<F: Fn() -> Vec<MetricFamily> + Send + Sync> Collector for Lazy<F> {
    fn desc(&self) -> Vec<&Desc> {
        self.desc.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        (self.families)()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reconcile_buckets_are_those_of_flux() {
        let bounds: Vec<String> = exponential(0.01, 1800.0, RECONCILE_STEPS)
            .iter()
            .map(|b| format!("{b:.4}"))
            .collect();
        assert_eq!(bounds[..4], ["0.0100", "0.0384", "0.1472", "0.5646"]);
        assert_eq!(bounds[9], "1800.0000");
    }

    #[test]
    fn the_names_that_dashboards_need_are_there() {
        let metrics = Metrics::new().unwrap();
        metrics.prepare("kustomization", 4);
        let text = metrics.render().unwrap();
        for line in [
            "controller_runtime_reconcile_total{controller=\"kustomization\",result=\"requeue_after\"} 0",
            "controller_runtime_reconcile_errors_total{controller=\"kustomization\"} 0",
            "controller_runtime_terminal_reconcile_errors_total{controller=\"kustomization\"} 0",
            "controller_runtime_reconcile_panics_total{controller=\"kustomization\"} 0",
            "controller_runtime_max_concurrent_reconciles{controller=\"kustomization\"} 4",
            "go_info{version=",
            "go_memstats_alloc_bytes ",
            "go_goroutines ",
            "process_resident_memory_bytes ",
            "process_cpu_seconds_total ",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn series_go_with_their_object() {
        let metrics = Metrics::new().unwrap();
        let key = ObjectKey::new("apps", "web");
        let mut conditions = Conditions::new(Vec::new(), 1, jiff::Timestamp::UNIX_EPOCH);
        conditions.mark_false(
            ConditionType::READY,
            crate::Reason::new("BuildFailed"),
            "no",
        );
        metrics.observe("Kustomization", &key, Duration::from_secs(1));
        metrics.record("Kustomization", &key, &conditions, false);
        let text = metrics.render().unwrap();
        let ready = r#"gotk_reconcile_condition{kind="Kustomization",name="web",namespace="apps",status="False",type="Ready"} 1"#;
        assert!(text.contains(ready), "{text}");
        assert!(text.contains(r#"gotk_reconcile_duration_seconds_count{kind="Kustomization",name="web",namespace="apps"} 1"#));
        metrics.remove("Kustomization", &key);
        assert!(!metrics.render().unwrap().contains("web"));
    }
}
