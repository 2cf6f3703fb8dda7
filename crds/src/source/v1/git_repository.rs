//! GitRepository (source-controller.md §1.3).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::{GoDuration, TIMEOUT_PATTERN};
use crate::enumeration::string_enum;
use crate::{Artifact, LocalObjectReference, schema, text};

/// Desired state of a Git repository.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "source.toolkit.fluxcd.io",
    version = "v1",
    kind = "GitRepository",
    plural = "gitrepositories",
    shortname = "gitrepo",
    category = "all",
    category = "fluxcd",
    category = "fluxcd-sources",
    namespaced,
    status = "GitRepositoryStatus",
    schema = "disabled",
    doc = "A Git repository at one reference, stored as an artifact.",
    derive = "Default",
    derive = "PartialEq",
    attr = "cfg_attr(all(), serde(default))",
    printcolumn(name = "URL", type_ = "string", json_path = ".spec.url"),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "message": "serviceAccountName can only be set when provider is 'azure' or 'aws'",
    "rule": "!has(self.serviceAccountName) || (has(self.provider) && (self.provider == 'azure' || self.provider == 'aws'))",
}]))]
pub struct GitRepositorySpec {
    /// Rules in gitignore syntax that keep files out of the artifact. Any rule turns the default
    /// rules off.
    // Empty and absent mean the same, but Flux makes a new artifact when one becomes the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Artifacts of other repositories to place inside this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<GitInclude>,
    /// How often to look for a new revision.
    pub interval: GoDuration,
    /// How to authenticate; `generic` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<GitProvider>,
    /// Secret with the address and credentials of a proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// Whether to fetch submodules too.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub recurse_submodules: bool,
    /// What to check out; the branch `master` when absent.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<GitReference>,
    /// Secret with credentials for the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Service account whose cloud identity is used with the providers `aws` and `azure`.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub service_account_name: Option<String>,
    /// Directories to check out; all of them when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sparse_checkout: Vec<String>,
    /// Stops reconciling while true.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub suspend: bool,
    /// Limit of one remote Git operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = TIMEOUT_PATTERN), extend("default" = "60s"))]
    pub timeout: Option<GoDuration>,
    /// Address of the repository, over HTTP(S) or SSH.
    #[schemars(regex(pattern = r"^(http|https|ssh)://.*$"))]
    pub url: String,
    /// Signatures to require.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<GitVerification>,
}

string_enum! {
    /// How to authenticate at a Git server.
    pub enum GitProvider default Generic {
        /// With what the Secret holds, or not at all.
        Generic = "generic",
        /// With an AWS identity.
        Aws = "aws",
        /// With an Azure identity.
        Azure = "azure",
        /// As a GitHub App.
        GitHub = "github",
    }
}

/// What to check out. The first that is set wins, in the order commit, name, tag, semver, branch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GitReference {
    /// Branch to follow.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub branch: Option<String>,
    /// Commit to stay at.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub commit: Option<String>,
    /// Full reference name to follow, for example `refs/pull/420/head`.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub name: Option<String>,
    /// Version range; the highest tag within it is taken.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub semver: Option<String>,
    /// Tag to follow.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub tag: Option<String>,
}

/// Places the artifact of another GitRepository in this one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitInclude {
    /// Path to copy from; the root by default.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub from_path: Option<String>,
    /// The other GitRepository.
    pub repository: LocalObjectReference,
    /// Path to copy to; the name of the other repository by default.
    #[serde(
        default,
        deserialize_with = "text::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub to_path: Option<String>,
}

/// OpenPGP or SSH signatures to require.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitVerification {
    /// What must be signed.
    #[serde(default)]
    pub mode: GitVerificationMode,
    /// Secret with the trusted public keys.
    pub secret_ref: LocalObjectReference,
}

string_enum! {
    /// What must be signed.
    pub enum GitVerificationMode default Head {
        /// The commit checked out; the old spelling of `HEAD`.
        HeadLowercase = "head",
        /// The commit checked out.
        Head = "HEAD",
        /// The tag checked out.
        Tag = "Tag",
        /// Both of them.
        TagAndHead = "TagAndHEAD",
    }
}

/// Observed state of a Git repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryStatus {
    /// The artifact of the last successful fetch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// What was observed about the object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The artifacts placed in this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_artifacts: Vec<Artifact>,
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
    /// The includes that the artifact was built with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_include: Vec<GitInclude>,
    /// Whether the artifact was built with submodules.
    #[serde(default, skip_serializing_if = "text::is_false")]
    pub observed_recurse_submodules: bool,
    /// The directories that the artifact was restricted to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_sparse_checkout: Vec<String>,
    /// The verification mode that the artifact passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_verification_mode: Option<String>,
}
