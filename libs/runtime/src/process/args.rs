//! The flags that Flux's controllers share, with their names and defaults.
//!
//! Repeated flags are last-wins, except `--feature-gates`, which accumulates. Flags without a meaning here are accepted
//! with a warning; `--default-service-account` and its like are the controllers' business.

use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use fjord_crds::GoDuration;

use super::Error;

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
    let duration = GoDuration::parse(text).map_err(|error| error.to_string())?;
    if text.starts_with('-') && !duration.as_std().is_zero() {
        return Err("negative duration".to_owned());
    }
    Ok(duration.as_std())
}

impl CommonArgs {
    /// Says which flags have no meaning here, once, when they are set.
    pub(super) fn warn(&self) {
        if self.kube_api_qps.to_bits() != 50f32.to_bits() || self.kube_api_burst != 300 {
            // Flux ignores them too where the API server has flow control, which all supported ones have.
            tracing::warn!(
                logger = "setup",
                "--kube-api-qps and --kube-api-burst are accepted and ignored"
            );
        }
    }

    /// Returns the one namespace to watch, `None` for all.
    pub(super) fn watched_namespace(&self) -> Result<Option<String>, Error> {
        if self.watch_all_namespaces {
            return Ok(None);
        }
        match std::env::var("RUNTIME_NAMESPACE") {
            Ok(namespace) if !namespace.is_empty() => Ok(Some(namespace)),
            // Closed: an unset variable must not widen the watch to the whole cluster.
            _ => Err(Error::Flag(
                "--watch-all-namespaces=false needs RUNTIME_NAMESPACE".to_owned(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    #[command(args_override_self = true)]
    struct Flags {
        #[command(flatten)]
        common: CommonArgs,
        #[command(flatten)]
        reconcile: ReconcileArgs,
    }

    fn parse(flags: &[&str]) -> Result<Flags, clap::Error> {
        Flags::try_parse_from(["controller"].iter().chain(flags))
    }

    #[test]
    fn the_defaults_are_those_of_flux() {
        let flags = parse(&[]).unwrap();
        assert_eq!(flags.common.metrics_addr, ":8080");
        assert_eq!(flags.common.health_addr, ":9440");
        assert_eq!(flags.common.max_retry_delay, Duration::from_secs(900));
        assert_eq!(flags.common.min_retry_delay, Duration::from_millis(750));
        assert_eq!(
            flags.common.leader_election_lease_duration,
            Duration::from_secs(35)
        );
        assert!(
            !flags.common.enable_leader_election && flags.common.leader_election_release_on_cancel
        );
        assert!(flags.common.watch_all_namespaces);
        assert_eq!(
            (
                flags.reconcile.interval_jitter_percentage,
                flags.reconcile.events_addr.as_str()
            ),
            (5, "")
        );
    }

    #[test]
    fn a_repeated_flag_is_last_wins_but_gates_accumulate() {
        let flags = parse(&[
            "--concurrent=2",
            "--feature-gates=A=true",
            "--concurrent",
            "9",
            "--feature-gates=B=false",
        ]);
        let common = flags.unwrap().common;
        assert_eq!(
            (common.concurrent, common.feature_gates),
            (Some(9), vec!["A=true".into(), "B=false".into()])
        );
    }

    #[test]
    fn a_boolean_may_be_bare_or_have_a_value() {
        let of = |flag: &str| parse(&[flag]).unwrap().common.watch_all_namespaces;
        assert!(of("--watch-all-namespaces") && of("--watch-all-namespaces=true"));
        assert!(!of("--watch-all-namespaces=false"));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        for flag in [
            "--interval-jitter-percentage=100",
            "--log-level=warn",
            "--min-retry-delay=1",
            "--no-such-flag",
        ] {
            assert!(parse(&[flag]).is_err(), "{flag}");
        }
    }

    #[test]
    fn an_empty_events_address_is_legal() {
        assert_eq!(
            parse(&["--events-addr="]).unwrap().reconcile.events_addr,
            ""
        );
    }
}
