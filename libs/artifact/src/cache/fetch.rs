//! Downloading an artifact to a temporary file, with the digest checked before anyone reads it.
//!
//! Retries follow Flux's fetcher (kustomize-controller.md §2.4.3): connection errors, 5xx and 429
//! are tried again with doubling waits; 404 and a wrong digest are answers and not tried again.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::time::Duration;

use reqwest::{StatusCode, Url};

use super::{Error as CacheError, Options};
use crate::Digest;

pub(super) fn client(options: &Options) -> io::Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(concat!("fjord/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.idle_timeout)
        .read_timeout(options.idle_timeout)
        .pool_max_idle_per_host(4)
        .pool_idle_timeout(Duration::from_secs(30))
        .no_gzip()
        .build()
        .map_err(io::Error::other)
}

/// Fetches `url` into an unnamed file, positioned at its start.
pub(super) async fn download(
    client: &reqwest::Client,
    options: &Options,
    url: &str,
    digest: &Digest,
) -> Result<File, CacheError> {
    let target = address(url, options.host.as_deref())?;
    let mut wait = options.retry_wait_min;
    let mut tries_left = options.retries;
    loop {
        match once(client, options, &target, digest).await {
            Err(Failure::Transient(error)) if tries_left > 0 => {
                tracing::debug!(%url, %error, ?wait, "artifact download is tried again");
                tries_left -= 1;
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(options.retry_wait_max);
            }
            Err(Failure::Transient(error)) => return Err(error.into()),
            Err(Failure::Final(error)) => return Err(error),
            Ok(file) => return Ok(file),
        }
    }
}

enum Failure {
    Transient(Error),
    Final(CacheError),
}

impl From<CacheError> for Failure {
    fn from(error: CacheError) -> Self {
        Self::Final(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Final(error.into())
    }
}

async fn once(
    client: &reqwest::Client,
    options: &Options,
    url: &Url,
    digest: &Digest,
) -> Result<File, Failure> {
    let transient = |error: reqwest::Error| Failure::Transient(Error::Request(error));
    let mut response = client.get(url.clone()).send().await.map_err(transient)?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Err(CacheError::NotFound(url.to_string()).into()),
        status => {
            let error = Error::Status {
                url: url.to_string(),
                status,
            };
            let is_transient = status == StatusCode::TOO_MANY_REQUESTS
                || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED);
            return Err(match is_transient {
                true => Failure::Transient(error),
                false => Failure::Final(error.into()),
            });
        }
    }
    let too_large = || Failure::Final(Error::TooLarge(options.max_download).into());
    let announced = response.content_length();
    if announced.is_some_and(|length| length > options.max_download) {
        return Err(too_large());
    }
    let mut file = tempfile::tempfile_in(&options.folder)?;
    let mut hasher = digest.algorithm().hasher();
    let mut received = 0;
    while let Some(chunk) = response.chunk().await.map_err(|error| {
        Failure::Transient(Error::Truncated {
            received,
            announced,
            source: Some(error),
        })
    })? {
        received += chunk.len() as u64;
        if received > options.max_download {
            return Err(too_large());
        }
        hasher.update(&chunk);
        // A piece is at most a few hundred KiB into the page cache; a hop to another thread for
        // each would cost more than the write.
        file.write_all(&chunk)?;
    }
    if announced.is_some_and(|length| length != received) {
        let truncated = Error::Truncated {
            received,
            announced,
            source: None,
        };
        return Err(Failure::Transient(truncated));
    }
    let computed = hasher.finish();
    if computed != *digest {
        return Err(CacheError::DigestMismatch {
            expected: digest.clone(),
            computed,
        }
        .into());
    }
    file.rewind()?;
    Ok(file)
}

/// Parses the address, with the host replaced where the caller says so.
fn address(url: &str, host: Option<&str>) -> Result<Url, Error> {
    let invalid = || Error::InvalidUrl(url.to_owned());
    let mut parsed = Url::parse(url).map_err(|_| invalid())?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(invalid());
    }
    if let Some(host) = host.filter(|host| !host.is_empty()) {
        let replaced = Url::parse(&format!("http://{host}")).map_err(|_| invalid())?;
        parsed
            .set_host(replaced.host_str())
            .map_err(|_| invalid())?;
        parsed.set_port(replaced.port()).map_err(|()| invalid())?;
    }
    Ok(parsed)
}

/// Says why a download failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address in the status is not an http(s) URL.
    #[error("invalid artifact URL '{0}'")]
    InvalidUrl(String),
    /// Nothing answered.
    #[error("{}", chain(.0))]
    Request(#[source] reqwest::Error),
    /// The server answered with an error.
    #[error("failed to download archive from '{url}' (status: {status})")]
    Status {
        /// The address.
        url: String,
        /// The answer.
        status: StatusCode,
    },
    /// The connection ended before the file did.
    #[error("download was cut off after {received} bytes{}", announced.map_or_else(String::new, |all| format!(" of {all}")))]
    Truncated {
        /// Bytes that arrived.
        received: u64,
        /// Bytes that were announced.
        announced: Option<u64>,
        /// What the connection said.
        source: Option<reqwest::Error>,
    },
    /// The file is larger than allowed.
    #[error("archive exceeds the limit of {0} bytes")]
    TooLarge(u64),
}

/// Joins an error with its causes, which reqwest leaves out of its own text.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_can_be_overridden() {
        let url = "http://source-controller.flux-system.svc.cluster.local./gitrepository/a.tar.gz";
        assert_eq!(address(url, None).unwrap().as_str(), url);
        let local = address(url, Some("localhost:9090")).unwrap();
        assert_eq!(
            local.as_str(),
            "http://localhost:9090/gitrepository/a.tar.gz"
        );
        let with_port = address("http://x:81/a", Some("localhost")).unwrap();
        assert_eq!(with_port.as_str(), "http://localhost/a");
        assert!(address("file:///etc/passwd", None).is_err());
    }
}
