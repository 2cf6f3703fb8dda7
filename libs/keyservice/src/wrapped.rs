//! A data key as a file carries it: which service, which key there, and the ciphertext.
//!
//! Nothing in it is secret. The field names are those of the SOPS format; this crate does not read files.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::Service;

/// An encrypted data key and the remote key that opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrappedKey {
    /// Vault or OpenBao transit.
    Vault {
        /// The server, for example `https://vault.example.com:8200`.
        address: String,
        /// Where the transit engine is mounted.
        engine_path: String,
        /// The name of the key in it.
        key_name: String,
        /// `vault:v1:...`, sent as it is.
        ciphertext: String,
    },
    /// AWS KMS.
    AwsKms {
        /// The key's or alias's ARN, which also names the region.
        arn: String,
        /// A role to take on first.
        role: Option<String>,
        /// The encryption context.
        context: BTreeMap<String, String>,
        /// In standard base64.
        ciphertext: String,
    },
    /// GCP KMS.
    GcpKms {
        /// `projects/P/locations/L/keyRings/R/cryptoKeys/K`.
        resource_id: String,
        /// In standard base64.
        ciphertext: String,
    },
    /// Azure Key Vault.
    AzureKeyVault {
        /// For example `https://name.vault.azure.net`.
        vault_url: String,
        /// The key's name.
        name: String,
        /// Its version; empty for the newest.
        version: String,
        /// In URL-safe base64 without padding.
        ciphertext: String,
    },
}

impl WrappedKey {
    /// Returns the service to ask.
    pub fn service(&self) -> Service {
        match self {
            Self::Vault { .. } => Service::Vault,
            Self::AwsKms { .. } => Service::AwsKms,
            Self::GcpKms { .. } => Service::GcpKms,
            Self::AzureKeyVault { .. } => Service::AzureKeyVault,
        }
    }

    /// Returns the name to show in messages.
    pub fn key(&self) -> String {
        match self {
            Self::Vault {
                address,
                engine_path,
                key_name,
                ..
            } => format!(
                "{}/v1/{}/keys/{key_name}",
                address.trim_end_matches('/'),
                engine_path.trim_matches('/')
            ),
            Self::AwsKms { arn, .. } => arn.clone(),
            Self::GcpKms { resource_id, .. } => resource_id.clone(),
            Self::AzureKeyVault {
                vault_url,
                name,
                version,
                ..
            } => {
                let address = format!("{}/keys/{name}", vault_url.trim_end_matches('/'));
                if version.is_empty() {
                    address
                } else {
                    format!("{address}/{version}")
                }
            }
        }
    }

    /// Returns what the memory of unwrapped keys knows this one by: a digest over all of its parts.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        match self {
            Self::Vault {
                address,
                engine_path,
                key_name,
                ciphertext,
            } => ["vault", address, engine_path, key_name, ciphertext]
                .into_iter()
                .for_each(part),
            Self::AwsKms {
                arn,
                role,
                context,
                ciphertext,
            } => {
                let role = role.as_deref().unwrap_or_default();
                ["aws", arn, role, ciphertext]
                    .into_iter()
                    .for_each(&mut part);
                for (name, value) in context {
                    part(name);
                    part(value);
                }
            }
            Self::GcpKms {
                resource_id,
                ciphertext,
            } => ["gcp", resource_id, ciphertext].into_iter().for_each(part),
            Self::AzureKeyVault {
                vault_url,
                name,
                version,
                ciphertext,
            } => ["azure", vault_url, name, version, ciphertext]
                .into_iter()
                .for_each(part),
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aws(role: Option<&str>, context: &[(&str, &str)]) -> WrappedKey {
        WrappedKey::AwsKms {
            arn: "arn:aws:kms:eu-west-1:1:key/k".into(),
            role: role.map(str::to_owned),
            context: context
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ciphertext: "AA==".into(),
        }
    }

    #[test]
    fn keys_that_differ_in_any_part_are_remembered_apart() {
        let keys = [
            aws(None, &[]),
            aws(Some("r"), &[]),
            aws(None, &[("a", "b")]),
            aws(None, &[("a", "bc")]),
            aws(None, &[("ab", "c")]),
        ];
        for (at, key) in keys.iter().enumerate() {
            for other in &keys[at + 1..] {
                assert_ne!(key.digest(), other.digest(), "{key:?} and {other:?}");
            }
            assert_eq!(key.digest(), key.clone().digest());
        }
    }
}
