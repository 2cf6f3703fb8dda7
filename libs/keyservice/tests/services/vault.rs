use fjord_keyservice::{Credentials, Endpoints, KeyClient, Settings, VaultCredentials, WrappedKey};

use crate::stand_in::vault::{JWT, TOKEN, start, wrap};
use crate::{DATA_KEY, client, kind, unwrap};

fn key(engine_path: &str, name: &str, ciphertext: &str) -> WrappedKey {
    WrappedKey::Vault {
        address: "https://vault.example:8200".into(),
        engine_path: engine_path.into(),
        key_name: name.into(),
        ciphertext: ciphertext.into(),
    }
}

fn with(credentials: VaultCredentials) -> Credentials {
    Credentials {
        vault: Some(credentials),
        ..Credentials::default()
    }
}

fn at(url: &url::Url) -> Endpoints {
    Endpoints {
        vault: Some(url.clone()),
        ..Endpoints::default()
    }
}

#[tokio::test]
async fn transit_unwraps_a_key_with_a_token_and_asks_once() {
    let server = start(0).await;
    let token = VaultCredentials::Token(TOKEN.into());
    let client = client(with(token), at(&server.url));
    for engine in ["transit", "team/transit/"] {
        let key = key(engine, "sops", &wrap("sops", DATA_KEY));
        for _ in 0..20 {
            assert_eq!(unwrap(&client, &key).await.unwrap(), DATA_KEY);
        }
    }
    assert_eq!(server.decrypts.get(), 2);
}

#[tokio::test]
async fn files_decrypted_at_the_same_time_share_one_call() {
    let server = start(0).await;
    let token = VaultCredentials::Token(TOKEN.into());
    let client = std::sync::Arc::new(client(with(token), at(&server.url)));
    let key = key("transit", "sops", &wrap("sops", DATA_KEY));
    let files: Vec<_> = (0..50)
        .map(|_| {
            let (client, key) = (client.clone(), key.clone());
            tokio::spawn(async move { client.unwrap(&key).await.unwrap().expose().to_vec() })
        })
        .collect();
    for file in files {
        assert_eq!(file.await.unwrap(), DATA_KEY);
    }
    assert_eq!(server.decrypts.get(), 1);
}

#[tokio::test]
async fn no_more_keys_are_remembered_than_allowed() {
    let server = start(0).await;
    let settings = Settings {
        endpoints: at(&server.url),
        remembered_keys: 0,
        ..Settings::default()
    };
    let client = KeyClient::new(with(VaultCredentials::Token(TOKEN.into())), settings).unwrap();
    let key = key("transit", "sops", &wrap("sops", DATA_KEY));
    for _ in 0..3 {
        assert_eq!(unwrap(&client, &key).await.unwrap(), DATA_KEY);
    }
    assert_eq!(server.decrypts.get(), 3);
}

#[tokio::test]
async fn a_token_file_is_read_for_each_call() {
    let server = start(0).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let token = VaultCredentials::TokenFile(file.path().into());
    let client = client(with(token), at(&server.url));
    let key = key("transit", "sops", &wrap("sops", DATA_KEY));
    std::fs::write(file.path(), "hvs.planted-older-token\n").unwrap();
    assert_eq!(kind(unwrap(&client, &key).await), "Rejected, never");
    std::fs::write(file.path(), format!("{TOKEN}\n")).unwrap();
    assert_eq!(unwrap(&client, &key).await.unwrap(), DATA_KEY);
    std::fs::remove_file(file.path()).unwrap();
    let other = self::key("transit", "other", &wrap("other", DATA_KEY));
    assert_eq!(kind(unwrap(&client, &other).await), "Credentials, never");
}

#[tokio::test]
async fn a_service_account_logs_in_once() {
    let server = start(0).await;
    let login = |jwt: &str| VaultCredentials::Login {
        path: "auth/kubernetes/login".into(),
        role: "apps_deployer".into(),
        jwt: jwt.into(),
    };
    let good = client(with(login(JWT)), at(&server.url));
    for name in ["a", "b", "c"] {
        let key = key("transit", name, &wrap(name, DATA_KEY));
        assert_eq!(unwrap(&good, &key).await.unwrap(), DATA_KEY);
    }
    assert_eq!(server.tokens.get(), 1);
    let bad = client(with(login("eyJ.planted-wrong-jwt.sig")), at(&server.url));
    let key = key("transit", "a", &wrap("a", DATA_KEY));
    assert_eq!(kind(unwrap(&bad, &key).await), "Rejected, never");
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let server = start(0).await;
    let good = client(with(VaultCredentials::Token(TOKEN.into())), at(&server.url));
    let wrong = VaultCredentials::Token("hvs.planted-wrong-token".into());
    let wrong = client(with(wrong), at(&server.url));
    let sealed = wrap("sops", DATA_KEY);
    for (client, key, expected) in [
        (&wrong, key("transit", "sops", &sealed), "Rejected, never"),
        (&good, key("transit", "forbidden", &sealed), "Denied, never"),
        (&good, key("transit", "missing", &sealed), "NotFound, never"),
        (&good, key("elsewhere", "sops", &sealed), "NotFound, never"),
        (
            &good,
            key("transit", "other", &sealed),
            "Undecryptable, never",
        ),
        (
            &good,
            key("transit", "sops", "v1:x"),
            "Undecryptable, never",
        ),
        (&good, key("../sys", "sops", &sealed), "Key, never"),
        (&good, key("transit", "..", &sealed), "Key, never"),
    ] {
        assert_eq!(kind(unwrap(client, &key).await), expected, "{key:?}");
    }
    assert_eq!(
        kind(
            unwrap(
                &client(Credentials::default(), at(&server.url)),
                &key("transit", "sops", &sealed)
            )
            .await
        ),
        "NoCredentials, never"
    );
}

#[tokio::test]
async fn a_token_goes_only_to_the_addresses_allowed() {
    let server = start(0).await;
    let address = |address: &str| WrappedKey::Vault {
        address: address.into(),
        engine_path: "transit".into(),
        key_name: "sops".into(),
        ciphertext: wrap("sops", DATA_KEY),
    };
    let allowed = server.url.to_string();
    let settings = Settings {
        vault_addresses: Some(vec![allowed.clone()]),
        ..Settings::default()
    };
    let client = KeyClient::new(with(VaultCredentials::Token(TOKEN.into())), settings).unwrap();
    let same = address(allowed.trim_end_matches('/'));
    assert_eq!(unwrap(&client, &same).await.unwrap(), DATA_KEY);
    for wrong in [
        "https://evil.example",
        "file:///etc/passwd",
        "not an address",
    ] {
        assert_eq!(kind(unwrap(&client, &address(wrong)).await), "Key, never");
    }
}
