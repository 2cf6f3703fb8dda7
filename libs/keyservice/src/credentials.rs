//! The credentials of one client: at most one set per service, all given by the caller.

use crate::{AwsCredentials, AzureCredentials, GcpCredentials, VaultCredentials};

/// What a client may present to each service. Secrets in it neither print nor outlive it.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// For HashiCorp Vault and OpenBao.
    pub vault: Option<VaultCredentials>,
    /// For AWS KMS.
    pub aws: Option<AwsCredentials>,
    /// For GCP KMS.
    pub gcp: Option<GcpCredentials>,
    /// For Azure Key Vault.
    pub azure: Option<AzureCredentials>,
}
