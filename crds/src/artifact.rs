//! The artifact that a source offers in its status (source-controller.md §1.2).

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stored, immutable archive of a source at one revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Checksum of the archive as `<algorithm>:<checksum>`.
    // Objects stored by Flux before digests lack it; they must stay readable.
    #[serde(default)]
    #[schemars(
        regex(pattern = r"^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$"),
        extend("x-required" = true)
    )]
    pub digest: String,
    /// When the artifact was last written or confirmed.
    pub last_update_time: Time,
    /// Facts about the upstream, such as OCI annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Path of the archive, relative to the storage root.
    #[serde(default)]
    #[schemars(extend("x-required" = true))]
    pub path: String,
    /// Name of the upstream state, for example `main@sha1:<commit>`.
    #[serde(default)]
    #[schemars(extend("x-required" = true))]
    pub revision: String,
    /// Size of the archive in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Address from which the archive can be downloaded in the cluster.
    #[serde(default)]
    #[schemars(extend("x-required" = true))]
    pub url: String,
}

impl Artifact {
    /// Returns the commit or digest a source revision ends with (`main@sha1:ab12` gives
    /// `sha1:ab12`); a revision without `@` is returned whole.
    pub fn revision_digest(&self) -> &str {
        self.revision
            .rsplit_once('@')
            .map_or(self.revision.as_str(), |(_, digest)| digest)
    }

    /// Tells whether both are the same archive of the same revision, whenever they were written.
    pub fn is_same_content(&self, other: &Self) -> bool {
        self.revision == other.revision && self.digest == other.digest
    }
}
