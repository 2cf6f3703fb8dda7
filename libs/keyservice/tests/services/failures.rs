//! What each service does when the road or the service fails: throttling, outages, silence, nonsense.

use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use fjord_keyservice::{
    AwsCredentials, AzureCredentials, Credentials, Endpoints, GcpCredentials, KeyClient, Retry,
    Settings, VaultCredentials, WrappedKey,
};
use serde_json::json;
use url::Url;

use crate::stand_in::{azure, gcp, serve, vault};
use crate::{kind, unwrap};

/// One key of each service.
fn keys() -> [WrappedKey; 4] {
    [
        WrappedKey::Vault {
            address: "https://vault.example".into(),
            engine_path: "transit".into(),
            key_name: "sops".into(),
            ciphertext: "vault:v1:AA==".into(),
        },
        WrappedKey::AwsKms {
            arn: "arn:aws:kms:eu-west-1:1:key/k".into(),
            role: None,
            context: [].into(),
            ciphertext: "AAAA".into(),
        },
        WrappedKey::GcpKms {
            resource_id: gcp::KEY.into(),
            ciphertext: "AAAA".into(),
        },
        WrappedKey::AzureKeyVault {
            vault_url: "https://team.vault.azure.net".into(),
            name: "sops".into(),
            version: "1".into(),
            ciphertext: "AAAA".into(),
        },
    ]
}

/// A client of all four services at one address, with Azure's login elsewhere.
fn client(url: &Url, login: &Url) -> KeyClient {
    let value =
        json!({ "aws_access_key_id": "AKIA", "aws_secret_access_key": "planted-aws-secret" });
    let azure = json!({
        "tenantId": "tenant", "clientId": "c", "clientSecret": azure::SECRET, "authorityHost": login.as_str(),
    });
    let credentials = Credentials {
        vault: Some(VaultCredentials::Token(vault::TOKEN.into())),
        aws: Some(AwsCredentials::from_value(&value).unwrap()),
        gcp: Some(GcpCredentials::AccessToken(gcp::ACCESS_TOKEN.into())),
        azure: Some(AzureCredentials::from_value(&azure).unwrap()),
    };
    let at = || Some(url.clone());
    let settings = Settings {
        timeout: Duration::from_millis(500),
        connect_timeout: Duration::from_millis(300),
        endpoints: Endpoints {
            vault: at(),
            aws_kms: at(),
            aws_sts: at(),
            gcp_kms: at(),
            azure_key_vault: at(),
        },
        ..Settings::default()
    };
    KeyClient::new(credentials, settings).unwrap()
}

/// A server that gives one answer to everything.
async fn always(status: u16, body: &'static str) -> Url {
    let app = Router::new().fallback(move || async move {
        let headers = [("retry-after", "7"), ("location", "http://127.0.0.1:1/")];
        (StatusCode::from_u16(status).unwrap(), headers, body).into_response()
    });
    serve(app, 0).await
}

#[tokio::test]
async fn outages_and_throttling_may_be_tried_again_and_refusals_not() {
    let login = azure::start(0).await.url;
    for (status, body, expected) in [
        (429, "{}", "Throttled, later"),
        (500, "<html>", "Unavailable, later"),
        (502, "", "Unavailable, later"),
        (
            503,
            r#"{"errors":["Vault is sealed"]}"#,
            "Unavailable, later",
        ),
        (401, "{}", "Rejected, never"),
        (403, "{}", "Denied, never"),
        (404, "{}", "NotFound, never"),
        (400, "{}", "Undecryptable, never"),
        (307, "", "Answer, later"),
        (200, "<html>", "Answer, later"),
        (200, "{}", "Answer, later"),
    ] {
        let client = client(&always(status, body).await, &login);
        for key in keys() {
            let result = unwrap(&client, &key).await;
            if matches!(status, 429 | 503) {
                let retry = result.as_ref().unwrap_err().retry();
                assert_eq!(retry, Retry::Later(Some(Duration::from_secs(7))));
            }
            assert_eq!(kind(result), expected, "{status} {body}: {key:?}");
        }
    }
}

#[tokio::test]
async fn codes_of_aws_say_more_than_its_status() {
    let login = azure::start(0).await.url;
    for (body, expected) in [
        (r#"{"__type":"ThrottlingException"}"#, "Throttled, later"),
        (r#"{"__type":"KMSInternalException"}"#, "Unavailable, later"),
        (
            r#"{"__type":"com.amazonaws#KeyUnavailableException"}"#,
            "Unavailable, later",
        ),
        (
            r#"{"__type":"UnrecognizedClientException"}"#,
            "Rejected, never",
        ),
        (r#"{"__type":"AccessDeniedException"}"#, "Denied, never"),
        (r#"{"__type":"DisabledException"}"#, "NotFound, never"),
        (
            r#"{"__type":"InvalidCiphertextException"}"#,
            "Undecryptable, never",
        ),
    ] {
        let client = client(&always(400, body).await, &login);
        assert_eq!(kind(unwrap(&client, &keys()[1]).await), expected, "{body}");
    }
}

#[tokio::test]
async fn a_server_that_is_silent_or_gone_costs_no_more_than_the_time_out() {
    let login = azure::start(0).await.url;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = Url::parse(&format!("http://{}", silent.local_addr().unwrap())).unwrap();
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone_url = Url::parse(&format!("http://{}", gone.local_addr().unwrap())).unwrap();
    drop(gone);
    for (url, expected) in [
        (&silent_url, "Timeout, later"),
        (&gone_url, "Unreachable, later"),
    ] {
        let client = client(url, &login);
        for key in keys() {
            let start = Instant::now();
            assert_eq!(kind(unwrap(&client, &key).await), expected, "{key:?}");
            assert!(start.elapsed() < Duration::from_secs(3));
        }
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let login = azure::start(0).await.url;
    let body = Box::leak("x".repeat(2 << 20).into_boxed_str());
    let client = client(&always(200, body).await, &login);
    for key in keys() {
        assert_eq!(kind(unwrap(&client, &key).await), "Answer, later");
    }
}
