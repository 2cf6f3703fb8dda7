//! Google credentials: a JSON file of a service account or of a user, or an access token.
//!
//! Files that point at another identity (`external_account`, impersonation) are refused by name.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::SERVICE;
use crate::jwt::{self, Algorithm};
use crate::token::{Token, oauth};
use crate::{Error, KeyClient};

const SCOPE: &str = "https://www.googleapis.com/auth/cloudkms";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// How to come by a Google access token.
#[derive(Clone, Debug)]
pub enum GcpCredentials {
    /// An access token as it is.
    AccessToken(SecretString),
    /// A service account's key.
    ServiceAccount(ServiceAccount),
    /// A user's refresh token, as `gcloud auth application-default login` writes it.
    AuthorizedUser(AuthorizedUser),
}

/// What of a service account's JSON file is used.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    email: String,
    key_id: String,
    key: SecretString,
    token_address: Url,
    universe: String,
}

/// What of a user's JSON file is used.
#[derive(Clone, Debug)]
pub struct AuthorizedUser {
    client_id: String,
    client_secret: SecretString,
    refresh_token: SecretString,
    token_address: Url,
    universe: String,
}

impl GcpCredentials {
    /// Reads a Google credentials JSON file.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let file: Value = serde_json::from_str(json)
            .map_err(|_| Error::credentials(SERVICE, "they are not JSON"))?;
        let field = |name: &str| match file[name].as_str() {
            Some(value) if !value.is_empty() => Ok(value.to_owned()),
            _ => Err(Error::credentials(SERVICE, format!("they have no {name}"))),
        };
        let or = |name: &str, default: &str| file[name].as_str().unwrap_or(default).to_owned();
        let token_address = Url::parse(&or("token_uri", "https://oauth2.googleapis.com/token"))
            .map_err(|_| Error::credentials(SERVICE, "token_uri is not a URL"))?;
        let universe = or("universe_domain", "googleapis.com");
        let refused = |what| Error::Unsupported {
            service: SERVICE,
            what,
            remedy: "give a service account's key or an access token",
        };
        match field("type")?.as_str() {
            "service_account" => {
                let key: SecretString = field("private_key")?.into();
                jwt::rsa_key(key.expose_secret())
                    .map_err(|reason| Error::credentials(SERVICE, reason))?;
                Ok(Self::ServiceAccount(ServiceAccount {
                    email: field("client_email")?,
                    key_id: or("private_key_id", ""),
                    key,
                    token_address,
                    universe,
                }))
            }
            "authorized_user" => Ok(Self::AuthorizedUser(AuthorizedUser {
                client_id: field("client_id")?,
                client_secret: field("client_secret")?.into(),
                refresh_token: field("refresh_token")?.into(),
                token_address,
                universe,
            })),
            "external_account" => Err(refused("an external_account file")),
            "external_account_authorized_user" => {
                Err(refused("an external_account_authorized_user file"))
            }
            "impersonated_service_account" => Err(refused("an impersonated_service_account file")),
            _ => Err(refused("a credentials file of this type")),
        }
    }

    pub(super) fn universe(&self) -> &str {
        match self {
            Self::AccessToken(_) => "googleapis.com",
            Self::ServiceAccount(account) => &account.universe,
            Self::AuthorizedUser(user) => &user.universe,
        }
    }

    /// Exchanges what the file holds for an access token.
    pub(super) async fn token(&self, client: &KeyClient) -> Result<Token, Error> {
        match self {
            Self::AccessToken(token) => Ok(Token {
                value: token.clone(),
                lasts: Duration::ZERO,
            }),
            Self::ServiceAccount(account) => {
                let assertion = account.assertion()?;
                let form = [("grant_type", GRANT), ("assertion", assertion.as_str())];
                oauth(
                    client,
                    SERVICE,
                    &account.token_address,
                    &form,
                    &[&assertion],
                )
                .await
            }
            Self::AuthorizedUser(user) => {
                let secret = user.client_secret.expose_secret();
                let refresh = user.refresh_token.expose_secret();
                let form = [
                    ("grant_type", "refresh_token"),
                    ("client_id", user.client_id.as_str()),
                    ("client_secret", secret),
                    ("refresh_token", refresh),
                ];
                oauth(
                    client,
                    SERVICE,
                    &user.token_address,
                    &form,
                    &[secret, refresh],
                )
                .await
            }
        }
    }
}

impl ServiceAccount {
    fn assertion(&self) -> Result<String, Error> {
        let now = Timestamp::now().as_second();
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.key_id });
        let claims = json!({
            "iss": self.email,
            "scope": SCOPE,
            "aud": self.token_address.as_str(),
            "iat": now,
            "exp": now + 3600,
        });
        jwt::signed(self.key.expose_secret(), Algorithm::Rs256, &header, &claims)
            .map_err(|reason| Error::credentials(SERVICE, reason))
    }
}
