//! The flags of this controller, with Flux's names and defaults (notification-controller §5.1), and our own.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser};
use fjord_runtime::process::args::{go_bool, go_duration};
use fjord_runtime::process::{CommonArgs, Gate, Program};

/// What distinguishes this program from the other controllers.
pub const PROGRAM: Program = Program {
    name: "notification-controller",
    field_manager: "notification-controller",
    concurrent: 4,
    gates: &[
        // Secrets are read when they are needed; nothing is kept that could be cached.
        Gate {
            name: "CacheSecretsAndConfigMaps",
            default: false,
            built: true,
        },
        Gate {
            name: "DisableConfigWatchers",
            default: false,
            built: true,
        },
        Gate {
            name: "ObjectLevelWorkloadIdentity",
            default: false,
            built: false,
        },
    ],
};

/// Sends events to providers and lets webhooks make objects reconcile.
#[derive(Parser, Clone, Debug)]
#[command(name = "notification-controller", version)]
pub struct Args {
    /// Flags of every controller.
    #[command(flatten)]
    pub common: CommonArgs,
    /// The address the event endpoint binds to.
    #[arg(long, env = "EVENTS_ADDR", default_value = ":9090")]
    pub events_addr: String,
    /// The address the webhook receiver endpoint binds to.
    #[arg(long = "receiverAddr", default_value = ":9292")]
    pub receiver_addr: String,
    /// Interval in which rate limit has effect.
    #[arg(long, default_value = "5m", value_parser = go_duration)]
    pub rate_limit_interval: Duration,
    /// Include the full path of requests in the HTTP server metrics (risk of high cardinality).
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub export_http_path_metrics: bool,
    /// Disallow references to objects in other namespaces.
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub no_cross_namespace_refs: bool,
    /// The file that keeps undelivered events through restarts; without one they are kept in a Secret.
    #[arg(long)]
    pub outbox_file: Option<PathBuf>,
    /// How long the delivery of an event is tried before it is given up.
    #[arg(long, default_value = "24h", value_parser = go_duration)]
    pub delivery_max_age: Duration,
}

/// Returns the flag that asks for something not built; the program refuses to start with it.
pub(crate) fn unsupported_flag(args: &Args) -> Option<&'static str> {
    (!args.common.default_service_account.is_empty()).then_some("--default-service-account")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(flags: &[&str]) -> Args {
        Args::parse_from(std::iter::once("notification-controller").chain(flags.iter().copied()))
    }

    #[test]
    fn flags_and_defaults_are_those_of_flux() {
        let args = parse(&[]);
        assert_eq!(
            (args.events_addr.as_str(), args.receiver_addr.as_str()),
            (":9090", ":9292")
        );
        assert_eq!(args.rate_limit_interval, Duration::from_secs(300));
        assert!(!args.no_cross_namespace_refs && !args.export_http_path_metrics);
        let args = parse(&[
            "--watch-all-namespaces",
            "--receiverAddr=127.0.0.1:1",
            "--no-cross-namespace-refs",
            "--rate-limit-interval=1m30s",
            "--export-http-path-metrics=true",
            "--concurrent=12",
        ]);
        assert_eq!(args.receiver_addr, "127.0.0.1:1");
        assert_eq!(args.rate_limit_interval, Duration::from_secs(90));
        assert!(args.no_cross_namespace_refs && args.export_http_path_metrics);
    }

    #[test]
    fn an_identity_that_is_not_built_is_refused_by_name() {
        assert_eq!(unsupported_flag(&parse(&[])), None);
        let args = parse(&["--default-service-account=sa"]);
        assert_eq!(unsupported_flag(&args), Some("--default-service-account"));
    }
}
