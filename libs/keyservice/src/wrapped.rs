//! A data key as a file carries it: which service, which key there, and the ciphertext.
//!
//! Nothing in it is secret. The field names are those of the SOPS format; this crate does not read files.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::{Error, Service};

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
    /// Reads an entry of one of a SOPS file's key lists: the list's name, the entry's texts by name, and
    /// its encryption context.
    ///
    /// # Errors
    /// The list is of a service that is not built, or the entry lacks what its service needs.
    pub fn from_fields(
        list: &str,
        fields: &[(String, String)],
        context: &[(String, String)],
    ) -> Result<Self, Error> {
        let service = match list {
            "hc_vault" => Service::Vault,
            "kms" => Service::AwsKms,
            "gcp_kms" => Service::GcpKms,
            "azure_kv" => Service::AzureKeyVault,
            _ => return Err(Error::NotBuilt(list.to_owned())),
        };
        let optional = |name: &str| {
            let field = fields.iter().find(|(key, _)| key == name);
            field.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let field = |name: &str| match optional(name) {
            value if value.is_empty() => Err(Error::Key {
                service,
                key: optional("key_name") + &optional("name"),
                reason: format!("the file has no {name} for it"),
            }),
            value => Ok(value),
        };
        Ok(match service {
            Service::Vault => Self::Vault {
                address: field("vault_address")?,
                engine_path: field("engine_path")?,
                key_name: field("key_name")?,
                ciphertext: field("enc")?,
            },
            Service::AwsKms => Self::AwsKms {
                arn: field("arn")?,
                role: Some(optional("role")).filter(|role| !role.is_empty()),
                context: context.iter().cloned().collect(),
                ciphertext: field("enc")?,
            },
            Service::GcpKms => Self::GcpKms {
                resource_id: field("resource_id")?,
                ciphertext: field("enc")?,
            },
            Service::AzureKeyVault => Self::AzureKeyVault {
                vault_url: field("vault_url")?,
                name: field("name")?,
                version: optional("version"),
                ciphertext: field("enc")?,
            },
        })
    }

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
    fn an_entry_without_what_its_service_needs_says_what_is_missing() {
        let fields = |names: &[&str]| -> Vec<(String, String)> {
            let texts = names.iter().map(|name| ((*name).to_owned(), "x".into()));
            texts.collect()
        };
        for (list, names) in [
            (
                "hc_vault",
                &["vault_address", "engine_path", "key_name", "enc"][..],
            ),
            ("kms", &["arn", "enc"]),
            ("gcp_kms", &["resource_id", "enc"]),
            ("azure_kv", &["vault_url", "name", "enc"]),
        ] {
            assert!(WrappedKey::from_fields(list, &fields(names), &[]).is_ok());
            for gone in names {
                let left: Vec<&str> = names.iter().copied().filter(|name| name != gone).collect();
                let error = WrappedKey::from_fields(list, &fields(&left), &[]).unwrap_err();
                let said = error.to_string();
                assert!(said.ends_with(&format!("the file has no {gone} for it")));
                assert!(!error.is_retryable());
            }
        }
        let error = WrappedKey::from_fields("hckms", &[], &[]).unwrap_err();
        assert_eq!(error.to_string(), "keys of hckms are not supported");
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
