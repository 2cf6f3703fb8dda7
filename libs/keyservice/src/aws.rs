//! AWS KMS: one signed `TrentService.Decrypt`, after an `AssumeRole` where the file names a role.

mod role;
mod signature;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use crate::http::{Answer, text};
use crate::{Error, KeyClient, Service};

const SERVICE: Service = Service::AwsKms;

/// An AWS access key.
#[derive(Clone, Debug)]
pub struct AwsCredentials {
    /// The identifier, which is not secret.
    pub access_key_id: String,
    /// The secret that signs.
    pub secret_access_key: SecretString,
    /// The token of temporary credentials.
    pub session_token: Option<SecretString>,
}

impl AwsCredentials {
    /// Reads the fields that Flux takes from `sops.aws-kms`: `aws_access_key_id`,
    /// `aws_secret_access_key`, `aws_session_token`. The caller has parsed the YAML.
    pub fn from_value(value: &Value) -> Result<Self, Error> {
        let field = |name: &str| match value[name].as_str() {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(Error::credentials(SERVICE, format!("they have no {name}"))),
        };
        Ok(Self {
            access_key_id: field("aws_access_key_id")?.to_owned(),
            secret_access_key: field("aws_secret_access_key")?.into(),
            session_token: field("aws_session_token").ok().map(Into::into),
        })
    }
}

/// Where a key lives, read from its ARN.
struct Home<'a> {
    partition: &'a str,
    region: &'a str,
}

pub(crate) async fn decrypt(
    client: &KeyClient,
    credentials: &AwsCredentials,
    arn: &str,
    role: Option<&str>,
    context: &BTreeMap<String, String>,
    ciphertext: &str,
) -> Result<Vec<u8>, Error> {
    let refuse = |reason: &str| Error::Key {
        service: SERVICE,
        key: arn.to_owned(),
        reason: reason.to_owned(),
    };
    let home = home(arn).ok_or_else(|| refuse("it is not the ARN of a KMS key or alias"))?;
    let ciphertext =
        bytes_of(ciphertext).ok_or_else(|| refuse("its encrypted data key is not base64"))?;
    let mut body = json!({ "CiphertextBlob": STANDARD.encode(ciphertext), "KeyId": arn });
    if !context.is_empty() {
        body["EncryptionContext"] = json!(context);
    }
    let body = body.to_string();
    match role {
        None => ask(client, credentials, &home, &body).await,
        Some(role) => {
            let name = format!("aws {} {role}", home.region);
            client
                .tokens
                .using(
                    &name,
                    || role::assume(client, credentials, &home, role),
                    |taken| ask_as(client, taken, &home, &body),
                )
                .await
        }
    }
}

/// Asks with the credentials of a role.
async fn ask_as(
    client: &KeyClient,
    taken: SecretString,
    home: &Home<'_>,
    body: &str,
) -> Result<Vec<u8>, Error> {
    ask(client, &role::credentials(&taken)?, home, body).await
}

async fn ask(
    client: &KeyClient,
    credentials: &AwsCredentials,
    home: &Home<'_>,
    body: &str,
) -> Result<Vec<u8>, Error> {
    let url = match &client.settings.endpoints.aws_kms {
        Some(endpoint) => endpoint.clone(),
        None => home.address("kms")?,
    };
    let answer = signed(
        client,
        credentials,
        &url,
        home.region,
        "kms",
        &[
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "TrentService.Decrypt"),
        ],
        body,
    )
    .await?;
    if !answer.status.is_success() {
        return Err(failure(&answer, credentials));
    }
    let answer = answer.json(SERVICE)?;
    STANDARD
        .decode(text(&answer, "/Plaintext"))
        .map_err(|_| Error::answer(SERVICE, "Plaintext is not base64"))
}

/// Signs and sends one POST.
async fn signed(
    client: &KeyClient,
    credentials: &AwsCredentials,
    url: &Url,
    region: &str,
    service: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer, Error> {
    let signature = signature::Request {
        credentials,
        url,
        region,
        service,
        headers,
        body: body.as_bytes(),
        at: Timestamp::now(),
    }
    .sign();
    let mut request = client.http.post(url).body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    for (name, value) in signature {
        let mut value = reqwest::header::HeaderValue::from_str(&value)
            .map_err(|_| Error::credentials(SERVICE, "they have characters no key has"))?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    client.http.send(SERVICE, url, request).await
}

/// Returns code and message of a failure: KMS speaks JSON, STS and the gateways before both XML.
fn said(answer: &Answer) -> (String, String) {
    let json = answer.json_or_null();
    let code = text(&json, "/__type");
    if !code.is_empty() {
        let message = [text(&json, "/message"), text(&json, "/Message")].concat();
        let code = code.rsplit('#').next().unwrap_or(code);
        return (code.to_owned(), message);
    }
    let document = role::Document::read(answer);
    let text = |name| document.text(name).unwrap_or_default();
    (text("Code"), text("Message"))
}

/// AWS answers 400 to nearly everything; the code says which.
fn failure(answer: &Answer, credentials: &AwsCredentials) -> Error {
    let (code, message) = said(answer);
    let session = credentials.session_token.as_ref();
    let secrets = [
        credentials.secret_access_key.expose_secret(),
        session.map_or("", |token| token.expose_secret()),
    ];
    let said = [code.as_str(), message.as_str()].join(" ");
    let by_status = answer.failure(SERVICE, &said, &secrets);
    let (service, after) = (SERVICE, answer.retry_after());
    let Some(answer) = by_status.said().map(str::to_owned) else {
        return by_status;
    };
    match code.as_str() {
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidToken" => Error::Rejected { service, answer },
        "AccessDenied" | "AccessDeniedException" | "NotAuthorized" | "OptInRequired" => {
            Error::Denied { service, answer }
        }
        "NotFoundException" | "DisabledException" | "KMSInvalidStateException" => {
            Error::NotFound { service, answer }
        }
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "LimitExceededException" => Error::Throttled {
            service,
            after,
            answer,
        },
        "KMSInternalException"
        | "DependencyTimeoutException"
        | "KeyUnavailableException"
        | "InternalFailure"
        | "InternalError"
        | "ServiceUnavailable"
        | "ServiceUnavailableException" => Error::Unavailable {
            service,
            after,
            answer,
        },
        _ => by_status,
    }
}

impl Home<'_> {
    fn address(&self, service: &str) -> Result<Url, Error> {
        let suffix = match self.partition {
            "aws" | "aws-us-gov" => "amazonaws.com",
            "aws-cn" => "amazonaws.com.cn",
            "aws-iso" => "c2s.ic.gov",
            "aws-iso-b" => "sc2s.sgov.gov",
            "aws-iso-e" => "cloud.adc-e.uk",
            "aws-iso-f" => "csp.hci.ic.gov",
            "aws-eusc" => "amazonaws.eu",
            _ => {
                return Err(Error::Unsupported {
                    service: SERVICE,
                    what: "a partition of this name",
                    remedy: "name the endpoint",
                });
            }
        };
        let address = format!("https://{service}.{}.{suffix}", self.region);
        Url::parse(&address).map_err(|_| Error::Key {
            service: SERVICE,
            key: address.clone(),
            reason: "the region gives no address".to_owned(),
        })
    }
}

/// Reads `arn:PARTITION:kms:REGION:ACCOUNT:key/ID` or `:alias/NAME`.
///
/// The region becomes part of a host name, so only what regions are made of may stand there.
fn home(arn: &str) -> Option<Home<'_>> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "kms", region, account, resource] = parts[..] else {
        return None;
    };
    let name = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let known = resource
        .strip_prefix("key/")
        .or_else(|| resource.strip_prefix("alias/"));
    let good = partition.starts_with("aws")
        && name(partition)
        && name(region)
        && account.bytes().all(|b| b.is_ascii_digit())
        && known.is_some_and(|id| !id.is_empty());
    good.then_some(Home { partition, region })
}

/// Decodes base64 as Go does: line breaks within do not count.
pub(crate) fn bytes_of(base64: &str) -> Option<Vec<u8>> {
    let text = base64.replace(['\r', '\n'], "");
    STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_the_address_and_cannot_name_a_foreign_host() {
        let address = |arn: &str| home(arn).map(|home| home.address("kms").unwrap().to_string());
        let key = |start: &str| address(&format!("{start}:111122223333:key/mrk-1"));
        assert_eq!(
            key("arn:aws:kms:eu-west-1").as_deref(),
            Some("https://kms.eu-west-1.amazonaws.com/")
        );
        assert_eq!(
            key("arn:aws-cn:kms:cn-north-1").as_deref(),
            Some("https://kms.cn-north-1.amazonaws.com.cn/")
        );
        assert!(address("arn:aws:kms:us-east-1:1:alias/a/b").is_some());
        for wrong in [
            "",
            "alias/name",
            "arn:aws:s3:eu-west-1:1:key/k",
            "arn:aws:kms::1:key/k",
            "arn:aws:kms:evil.example/:1:key/k",
            "arn:aws:kms:eu-west-1@evil:1:key/k",
            "arn:aws:kms:eu-west-1:1:key/",
            "arn:aws:kms:eu-west-1:1:grant/k",
        ] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }
}
