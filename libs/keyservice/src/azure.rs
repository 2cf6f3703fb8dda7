//! Azure Key Vault: `POST /keys/NAME/VERSION/decrypt` (RSA-OAEP-256) with a token of the vault's own cloud.
//!
//! A file names the vault, so a bearer token goes only to hosts that end as Key Vault hosts do; the token is
//! asked for that cloud and no other.

mod credentials;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use url::Url;

use crate::client::address;
use crate::http::text;
use crate::{Error, KeyClient, Service};

pub use credentials::{AzureCredentials, AzureProof};

const SERVICE: Service = Service::AzureKeyVault;

/// The version of the interface; the oldest that has all of this and is still served.
const VERSION: &str = "7.4";

/// Where vaults live: the end of the host name, and the audience of its tokens.
const CLOUDS: &[(&str, &str)] = &[
    (".vault.azure.net", "https://vault.azure.net/.default"),
    (".vault.azure.cn", "https://vault.azure.cn/.default"),
    (
        ".vault.usgovcloudapi.net",
        "https://vault.usgovcloudapi.net/.default",
    ),
    (
        ".managedhsm.azure.net",
        "https://managedhsm.azure.net/.default",
    ),
    (
        ".managedhsm.azure.cn",
        "https://managedhsm.azure.cn/.default",
    ),
    (
        ".managedhsm.usgovcloudapi.net",
        "https://managedhsm.usgovcloudapi.net/.default",
    ),
];

pub(crate) async fn decrypt(
    client: &KeyClient,
    credentials: &AzureCredentials,
    vault_url: &str,
    [name, version]: [&String; 2],
    ciphertext: &str,
) -> Result<Vec<u8>, Error> {
    let refuse = |reason: &str| Error::Key {
        service: SERVICE,
        key: name.clone(),
        reason: reason.to_owned(),
    };
    let (vault, scope) = vault(client, vault_url).map_err(refuse)?;
    let ciphertext = ciphertext.replace(['\r', '\n'], "");
    let ciphertext = URL_SAFE_NO_PAD
        .decode(ciphertext.trim_end_matches('='))
        .map_err(|_| refuse("its encrypted data key is not URL-safe base64"))?;
    // Parity: without a version, Key Vault takes the newest.
    let path = ["keys", name.as_str(), version.as_str(), "decrypt"];
    let path = path.into_iter().filter(|part| !part.is_empty());
    let mut url = address(SERVICE, &vault, path)?;
    url.set_query(Some(&format!("api-version={VERSION}")));
    client
        .tokens
        .using(
            &format!("azure {scope}"),
            || credentials.token(client, scope),
            |token| ask(client, &url, token, &ciphertext),
        )
        .await
}

/// Returns the vault's address and what its tokens are asked for.
fn vault(client: &KeyClient, vault_url: &str) -> Result<(Url, &'static str), &'static str> {
    let url = Url::parse(vault_url).map_err(|_| "its vault_url is not a URL")?;
    let host = url.host_str().unwrap_or_default();
    let cloud = CLOUDS.iter().find(|(end, _)| host.ends_with(end));
    if let Some(endpoint) = &client.settings.endpoints.azure_key_vault {
        let (_, scope) = cloud.unwrap_or(&CLOUDS[0]);
        return Ok((endpoint.clone(), scope));
    }
    let (_, scope) = cloud.ok_or("its vault_url is not a host of Azure Key Vault")?;
    if url.scheme() != "https" || url.port().is_some() || !url.username().is_empty() {
        return Err("its vault_url is not https://HOST");
    }
    Ok((url, scope))
}

async fn ask(
    client: &KeyClient,
    url: &Url,
    token: SecretString,
    ciphertext: &[u8],
) -> Result<Vec<u8>, Error> {
    let body = json!({ "alg": "RSA-OAEP-256", "value": URL_SAFE_NO_PAD.encode(ciphertext) });
    let token = token.expose_secret();
    let request = client.http.post(url).bearer_auth(token).json(&body);
    let answer = client.http.send(SERVICE, url, request).await?;
    if !answer.status.is_success() {
        let body = answer.json_or_null();
        let said = [text(&body, "/error/code"), text(&body, "/error/message")].join(" ");
        return Err(answer.failure(SERVICE, &said, &[token]));
    }
    let answer = answer.json(SERVICE)?;
    URL_SAFE_NO_PAD
        .decode(text(&answer, "/value").trim_end_matches('='))
        .map_err(|_| Error::answer(SERVICE, "value is not URL-safe base64"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Credentials, Settings};

    #[test]
    fn a_token_goes_only_to_hosts_of_key_vault() {
        let client = KeyClient::new(Credentials::default(), Settings::default()).unwrap();
        let (url, scope) = vault(&client, "https://team.vault.azure.cn").unwrap();
        assert_eq!(url.as_str(), "https://team.vault.azure.cn/");
        assert_eq!(scope, "https://vault.azure.cn/.default");
        for wrong in [
            "https://evil.example",
            "https://vault.azure.net.evil.example",
            "https://evilvault.azure.net",
            "http://team.vault.azure.net",
            "https://user@team.vault.azure.net",
            "https://team.vault.azure.net:8443",
            "team.vault.azure.net",
        ] {
            assert!(vault(&client, wrong).is_err(), "{wrong}");
        }
    }
}
