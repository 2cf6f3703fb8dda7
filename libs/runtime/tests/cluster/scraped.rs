//! The metrics as a real Prometheus reads them: what dashboards select is there, and an alert fires.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
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

/// A running Prometheus; dropped, it is gone.
struct Prometheus {
    process: Child,
    address: String,
}

impl Prometheus {
    /// Starts one that scrapes `port`; says so and returns nothing where the program is absent.
    fn start(folder: &Path, port: u16) -> Option<Self> {
        let own = free_port().unwrap();
        std::fs::write(
            folder.join("config.yaml"),
            CONFIG.replace("PORT", &port.to_string()),
        )
        .unwrap();
        std::fs::write(folder.join("rules.yaml"), RULES).unwrap();
        let mut command = Command::new("prometheus");
        command
            .arg(format!(
                "--config.file={}",
                folder.join("config.yaml").display()
            ))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{own}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match command.spawn() {
            Ok(process) => Some(Self {
                process,
                address: format!("http://127.0.0.1:{own}/api/v1"),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!(
                    "SKIPPED: prometheus is not installed (Debian: apt-get install prometheus)"
                );
                None
            }
            Err(error) => panic!("prometheus: {error}"),
        }
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
    let port = free_port().unwrap();
    let Some(prometheus) = Prometheus::start(folder.path(), port) else {
        return;
    };
    let bench = Bench::new("scraped").await;
    let _running = bench
        .start(&[&format!("--metrics-addr=127.0.0.1:{port}")])
        .await;
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
