//! The flags of this controller, with Flux's names and defaults, and the feature gates.

use clap::{ArgAction, Parser};
use fjord_runtime::process::{CommonArgs, Gate, Program, ReconcileArgs, args::go_bool};

/// What distinguishes this program from the other controllers.
pub const PROGRAM: Program = Program {
    name: "kustomize-controller",
    field_manager: "gotk-kustomize-controller",
    concurrent: 4,
    gates: &[
        // Read nothing from Secrets and ConfigMaps yet, and watch none.
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
        // Health comes from watches; there is no poller whose cache could be disabled.
        Gate {
            name: "DisableStatusPollerCache",
            default: true,
            built: true,
        },
        Gate {
            name: "DisableFailFastBehavior",
            default: false,
            built: true,
        },
        Gate {
            name: "StrictPostBuildSubstitutions",
            default: true,
            built: true,
        },
        Gate {
            name: "GroupChangeLog",
            default: false,
            built: true,
        },
        Gate {
            name: "MigrateAPIVersion",
            default: false,
            built: true,
        },
        // A new revision always ends the wait for the old one.
        Gate {
            name: "CancelHealthCheckOnNewRevision",
            default: false,
            built: true,
        },
        Gate {
            name: "AdditiveCELDependencyCheck",
            default: false,
            built: false,
        },
        Gate {
            name: "DirectSourceFetch",
            default: false,
            built: false,
        },
        Gate {
            name: "ExternalArtifact",
            default: false,
            built: false,
        },
        Gate {
            name: "ObjectLevelWorkloadIdentity",
            default: false,
            built: false,
        },
    ],
};

/// Applies what sources hold to the cluster and keeps it so.
#[derive(Parser, Clone, Debug)]
#[command(name = "kustomize-controller", version)]
pub struct Args {
    /// Flags of every controller.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Flags of the controllers that can be sharded.
    #[command(flatten)]
    pub reconcile: ReconcileArgs,
    /// The number of concurrent server-side apply operations of one reconcile.
    #[arg(long, default_value = "4")]
    pub concurrent_ssa: usize,
    /// Disallow remote bases, files over HTTP included.
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub no_remote_bases: bool,
    /// The hosts that remote bases may come from (`*.example.com` for all below one); by default any.
    #[arg(long, value_delimiter = ',')]
    pub remote_base_hosts: Vec<String>,
    /// The maximum number of retries when fetching an artifact over HTTP.
    #[arg(long, default_value = "9")]
    pub http_retry: u32,
    /// Disallow references to sources in other namespaces.
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub no_cross_namespace_refs: bool,
    /// A field manager whose fields are taken over; may be repeated.
    #[arg(long, action = ArgAction::Append, value_delimiter = ',')]
    pub override_manager: Vec<String>,
    /// Kinds (group/Kind, or Kind of the core group) applied in a stage of their own.
    #[arg(long, default_value = "")]
    pub custom_apply_stage_kinds: String,
    /// Allow exec plugins in kubeconfigs (there are no kubeconfigs yet).
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub insecure_kubeconfig_exec: bool,
    /// Allow insecure TLS in kubeconfigs (there are no kubeconfigs yet).
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub insecure_kubeconfig_tls: bool,
    /// Default service account for decryption.
    #[arg(long, default_value = "")]
    pub default_decryption_service_account: String,
    /// Default service account for remote clusters.
    #[arg(long, default_value = "")]
    pub default_kubeconfig_service_account: String,
    /// A Secret with age keys for all objects.
    #[arg(long, default_value = "")]
    pub sops_age_secret: String,
    /// A ConfigMap with Vault instances.
    #[arg(long, default_value = "")]
    pub sops_vault_configmap: String,
    /// Correct drift as soon as it is seen; if false, at the interval as Flux does.
    #[arg(long, default_value = "true", default_missing_value = "true", num_args = 0..=1,
        require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub drift_watch: bool,
}
