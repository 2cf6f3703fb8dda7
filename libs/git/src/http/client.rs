//! Building HTTP clients. One is shared by every repository without settings of its own; it heeds
//! `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`, `SSL_CERT_FILE` and `SSL_CERT_DIR`.

use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Client, Identity, Proxy};
use secrecy::ExposeSecret;

use super::Network;
use crate::Error;

const MAX_REDIRECTS: usize = 10;
const FIRST_REQUEST: &str = "/info/refs";

/// Gives the client for each repository.
#[derive(Clone)]
pub struct Clients {
    shared: Client,
}

impl Clients {
    /// Builds the shared client.
    pub fn new() -> Result<Self, Error> {
        Ok(Self {
            shared: build(&Network::default())?,
        })
    }

    /// Returns the shared client, or builds one where the repository has its own settings.
    pub(crate) fn get(&self, network: &Network) -> Result<Client, Error> {
        if network.ca.is_none() && network.identity.is_none() && network.proxy.is_none() {
            return Ok(self.shared.clone());
        }
        build(network)
    }
}

fn build(network: &Network) -> Result<Client, Error> {
    let refuse = |what: &str, error: reqwest::Error| {
        Error::Configuration(format!("{what}: {}", super::words::causes(&error)))
    };
    let mut builder = Client::builder()
        .user_agent(concat!("git/fjord-", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::custom(redirect))
        .connect_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(2)
        .pool_idle_timeout(Duration::from_secs(20))
        .no_gzip();
    if let Some(ca) = &network.ca {
        let roots = Certificate::from_pem_bundle(ca)
            .map_err(|error| refuse("invalid CA certificate", error))?;
        if roots.is_empty() {
            return Err(Error::Configuration(
                "CA certificate holds no certificate".into(),
            ));
        }
        builder = builder.tls_certs_merge(roots);
    }
    if let Some((certificate, key)) = &network.identity {
        let mut pem = certificate.clone();
        pem.push(b'\n');
        pem.extend_from_slice(key.expose_secret().as_bytes());
        let identity = Identity::from_pem(&pem);
        builder = builder
            .identity(identity.map_err(|error| refuse("invalid client certificate", error))?);
    }
    if let Some(proxy) = &network.proxy {
        let mut all =
            Proxy::all(&proxy.address).map_err(|error| refuse("invalid proxy address", error))?;
        if let Some((username, password)) = &proxy.login {
            all = all.basic_auth(username, password.expose_secret());
        }
        builder = builder.proxy(all);
    }
    builder
        .build()
        .map_err(|error| refuse("cannot build an HTTP client", error))
}

/// Follows redirects of the first request only, and never to a weaker scheme.
fn redirect(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let origin = attempt.previous().first();
    if !origin.is_some_and(|url| url.path().ends_with(FIRST_REQUEST)) {
        let text = format!(
            "http redirect: redirect on non-initial request to {}",
            attempt.url()
        );
        return attempt.error(text);
    }
    if attempt.previous().len() >= MAX_REDIRECTS {
        return attempt.error("http redirect: too many redirects");
    }
    if !attempt.url().path().ends_with(FIRST_REQUEST) {
        let path = attempt.url().path().to_owned();
        return attempt.error(format!(
            "http redirect: target {path:?} does not end with {FIRST_REQUEST}"
        ));
    }
    let was_secure = attempt.previous().iter().any(|url| url.scheme() == "https");
    if was_secure && attempt.url().scheme() != "https" {
        return attempt.error("http redirect: changes scheme from \"https\" to \"http\"");
    }
    attempt.follow()
}
