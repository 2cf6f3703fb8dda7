//! The client of one set of credentials: asks the right service, and each data key only once.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use secrecy::{ExposeSecret as _, SecretSlice};
use url::Url;

use crate::http::Http;
use crate::token::Tokens;
use crate::{Credentials, Error, Service, WrappedKey, aws, azure, gcp, vault};

/// A data key in the clear: never printed, zeroed when dropped.
#[derive(Clone)]
pub struct DataKey(Arc<SecretSlice<u8>>);

impl DataKey {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes.into()))
    }

    /// Returns the bytes.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("DataKey([REDACTED])")
    }
}

/// The limits of a client, and where it asks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long one request may take in all.
    pub timeout: Duration,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How many data keys are remembered; zero remembers none.
    pub remembered_keys: u64,
    /// How long a data key is remembered.
    pub remembered_for: Duration,
    /// Certificates in PEM form to trust beside the system's, for a Vault with a root of its own.
    pub extra_roots: Vec<u8>,
    /// The Vault addresses that a token may be sent to. `None` allows every address a file names.
    pub vault_addresses: Option<Vec<String>>,
    /// Addresses in place of the services' own.
    pub endpoints: Endpoints,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(5),
            remembered_keys: 1000,
            remembered_for: Duration::from_secs(600),
            extra_roots: Vec::new(),
            vault_addresses: None,
            endpoints: Endpoints::default(),
        }
    }
}

/// Addresses asked in place of the services' own: private endpoints, and the stand-ins of tests.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// In place of the `vault_address` of every file.
    pub vault: Option<Url>,
    /// In place of `https://kms.REGION.amazonaws.com`.
    pub aws_kms: Option<Url>,
    /// In place of `https://sts.REGION.amazonaws.com`.
    pub aws_sts: Option<Url>,
    /// In place of `https://cloudkms.googleapis.com`.
    pub gcp_kms: Option<Url>,
    /// In place of the `vault_url` of every file.
    pub azure_key_vault: Option<Url>,
}

/// Unwraps data keys with one set of credentials.
pub struct KeyClient {
    pub(crate) http: Http,
    pub(crate) credentials: Credentials,
    pub(crate) settings: Settings,
    pub(crate) tokens: Tokens,
    remembered: Cache<[u8; 32], DataKey>,
}

impl KeyClient {
    /// Makes a client; nothing is asked yet.
    pub fn new(credentials: Credentials, settings: Settings) -> Result<Self, Error> {
        Ok(Self {
            http: Http::new(&settings)?,
            remembered: Cache::builder()
                .max_capacity(settings.remembered_keys)
                .time_to_live(settings.remembered_for)
                .build(),
            credentials,
            settings,
            tokens: Tokens::default(),
        })
    }

    /// Returns the data key in the clear, from memory or from its service.
    ///
    /// Calls for one key at the same time share one request. Failures are not remembered.
    pub async fn unwrap(&self, key: &WrappedKey) -> Result<DataKey, Error> {
        self.remembered
            .try_get_with(key.digest(), self.ask(key))
            .await
            .map_err(|error: Arc<Error>| Error::clone(&error))
    }

    async fn ask(&self, key: &WrappedKey) -> Result<DataKey, Error> {
        let missing = || Error::NoCredentials(key.service());
        let bytes = match key {
            WrappedKey::Vault {
                address,
                engine_path,
                key_name,
                ciphertext,
            } => {
                let credentials = self.credentials.vault.as_ref().ok_or_else(missing)?;
                let key = vault::Key {
                    address,
                    engine_path,
                    key_name,
                    ciphertext,
                };
                vault::decrypt(self, credentials, &key).await?
            }
            WrappedKey::AwsKms {
                arn,
                role,
                context,
                ciphertext,
            } => {
                let credentials = self.credentials.aws.as_ref().ok_or_else(missing)?;
                let role = role.as_deref().filter(|role| !role.is_empty());
                aws::decrypt(self, credentials, arn, role, context, ciphertext).await?
            }
            WrappedKey::GcpKms {
                resource_id,
                ciphertext,
            } => {
                let credentials = self.credentials.gcp.as_ref().ok_or_else(missing)?;
                gcp::decrypt(self, credentials, resource_id, ciphertext).await?
            }
            WrappedKey::AzureKeyVault {
                vault_url,
                name,
                version,
                ciphertext,
            } => {
                let credentials = self.credentials.azure.as_ref().ok_or_else(missing)?;
                azure::decrypt(self, credentials, vault_url, [name, version], ciphertext).await?
            }
        };
        if bytes.is_empty() {
            return Err(Error::answer(key.service(), "the data key is empty"));
        }
        Ok(DataKey::new(bytes))
    }
}

impl std::fmt::Debug for KeyClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("KeyClient")
            .field("credentials", &self.credentials)
            .field("settings", &self.settings)
            .field("remembered", &self.remembered.entry_count())
            .finish_non_exhaustive()
    }
}

/// Appends path segments to an address, each one escaped. Segments that climb are refused.
pub(crate) fn address<'a>(
    service: Service,
    base: &Url,
    segments: impl IntoIterator<Item = &'a str>,
) -> Result<Url, Error> {
    let refuse = |reason: &str| Error::Key {
        service,
        key: base.host_str().unwrap_or_default().to_owned(),
        reason: reason.to_owned(),
    };
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    {
        let mut path = url
            .path_segments_mut()
            .map_err(|()| refuse("its address has no path"))?;
        path.pop_if_empty();
        for segment in segments {
            if matches!(segment, "" | "." | "..") {
                return Err(refuse("a part of its path is empty or climbs"));
            }
            path.push(segment);
        }
    }
    Ok(url)
}
