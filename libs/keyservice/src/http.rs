//! One request, one bounded answer: time-outs, no redirects, and failures of the road told apart.
//!
//! No redirect is followed: it would carry a token to where an answer points.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use crate::error::quoted;
use crate::{Error, Service, Settings};

/// The longest body that is read. Answers hold one key or one token.
const BODY: usize = 256 << 10;

/// The HTTP client of one [`crate::KeyClient`].
#[derive(Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
}

/// What a service answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    retry_after: Option<Duration>,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Http {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let mut builder = reqwest::Client::builder()
            .timeout(settings.timeout)
            .connect_timeout(settings.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("fjord/", env!("CARGO_PKG_VERSION")));
        if !settings.extra_roots.is_empty() {
            let roots = reqwest::Certificate::from_pem_bundle(&settings.extra_roots)
                .map_err(|error| Error::Client(chain(&error)))?;
            builder = builder.tls_certs_merge(roots);
        }
        let client = builder
            .build()
            .map_err(|error| Error::Client(chain(&error)))?;
        Ok(Self { client })
    }

    pub(crate) fn post(&self, url: &Url) -> reqwest::RequestBuilder {
        self.client.post(url.clone())
    }

    /// Sends a request and reads its answer to the end.
    pub(crate) async fn send(
        &self,
        service: Service,
        url: &Url,
        request: reqwest::RequestBuilder,
    ) -> Result<Answer, Error> {
        let lost = |error: reqwest::Error| {
            let host = host(url);
            if error.is_timeout() {
                return Error::Timeout { service, host };
            }
            Error::Unreachable {
                service,
                host,
                reason: chain(&error.without_url()),
            }
        };
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > BODY {
                return Err(Error::answer(service, format!("more than {BODY} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status,
            retry_after,
            body,
        })
    }
}

impl Answer {
    /// Returns the body of a success as JSON.
    pub(crate) fn json(&self, service: Service) -> Result<Value, Error> {
        // serde_json's own message may quote a value.
        serde_json::from_slice(&self.body).map_err(|_| Error::answer(service, "it is not JSON"))
    }

    /// Returns the body of a failure as JSON, or null.
    pub(crate) fn json_or_null(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Returns how long the service asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Sorts a failure by its HTTP status; a service refines what its own codes say better.
    pub(crate) fn failure(&self, service: Service, said: &str, secrets: &[&str]) -> Error {
        let said = quoted(said, secrets);
        let answer = if said.is_empty() {
            self.status.to_string()
        } else {
            format!("{}: {said}", self.status)
        };
        let after = self.retry_after;
        match self.status.as_u16() {
            401 => Error::Rejected { service, answer },
            403 => Error::Denied { service, answer },
            404 | 410 => Error::NotFound { service, answer },
            408 | 429 => Error::Throttled {
                service,
                after,
                answer,
            },
            400..=499 => Error::Undecryptable { service, answer },
            500..=599 => Error::Unavailable {
                service,
                after,
                answer,
            },
            300..=399 => Error::answer(
                service,
                format!("{answer}: redirects are not followed: name the address it leads to"),
            ),
            _ => Error::answer(service, answer),
        }
    }
}

/// Returns a text of a JSON answer.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Returns host and port of an address, which is all that an error shows of it.
fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => String::new(),
    }
}

/// Joins an error and its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    quoted(&text, &[])
}
