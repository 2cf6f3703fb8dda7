//! Secrets in the object's own namespace: credentials, certificates and proxies for Git.
//!
//! They are read at each pass and not kept (source-controller.md §4.1). Texts are Flux's; no value
//! of a Secret appears in one.

use std::collections::BTreeMap;

use fjord_git::{Credentials, Network, Proxy};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use url::Url;

use crate::Reason;

type Data = BTreeMap<String, ByteString>;

/// Schemes of a proxy's address; Flux knows socks5 too.
const PROXY_SCHEMES: [&str; 2] = ["http", "https"];
const MAX_PROXY_ADDRESS: usize = 2048;

/// Reads the proxy Secret `name`.
pub(crate) async fn proxy(client: &Client, namespace: &str, name: &str) -> Result<Proxy, Error> {
    let failed = |text: String| Error {
        reason: Reason::AuthenticationFailed,
        message: format!("failed to configure proxy options: {text}"),
    };
    let data = match get(client, namespace, name).await {
        Ok(data) => data,
        Err(kube::Error::Api(status)) if status.code == 404 => {
            return Err(failed(format!("secret '{namespace}/{name}' not found")));
        }
        Err(error) => {
            let text = format!(
                "failed to get secret '{namespace}/{name}': {}",
                text_of(&error)
            );
            return Err(failed(text));
        }
    };
    proxy_of(&data).map_err(|text| failed(format!("secret '{namespace}/{name}': {text}")))
}

/// Reads the authentication Secret `name` for a repository at `url`.
pub(crate) async fn authentication(
    client: &Client,
    namespace: &str,
    name: &str,
    url: &Url,
) -> Result<(Credentials, Network), Error> {
    let data = get(client, namespace, name).await.map_err(|error| {
        // Parity: the text is doubled in Flux.
        let once = format!("failed to get secret '{namespace}/{name}'");
        let message = format!("{once}: {once}: {}", text_of(&error));
        Error {
            reason: Reason::AuthenticationFailed,
            message,
        }
    })?;
    if data.keys().any(|key| key.starts_with("githubApp")) {
        return Err(Error {
            reason: Reason::InvalidProviderConfiguration,
            message: format!(
                "secretRef '{namespace}/{name}' has github app data but provider is not set to github"
            ),
        });
    }
    let credentials = credentials_of(&data, url)?;
    Ok((credentials, network_of(&data)?))
}

/// Takes user and password from the address where no Secret is given.
pub(crate) fn from_address(url: &Url) -> Result<Credentials, Error> {
    credentials_of(&Data::new(), url)
}

async fn get(client: &Client, namespace: &str, name: &str) -> Result<Data, kube::Error> {
    let secret = Api::<Secret>::namespaced(client.clone(), namespace)
        .get(name)
        .await?;
    Ok(secret.data.unwrap_or_default())
}

fn text_of(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => fjord_runtime::outcome::chain(other),
    }
}

fn credentials_of(data: &Data, url: &Url) -> Result<Credentials, Error> {
    let text = |key: &str| text(data, key);
    let (user, secret) = (
        decoded(url.username()),
        decoded(url.password().unwrap_or_default()),
    );
    if data.contains_key("bearerToken") {
        if !user.is_empty() || !secret.is_empty() {
            // Parity: Flux finds this only when it clones, hence the reason and the wrapper.
            let message = "failed to checkout and determine revision: basic auth and bearer token \
                           cannot be set at the same time";
            return Err(Error {
                reason: Reason::GitOperationFailed,
                message: message.to_owned(),
            });
        }
        return Ok(Credentials::Bearer(
            text("bearerToken")?.unwrap_or_default().into(),
        ));
    }
    let username = text("username")?
        .filter(|text| !text.is_empty())
        .unwrap_or(user);
    let password = text("password")?
        .filter(|text| !text.is_empty())
        .unwrap_or(secret);
    match (username.is_empty(), password.is_empty()) {
        (true, true) => Ok(Credentials::Anonymous),
        (true, false) => Err(invalid(&format!(
            "invalid '{}' auth option: 'password' requires 'username' to be set",
            url.scheme()
        ))),
        (false, _) => Ok(Credentials::Basic {
            username,
            password: password.into(),
        }),
    }
}

fn network_of(data: &Data) -> Result<Network, Error> {
    let bytes = |key: &str| {
        data.get(key)
            .map(|value| value.0.clone())
            .filter(|v| !v.is_empty())
    };
    let identity = match (
        bytes("tls.crt"),
        text(data, "tls.key")?.filter(|key| !key.is_empty()),
    ) {
        (Some(certificate), Some(key)) => Some((certificate, key.into())),
        (None, None) => None,
        _ => return Err(invalid("'tls.crt' and 'tls.key' must be set together")),
    };
    let ca = bytes("ca.crt").or_else(|| bytes("caFile"));
    Ok(Network {
        ca,
        identity,
        proxy: None,
    })
}

fn proxy_of(data: &Data) -> Result<Proxy, String> {
    let text = |key: &str| text(data, key).map_err(|error| error.message);
    let address = text("address")?.ok_or("key 'address' not found")?;
    if address.len() > MAX_PROXY_ADDRESS {
        return Err(format!("address exceeds {MAX_PROXY_ADDRESS} characters"));
    }
    let parsed = Url::parse(&address).map_err(|error| format!("invalid address: {error}"))?;
    if !PROXY_SCHEMES.contains(&parsed.scheme()) {
        return Err(format!(
            "proxy scheme '{}' is not supported",
            parsed.scheme()
        ));
    }
    let login = match (text("username")?, text("password")?) {
        (None, None) => None,
        (username, password) => Some((
            username.unwrap_or_default(),
            password.unwrap_or_default().into(),
        )),
    };
    Ok(Proxy { address, login })
}

fn text(data: &Data, key: &str) -> Result<Option<String>, Error> {
    let Some(value) = data.get(key) else {
        return Ok(None);
    };
    let text = String::from_utf8(value.0.clone());
    text.map(Some)
        .map_err(|_| invalid(&format!("value of key '{key}' is not UTF-8")))
}

/// Undoes the percent encoding of user information.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn invalid(text: &str) -> Error {
    Error {
        reason: Reason::AuthenticationFailed,
        message: format!("failed to configure authentication options: {text}"),
    }
}

/// Says why a Secret cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Error {
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(pairs: &[(&str, &str)]) -> Data {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), ByteString(v.as_bytes().to_vec())))
            .collect()
    }

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn shown(credentials: Result<Credentials, Error>) -> String {
        use secrecy::ExposeSecret;
        match credentials {
            Ok(Credentials::Anonymous) => "anonymous".into(),
            Ok(Credentials::Basic { username, password }) => {
                format!("{username}:{}", password.expose_secret())
            }
            Ok(Credentials::Bearer(token)) => format!("bearer {}", token.expose_secret()),
            Err(error) => format!("{}: {error}", error.reason),
        }
    }

    #[test]
    fn a_token_wins_over_a_password_and_the_address_is_the_fall_back() {
        for (secret, address, expected) in [
            (data(&[]), "https://h/x", "anonymous"),
            (data(&[]), "https://u:p%40ss@h/x", "u:p@ss"),
            (
                data(&[("username", "a"), ("password", "b")]),
                "https://u:p@h/x",
                "a:b",
            ),
            (data(&[("username", "a")]), "https://h/x", "a:"),
            (
                data(&[("bearerToken", "t"), ("username", "a")]),
                "http://h/x",
                "bearer t",
            ),
            (
                data(&[("password", "b")]),
                "https://h/x",
                "AuthenticationFailed: failed to configure authentication options: invalid \
                 'https' auth option: 'password' requires 'username' to be set",
            ),
            (
                data(&[("bearerToken", "t")]),
                "https://u@h/x",
                "GitOperationFailed: failed to checkout and determine revision: basic auth and \
                 bearer token cannot be set at the same time",
            ),
        ] {
            assert_eq!(shown(credentials_of(&secret, &url(address))), expected);
        }
    }

    #[test]
    fn half_a_certificate_is_refused_and_the_newer_key_of_the_authority_wins() {
        assert!(network_of(&data(&[("tls.crt", "c")])).is_err());
        assert!(network_of(&data(&[("tls.key", "k")])).is_err());
        assert!(
            network_of(&data(&[("tls.crt", "c"), ("tls.key", "k")]))
                .unwrap()
                .identity
                .is_some()
        );
        let both = network_of(&data(&[("ca.crt", "new"), ("caFile", "old")])).unwrap();
        assert_eq!(both.ca.as_deref(), Some(b"new".as_slice()));
    }

    #[test]
    fn a_proxy_needs_an_address_that_can_be_used() {
        assert_eq!(
            proxy_of(&data(&[("username", "x")])).err().unwrap(),
            "key 'address' not found"
        );
        assert!(proxy_of(&data(&[("address", "socks5://h:1")])).is_err());
        assert!(proxy_of(&data(&[("address", "not an address")])).is_err());
        assert!(
            proxy_of(&data(&[("address", "http://h:1")]))
                .unwrap()
                .login
                .is_none()
        );
        let login = proxy_of(&data(&[("address", "http://h:1"), ("username", "x")]))
            .unwrap()
            .login;
        assert_eq!(login.unwrap().0, "x");
    }
}
