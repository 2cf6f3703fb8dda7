//! Alert (notification-controller.md §1.2).

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::enumeration::string_enum;
use crate::notification::EventSourceKind;
use crate::{LocalObjectReference, text};

/// Which events go to which provider.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "notification.toolkit.fluxcd.io",
    version = "v1beta3",
    kind = "Alert",
    plural = "alerts",
    category = "all",
    category = "fluxcd",
    category = "fluxcd-notifications",
    namespaced,
    schema = "disabled",
    doc = "Sends the events of some objects to a provider.",
    derive = "Default",
    derive = "PartialEq",
    attr = "cfg_attr(all(), serde(default))",
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct AlertSpec {
    /// Metadata to add to every event.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub event_metadata: BTreeMap<String, String>,
    /// The lowest severity to send.
    #[serde(default)]
    pub event_severity: Severity,
    /// The objects whose events are sent.
    pub event_sources: Vec<EventSource>,
    /// Regular expressions; an event whose message matches one is dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusion_list: Vec<String>,
    /// Regular expressions; if there are any, a message must match one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inclusion_list: Vec<String>,
    /// The provider, in the same namespace.
    pub provider_ref: LocalObjectReference,
    /// Short text for the metadata key `summary`. Deprecated: use `eventMetadata`.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 255))]
    pub summary: Option<String>,
    /// Stops sending while true.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub suspend: bool,
}

string_enum! {
    /// Severity of events.
    pub enum Severity default Info {
        /// Everything.
        Info = "info",
        /// Failures only.
        Error = "error",
    }
}

/// Names objects whose events are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventSource {
    /// API version of the objects; not looked at.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub api_version: Option<String>,
    /// Kind of the objects.
    pub kind: EventSourceKind,
    /// Labels that the objects must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_labels: Option<BTreeMap<String, String>>,
    /// Name of the object, or `*` for all of them.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Namespace of the objects; the Alert's own by default.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(min = 1, max = 253))]
    pub namespace: Option<String>,
}
