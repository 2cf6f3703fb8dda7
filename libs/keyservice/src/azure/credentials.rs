//! The identities of an application in Entra ID, in the forms that Flux takes them.
//!
//! Managed identities are ambient and refused by name; so are certificates in PKCS #12 or under a password.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::SERVICE;
use crate::jwt::{self, Algorithm};
use crate::token::{Token, oauth};
use crate::{Error, KeyClient};

const AUTHORITY: &str = "https://login.microsoftonline.com/";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An application and how it proves who it is.
#[derive(Clone, Debug)]
pub struct AzureCredentials {
    /// The directory.
    pub tenant_id: String,
    /// The application.
    pub client_id: String,
    /// Its proof.
    pub proof: AzureProof,
    /// The login host, for other clouds; `https://login.microsoftonline.com/` by default.
    pub authority_host: Option<Url>,
}

/// How an application proves who it is.
#[derive(Clone, Debug)]
pub enum AzureProof {
    /// A client secret.
    Secret(SecretString),
    /// Certificates and their RSA key in PEM form.
    Certificate {
        /// The PEM text, the application's own certificate first.
        pem: SecretString,
        /// Whether to send the chain, for trust by subject name and issuer.
        send_chain: bool,
    },
}

impl AzureCredentials {
    /// Reads the fields that Flux takes from `sops.azure-kv`. The caller has parsed the YAML or JSON.
    pub fn from_value(value: &Value) -> Result<Self, Error> {
        let field = |name: &str| value[name].as_str().filter(|text| !text.is_empty());
        let refused = |what, remedy| Error::Unsupported {
            service: SERVICE,
            what,
            remedy,
        };
        let authority_host =
            match field("authorityHost") {
                None => None,
                Some(text) => Some(Url::parse(text).ok().filter(fit_for_secrets).ok_or_else(
                    || Error::credentials(SERVICE, "authorityHost is not an https address"),
                )?),
            };
        let (tenant, client) = (field("tenantId"), field("clientId"));
        let (tenant_id, client_id, proof) = match (tenant, client) {
            (Some(tenant), Some(client)) if field("clientSecret").is_some() => {
                let secret = field("clientSecret").unwrap_or_default();
                (tenant, client, AzureProof::Secret(secret.into()))
            }
            (Some(tenant), Some(client)) if field("clientCertificate").is_some() => {
                let pem = field("clientCertificate").unwrap_or_default();
                if field("clientCertificatePassword").is_some() {
                    return Err(refused(
                        "clientCertificatePassword",
                        "give certificate and key in PEM form, without a password",
                    ));
                }
                if !pem.contains("-----BEGIN") {
                    return Err(refused(
                        "a clientCertificate in PKCS #12",
                        "give certificate and key in PEM form",
                    ));
                }
                jwt::rsa_key(pem).map_err(|reason| Error::credentials(SERVICE, reason))?;
                let send_chain = value["clientCertificateSendChain"] == true;
                let pem = pem.into();
                (tenant, client, AzureProof::Certificate { pem, send_chain })
            }
            _ => match (field("tenant"), field("appId"), field("password")) {
                (Some(tenant), Some(client), Some(secret)) => {
                    (tenant, client, AzureProof::Secret(secret.into()))
                }
                _ if client.is_some() && tenant.is_none() => {
                    return Err(refused(
                        "a managed identity",
                        "give tenantId, clientId and clientSecret or clientCertificate",
                    ));
                }
                _ => {
                    return Err(Error::credentials(
                        SERVICE,
                        "they have none of tenantId+clientId+clientSecret, \
                         tenantId+clientId+clientCertificate and tenant+appId+password",
                    ));
                }
            },
        };
        Ok(Self {
            tenant_id: tenant_id.to_owned(),
            client_id: client_id.to_owned(),
            proof,
            authority_host,
        })
    }

    /// Exchanges the proof for a token of a cloud's vaults.
    pub(super) async fn token(&self, client: &KeyClient, scope: &str) -> Result<Token, Error> {
        let url = self.address()?;
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.as_str()),
            ("scope", scope),
        ];
        match &self.proof {
            AzureProof::Secret(secret) => {
                let secret = secret.expose_secret();
                form.push(("client_secret", secret));
                oauth(client, SERVICE, &url, &form, &[secret]).await
            }
            AzureProof::Certificate { pem, send_chain } => {
                let assertion = self
                    .assertion(pem.expose_secret(), *send_chain, &url)
                    .map_err(|reason| Error::credentials(SERVICE, reason))?;
                form.push(("client_assertion_type", ASSERTION));
                form.push(("client_assertion", &assertion));
                oauth(client, SERVICE, &url, &form, &[&assertion]).await
            }
        }
    }

    fn address(&self) -> Result<Url, Error> {
        let broken = |what: &str| Error::credentials(SERVICE, format!("{what} gives no address"));
        let host = match &self.authority_host {
            Some(host) => host.clone(),
            None => Url::parse(AUTHORITY).map_err(|_| broken("the authority"))?,
        };
        let path = [self.tenant_id.as_str(), "oauth2", "v2.0", "token"];
        crate::client::address(SERVICE, &host, path).map_err(|_| broken("tenantId"))
    }

    fn assertion(&self, pem: &str, send_chain: bool, url: &Url) -> Result<String, &'static str> {
        let chain: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| "its certificate cannot be read")?;
        let first = chain.first().ok_or("it has no certificate in PEM form")?;
        let mut header = json!({
            "alg": "PS256",
            "typ": "JWT",
            "x5t#S256": URL_SAFE_NO_PAD.encode(Sha256::digest(first)),
        });
        if send_chain {
            let chain: Vec<String> = chain.iter().map(|der| STANDARD.encode(der)).collect();
            header["x5c"] = json!(chain);
        }
        let now = Timestamp::now();
        // The service only asks that an identifier is not used twice.
        let unique = Sha256::digest(format!("{} {now}", self.client_id));
        let claims = json!({
            "aud": url.as_str(),
            "iss": self.client_id,
            "sub": self.client_id,
            "jti": hex::encode(&unique[..16]),
            "nbf": now.as_second(),
            "iat": now.as_second(),
            "exp": now.as_second() + 600,
        });
        jwt::signed(pem, Algorithm::Ps256, &header, &claims)
    }
}

/// A secret goes out in clear only to this machine, which is where tests listen.
fn fit_for_secrets(url: &Url) -> bool {
    url.scheme() == "https"
        || (url.scheme() == "http"
            && matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &Value) -> Result<AzureCredentials, String> {
        AzureCredentials::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_that_flux_takes_is_read_or_refused_by_name() {
        let secret = json!({"tenantId": "t", "clientId": "c", "clientSecret": "s3cret-value"});
        let az = json!({"tenant": "t", "appId": "c", "password": "s3cret-value"});
        for form in [&secret, &az] {
            let read = read(form).unwrap();
            assert_eq!(
                (read.tenant_id.as_str(), read.client_id.as_str()),
                ("t", "c")
            );
            assert!(!format!("{read:?}").contains("s3cret"));
        }
        for (form, words) in [
            (json!({"clientId": "c"}), "managed identity"),
            (json!({"tenantId": "t"}), "none of"),
            (
                json!({"tenantId": "t", "clientId": "c", "clientCertificate": "MII"}),
                "PKCS #12",
            ),
            (
                json!({"tenantId": "t", "clientId": "c", "clientCertificate": "-----BEGIN",
                       "clientCertificatePassword": "p"}),
                "clientCertificatePassword",
            ),
            (
                json!({"tenantId": "t", "clientId": "c", "clientSecret": "s",
                       "authorityHost": "http://login.example"}),
                "authorityHost",
            ),
        ] {
            let said = read(&form).unwrap_err();
            assert!(said.contains(words), "{said}");
        }
    }
}
