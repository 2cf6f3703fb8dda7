//! The metrics as a real Prometheus reads them: what dashboards select is there, and an alert fires.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use fjord_sandbox::free_port;
use serde_json::Value;

use crate::bench::{Bench, eventually};

/// A scrape every second and the oldest of the usual alerts: an object that is not Ready.
const CONFIG: &str = "\
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs: [{job_name: fjord, static_configs: [{targets: [\"127.0.0.1:PORT\"]}]}]
";
const RULES: &str = "\
groups:
- name: fjord
  rules:
  - alert: ReconciliationFailure
    expr: gotk_reconcile_condition{type=\"Ready\",status=\"False\"} == 1
    for: 1s
";

/// How often it is started while its port is taken.
const STARTS: usize = 3;

/// A running Prometheus; dropped, it is gone.
struct Prometheus {
    process: Child,
    address: String,
}

impl Prometheus {
    /// Starts one that scrapes `port` and waits until it answers; says so and returns nothing where the program is absent.
    ///
    /// Its own port may be taken between our look and its start: then it ends, and is started on another one.
    async fn start(folder: &Path, port: u16) -> Option<Self> {
        let config = folder.join("config.yaml");
        std::fs::write(&config, CONFIG.replace("PORT", &port.to_string())).unwrap();
        std::fs::write(folder.join("rules.yaml"), RULES).unwrap();
        for _ in 0..STARTS {
            let own = free_port().unwrap();
            let mut command = Command::new("prometheus");
            command
                .arg(format!("--config.file={}", config.display()))
                .arg(format!(
                    "--storage.tsdb.path={}",
                    folder.join("data").display()
                ))
                .arg(format!("--web.listen-address=127.0.0.1:{own}"))
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let process = match command.spawn() {
                Ok(process) => process,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    eprintln!(
                        "SKIPPED: prometheus is not installed (Debian: apt-get install prometheus)"
                    );
                    return None;
                }
                Err(error) => panic!("prometheus: {error}"),
            };
            let mut started = Self {
                process,
                address: format!("http://127.0.0.1:{own}/api/v1"),
            };
            if started.answers().await {
                return Some(started);
            }
        }
        panic!("prometheus ended {STARTS} times before it answered");
    }

    /// Waits until it answers; false if it ends before.
    async fn answers(&mut self) -> bool {
        for _ in 0..400 {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            if self.get("status/buildinfo", &[]).await.is_some() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("prometheus: no answer within 20 s");
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let url = format!("{}/{path}", self.address);
        let url = reqwest::Url::parse_with_params(&url, query).unwrap();
        reqwest::get(url).await.ok()?.json().await.ok()
    }

    /// Waits until an expression has a value.
    async fn value(&self, expression: &str) -> f64 {
        eventually(expression, || async {
            let answer = self.get("query", &[("query", expression)]).await?;
            answer["data"]["result"][0]["value"][1]
                .as_str()?
                .parse()
                .ok()
        })
        .await
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_finds_what_dashboards_select_and_alerts_of_a_failing_object() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new("scraped").await;
    let port = free_port().unwrap();
    let _running = bench
        .start(&[&format!("--metrics-addr=127.0.0.1:{port}")])
        .await;
    let Some(prometheus) = Prometheus::start(folder.path(), port).await else {
        return;
    };
    bench.create("good", "succeed").await;
    bench.create("bad", "stall").await;
    bench.until("good", "Ready=True").await;
    bench.until("bad", "Stalled=True").await;
    for expression in [
        "sum(go_info)",
        "go_memstats_alloc_bytes{job=\"fjord\"}",
        "go_goroutines{job=\"fjord\"}",
        "process_cpu_seconds_total{job=\"fjord\"} + 1",
        "histogram_quantile(0.5, gotk_reconcile_duration_seconds_bucket{exported_namespace=\"\",name=\"good\"})",
        "workqueue_longest_running_processor_seconds{name=\"widget\"} + 1",
        "controller_runtime_reconcile_errors_total{controller=\"widget\"}",
        "rest_client_requests_total{code=\"200\",method=\"PATCH\"}",
    ] {
        assert!(prometheus.value(expression).await > 0.0, "{expression}");
    }
    let alert = eventually("an alert that fires", || async {
        let answer = prometheus.get("alerts", &[]).await?;
        let alerts = answer["data"]["alerts"].as_array()?.clone();
        alerts.into_iter().find(|alert| alert["state"] == "firing")
    })
    .await;
    assert_eq!(
        (&alert["labels"]["name"], &alert["labels"]["kind"]),
        (&"bad".into(), &"Widget".into())
    );
}
