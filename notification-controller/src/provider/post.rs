//! One HTTP POST with retries (notification-controller §2.10), over pooled clients.
//!
//! The retry rules are hashicorp/go-retryablehttp's as Flux sets them: five attempts, waits of 2, 4, 8 and
//! 16 seconds or what `Retry-After` says, all within the Provider's timeout. No error names the address,
//! which often is a credential.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, RETRY_AFTER};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::{Certificate, Client, Identity, Proxy, Response, StatusCode};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use super::secret::{self, Text};

const RETRIES: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How much of an answer is repeated in an error.
const MAX_ANSWER: usize = 4096;
/// How many clients are kept; each holds a connection pool.
const MAX_CLIENTS: usize = 64;

/// How a Provider is reached.
pub(super) struct Transport {
    pub(super) proxy: Option<Text>,
    pub(super) tls: Option<Tls>,
}

/// Certificates to trust and to show.
pub(super) struct Tls {
    digest: [u8; 32],
    roots: Vec<Certificate>,
    identity: Option<Identity>,
}

impl Tls {
    /// Parses the certificates; a CA replaces the system's roots.
    pub(super) fn new(ca: Option<Text>, pair: Option<(Text, Text)>) -> Result<Self, secret::Error> {
        let mut digest = Sha256::new();
        let mut roots = Vec::new();
        let mut identity = None;
        if let Some(ca) = ca {
            roots = Certificate::from_pem_bundle(ca.bytes()).map_err(|_| secret::Error::Ca)?;
            if roots.is_empty() {
                return Err(secret::Error::Ca);
            }
            digest.update(ca.bytes());
        }
        digest.update([0]);
        if let Some((cert, key)) = pair {
            let pem = [cert.bytes(), b"\n", key.bytes()].concat();
            identity = Some(Identity::from_pem(&pem).map_err(|_| secret::Error::Certificate)?);
            digest.update(&pem);
        }
        Ok(Self {
            digest: digest.finalize().into(),
            roots,
            identity,
        })
    }
}

/// HTTP clients by how they reach the other side, so that connections are used again.
#[derive(Debug, Default)]
pub struct Clients {
    known: Mutex<HashMap<[u8; 32], Client>>,
}

impl Clients {
    pub(super) fn get(&self, transport: &Transport) -> Result<Client, Error> {
        let mut digest = Sha256::new();
        if let Some(proxy) = &transport.proxy {
            digest.update(proxy.bytes());
        }
        digest.update([0]);
        if let Some(tls) = &transport.tls {
            digest.update(tls.digest);
        }
        let key: [u8; 32] = digest.finalize().into();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = known.get(&key) {
            return Ok(client.clone());
        }
        let client =
            build(transport).map_err(|error| Error::Client(causes(&error.without_url())))?;
        if known.len() >= MAX_CLIENTS {
            known.clear();
        }
        known.insert(key, client.clone());
        Ok(client)
    }
}

fn build(transport: &Transport) -> reqwest::Result<Client> {
    let mut builder = Client::builder()
        .user_agent("fjord-notification-controller")
        .pool_idle_timeout(Duration::from_secs(90))
        .pool_max_idle_per_host(4);
    if let Some(proxy) = &transport.proxy {
        builder = builder.proxy(Proxy::all(proxy.lossy().as_ref())?);
    }
    if let Some(tls) = &transport.tls {
        if !tls.roots.is_empty() {
            builder = builder.tls_certs_only(tls.roots.clone());
        }
        if let Some(identity) = &tls.identity {
            builder = builder.identity(identity.clone());
        }
    }
    builder.build()
}

/// Posts until the other side accepts, refuses, or the time is over.
pub(super) async fn post(
    client: &Client,
    address: Url,
    headers: HeaderMap,
    body: Bytes,
    timeout: Duration,
) -> Result<(), Error> {
    if !matches!(address.scheme(), "http" | "https") {
        return Err(Error::Scheme);
    }
    let deadline = Instant::now() + timeout;
    let mut attempt = 0;
    loop {
        let request = client
            .post(address.clone())
            .headers(headers.clone())
            .body(body.clone());
        let Ok(answer) = timeout_at(deadline, request.send()).await else {
            return Err(Error::Deadline { retry_after: None });
        };
        let (wait, last) = match answer {
            Ok(response) if response.status().is_success() => return Ok(()),
            Ok(response) if is_temporary(response.status()) => (
                retry_after(&response),
                Error::Exhausted(format!("status {}", response.status().as_u16())),
            ),
            Ok(response) => return Err(refused(response, deadline).await),
            Err(error) if error.is_builder() || error.is_redirect() => {
                return Err(Error::Client(causes(&error.without_url())));
            }
            Err(error) => (None, Error::Exhausted(causes(&error.without_url()))),
        };
        if attempt == RETRIES {
            return Err(last);
        }
        let pause = wait.unwrap_or_else(|| LONGEST_WAIT.min(FIRST_WAIT * 2_u32.pow(attempt)));
        if Instant::now() + pause >= deadline {
            tracing::debug!(%last, "no time is left for another attempt");
            // Parity: Flux sleeps until the deadline and forgets the cause of the last try.
            return Err(Error::Deadline { retry_after: wait });
        }
        sleep(pause).await;
        attempt += 1;
    }
}

/// go-retryablehttp's default policy.
fn is_temporary(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
}

fn retry_after(response: &Response) -> Option<Duration> {
    if !matches!(
        response.status(),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    ) {
        return None;
    }
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTimeParser::new()
        .parse_timestamp(text.replace("GMT", "+0000"))
        .ok()?;
    Some(Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default())
}

async fn refused(mut response: Response, deadline: Instant) -> Error {
    let status = response.status().as_u16();
    let mut answer = Vec::new();
    while answer.len() < MAX_ANSWER {
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => answer.extend_from_slice(&chunk),
            _ => break,
        }
    }
    answer.truncate(MAX_ANSWER);
    Error::Refused {
        status,
        answer: String::from_utf8_lossy(&answer).into_owned(),
    }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Why a POST failed; prints as Flux says it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The other side refused for good.
    #[error(
        "postMessage failed: request failed: request failed with status code {status}: {answer}"
    )]
    Refused {
        /// The status.
        status: u16,
        /// The beginning of the answer.
        answer: String,
    },
    /// The Provider's timeout passed.
    #[error("postMessage failed: failed to execute request: context deadline exceeded")]
    Deadline {
        /// What the other side asked for.
        retry_after: Option<Duration>,
    },
    /// All attempts failed.
    #[error("postMessage failed: failed to execute request: giving up after {attempts} attempt(s): {0}", attempts = RETRIES + 1)]
    Exhausted(String),
    /// The request cannot be made.
    #[error("postMessage failed: failed to execute request: {0}")]
    Client(String),
    /// The address is not one of HTTP.
    #[error("postMessage failed: failed to execute request: unsupported protocol scheme")]
    Scheme,
    /// A header cannot be sent.
    #[error("postMessage failed: failed to execute request: invalid header {0:?}")]
    Header(String),
}

impl Error {
    /// Tells whether the same delivery may succeed later.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Deadline { .. } | Self::Exhausted(_))
    }

    /// Returns how long the other side asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Deadline { retry_after } => *retry_after,
            _ => None,
        }
    }
}
