use fjord_keyservice::{Credentials, Endpoints, GcpCredentials, WrappedKey};
use serde_json::json;

use crate::stand_in::gcp::{ACCESS_TOKEN, KEY, service_account, start, wrap};
use crate::{DATA_KEY, client, kind, unwrap};

fn key(resource_id: &str, ciphertext: &str) -> WrappedKey {
    WrappedKey::GcpKms {
        resource_id: resource_id.into(),
        ciphertext: ciphertext.into(),
    }
}

fn with(credentials: GcpCredentials) -> Credentials {
    Credentials {
        gcp: Some(credentials),
        ..Credentials::default()
    }
}

fn at(url: &url::Url) -> Endpoints {
    Endpoints {
        gcp_kms: Some(url.clone()),
        ..Endpoints::default()
    }
}

#[tokio::test]
async fn every_form_of_credentials_unwraps_with_at_most_one_exchange() {
    let account = start(0).await;
    let account_json = service_account(&account.url).to_string();
    let user = start(0).await;
    let user_json = json!({
        "type": "authorized_user",
        "client_id": "id",
        "client_secret": "planted-client-secret",
        "refresh_token": "1//planted-refresh-token",
        "token_uri": user.url.join("/token").unwrap().as_str(),
    })
    .to_string();
    let token = start(0).await;
    for (server, credentials, exchanges) in [
        (
            &account,
            GcpCredentials::from_json(&account_json).unwrap(),
            1,
        ),
        (&user, GcpCredentials::from_json(&user_json).unwrap(), 1),
        (&token, GcpCredentials::AccessToken(ACCESS_TOKEN.into()), 0),
    ] {
        let client = client(with(credentials), at(&server.url));
        for _ in 0..3 {
            let key = key(KEY, &wrap(KEY, DATA_KEY));
            assert_eq!(unwrap(&client, &key).await.unwrap(), DATA_KEY);
        }
        assert_eq!(server.tokens.get(), exchanges);
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let server = start(0).await;
    let token = |token: &str| {
        client(
            with(GcpCredentials::AccessToken(token.into())),
            at(&server.url),
        )
    };
    let (good, wrong) = (token(ACCESS_TOKEN), token("ya29.planted-wrong"));
    let mut account = service_account(&server.url);
    account["client_email"] = json!("someone@else.example");
    let account = GcpCredentials::from_json(&account.to_string()).unwrap();
    let account = client(with(account), at(&server.url));
    let sealed = wrap(KEY, DATA_KEY);
    let ring = "projects/p/locations/global/keyRings/r/cryptoKeys";
    for (client, key, expected) in [
        (&wrong, key(KEY, &sealed), "Rejected, never"),
        (&account, key(KEY, &sealed), "Rejected, never"),
        (
            &good,
            key(&format!("{ring}/missing"), &sealed),
            "NotFound, never",
        ),
        (
            &good,
            key(&format!("{ring}/forbidden"), &sealed),
            "Denied, never",
        ),
        (
            &good,
            key(&format!("{ring}/other"), &sealed),
            "Undecryptable, never",
        ),
        (&good, key(KEY, "!"), "Key, never"),
        (&good, key("projects/p", &sealed), "Key, never"),
        (
            &good,
            key(&KEY.replace("/r/", "/../"), &sealed),
            "Key, never",
        ),
    ] {
        assert_eq!(kind(unwrap(client, &key).await), expected, "{key:?}");
    }
}

#[test]
fn credentials_of_ambient_or_foreign_kinds_are_refused_by_name() {
    for (file, words) in [
        (json!({"type": "external_account"}), "external_account"),
        (
            json!({"type": "impersonated_service_account"}),
            "impersonated",
        ),
        (json!({"type": "service_account"}), "private_key"),
        (
            json!({"type": "service_account", "private_key": "planted-key"}),
            "PEM",
        ),
        (json!({}), "type"),
        (json!("planted-text"), "type"),
    ] {
        let error = GcpCredentials::from_json(&file.to_string())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(words) && !error.contains("planted"),
            "{error}"
        );
    }
    let error = GcpCredentials::from_json("planted")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("JSON") && !error.contains("planted"),
        "{error}"
    );
}
