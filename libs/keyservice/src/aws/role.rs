//! STS `AssumeRole`: temporary credentials of the role that a file names.
//!
//! The query protocol answers XML. The three values travel on as one text, a line each, so that they can
//! be kept like any other token.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::{AwsCredentials, Home, SERVICE, failure, signed};
use crate::http::Answer;
use crate::token::Token;
use crate::{Error, KeyClient};

/// The session's name. SOPS uses `sops@HOST`; a host name is ambient, and of no use here.
const SESSION: &str = "sops@fjord";

pub(super) async fn assume(
    client: &KeyClient,
    credentials: &AwsCredentials,
    home: &Home<'_>,
    role: &str,
) -> Result<Token, Error> {
    let url = match &client.settings.endpoints.aws_sts {
        Some(endpoint) => endpoint.clone(),
        None => home.address("sts")?,
    };
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("Action", "AssumeRole")
        .append_pair("Version", "2011-06-15")
        .append_pair("RoleArn", role)
        .append_pair("RoleSessionName", SESSION)
        .finish();
    let headers = [(
        "content-type",
        "application/x-www-form-urlencoded; charset=utf-8",
    )];
    let region = home.region;
    let answer = signed(client, credentials, &url, region, "sts", &headers, &body).await?;
    if !answer.status.is_success() {
        return Err(match failure(&answer, credentials) {
            // A role that cannot be taken on is a matter of rights: nothing was decrypted yet.
            Error::Undecryptable { service, answer } => Error::Denied { service, answer },
            other => other,
        });
    }
    let document = Document::read(&answer);
    let missing = |name: &str| Error::answer(SERVICE, format!("AssumeRole gave no {name}"));
    let field = |name: &'static str| document.text(name).ok_or_else(|| missing(name));
    let value = Zeroizing::new(format!(
        "{}\n{}\n{}",
        field("AccessKeyId")?,
        field("SecretAccessKey")?,
        field("SessionToken")?
    ));
    let until: Timestamp = field("Expiration")?
        .parse()
        .map_err(|_| missing("Expiration"))?;
    let seconds = until.as_second() - Timestamp::now().as_second();
    Ok(Token {
        value: value.as_str().into(),
        lasts: Duration::from_secs(seconds.try_into().unwrap_or(0)),
    })
}

/// The texts of an XML answer by the names of their elements, of which none repeats in these answers.
pub(super) struct Document(Vec<(String, Zeroizing<String>)>);

impl Document {
    /// Reads an answer; what is no XML has no texts.
    pub(super) fn read(answer: &Answer) -> Self {
        let body = std::str::from_utf8(&answer.body).unwrap_or_default();
        let Ok(document) = roxmltree::Document::parse(body) else {
            return Self(Vec::new());
        };
        let nodes = document.descendants().filter(roxmltree::Node::is_element);
        let texts = nodes.filter_map(|node| {
            let text = Zeroizing::new(node.text()?.trim().to_owned());
            Some((node.tag_name().name().to_owned(), text))
        });
        Self(texts.collect())
    }

    /// Returns the text of the first element of a name.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let (_, text) = self.0.iter().find(|(element, _)| element == name)?;
        Some(text.as_str().to_owned())
    }
}

/// Returns the credentials that [`assume`] gave.
pub(super) fn credentials(taken: &SecretString) -> Result<AwsCredentials, Error> {
    let parts: Vec<&str> = taken.expose_secret().split('\n').collect();
    let [id, secret, session] = parts[..] else {
        return Err(Error::answer(SERVICE, "AssumeRole gave a broken value"));
    };
    Ok(AwsCredentials {
        access_key_id: id.to_owned(),
        secret_access_key: secret.into(),
        session_token: Some(session.into()),
    })
}
