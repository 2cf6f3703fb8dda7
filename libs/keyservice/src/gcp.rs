//! GCP KMS: `POST /v1/RESOURCE:decrypt` with an access token.

mod credentials;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use url::Url;

use crate::client::address;
use crate::http::{Answer, text};
use crate::{Error, KeyClient, Service};

pub use credentials::GcpCredentials;

const SERVICE: Service = Service::GcpKms;

pub(crate) async fn decrypt(
    client: &KeyClient,
    credentials: &GcpCredentials,
    resource_id: &str,
    ciphertext: &str,
) -> Result<Vec<u8>, Error> {
    let refuse = |reason: &str| Error::Key {
        service: SERVICE,
        key: resource_id.to_owned(),
        reason: reason.to_owned(),
    };
    let ciphertext = crate::aws::bytes_of(ciphertext)
        .ok_or_else(|| refuse("its encrypted data key is not base64"))?;
    let parts: Vec<&str> = resource_id.split('/').collect();
    let [
        "projects",
        project,
        "locations",
        location,
        "keyRings",
        ring,
        "cryptoKeys",
        key,
    ] = parts[..]
    else {
        return Err(refuse(
            "it is not projects/P/locations/L/keyRings/R/cryptoKeys/K",
        ));
    };
    let server = match &client.settings.endpoints.gcp_kms {
        Some(endpoint) => endpoint.clone(),
        None => Url::parse(&format!("https://cloudkms.{}", credentials.universe()))
            .map_err(|_| Error::credentials(SERVICE, "universe_domain is not a domain"))?,
    };
    let last = format!("{key}:decrypt");
    let path = ["v1", "projects", project, "locations", location];
    let path = path
        .into_iter()
        .chain(["keyRings", ring, "cryptoKeys", &last]);
    let url = address(SERVICE, &server, path)?;
    let ask = |token| ask(client, &url, token, &ciphertext);
    match credentials {
        GcpCredentials::AccessToken(token) => ask(token.clone()).await,
        GcpCredentials::ServiceAccount(_) | GcpCredentials::AuthorizedUser(_) => {
            let exchange = || credentials.token(client);
            client.tokens.using("gcp", exchange, ask).await
        }
    }
}

async fn ask(
    client: &KeyClient,
    url: &Url,
    token: SecretString,
    ciphertext: &[u8],
) -> Result<Vec<u8>, Error> {
    let request = client
        .http
        .post(url)
        .bearer_auth(token.expose_secret())
        .json(&json!({ "ciphertext": STANDARD.encode(ciphertext) }));
    let answer = client.http.send(SERVICE, url, request).await?;
    if !answer.status.is_success() {
        return Err(failure(&answer, &[token.expose_secret()]));
    }
    let answer = answer.json(SERVICE)?;
    STANDARD
        .decode(text(&answer, "/plaintext"))
        .map_err(|_| Error::answer(SERVICE, "plaintext is not base64"))
}

fn failure(answer: &Answer, secrets: &[&str]) -> Error {
    let body = answer.json_or_null();
    let (status, message) = (text(&body, "/error/status"), text(&body, "/error/message"));
    let said = [status, message].join(" ");
    match (status, answer.failure(SERVICE, &said, secrets)) {
        // A key that is disabled or destroyed; no retry brings it back.
        ("FAILED_PRECONDITION", Error::Undecryptable { service, answer }) => {
            Error::NotFound { service, answer }
        }
        (_, failure) => failure,
    }
}
