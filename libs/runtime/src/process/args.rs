//! The flags that Flux's controllers share, with their names and defaults.
//!
//! Repeated flags are last-wins, except `--feature-gates`, which accumulates. Flags without a meaning here are accepted
//! with a warning; `--default-service-account` and its like are the controllers' business.

use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

/// Flags of all four controllers.
#[derive(Args, Clone, Debug)]
pub struct CommonArgs {
    /// The address the metric endpoint binds to.
    #[arg(long, env = "METRICS_ADDR", default_value = ":8080")]
    pub metrics_addr: String,
    /// The address the health endpoint binds to.
    #[arg(long, default_value = ":9440")]
    pub health_addr: String,
    /// The number of concurrent reconciles per controller.
    #[arg(long)]
    pub concurrent: Option<usize>,
    /// The maximum queries-per-second of requests sent to the Kubernetes API (without a meaning here).
    #[arg(long, default_value = "50")]
    pub kube_api_qps: f32,
    /// The maximum burst queries-per-second of requests sent to the Kubernetes API (without a meaning here).
    #[arg(long, default_value = "300")]
    pub kube_api_burst: i64,
    /// Log encoding format.
    #[arg(long, value_enum, default_value = "json")]
    pub log_encoding: LogEncoding,
    /// Log verbosity level.
    #[arg(long, value_enum, default_value = "info")]
    pub log_level: LogLevel,
    /// Enable leader election for controller manager.
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub enable_leader_election: bool,
    /// Release the lease when the process is stopped.
    #[arg(long, default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub leader_election_release_on_cancel: bool,
    /// How long non-leaders wait before they force acquisition of the lease.
    #[arg(long, default_value = "35s", value_parser = go_duration)]
    pub leader_election_lease_duration: Duration,
    /// How long the leader tries to renew the lease before it gives up.
    #[arg(long, default_value = "30s", value_parser = go_duration)]
    pub leader_election_renew_deadline: Duration,
    /// How long to wait between tries.
    #[arg(long, default_value = "5s", value_parser = go_duration)]
    pub leader_election_retry_period: Duration,
    /// The minimum back-off of a failing object.
    #[arg(long, default_value = "750ms", value_parser = go_duration)]
    pub min_retry_delay: Duration,
    /// The maximum back-off of a failing object.
    #[arg(long, default_value = "15m", value_parser = go_duration)]
    pub max_retry_delay: Duration,
    /// Feature gates: a comma separated list of NAME=BOOL; may be repeated.
    #[arg(long, action = ArgAction::Append)]
    pub feature_gates: Vec<String>,
    /// Watch all namespaces; if false only the one in RUNTIME_NAMESPACE.
    #[arg(long, default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub watch_all_namespaces: bool,
    /// Watch ConfigMaps and Secrets with matching labels.
    #[arg(long, default_value = "reconcile.fluxcd.io/watch=Enabled")]
    pub watch_configs_label_selector: String,
    /// The maximum size of the token cache.
    #[arg(long, default_value = "100")]
    pub token_cache_max_size: i64,
    /// The maximum duration a token is cached.
    #[arg(long, default_value = "1h", value_parser = go_duration)]
    pub token_cache_max_duration: Duration,
    /// Default service account used for workload identity or impersonation.
    #[arg(long, default_value = "")]
    pub default_service_account: String,
}

/// Flags of the controllers that can be sharded: all but notification-controller.
#[derive(Args, Clone, Debug)]
pub struct ReconcileArgs {
    /// The address of the events receiver.
    #[arg(long, env = "EVENTS_ADDR", default_value = "")]
    pub events_addr: String,
    /// The interval at which failing dependencies are reevaluated.
    #[arg(long, default_value = "30s", value_parser = go_duration)]
    pub requeue_dependency: Duration,
    /// Percentage of jitter to apply to interval durations.
    #[arg(long, default_value = "5", value_parser = clap::value_parser!(u8).range(0..100))]
    pub interval_jitter_percentage: u8,
    /// Watch for resources with matching labels.
    #[arg(long, default_value = "")]
    pub watch_label_selector: String,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogEncoding {
    /// One JSON object a line.
    Json,
    /// Text for people.
    Console,
}

/// Which log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// Debug and above.
    Debug,
    /// Info and above.
    Info,
    /// Errors only.
    Error,
}

/// Parses a boolean as Go's flag packages do (`1`, `t`, `TRUE`, ...); public for the controllers' own flags.
pub fn go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("not a boolean".to_owned()),
    }
}

/// Parses a duration as Go's `time.ParseDuration` does, refusing negative ones; public for the controllers' own flags.
pub fn go_duration(text: &str) -> Result<Duration, String> {
    let mut rest = text;
    let mut total = 0f64;
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err("empty duration".to_owned());
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or("missing unit in duration")?;
        let number: f64 = rest[..digits]
            .parse()
            .map_err(|_| "not a duration".to_owned())?;
        rest = &rest[digits..];
        let end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            unit => return Err(format!("unknown unit {unit:?} in duration")),
        };
        total += number * unit;
        rest = &rest[end..];
    }
    Duration::try_from_secs_f64(total).map_err(|error| error.to_string())
}
