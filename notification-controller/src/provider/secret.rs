//! What a Secret may hold for a Provider: credentials, headers, a proxy, certificates.
//!
//! The rules are fluxcd/pkg/runtime/secrets'. Nothing here prints a value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretSlice};
use serde_json::Value;
use url::Url;

use super::post::Tls;

/// The longest proxy address.
const MAX_PROXY: usize = 2048;

/// A secret value: it neither prints nor outlives its use in memory.
#[derive(Clone)]
pub struct Text(SecretSlice<u8>);

impl Text {
    /// Returns the bytes.
    pub fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// Returns the bytes as text.
    pub fn lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes())
    }

    /// Tells whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes().len()
    }
}

impl Default for Text {
    fn default() -> Self {
        Self(Vec::new().into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("*****")
    }
}

/// The data of one Secret; prints as `namespace/name`.
#[derive(Clone)]
pub struct Secret {
    namespace: String,
    name: String,
    data: BTreeMap<String, Text>,
}

impl Secret {
    /// Takes over a Secret's data.
    pub fn new(
        namespace: &str,
        name: &str,
        data: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            data: data
                .into_iter()
                .map(|(key, value)| (key, value.into()))
                .collect(),
        }
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<Text> {
        self.data.get(key).cloned()
    }

    /// Returns the token, as long as no credential in the Secret is malformed.
    ///
    // Parity: one malformed group makes Flux drop all credentials without a word.
    pub(super) fn token(&self) -> Option<Text> {
        let has = |key: &str| self.data.contains_key(key);
        let basic_is_whole = has("username") == has("password");
        let app = [
            "githubAppID",
            "githubAppInstallationOwner",
            "githubAppInstallationID",
            "githubAppPrivateKey",
        ];
        let app_is_whole = !app.iter().any(|key| has(key))
            || !has("githubAppID")
            || !has("githubAppPrivateKey")
            || has("githubAppInstallationOwner") != has("githubAppInstallationID");
        let tls_is_whole = !matches!(self.tls(), Err(Error::Certificate | Error::Ca));
        if basic_is_whole && app_is_whole && tls_is_whole {
            self.get("token")
        } else {
            None
        }
    }

    /// Returns the custom headers: a YAML map of strings under `headers`.
    pub(super) fn headers(&self) -> Result<BTreeMap<String, Text>, Error> {
        let Some(text) = self.data.get("headers") else {
            return Ok(BTreeMap::new());
        };
        let limits = fjord_yaml::Limits::default();
        let value = fjord_yaml::to_json(text.bytes(), &limits).map_err(|_| Error::HeadersSyntax)?;
        match value {
            Value::Null => Ok(BTreeMap::new()),
            Value::Object(map) => map
                .into_iter()
                .map(|(name, value)| Ok((name, Text::from(scalar(value)?))))
                .collect(),
            other => Err(Error::HeadersShape {
                kind: kind(&other),
                want: "map[string]string",
            }),
        }
    }

    /// Returns the URL of a proxy Secret, credentials included.
    pub(super) fn proxy(&self) -> Result<Text, Error> {
        let secret = || self.to_string();
        let Some(address) = self.data.get("address") else {
            return Err(Error::NoKey {
                secret: secret(),
                key: "address",
            });
        };
        let address = address.lossy();
        if address.is_empty() {
            return Err(Error::EmptyProxy(secret()));
        }
        if address.len() > MAX_PROXY {
            return Err(Error::ProxyTooLong(secret()));
        }
        let mut url = Url::parse(&address).map_err(|_| Error::ProxyUrl(secret()))?;
        match url.scheme() {
            "http" | "https" => {}
            "socks5" => return Err(Error::Socks(secret())),
            other => {
                return Err(Error::ProxyScheme {
                    secret: secret(),
                    scheme: other.to_owned(),
                });
            }
        }
        if let Some(username) = self.data.get("username") {
            let password = self
                .data
                .get("password")
                .map(|password| password.lossy().into_owned());
            if url.set_username(&username.lossy()).is_err()
                || url.set_password(password.as_deref()).is_err()
            {
                return Err(Error::ProxyUrl(secret()));
            }
        }
        Ok(Text::from(url.to_string()))
    }

    /// Returns the certificates of a TLS Secret; the standard keys win over the legacy ones.
    pub(super) fn tls(&self) -> Result<Tls, Error> {
        let value = |key: &str, legacy: &str| {
            let of = |key: &str| {
                self.data
                    .get(key)
                    .filter(|value| !value.is_empty())
                    .cloned()
            };
            of(key).or_else(|| of(legacy))
        };
        let secret = || self.to_string();
        let cert = value("tls.crt", "certFile");
        let key = value("tls.key", "keyFile");
        let ca = value("ca.crt", "caFile");
        let pair = match (cert, key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (Some(_), None) => {
                return Err(Error::Incomplete {
                    secret: secret(),
                    has: "tls.crt",
                    lacks: "tls.key",
                });
            }
            (None, Some(_)) => {
                return Err(Error::Incomplete {
                    secret: secret(),
                    has: "tls.key",
                    lacks: "tls.crt",
                });
            }
            (None, None) if ca.is_none() => return Err(Error::NoCertificate(secret())),
            (None, None) => None,
        };
        Tls::new(ca, pair)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A header value, as `sigs.k8s.io/yaml` turns scalars into strings where a string is wanted.
fn scalar(value: Value) -> Result<String, Error> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null => Ok(String::new()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) if number.is_f64() => {
            Ok(fjord_yaml::format_g(number.as_f64().unwrap_or_default()))
        }
        Value::Number(number) => Ok(number.to_string()),
        other => Err(Error::HeadersShape {
            kind: kind(&other),
            want: "string",
        }),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Why a Secret does not serve; never repeats a value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The headers are not YAML.
    #[error("error converting YAML to JSON: the value is not YAML")]
    HeadersSyntax,
    /// The headers are YAML of another shape.
    #[error(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value of type {want}"
    )]
    HeadersShape {
        /// What is there.
        kind: &'static str,
        /// What belongs there.
        want: &'static str,
    },
    /// A key is missing.
    #[error("secret '{secret}': key '{key}' not found")]
    NoKey {
        /// The Secret.
        secret: String,
        /// The key.
        key: &'static str,
    },
    /// The proxy address is empty.
    #[error("secret '{0}': proxy address is empty")]
    EmptyProxy(String),
    /// The proxy address is too long.
    #[error("secret '{0}': proxy URL exceeds maximum length of {MAX_PROXY} characters")]
    ProxyTooLong(String),
    /// The proxy address is not a URL.
    #[error("secret '{0}': failed to parse proxy address")]
    ProxyUrl(String),
    /// The proxy speaks something else.
    #[error(
        "secret '{secret}': proxy URL must use one of the supported schemes (http, https), got '{scheme}'"
    )]
    ProxyScheme {
        /// The Secret.
        secret: String,
        /// The scheme.
        scheme: String,
    },
    /// SOCKS is not built in this release.
    #[error("secret '{0}': proxies of scheme socks5 are not supported by this release")]
    Socks(String),
    /// One half of a certificate pair is missing.
    #[error("secret '{secret}' contains '{has}' but missing '{lacks}'")]
    Incomplete {
        /// The Secret.
        secret: String,
        /// The key that is there.
        has: &'static str,
        /// The key that is not.
        lacks: &'static str,
    },
    /// There is neither a CA nor a certificate.
    #[error("secret '{0}' must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'")]
    NoCertificate(String),
    /// The CA is not a certificate.
    #[error("failed to parse CA certificate")]
    Ca,
    /// The certificate and key are not a pair.
    #[error("failed to parse TLS certificate and key")]
    Certificate,
}
