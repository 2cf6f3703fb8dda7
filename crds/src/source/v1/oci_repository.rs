//! OCIRepository (source-controller.md §1.4).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::{GoDuration, TIMEOUT_PATTERN};
use crate::enumeration::string_enum;
use crate::source::v1::{ArtifactVerification, RegistryProvider};
use crate::{Artifact, LocalObjectReference, schema, text};

/// Desired state of an OCI repository.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "source.toolkit.fluxcd.io",
    version = "v1",
    kind = "OCIRepository",
    plural = "ocirepositories",
    shortname = "ocirepo",
    category = "all",
    category = "fluxcd",
    category = "fluxcd-sources",
    namespaced,
    status = "OCIRepositoryStatus",
    schema = "disabled",
    doc = "An OCI artifact of manifests or a chart, stored as an artifact.",
    derive = "Default",
    derive = "PartialEq",
    attr = "cfg_attr(all(), serde(default))",
    printcolumn(name = "URL", type_ = "string", json_path = ".spec.url"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct OCIRepositorySpec {
    /// Secret with a CA, or a client certificate and key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<LocalObjectReference>,
    /// Rules in gitignore syntax that keep files out of the artifact. Any rule turns the default
    /// rules off.
    // Empty and absent mean the same, but Flux makes a new artifact when one becomes the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Allows plain HTTP.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub insecure: bool,
    /// How often to look for a new revision.
    pub interval: GoDuration,
    /// The layer to take; the first one, extracted, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer_selector: Option<OciLayerSelector>,
    /// How to authenticate.
    #[serde(default)]
    pub provider: RegistryProvider,
    /// Secret with the address and credentials of a proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// What to pull; the tag `latest` when absent.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<OciReference>,
    /// Secret with registry credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Service account whose pull secrets and cloud identity are used.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub service_account_name: Option<String>,
    /// Stops reconciling while true.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub suspend: bool,
    /// Limit of one remote operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIMEOUT_PATTERN), extend("default" = "60s"))]
    pub timeout: Option<GoDuration>,
    /// Address of the repository, without a tag.
    #[schemars(regex(pattern = "^oci://.*$"))]
    pub url: String,
    /// Signatures to require.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<ArtifactVerification>,
}

/// What to pull. The first that is set wins, in the order digest, semver, tag.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OciReference {
    /// Digest to stay at.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub digest: Option<String>,
    /// Version range; the highest tag within it is taken.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub semver: Option<String>,
    /// Regular expression that tags must match before `semver` is looked at.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub semver_filter: Option<String>,
    /// Tag to follow.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub tag: Option<String>,
}

/// The layer to take.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OciLayerSelector {
    /// Media type of the layer; the first one that has it is taken.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub media_type: Option<String>,
    /// What to do with the layer; `extract` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OciLayerOperation>,
}

string_enum! {
    /// What to do with a layer.
    pub enum OciLayerOperation default Extract {
        /// Unpacks it.
        Extract = "extract",
        /// Stores it as it is.
        Copy = "copy",
    }
}

/// Observed state of an OCI repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OCIRepositoryStatus {
    /// The artifact of the last success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// What was observed about the object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The last handled value of the annotation that requests a reconcile.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_handled_reconcile_at: Option<String>,
    /// The generation that was last reconciled.
    #[serde(default, skip_serializing_if = "text::is_zero")]
    pub observed_generation: i64,
    /// The ignore rules that the artifact was built with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// The layer selector that the artifact was built with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_layer_selector: Option<OciLayerSelector>,
    /// Address under which the newest artifact can be downloaded.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub url: Option<String>,
}
