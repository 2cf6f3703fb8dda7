//! The actions of a HelmRelease (helm-controller.md §2.6-§2.10).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::enumeration::string_enum;
use crate::{GoDuration, schema, text};

/// How to install.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Install {
    /// What becomes of the custom resource definitions in the chart; `Create` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crds: Option<CrdsPolicy>,
    /// Creates the target namespace.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub create_namespace: bool,
    /// Runs no hooks.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_hooks: bool,
    /// Does not check manifests against the API of the cluster.
    #[serde(
        default,
        rename = "disableOpenAPIValidation",
        skip_serializing_if = "text::is_false"
    )]
    pub disable_open_api_validation: bool,
    /// Does not check values against the schema of the chart.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_schema_validation: bool,
    /// Does not take over objects that exist already.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_take_ownership: bool,
    /// Does not wait for objects to become healthy.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_wait: bool,
    /// Does not wait for jobs to finish.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_wait_for_jobs: bool,
    /// What to do about a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<InstallRemediation>,
    /// Takes over the name of a deleted release.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub replace: bool,
    /// Applies on the server; yes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<bool>,
    /// Has no effect. Deprecated: use `crds`.
    #[serde(default, rename = "skipCRDs", skip_serializing_if = "text::is_false")]
    pub skip_crds: bool,
    /// How failures are dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<InstallStrategy>,
    /// Limit of the action; the timeout of the release when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
}

/// What to do about a failed install.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "message": ".retryInterval cannot be set when .name is 'RemediateOnFailure'",
        "rule": "!has(self.retryInterval) || self.name != 'RemediateOnFailure'",
    },
]))]
pub struct InstallStrategy {
    /// Name of the way.
    pub name: ActionStrategyName,
    /// How soon to try again; five minutes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<GoDuration>,
}

/// What to do about a failed install: uninstall and try again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallRemediation {
    /// Whether failed tests count; the setting of `test` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_test_failures: Option<bool>,
    /// Whether the last failure is undone as well; no when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediate_last_failure: Option<bool>,
    /// How often to try again; without end when negative.
    #[serde(default, skip_serializing_if = "text::is_zero")]
    #[schemars(schema_with = "schema::go_int")]
    pub retries: i64,
}

string_enum! {
    /// A way to deal with failed actions.
    pub enum ActionStrategyName {
        /// Undoes them.
        RemediateOnFailure = "RemediateOnFailure",
        /// Tries again.
        RetryOnFailure = "RetryOnFailure",
    }
}

string_enum! {
    /// What becomes of the custom resource definitions in a chart.
    pub enum CrdsPolicy default Create {
        /// They are left out.
        Skip = "Skip",
        /// Those that do not exist are created.
        Create = "Create",
        /// Those that exist are replaced.
        CreateReplace = "CreateReplace",
    }
}

/// How to upgrade.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Upgrade {
    /// What to do when the chart gets another name; `Reinstall` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart_name_change_strategy: Option<ChartNameChangeStrategy>,
    /// Deletes what a failed upgrade created.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub cleanup_on_fail: bool,
    /// What becomes of the custom resource definitions in the chart; `Create` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crds: Option<CrdsPolicy>,
    /// Runs no hooks.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_hooks: bool,
    /// Does not check manifests against the API of the cluster.
    #[serde(
        default,
        rename = "disableOpenAPIValidation",
        skip_serializing_if = "text::is_false"
    )]
    pub disable_open_api_validation: bool,
    /// Does not check values against the schema of the chart.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_schema_validation: bool,
    /// Does not take over objects that exist already.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_take_ownership: bool,
    /// Does not wait for objects to become healthy.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_wait: bool,
    /// Does not wait for jobs to finish.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_wait_for_jobs: bool,
    /// Replaces objects instead of patching them.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub force: bool,
    /// Keeps the values of the last release.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub preserve_values: bool,
    /// What to do about a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<UpgradeRemediation>,
    /// Applies on the server; as the last release did when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<ServerSideApply>,
    /// How failures are dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<UpgradeStrategy>,
    /// Limit of the action; the timeout of the release when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
}

/// What to do about a failed upgrade.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "message": ".retryInterval can only be set when .name is 'RetryOnFailure'",
        "rule": "!has(self.retryInterval) || self.name == 'RetryOnFailure'",
    },
]))]
pub struct UpgradeStrategy {
    /// Name of the way.
    pub name: ActionStrategyName,
    /// How soon to try again; five minutes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<GoDuration>,
}

/// What to do about a failed upgrade: roll back or uninstall, and try again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeRemediation {
    /// Whether failed tests count; the setting of `test` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_test_failures: Option<bool>,
    /// Whether the last failure is undone as well; if there are retries when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediate_last_failure: Option<bool>,
    /// How often to try again; without end when negative.
    #[serde(default, skip_serializing_if = "text::is_zero")]
    #[schemars(schema_with = "schema::go_int")]
    pub retries: i64,
    /// How a failed upgrade is undone; `rollback` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<RemediationStrategy>,
}

string_enum! {
    /// How a failed upgrade is undone.
    pub enum RemediationStrategy default Rollback {
        /// By the release before it.
        Rollback = "rollback",
        /// By uninstalling.
        Uninstall = "uninstall",
    }
}

string_enum! {
    /// What to do when the chart gets another name.
    pub enum ChartNameChangeStrategy default Reinstall {
        /// Upgrades the release.
        InPlaceUpdate = "InPlaceUpdate",
        /// Uninstalls and installs.
        Reinstall = "Reinstall",
    }
}

string_enum! {
    /// Whether to apply on the server.
    pub enum ServerSideApply default Auto {
        /// Yes.
        Enabled = "enabled",
        /// No.
        Disabled = "disabled",
        /// As the last release did.
        Auto = "auto",
    }
}

/// How to roll back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// Deletes what a failed rollback created.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub cleanup_on_fail: bool,
    /// Runs no hooks.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_hooks: bool,
    /// Does not wait for objects to become healthy.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_wait: bool,
    /// Does not wait for jobs to finish.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_wait_for_jobs: bool,
    /// Replaces objects instead of patching them.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub force: bool,
    /// Has no effect. Deprecated.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub recreate: bool,
    /// Applies on the server; as the last release did when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<ServerSideApply>,
    /// Limit of the action; the timeout of the release when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
}

/// How to uninstall.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uninstall {
    /// How dependents are deleted.
    #[serde(default)]
    pub deletion_propagation: DeletionPropagation,
    /// Runs no hooks.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_hooks: bool,
    /// Does not wait until the objects are gone.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub disable_wait: bool,
    /// Keeps the release records.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub keep_history: bool,
    /// Limit of the action; the timeout of the release when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
}

string_enum! {
    /// How dependents are deleted.
    pub enum DeletionPropagation default Background {
        /// After their owner.
        Background = "background",
        /// Before their owner.
        Foreground = "foreground",
        /// Not at all.
        Orphan = "orphan",
    }
}

/// How to test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Test {
    /// Runs the tests after each install and upgrade.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub enable: bool,
    /// Which tests to run; all of them when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<TestFilter>,
    /// Whether failed tests are no failure.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub ignore_failures: bool,
    /// Limit of the action; the timeout of the release when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
}

/// Names a test to run or to leave out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestFilter {
    /// Whether the test is left out.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub exclude: bool,
    /// Name of the test.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}
