//! Keys of Vault and the clouds, with the credentials that the environment holds outright.
//!
//! The variables are those that `sops` reads. What it would look up beyond them (profiles, instance and workload identities,
//! logins of other programs) is not used: a command in CI must not decrypt with rights that nobody handed to it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use fjord_keyservice::{
    AwsCredentials, AzureCredentials, BlockingKeyClient, Credentials, Error, GcpCredentials,
    KeyClient, Service, Settings, VaultCredentials, WrappedKey,
};
use fjord_sops::{KeyError, KeyService, Recipient};
use serde_json::json;
use tokio::runtime::Handle;
use url::Url;
use zeroize::Zeroizing;

use super::variable;
use crate::late_runtime::LateRuntime;

/// Asks the service that a file names; nothing is read or connected before, and what is wrong with one service's
/// credentials is no matter of another's keys.
#[derive(Default)]
pub(super) struct Remote {
    clients: Mutex<HashMap<Service, Result<BlockingKeyClient, Error>>>,
    /// Carries the calls; most files need none.
    runtime: LateRuntime,
}

impl Remote {
    fn client(&self, service: Service) -> Result<BlockingKeyClient, Error> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get(&service) {
            return known.clone();
        }
        let runtime = self.runtime.get().map_err(Error::Client)?;
        let made = client(service, runtime.handle().clone());
        clients.entry(service).or_insert(made).clone()
    }
}

impl KeyService for Remote {
    fn open(&self, recipient: &Recipient) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let Recipient::Remote {
            service,
            fields,
            context,
        } = recipient
        else {
            return Err(KeyError::Missing);
        };
        let opened = WrappedKey::from_fields(service, fields, context)
            .and_then(|key| self.client(key.service())?.unwrap(&key));
        match opened {
            Ok(key) => Ok(Zeroizing::new(key.expose().to_vec())),
            Err(Error::NoCredentials(service)) => Err(KeyError::Service {
                message: format!("no credentials for {service}: {}", wanted(service)),
                retryable: false,
            }),
            Err(error) => Err(KeyError::Service {
                message: error.to_string(),
                retryable: error.is_retryable(),
            }),
        }
    }
}

/// Says which variables give credentials for a service.
fn wanted(service: Service) -> &'static str {
    match service {
        Service::Vault => "set VAULT_TOKEN",
        Service::AwsKms => {
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; profiles and the identity of the machine are not used"
        }
        Service::GcpKms => {
            "set GOOGLE_CREDENTIALS, GOOGLE_OAUTH_ACCESS_TOKEN or GOOGLE_APPLICATION_CREDENTIALS; the identity of the \
             machine is not used"
        }
        Service::AzureKeyVault => {
            "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH; the identity \
             of the machine is not used"
        }
    }
}

fn client(service: Service, runtime: Handle) -> Result<BlockingKeyClient, Error> {
    let address = |name| endpoint(service, name);
    let aws = |name| match address(name)? {
        None => address("AWS_ENDPOINT_URL"),
        found => Ok(found),
    };
    let mut settings = Settings::default();
    let mut credentials = Credentials::default();
    match service {
        Service::Vault => {
            settings.vault_addresses = vault_addresses();
            settings.extra_roots = named_file(service, "VAULT_CACERT")?.unwrap_or_default();
            credentials.vault = vault_credentials();
        }
        Service::AwsKms => {
            settings.endpoints.aws_kms = aws("AWS_ENDPOINT_URL_KMS")?;
            settings.endpoints.aws_sts = aws("AWS_ENDPOINT_URL_STS")?;
            credentials.aws = aws_credentials()?;
        }
        Service::GcpKms => {
            settings.endpoints.gcp_kms = address("SOPS_GCP_KMS_ENDPOINT")?;
            credentials.gcp = gcp_credentials()?;
        }
        Service::AzureKeyVault => credentials.azure = azure_credentials()?,
    }
    let client = KeyClient::new(credentials, settings)?;
    Ok(BlockingKeyClient::new(Arc::new(client), runtime))
}

/// Returns the text of a variable that is set to something; what is no text in it is replaced, not taken for absent.
fn text(name: &str) -> Option<String> {
    Some(variable(name)?.to_string_lossy().into_owned())
}

/// Reads the file that a variable names, if it names one.
fn named_file(service: Service, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let Some(path) = variable(name) else {
        return Ok(None);
    };
    let read = std::fs::read(&path).map_err(|error| Error::Credentials {
        service,
        reason: format!("{name}: reading {}: {error}", path.display()),
    });
    read.map(Some)
}

/// Reads an address in place of the service's own; one that cannot be read must not lead to the service itself.
fn endpoint(service: Service, name: &str) -> Result<Option<Url>, Error> {
    let Some(text) = text(name) else {
        return Ok(None);
    };
    let text = if text.contains("://") {
        text
    } else {
        format!("https://{text}")
    };
    let url = text.parse().map_err(|_| Error::Credentials {
        service,
        reason: format!("{name} is no address"),
    })?;
    Ok(Some(url))
}

/// The servers a token may be sent to; every server that a file names if nothing is said.
fn vault_addresses() -> Option<Vec<String>> {
    match text("SOPS_HC_VAULT_ALLOWLIST")?.as_str() {
        "all" => None,
        "none" => Some(Vec::new()),
        list => Some(list.split(',').map(|one| one.trim().to_owned()).collect()),
    }
}

fn vault_credentials() -> Option<VaultCredentials> {
    if let Some(token) = text("VAULT_TOKEN") {
        return Some(VaultCredentials::Token(token.into()));
    }
    // Where `vault login` leaves it.
    let path = PathBuf::from(std::env::var_os("HOME")?).join(".vault-token");
    path.is_file().then_some(VaultCredentials::TokenFile(path))
}

fn aws_credentials() -> Result<Option<AwsCredentials>, Error> {
    let Some(id) = text("AWS_ACCESS_KEY_ID") else {
        return Ok(None);
    };
    AwsCredentials::from_value(&json!({
        "aws_access_key_id": id,
        "aws_secret_access_key": text("AWS_SECRET_ACCESS_KEY"),
        "aws_session_token": text("AWS_SESSION_TOKEN"),
    }))
    .map(Some)
}

fn gcp_credentials() -> Result<Option<GcpCredentials>, Error> {
    // The first may hold the file or its path.
    let read = |value: String| std::fs::read_to_string(&value).unwrap_or(value);
    if let Some(json) = text("GOOGLE_CREDENTIALS").map(read) {
        return GcpCredentials::from_json(&json).map(Some);
    }
    if let Some(token) = text("GOOGLE_OAUTH_ACCESS_TOKEN") {
        return Ok(Some(GcpCredentials::AccessToken(token.into())));
    }
    let json = named_file(Service::GcpKms, "GOOGLE_APPLICATION_CREDENTIALS")?;
    let json = json.as_deref().map(String::from_utf8_lossy);
    json.map(|json| GcpCredentials::from_json(&json))
        .transpose()
}

fn azure_credentials() -> Result<Option<AzureCredentials>, Error> {
    let (Some(tenant), Some(id)) = (text("AZURE_TENANT_ID"), text("AZURE_CLIENT_ID")) else {
        return Ok(None);
    };
    let certificate = named_file(Service::AzureKeyVault, "AZURE_CLIENT_CERTIFICATE_PATH")?;
    AzureCredentials::from_value(&json!({
        "tenantId": tenant,
        "clientId": id,
        "clientSecret": text("AZURE_CLIENT_SECRET"),
        "clientCertificate": certificate.as_deref().map(String::from_utf8_lossy),
        "clientCertificatePassword": text("AZURE_CLIENT_CERTIFICATE_PASSWORD"),
        "authorityHost": text("AZURE_AUTHORITY_HOST"),
    }))
    .map(Some)
}
