//! From a Provider and its Secrets to something that sends (notification-controller §2.9, §3.1).
//!
//! Owns the order in which Flux reads the pieces, since it decides which error a user sees. Types other
//! than `generic` and `generic-hmac` are refused by name.

mod post;
mod secret;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use fjord_crds::notification::v1beta3::{Provider, ProviderType};
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::event::Event;
use crate::hook::signature;
pub use post::{Clients, Error as PostError};
pub use secret::{Secret, Text};

/// How long a delivery may take, retries included, where the Provider does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest address, in a Provider or in a Secret.
const MAX_ADDRESS: usize = 2048;

/// Shorter values are not masked; they would hide half of every message.
const MIN_MASKED: usize = 4;

/// The types that this release sends to.
pub const SUPPORTED: [ProviderType; 2] = [ProviderType::Generic, ProviderType::GenericHmac];

/// Reads Secrets.
pub trait Secrets {
    /// Returns a Secret's data.
    fn get(
        &self,
        namespace: &str,
        name: &str,
    ) -> impl Future<Output = Result<Secret, SecretError>> + Send;
}

/// Why a Secret could not be read; prints as the API server said it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It does not exist: only the user can help.
    #[error("{0}")]
    NotFound(String),
    /// The API server is away or refuses: later may be better.
    #[error("{0}")]
    Unavailable(String),
}

/// A Provider made ready to send; holds credentials and therefore does not print.
pub struct Sender {
    address: Text,
    headers: BTreeMap<String, Text>,
    hmac_key: Option<Text>,
    transport: post::Transport,
    timeout: Duration,
    token: Option<Text>,
    masked: Vec<Text>,
}

impl Sender {
    /// Reads what a Provider refers to and makes it ready.
    pub async fn new(provider: &Provider, secrets: &impl Secrets) -> Result<Self, Error> {
        let namespace = provider.metadata.namespace.as_deref().unwrap_or_default();
        let spec = &provider.spec;
        let mut address = spec.address.clone().unwrap_or_default();
        let mut proxy = spec.proxy.clone().map(Text::from);
        let mut headers = BTreeMap::new();
        let mut token = Text::default();
        let (mut masked, mut masked_token) = (Vec::new(), None);

        if let Some(reference) = &spec.secret_ref {
            let secret = read(secrets, namespace, &reference.name).await?;
            if let Some(value) = secret.get("address") {
                if value.len() > MAX_ADDRESS {
                    return Err(Error::AddressTooLong(MAX_ADDRESS));
                }
                // Parity: the Secret's address wins even when it is empty.
                address = value.lossy().trim().to_owned();
                masked.push(Text::from(address.clone()));
            }
            if let Some(value) = secret.get("proxy") {
                let value = value.lossy().trim().to_owned();
                Url::parse(&value).map_err(|_| Error::SecretProxy(secret.to_string()))?;
                proxy = Some(Text::from(value));
            }
            headers = secret.headers().map_err(Error::Headers)?;
            token = secret.token().unwrap_or_default();
            masked_token = secret
                .get("token")
                .map(|t| Text::from(t.lossy().trim().to_owned()));
            masked.extend(secret.get("password"));
            masked.extend(headers.values().cloned());
        }
        if let Some(reference) = &spec.proxy_secret_ref {
            let secret = read(secrets, namespace, &reference.name).await?;
            proxy = Some(secret.proxy().map_err(Error::Proxy)?);
        }
        let tls = match &spec.cert_secret_ref {
            Some(reference) => {
                let secret = read(secrets, namespace, &reference.name).await?;
                Some(secret.tls().map_err(Error::Tls)?)
            }
            None => None,
        };
        let hmac_key = match spec.type_ {
            ProviderType::Generic => None,
            ProviderType::GenericHmac => Some(token),
            ref other => return Err(Error::Unsupported(other.clone())),
        };
        check_uri(&address)?;
        if hmac_key.as_ref().is_some_and(|key| key.is_empty()) {
            return Err(Error::EmptyKey);
        }
        let timeout = spec
            .timeout
            .as_ref()
            .map_or(DEFAULT_TIMEOUT, |timeout| timeout.as_std());
        Ok(Self {
            address: Text::from(address),
            headers,
            hmac_key,
            transport: post::Transport { proxy, tls },
            timeout,
            token: masked_token,
            masked,
        })
    }

    /// Sends an event, trying again as long as the Provider's timeout allows.
    pub async fn send(&self, event: &Event, clients: &Clients) -> Result<(), PostError> {
        let body = event.to_json();
        let mut headers = HeaderMap::new();
        set(&mut headers, "content-type", b"application/json")?;
        set(
            &mut headers,
            "gotk-component",
            event.reporting_controller.as_bytes(),
        )?;
        for (name, value) in &self.headers {
            // Parity: Go's client keeps these for itself.
            if !matches!(
                name.to_ascii_lowercase().as_str(),
                "host" | "content-length" | "transfer-encoding" | "trailer"
            ) {
                set(&mut headers, name, value.bytes())?;
            }
        }
        if let Some(key) = &self.hmac_key {
            let signature = signature::sign(body.as_bytes(), key.bytes());
            set(&mut headers, "x-signature", signature.as_bytes())?;
        }
        let client = clients.get(&self.transport)?;
        let address = Url::parse(&self.address.lossy()).map_err(|_| PostError::Scheme)?;
        post::post(&client, address, headers, body.into(), self.timeout).await
    }

    /// Replaces the token, and every other secret value that is long enough to be told from chance.
    pub fn mask(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let others = self
            .masked
            .iter()
            .filter(|secret| secret.len() >= MIN_MASKED);
        for secret in self.token.iter().chain(others) {
            let secret = secret.lossy();
            if !secret.is_empty() {
                text = text.replace(secret.as_ref(), "*****");
            }
        }
        text
    }
}

async fn read(secrets: &impl Secrets, namespace: &str, name: &str) -> Result<Secret, Error> {
    secrets
        .get(namespace, name)
        .await
        .map_err(|source| Error::Secret {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            source,
        })
}

fn set(headers: &mut HeaderMap, name: &str, value: &[u8]) -> Result<(), PostError> {
    let header = HeaderName::from_bytes(name.as_bytes());
    let (Ok(header), Ok(mut value)) = (header, HeaderValue::from_bytes(value)) else {
        return Err(PostError::Header(name.to_owned()));
    };
    value.set_sensitive(true);
    headers.insert(header, value);
    Ok(())
}

/// Go's `url.ParseRequestURI`: an absolute URI, or an absolute path (which fails only when it is sent).
fn check_uri(address: &str) -> Result<(), Error> {
    if address.is_empty() {
        return Err(Error::NoAddress);
    }
    if address.starts_with('/') || Url::parse(address).is_ok() {
        return Ok(());
    }
    Err(Error::Address(address.to_owned()))
}

/// Why a Provider cannot be made ready; prints as Flux says it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A Secret could not be read.
    #[error("failed to get secret '{namespace}/{name}': {source}")]
    Secret {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What the API server said.
        source: SecretError,
    },
    /// The address in the Secret is too long.
    #[error("invalid address in secret: address exceeds maximum length of {0} bytes")]
    AddressTooLong(usize),
    /// The deprecated proxy in the Secret is not a URL.
    #[error("invalid 'proxy' in secret '{0}'")]
    SecretProxy(String),
    /// The headers in the Secret are not a YAML map of strings.
    #[error("failed to read headers from secret: {0}")]
    Headers(secret::Error),
    /// The proxy Secret is not usable.
    #[error("failed to get proxy URL: {0}")]
    Proxy(secret::Error),
    /// The certificate Secret is not usable.
    #[error("failed to get TLS config: {0}")]
    Tls(secret::Error),
    /// The type is not built in this release.
    #[error(
        "failed to initialize notifier: provider {0} not supported: this release sends to generic and generic-hmac only"
    )]
    Unsupported(ProviderType),
    /// There is no address.
    #[error("failed to initialize notifier: invalid hook URL : parse \"\": empty url")]
    NoAddress,
    /// The address is not a URL.
    #[error(
        "failed to initialize notifier: invalid hook URL {0}: parse {0:?}: invalid URI for request"
    )]
    Address(String),
    /// There is nothing to sign with.
    #[error("failed to initialize notifier: HMAC key is empty")]
    EmptyKey,
}

impl Error {
    /// Tells whether the same Provider may be usable later without anybody's doing.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Secret {
                source: SecretError::Unavailable(_),
                ..
            }
        )
    }
}

#[cfg(test)]
mod tests;
