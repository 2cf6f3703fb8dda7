//! Status of a HelmRelease (helm-controller.md §3).

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::enumeration::string_enum;
use crate::{ResourceInventory, schema, text};

/// Observed state of a Helm release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelmReleaseStatus {
    /// What was observed about the object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// Failures in a row towards the desired state.
    #[serde(default, skip_serializing_if = "text::is_zero")]
    pub failures: i64,
    /// The HelmChart object as `<namespace>/<name>`.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub helm_chart: Option<String>,
    /// The last releases, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Snapshot>,
    /// Failed installs towards the desired state.
    #[serde(default, skip_serializing_if = "text::is_zero")]
    pub install_failures: i64,
    /// The objects of the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<ResourceInventory>,
    /// Checksum of the values tried last.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_attempted_config_digest: Option<String>,
    /// The generation tried last.
    #[serde(default, skip_serializing_if = "text::is_zero")]
    pub last_attempted_generation: i64,
    /// The action tried last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempted_release_action: Option<ReleaseAction>,
    /// How long the action tried last took.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_attempted_release_action_duration: Option<String>,
    /// The chart version tried last.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_attempted_revision: Option<String>,
    /// The digest of the chart tried last, if it comes from an OCIRepository.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_attempted_revision_digest: Option<String>,
    /// Not written any more. Deprecated: see `lastAttemptedConfigDigest`.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_attempted_values_checksum: Option<String>,
    /// The last handled value of the annotation that forces an action.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_handled_force_at: Option<String>,
    /// The last handled value of the annotation that requests a reconcile.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_handled_reconcile_at: Option<String>,
    /// The last handled value of the annotation that resets the failure counters.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_handled_reset_at: Option<String>,
    /// Not written any more. Deprecated: see `history`.
    #[serde(default, skip_serializing_if = "text::is_zero")]
    #[schemars(schema_with = "schema::go_int")]
    pub last_release_revision: i64,
    /// Checksum of the common metadata of the last release.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub observed_common_metadata_digest: Option<String>,
    /// The generation that was last reconciled.
    #[serde(default, skip_serializing_if = "text::is_zero")]
    pub observed_generation: i64,
    /// Checksum of the post-renderers of the last release.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub observed_post_renderers_digest: Option<String>,
    /// Namespace of the records of the last release.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 63))]
    pub storage_namespace: Option<String>,
    /// Failed upgrades towards the desired state.
    #[serde(default, skip_serializing_if = "text::is_zero")]
    pub upgrade_failures: i64,
}

string_enum! {
    /// An action that makes a release.
    pub enum ReleaseAction {
        /// The first release.
        Install = "install",
        /// A later one.
        Upgrade = "upgrade",
    }
}

/// One release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// What made the release.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub action: Option<String>,
    /// Scheme of the checksums; `v2` is the one in use.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub api_version: Option<String>,
    /// Version of the software in the chart.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub app_version: Option<String>,
    /// Name of the chart.
    pub chart_name: String,
    /// Version of the chart.
    pub chart_version: String,
    /// Checksum of the values.
    pub config_digest: String,
    /// When the release was uninstalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Time>,
    /// Checksum of the release record.
    pub digest: String,
    /// When a release of this name was first made.
    pub first_deployed: Time,
    /// When the release was made.
    pub last_deployed: Time,
    /// Name of the release.
    pub name: String,
    /// Namespace of the release.
    pub namespace: String,
    /// Digest of the chart, if it comes from an OCIRepository.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub oci_digest: Option<String>,
    /// State of the release, in Helm's words.
    pub status: String,
    /// The tests of the release. Absent means that none were looked at, empty that there are none,
    /// and a test without an outcome has not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_hooks: Option<BTreeMap<String, Option<TestHookStatus>>>,
    /// Revision of the release.
    #[schemars(schema_with = "schema::go_int")]
    pub version: i64,
}

/// Outcome of one test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestHookStatus {
    /// When the test ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_completed: Option<Time>,
    /// When the test began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_started: Option<Time>,
    /// How the test ended.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub phase: Option<String>,
}
