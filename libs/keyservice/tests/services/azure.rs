use fjord_keyservice::{AzureCredentials, Credentials, Endpoints, WrappedKey};
use serde_json::{Value, json};

use crate::stand_in::azure::{SECRET, start, wrap};
use crate::stand_in::{CERTIFICATE, RSA};
use crate::{DATA_KEY, client, kind, unwrap};

fn key(name: &str, version: &str, ciphertext: &str) -> WrappedKey {
    WrappedKey::AzureKeyVault {
        vault_url: "https://team.vault.azure.net".into(),
        name: name.into(),
        version: version.into(),
        ciphertext: ciphertext.into(),
    }
}

fn with(server: &url::Url, fields: Value) -> (Credentials, Endpoints) {
    let mut value =
        json!({ "tenantId": "tenant", "clientId": "c", "authorityHost": server.as_str() });
    for (name, field) in fields.as_object().unwrap() {
        value[name] = field.clone();
    }
    let credentials = Credentials {
        azure: Some(AzureCredentials::from_value(&value).unwrap()),
        ..Credentials::default()
    };
    let endpoints = Endpoints {
        azure_key_vault: Some(server.clone()),
        ..Endpoints::default()
    };
    (credentials, endpoints)
}

#[tokio::test]
async fn secret_and_certificate_unwrap_with_one_exchange() {
    let pem = format!("{CERTIFICATE}{RSA}");
    for fields in [
        json!({ "clientSecret": SECRET }),
        json!({ "clientCertificate": pem }),
        json!({ "clientCertificate": pem, "clientCertificateSendChain": true }),
    ] {
        let server = start(0).await;
        let (credentials, endpoints) = with(&server.url, fields);
        let client = client(credentials, endpoints);
        for version in ["", "0123abcd"] {
            let key = key("sops", version, &wrap(DATA_KEY));
            for _ in 0..3 {
                assert_eq!(unwrap(&client, &key).await.unwrap(), DATA_KEY);
            }
        }
        assert_eq!((server.tokens.get(), server.decrypts.get()), (1, 2));
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let server = start(0).await;
    let secret = |secret: &str| {
        let (credentials, endpoints) = with(&server.url, json!({ "clientSecret": secret }));
        client(credentials, endpoints)
    };
    let (good, wrong) = (secret(SECRET), secret("planted-wrong-secret"));
    let sealed = wrap(DATA_KEY);
    let mut tampered = sealed.clone().into_bytes();
    // Another letter of base64, so that it is the ciphertext that is wrong and not its writing.
    tampered[7] = if tampered[7] == b'A' { b'B' } else { b'A' };
    let tampered = String::from_utf8(tampered).unwrap();
    for (client, key, expected) in [
        (&wrong, key("sops", "1", &sealed), "Rejected, never"),
        (&good, key("missing", "1", &sealed), "NotFound, never"),
        (&good, key("forbidden", "1", &sealed), "Denied, never"),
        (&good, key("sops", "1", &tampered), "Undecryptable, never"),
        (&good, key("sops", "1", "+"), "Key, never"),
        (&good, key("..", "1", &sealed), "Key, never"),
    ] {
        assert_eq!(kind(unwrap(client, &key).await), expected, "{key:?}");
    }
}
