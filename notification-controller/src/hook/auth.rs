//! Who may call a Receiver, by its type (notification-controller §4.2).

use bytes::Bytes;
use fjord_crds::notification::v1::{Receiver, ReceiverType};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use subtle::ConstantTimeEq;

use super::signature;
use crate::provider::{SecretError, Secrets, Text};

/// The types that this release accepts calls for.
pub const SUPPORTED: [ReceiverType; 5] = [
    ReceiverType::Generic,
    ReceiverType::GenericHmac,
    ReceiverType::GitHub,
    ReceiverType::GitLab,
    ReceiverType::Bitbucket,
];

/// Checks a call and returns the body that filters see.
pub(super) async fn authenticate(
    receiver: &Receiver,
    secrets: &impl Secrets,
    head: &Parts,
    body: Bytes,
) -> Result<Bytes, Error> {
    let token = token(receiver, secrets).await?;
    let headers = &head.headers;
    match receiver.spec.type_ {
        ReceiverType::Generic => Ok(body),
        ReceiverType::GenericHmac => {
            signature::verify(header(headers, "x-signature"), &body, token.bytes())?;
            Ok(body)
        }
        ReceiverType::GitHub => {
            let payload = hub_payload(headers, body, &token)?;
            allowed(receiver, header(headers, "x-github-event"))?;
            Ok(payload)
        }
        ReceiverType::Bitbucket => {
            let payload = hub_payload(headers, body, &token)?;
            allowed(receiver, header(headers, "x-event-key"))?;
            Ok(payload)
        }
        ReceiverType::GitLab => {
            let given = header(headers, "x-gitlab-token").as_bytes();
            if !bool::from(given.ct_eq(token.bytes())) {
                return Err(Error::Token);
            }
            allowed(receiver, header(headers, "x-gitlab-event"))?;
            Ok(body)
        }
        ref other => Err(Error::Unsupported(other.clone())),
    }
}

async fn token(receiver: &Receiver, secrets: &impl Secrets) -> Result<Text, Error> {
    let Some(reference) = &receiver.spec.secret_ref else {
        return Err(Error::NoSecret);
    };
    let namespace = receiver.metadata.namespace.as_deref().unwrap_or_default();
    let secret = secrets.get(namespace, &reference.name).await?;
    secret.get("token").ok_or(Error::NoToken)
}

/// What go-github's `ValidatePayload` accepts: a signature over the raw body, and JSON in it or in the form
/// field `payload`.
fn hub_payload(headers: &HeaderMap, body: Bytes, token: &Text) -> Result<Bytes, Error> {
    let kind = media_type(header(headers, CONTENT_TYPE.as_str())).ok_or(Error::ContentType)?;
    let payload = match kind.as_str() {
        "application/json" => body.clone(),
        "application/x-www-form-urlencoded" => {
            let field = url::form_urlencoded::parse(&body).find(|(name, _)| name == "payload");
            field.map_or_else(Bytes::new, |(_, value)| Bytes::from(value.into_owned()))
        }
        _ => return Err(Error::ContentType),
    };
    let mut given = header(headers, "x-hub-signature-256");
    if given.is_empty() {
        given = header(headers, "x-hub-signature");
    }
    // Parity: with an empty token a call without a signature is accepted.
    if !token.is_empty() || !given.is_empty() {
        signature::verify(given, &body, token.bytes())?;
    }
    Ok(payload)
}

fn allowed(receiver: &Receiver, event: &str) -> Result<(), Error> {
    let events = &receiver.spec.events;
    if events.is_empty()
        || events
            .iter()
            .any(|e| e.to_lowercase() == event.to_lowercase())
    {
        return Ok(());
    }
    Err(Error::Event)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Returns the type of a `Content-Type`, without its parameters; nothing where it is malformed.
pub(super) fn media_type(text: &str) -> Option<String> {
    let is_token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
    };
    let mut parts = text.split(';');
    let kind = parts.next()?.trim().to_ascii_lowercase();
    let well_formed = match kind.split_once('/') {
        Some((group, name)) => is_token(group) && is_token(name),
        None => is_token(&kind),
    };
    let mut parameters = parts.map(str::trim).peekable();
    let mut parameters_fit = true;
    while let Some(parameter) = parameters.next() {
        // Parity: a trailing semicolon is forgiven.
        let last = parameters.peek().is_none();
        let fits = parameter.split_once('=').is_some_and(|(name, value)| {
            let quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
            is_token(name) && (quoted || is_token(value))
        });
        parameters_fit &= fits || (last && parameter.is_empty());
    }
    (well_formed && parameters_fit).then_some(kind)
}

/// Why a call is refused; never repeats what the caller sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("unable to read secret: {0}")]
    Secret(#[from] SecretError),
    #[error("the receiver names no secret")]
    NoSecret,
    #[error("invalid secret data: required field 'token'")]
    NoToken,
    #[error("the signature is invalid: {0}")]
    Signature(#[from] signature::Error),
    #[error("the token does not match the receiver token")]
    Token,
    #[error("the content type is neither application/json nor application/x-www-form-urlencoded")]
    ContentType,
    #[error("the event is not authorised")]
    Event,
    #[error("receiver type {0} is not supported by this release")]
    Unsupported(ReceiverType),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_read_as_go_reads_them() {
        for (text, want) in [
            ("application/json", Some("application/json")),
            (
                " Application/JSON ; charset=utf-8",
                Some("application/json"),
            ),
            (
                "application/json; charset=\"utf-8\";",
                Some("application/json"),
            ),
            ("text/plain", Some("text/plain")),
            ("", None),
            ("application/", None),
            ("application/json; charset", None),
            ("a b/c", None),
        ] {
            assert_eq!(media_type(text).as_deref(), want, "{text}");
        }
    }
}
