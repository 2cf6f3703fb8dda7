//! Unwraps the data keys of encrypted files with HashiCorp Vault or OpenBao transit, AWS KMS, GCP KMS and
//! Azure Key Vault.
//!
//! Owns the remote calls only: a token exchange where the service wants one, then one decrypt. It knows
//! neither files nor SOPS: whoever reads a file hands over a [`WrappedKey`] and gets a [`DataKey`]; who
//! cannot await asks a [`BlockingKeyClient`].
//! Credentials are explicit ([`Credentials`]); nothing is read from the environment, from a metadata
//! service or from a home directory, and what would need that is refused by name.
//!
//! A [`KeyClient`] belongs to one set of credentials and remembers what it unwrapped, so that 500 files
//! with one data key cost one call. It must not be shared between tenants: its memory would answer one
//! tenant with what another may decrypt.

mod aws;
mod azure;
mod blocking;
mod client;
mod credentials;
mod error;
mod gcp;
mod http;
mod jwt;
mod token;
mod vault;
mod wrapped;

pub use aws::AwsCredentials;
pub use azure::{AzureCredentials, AzureProof};
pub use blocking::BlockingKeyClient;
pub use client::{DataKey, Endpoints, KeyClient, Settings};
pub use credentials::Credentials;
pub use error::{Error, Retry, Service};
pub use gcp::GcpCredentials;
pub use vault::VaultCredentials;
pub use wrapped::WrappedKey;
