//! What went wrong with a request, in the words that Go's client uses.

use std::io;

use reqwest::Url;

use super::Error;

impl Error {
    pub(super) fn deadline(method: &'static str, url: &str) -> Self {
        let cause = "context deadline exceeded".to_owned();
        Self::Transport {
            method,
            url: without_user(url),
            cause,
        }
    }

    pub(super) fn transport(method: &'static str, url: &str, error: &reqwest::Error) -> Self {
        Self::Transport {
            method,
            url: without_user(url),
            cause: cause(url, error),
        }
    }
}

/// Says what went wrong in the words of Go's dialer where there is a counterpart.
fn cause(url: &str, error: &reqwest::Error) -> String {
    let os = causes_of(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    let address = Url::parse(url).ok().and_then(|url| {
        Some(format!(
            "{}:{}",
            url.host_str()?,
            url.port_or_known_default()?
        ))
    });
    match (os.map(io::Error::kind), address) {
        (Some(io::ErrorKind::ConnectionRefused), Some(address)) => {
            format!("dial tcp {address}: connect: connection refused")
        }
        (Some(io::ErrorKind::TimedOut), Some(address)) if error.is_connect() => {
            format!("dial tcp {address}: i/o timeout")
        }
        _ => causes(error),
    }
}

/// Joins what lies below reqwest's own text, which names the address a second time.
pub(super) fn causes(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in causes_of(error).skip(1) {
        let text = cause.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    if parts.is_empty() {
        error.to_string()
    } else {
        parts.join(": ")
    }
}

fn causes_of(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| error.source())
}

pub(super) fn without_user(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) => {
            let _ = parsed.set_username("");
            let _ = parsed.set_password(None);
            parsed.into()
        }
        Err(_) => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_user_and_no_password_is_shown() {
        let url = "http://git:s3cret@host/app.git/info/refs?service=git-upload-pack";
        let shown = "http://host/app.git/info/refs?service=git-upload-pack";
        assert_eq!(without_user(url), shown);
        let error = Error::deadline("Get", url).to_string();
        assert_eq!(error, format!("Get \"{shown}\": context deadline exceeded"));
    }
}
