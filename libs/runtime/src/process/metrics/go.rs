//! The three `go_*` lines that Flux's dashboards count controllers and memory by, with our own values.
//!
//! Parity: the names stay Go's, since dashboards select on them; `go_info` carries our version.

use prometheus::{
    Gauge, GaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

pub(super) struct Go {
    info: GaugeVec,
    memory: Gauge,
    tasks: Gauge,
}

impl Go {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let info = GaugeVec::new(
            Opts::new("go_info", "Information about the environment."),
            &["version"],
        )?;
        info.with_label_values(&[concat!("fjord", env!("CARGO_PKG_VERSION"))])
            .set(1.0);
        Ok(Self {
            info,
            memory: Gauge::new(
                "go_memstats_alloc_bytes",
                "Number of bytes in use (resident set of the process).",
            )?,
            tasks: Gauge::new("go_goroutines", "Number of tasks that currently exist.")?,
        })
    }
}

impl Collector for Go {
    fn desc(&self) -> Vec<&Desc> {
        [self.info.desc(), self.memory.desc(), self.tasks.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.memory.set(resident_bytes() as f64);
        let tasks = tokio::runtime::Handle::try_current()
            .map_or(0, |handle| handle.metrics().num_alive_tasks());
        self.tasks.set(tasks as f64);
        [
            self.info.collect(),
            self.memory.collect(),
            self.tasks.collect(),
        ]
        .concat()
    }
}

/// Returns the resident set of this process, zero where the system does not tell.
fn resident_bytes() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return 0;
    };
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}
