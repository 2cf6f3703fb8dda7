//! What registry-based sources share: providers and signature checks (source-controller.md
//! §1.4-§1.6).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::LocalObjectReference;
use crate::enumeration::string_enum;

string_enum! {
    /// How to authenticate at a registry.
    pub enum RegistryProvider default Generic {
        /// With what the Secret holds, or not at all.
        Generic = "generic",
        /// With an AWS identity.
        Aws = "aws",
        /// With an Azure identity.
        Azure = "azure",
        /// With a Google Cloud identity.
        Gcp = "gcp",
    }
}

string_enum! {
    /// A signing tool.
    pub enum VerificationProvider default Cosign {
        /// Sigstore's cosign.
        Cosign = "cosign",
        /// Notary Project's notation.
        Notation = "notation",
    }
}

/// Signatures that an OCI artifact must have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactVerification {
    /// Identities of which one must have signed without a key.
    #[serde(
        default,
        rename = "matchOIDCIdentity",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub match_oidc_identity: Vec<OidcIdentity>,
    /// The signing tool.
    #[serde(default)]
    #[schemars(extend("x-required" = true))]
    pub provider: VerificationProvider,
    /// Secret with the trusted public keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Secret with the trusted roots of a private Sigstore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_root_secret_ref: Option<LocalObjectReference>,
}

/// Signatures that a chart in a registry must have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChartVerification {
    /// Identities of which one must have signed without a key.
    #[serde(
        default,
        rename = "matchOIDCIdentity",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub match_oidc_identity: Vec<OidcIdentity>,
    /// The signing tool.
    #[serde(default)]
    #[schemars(extend("x-required" = true))]
    pub provider: VerificationProvider,
    /// Secret with the trusted public keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
}

/// Who may have signed without a key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcIdentity {
    /// Regular expression for the issuer of the certificate.
    pub issuer: String,
    /// Regular expression for the subject of the certificate.
    pub subject: String,
}
