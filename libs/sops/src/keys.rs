//! Keys: who can open a file, and how its data key is opened with what is at hand.

mod age;
mod pgp;

pub use age::{AgeIdentities, Ask, IdentityError};
pub use pgp::{PgpKeys, PgpKeysError};

use crate::cipher::DataKey;
use crate::error::Error;
use crate::metadata::{Metadata, text};
use crate::shamir;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// One entry of a file's metadata: a key, and the data key or a share of it, encrypted for that key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recipient {
    /// An age recipient, or an SSH key used as one.
    Age {
        /// `age1...` or `ssh-...`.
        recipient: String,
        /// An armored age file.
        ciphertext: String,
    },
    /// An OpenPGP key.
    Pgp {
        /// The fingerprint.
        fingerprint: String,
        /// An armored message.
        ciphertext: String,
    },
    /// A key of a service: the fields as the file has them.
    Remote {
        /// `kms`, `gcp_kms`, `azure_kv`, `hc_vault` or `hckms`.
        service: &'static str,
        /// Text fields by name; the ciphertext is `enc`.
        fields: Vec<(String, String)>,
        /// The encryption context of AWS.
        context: Vec<(String, String)>,
    },
}

/// Why one recipient's key did not open the data key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No such key is at hand.
    #[error("no such key is at hand")]
    Missing,
    /// The key is at hand and does not open it.
    #[error("the key does not open it")]
    Refused,
    /// The key is at hand behind a passphrase, which was wrong or was not given.
    #[error("the passphrase of its key is wrong or was not given")]
    Passphrase,
    /// Keys of the kind are not supported here.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// A service said no or was out of reach; the text holds no secret.
    #[error("{message}")]
    Service {
        /// What it said.
        message: String,
        /// Whether a later try may succeed.
        retryable: bool,
    },
}

/// Opens data keys; implementations hold the private keys or ask who does.
///
/// Synchronous, as decryption is. One that asks over the network waits for the answer, and its callers decrypt on a thread
/// that may wait.
pub trait KeyService {
    /// Opens the data key, or the share of it, that is encrypted for a recipient.
    ///
    /// # Errors
    /// See [`KeyError`].
    fn open(&self, recipient: &Recipient) -> Result<Zeroizing<Vec<u8>>, KeyError>;
}

/// Refuses by name the kinds of keys that are not built yet; the last in a list of services.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unbuilt;

impl KeyService for Unbuilt {
    fn open(&self, recipient: &Recipient) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        Err(match recipient {
            Recipient::Age { .. } | Recipient::Pgp { .. } => KeyError::Missing,
            Recipient::Remote { service, .. } => KeyError::Unsupported(match *service {
                "kms" => "AWS KMS",
                "gcp_kms" => "GCP KMS",
                "azure_kv" => "Azure Key Vault",
                "hc_vault" => "Vault",
                _ => "Huawei Cloud KMS (hckms)",
            }),
        })
    }
}

/// Asks several services one after the other; the first that knows such keys says why none of them opens it.
impl KeyService for Vec<Box<dyn KeyService>> {
    fn open(&self, recipient: &Recipient) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let mut first = KeyError::Missing;
        for service in self {
            match service.open(recipient) {
                Ok(key) => return Ok(key),
                Err(error) if first == KeyError::Missing => first = error,
                Err(_) => {}
            }
        }
        Err(first)
    }
}

impl Recipient {
    /// Reads the key lists of a file or of one of its groups.
    pub(crate) fn read_all(map: &Map<String, Value>) -> Result<Vec<Self>, Error> {
        const SERVICES: [&str; 5] = ["kms", "gcp_kms", "azure_kv", "hc_vault", "hckms"];
        let list = |name: &str| -> Vec<Map<String, Value>> {
            let items = map.get(name).and_then(Value::as_array);
            let items = items.into_iter().flatten().filter_map(Value::as_object);
            items.cloned().collect()
        };
        let mut recipients = Vec::new();
        for entry in list("age") {
            recipients.push(Self::Age {
                recipient: text(&entry, "recipient"),
                ciphertext: text(&entry, "enc"),
            });
        }
        for entry in list("pgp") {
            recipients.push(Self::Pgp {
                fingerprint: text(&entry, "fp"),
                ciphertext: text(&entry, "enc"),
            });
        }
        for service in SERVICES {
            for entry in list(service) {
                let context = entry.get("context").and_then(Value::as_object);
                recipients.push(Self::Remote {
                    service,
                    fields: entry
                        .keys()
                        .map(|key| (key.clone(), text(&entry, key)))
                        .collect(),
                    context: context
                        .into_iter()
                        .flatten()
                        .map(|(key, value)| {
                            (key.clone(), value.as_str().unwrap_or_default().to_owned())
                        })
                        .collect(),
                });
            }
        }
        Ok(recipients)
    }

    /// Names the recipient for a message.
    pub fn name(&self) -> String {
        match self {
            Self::Age { recipient, .. } => format!("age {recipient}"),
            Self::Pgp { fingerprint, .. } => format!("pgp {fingerprint}"),
            Self::Remote {
                service, fields, ..
            } => {
                const NAMES: [&str; 5] = ["arn", "resource_id", "name", "key_name", "key_id"];
                let name = fields.iter().find(|(key, _)| NAMES.contains(&key.as_str()));
                let name = name.map_or("", |(_, value)| value.as_str());
                format!("{service} {name}")
            }
        }
    }
}

/// Opens the data key of a file.
pub(crate) fn open_data_key(metadata: &Metadata, keys: &dyn KeyService) -> Result<DataKey, Error> {
    let mut tried = Vec::new();
    let mut retryable = false;
    let mut shares = Vec::new();
    let groups = &metadata.groups;
    // Parity: without a threshold of its own a file of several groups needs them all; a negative one asks for none.
    let needed = match metadata.shamir_threshold {
        _ if groups.len() < 2 => 1,
        0 => groups.len(),
        threshold => usize::try_from(threshold).unwrap_or_default(),
    };
    // Parity: every group is tried, and every share is used: the threshold stands in clear and may be wrong.
    for group in groups {
        for recipient in group {
            match keys.open(recipient) {
                Ok(share) => {
                    shares.push(share);
                    break;
                }
                Err(error) => {
                    retryable |= matches!(
                        error,
                        KeyError::Service {
                            retryable: true,
                            ..
                        }
                    );
                    tried.push(format!("{}: {error}", recipient.name()));
                }
            }
        }
    }
    if shares.len() < needed {
        if groups.len() > 1 {
            tried.push(format!("{} of {needed} key groups opened", shares.len()));
        }
        return Err(Error::NoKey { tried, retryable });
    }
    let key = if groups.len() > 1 {
        shamir::combine(&shares)
    } else {
        shares.pop().map(|share| share.to_vec())
    };
    key.and_then(DataKey::new).ok_or_else(|| Error::NoKey {
        tried: vec!["the data key is not 32 bytes, or its shares do not go together".to_owned()],
        retryable: false,
    })
}
