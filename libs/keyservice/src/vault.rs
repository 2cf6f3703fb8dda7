//! Vault and OpenBao transit: `POST /v1/ENGINE/decrypt/KEY` with a token.
//!
//! The file names the server that the token is sent to; [`crate::Settings::vault_addresses`] restricts it.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use crate::client::address;
use crate::http::{Answer, text};
use crate::token::Token;
use crate::{Error, KeyClient, Service};

const SERVICE: Service = Service::Vault;

/// How to come by a Vault token.
#[derive(Clone, Debug)]
pub enum VaultCredentials {
    /// A token as it is.
    Token(SecretString),
    /// A file that holds a token, read for each call, since agents renew it in place.
    TokenFile(PathBuf),
    /// The login of an auth method that takes a role and a JWT (`kubernetes`, `jwt`).
    Login {
        /// The path below `/v1/`, for example `auth/kubernetes/login`.
        path: String,
        /// The role to log in as.
        role: String,
        /// The JWT to show.
        jwt: SecretString,
    },
}

/// A transit key as a file names it.
pub(crate) struct Key<'a> {
    pub(crate) address: &'a str,
    pub(crate) engine_path: &'a str,
    pub(crate) key_name: &'a str,
    pub(crate) ciphertext: &'a str,
}

pub(crate) async fn decrypt(
    client: &KeyClient,
    credentials: &VaultCredentials,
    key: &Key<'_>,
) -> Result<Vec<u8>, Error> {
    let server = server(client, key)?;
    match credentials {
        VaultCredentials::Token(token) => ask(client, &server, token.clone(), key).await,
        VaultCredentials::TokenFile(path) => {
            let token = token_of(path).await?;
            ask(client, &server, token, key).await
        }
        VaultCredentials::Login { path, role, jwt } => {
            let name = format!("vault {server} {path} {role}");
            client
                .tokens
                .using(
                    &name,
                    || login(client, &server, path, role, jwt),
                    |token| ask(client, &server, token, key),
                )
                .await
        }
    }
}

/// Returns the server to ask, if a token may be sent there.
fn server(client: &KeyClient, key: &Key<'_>) -> Result<Url, Error> {
    let refuse = |reason: &str| Error::Key {
        service: SERVICE,
        key: key.key_name.to_owned(),
        reason: reason.to_owned(),
    };
    if let Some(allowed) = &client.settings.vault_addresses {
        let same =
            |allowed: &String| allowed.trim_end_matches('/') == key.address.trim_end_matches('/');
        if !allowed.iter().any(same) {
            return Err(refuse(
                "its vault address is not one that tokens may be sent to",
            ));
        }
    }
    if let Some(endpoint) = &client.settings.endpoints.vault {
        return Ok(endpoint.clone());
    }
    let url = Url::parse(key.address).map_err(|_| refuse("its vault address is not a URL"))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(refuse("its vault address is neither https nor http"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("its vault address carries credentials"));
    }
    Ok(url)
}

async fn token_of(path: &PathBuf) -> Result<SecretString, Error> {
    let text = tokio::fs::read_to_string(path)
        .await
        .map(Zeroizing::new)
        .map_err(|error| {
            Error::credentials(SERVICE, format!("token file {}: {error}", path.display()))
        })?;
    Ok(text.trim().into())
}

async fn ask(
    client: &KeyClient,
    server: &Url,
    token: SecretString,
    key: &Key<'_>,
) -> Result<Vec<u8>, Error> {
    let engine = key.engine_path.trim_matches('/').split('/');
    let segments = ["v1"].into_iter().chain(engine);
    let url = address(SERVICE, server, segments.chain(["decrypt", key.key_name]))?;
    let body = json!({ "ciphertext": key.ciphertext });
    let token = token.expose_secret();
    let answer = post(client, &url, Some(token), &body).await?;
    if !answer.status.is_success() {
        return Err(failure(&answer, &[token]));
    }
    let answer = answer.json(SERVICE)?;
    STANDARD
        .decode(text(&answer, "/data/plaintext"))
        .map_err(|_| Error::answer(SERVICE, "data.plaintext is not base64"))
}

/// Exchanges a JWT for a token.
async fn login(
    client: &KeyClient,
    server: &Url,
    path: &str,
    role: &str,
    jwt: &SecretString,
) -> Result<Token, Error> {
    let below = path.trim_matches('/');
    let below = below.strip_prefix("v1/").unwrap_or(below).split('/');
    let url = address(SERVICE, server, ["v1"].into_iter().chain(below))?;
    let jwt = jwt.expose_secret();
    let answer = post(client, &url, None, &json!({ "role": role, "jwt": jwt })).await?;
    if !answer.status.is_success() {
        // A login has only one reason to be refused.
        return Err(match failure(&answer, &[jwt]) {
            Error::Denied { service, answer } | Error::Undecryptable { service, answer } => {
                Error::Rejected { service, answer }
            }
            other => other,
        });
    }
    let answer = answer.json(SERVICE)?;
    let token = text(&answer, "/auth/client_token");
    if token.is_empty() {
        return Err(Error::answer(SERVICE, "auth.client_token is missing"));
    }
    let seconds = answer
        .pointer("/auth/lease_duration")
        .and_then(Value::as_u64);
    Ok(Token {
        value: token.into(),
        lasts: Duration::from_secs(seconds.unwrap_or(0)),
    })
}

async fn post(
    client: &KeyClient,
    url: &Url,
    token: Option<&str>,
    body: &Value,
) -> Result<Answer, Error> {
    // What the official client sends: proxies in front of Vault may insist on it.
    let mut request = client.http.post(url).header("X-Vault-Request", "true");
    if let Some(token) = token {
        let mut value = reqwest::header::HeaderValue::from_str(token)
            .map_err(|_| Error::credentials(SERVICE, "the token has characters no token has"))?;
        value.set_sensitive(true);
        request = request.header("X-Vault-Token", value);
    }
    client.http.send(SERVICE, url, request.json(body)).await
}

/// Vault says little by status: a bad token and a missing policy are both 403, a missing key is 400.
fn failure(answer: &Answer, secrets: &[&str]) -> Error {
    let body = answer.json_or_null();
    let said: Vec<&str> = body["errors"]
        .as_array()
        .map(|errors| errors.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let said = said.join("; ");
    match answer.failure(SERVICE, &said, secrets) {
        Error::Denied { service, answer }
            if said.contains("invalid token") || said.contains("bad token") =>
        {
            Error::Rejected { service, answer }
        }
        Error::Undecryptable { service, answer } if said.contains("missing client token") => {
            Error::Rejected { service, answer }
        }
        Error::Undecryptable { service, answer } if said.contains("encryption key not found") => {
            Error::NotFound { service, answer }
        }
        other => other,
    }
}
