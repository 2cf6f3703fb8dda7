use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::http::{HeaderMap as Headers, StatusCode};
use axum::{Router, routing::any};
use serde_json::json;

use super::*;

struct Fixed(Vec<Secret>);

impl Secrets for Fixed {
    async fn get(&self, namespace: &str, name: &str) -> Result<Secret, SecretError> {
        let wanted = format!("{namespace}/{name}");
        self.0
            .iter()
            .find(|secret| secret.to_string() == wanted)
            .cloned()
            .ok_or_else(|| SecretError::NotFound(format!("secrets {name:?} not found")))
    }
}

fn secret(name: &str, data: &[(&str, &str)]) -> Secret {
    Secret::new(
        "apps",
        name,
        data.iter()
            .map(|(key, value)| (key.to_string(), value.as_bytes().to_vec())),
    )
}

fn provider(spec: serde_json::Value) -> Provider {
    serde_json::from_value(json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider",
        "metadata": {"name": "p", "namespace": "apps"}, "spec": spec
    }))
    .unwrap()
}

async fn error(spec: serde_json::Value, secrets: Vec<Secret>) -> String {
    match Sender::new(&provider(spec), &Fixed(secrets)).await {
        Ok(_) => "ready".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_used_says_why_in_the_words_of_flux() {
    let url = "http://example.com/x";
    for (spec, secrets, want) in [
        (json!({"type": "generic", "address": url}), vec![], "ready"),
        (
            json!({"type": "generic", "address": url, "secretRef": {"name": "none"}}),
            vec![],
            "failed to get secret 'apps/none': secrets \"none\" not found",
        ),
        (
            json!({"type": "generic"}),
            vec![],
            "failed to initialize notifier: invalid hook URL : parse \"\": empty url",
        ),
        (
            json!({"type": "generic", "address": "not a url"}),
            vec![],
            "failed to initialize notifier: invalid hook URL not a url: parse \"not a url\": invalid URI for request",
        ),
        (
            json!({"type": "generic-hmac", "address": url, "secretRef": {"name": "s"}}),
            vec![secret("s", &[("x", "y")])],
            "failed to initialize notifier: HMAC key is empty",
        ),
        (
            json!({"type": "generic-hmac", "address": url, "secretRef": {"name": "s"}}),
            vec![secret("s", &[("token", "t"), ("username", "u")])],
            "failed to initialize notifier: HMAC key is empty",
        ),
        (
            json!({"type": "generic-hmac", "address": url, "secretRef": {"name": "s"}}),
            vec![secret("s", &[("token", "t")])],
            "ready",
        ),
        (
            json!({"type": "slack", "address": url}),
            vec![],
            "failed to initialize notifier: provider slack not supported: this release sends to generic and generic-hmac only",
        ),
        (
            json!({"type": "generic", "address": url, "proxySecretRef": {"name": "s"}}),
            vec![secret("s", &[("x", "y")])],
            "failed to get proxy URL: secret 'apps/s': key 'address' not found",
        ),
        (
            json!({"type": "generic", "address": url, "proxySecretRef": {"name": "s"}}),
            vec![secret("s", &[("address", "ftp://x")])],
            "failed to get proxy URL: secret 'apps/s': proxy URL must use one of the supported schemes (http, https), got 'ftp'",
        ),
        (
            json!({"type": "generic", "address": url, "proxySecretRef": {"name": "s"}}),
            vec![secret(
                "s",
                &[
                    ("address", "http://proxy:3128"),
                    ("username", "u"),
                    ("password", "p@/"),
                ],
            )],
            "ready",
        ),
        (
            json!({"type": "generic", "address": url, "secretRef": {"name": "s"}}),
            vec![secret("s", &[("headers", "nonsense")])],
            "failed to read headers from secret: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type map[string]string",
        ),
        (
            json!({"type": "generic", "address": url, "certSecretRef": {"name": "s"}}),
            vec![secret("s", &[("x", "y")])],
            "failed to get TLS config: secret 'apps/s' must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'",
        ),
        (
            json!({"type": "generic", "address": url, "certSecretRef": {"name": "s"}}),
            vec![secret("s", &[("certFile", "y")])],
            "failed to get TLS config: secret 'apps/s' contains 'tls.crt' but missing 'tls.key'",
        ),
        (
            json!({"type": "generic", "address": url, "certSecretRef": {"name": "s"}}),
            vec![secret("s", &[("ca.crt", "y")])],
            "failed to get TLS config: failed to parse CA certificate",
        ),
        (
            json!({"type": "generic", "address": url, "certSecretRef": {"name": "s"}}),
            vec![secret("s", &[("tls.crt", "y"), ("tls.key", "z")])],
            "failed to get TLS config: failed to parse TLS certificate and key",
        ),
    ] {
        assert_eq!(error(spec.clone(), secrets).await, want, "{spec}");
    }
}

#[tokio::test]
async fn an_address_of_more_than_2048_bytes_is_refused_only_in_the_secret() {
    let spec = || json!({"type": "generic", "secretRef": {"name": "s"}});
    let of = |n: usize| {
        secret(
            "s",
            &[(
                "address",
                format!("http://h/{}", "x".repeat(n - 9)).as_str(),
            )],
        )
    };
    assert_eq!(error(spec(), vec![of(2048)]).await, "ready");
    assert_eq!(
        error(spec(), vec![of(2049)]).await,
        "invalid address in secret: address exceeds maximum length of 2048 bytes"
    );
}

/// What a server heard, and what it answers.
#[derive(Default)]
struct Heard {
    count: AtomicUsize,
    requests: std::sync::Mutex<Vec<(Headers, String)>>,
    answers: Vec<StatusCode>,
}

type Recorder = Arc<Heard>;

/// A server that answers with the given statuses in turn, then 200.
async fn server(statuses: &[u16]) -> (String, Recorder) {
    let answers = statuses
        .iter()
        .map(|code| StatusCode::from_u16(*code).unwrap())
        .collect();
    let recorder = Arc::new(Heard {
        answers,
        ..Heard::default()
    });
    let handler = |State(heard): State<Recorder>, headers: Headers, body: String| async move {
        heard.requests.lock().unwrap().push((headers, body));
        let number = heard.count.fetch_add(1, Ordering::SeqCst);
        let status = heard.answers.get(number).copied().unwrap_or(StatusCode::OK);
        (status, "the token is t0ken")
    };
    let app = Router::new()
        .fallback(any(handler))
        .with_state(Arc::clone(&recorder));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, recorder)
}

fn event() -> Event {
    Event {
        message: "it <failed>".into(),
        reporting_controller: "kc".into(),
        ..Event::default()
    }
}

#[tokio::test]
async fn a_generic_hmac_delivery_carries_the_event_the_headers_and_a_signature_over_its_bytes() {
    let (address, recorder) = server(&[]).await;
    let spec = json!({"type": "generic-hmac", "address": "http://overridden/", "secretRef": {"name": "s"}});
    let headers = "X-Extra: 'one'\nX-Signature: mine\nHost: elsewhere\nX-Number: 1\n";
    let address = format!(" {address} \n");
    let secret = secret(
        "s",
        &[
            ("token", "hush"),
            ("address", &address),
            ("headers", headers),
        ],
    );
    let sender = Sender::new(&provider(spec), &Fixed(vec![secret]))
        .await
        .unwrap();
    sender.send(&event(), &Clients::default()).await.unwrap();
    let seen = recorder.requests.lock().unwrap();
    let (headers, body) = &seen[0];
    assert_eq!(body, &event().to_json());
    assert_eq!(
        headers["x-signature"],
        signature::sign(body.as_bytes(), b"hush")
    );
    assert_eq!(headers["gotk-component"], "kc");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["x-extra"], "one");
    assert_eq!(headers["x-number"], "1");
    assert!(headers["host"].to_str().unwrap().starts_with("127.0.0.1:"));
}

#[tokio::test]
async fn a_plain_generic_delivery_keeps_a_custom_signature_and_content_type() {
    let (address, recorder) = server(&[]).await;
    let spec = json!({"type": "generic", "address": address, "secretRef": {"name": "s"}});
    let secret = secret(
        "s",
        &[("headers", "X-Signature: mine\nContent-Type: text/plain\n")],
    );
    let sender = Sender::new(&provider(spec), &Fixed(vec![secret]))
        .await
        .unwrap();
    sender.send(&event(), &Clients::default()).await.unwrap();
    let seen = recorder.requests.lock().unwrap();
    assert_eq!(seen[0].0["x-signature"], "mine");
    assert_eq!(seen[0].0["content-type"], "text/plain");
}

#[tokio::test]
async fn a_refusal_is_final_and_repeats_the_answer_without_the_token() {
    let (address, recorder) = server(&[400]).await;
    let spec = json!({"type": "generic", "address": address, "secretRef": {"name": "s"}});
    let secret = secret("s", &[("token", " t0ken\n")]);
    let sender = Sender::new(&provider(spec), &Fixed(vec![secret]))
        .await
        .unwrap();
    let error = sender
        .send(&event(), &Clients::default())
        .await
        .unwrap_err();
    assert!(!error.may_pass());
    assert_eq!(
        sender.mask(&error.to_string()),
        "postMessage failed: request failed: request failed with status code 400: the token is *****"
    );
    assert_eq!(recorder.count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_server_error_is_tried_again_within_the_timeout() {
    let (address, recorder) = server(&[500]).await;
    let sender = |timeout: &str| {
        let spec = json!({"type": "generic", "timeout": timeout, "address": address});
        async move { Sender::new(&provider(spec), &Fixed(vec![])).await.unwrap() }
    };
    sender("5s")
        .await
        .send(&event(), &Clients::default())
        .await
        .unwrap();
    assert_eq!(recorder.count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn without_time_for_another_attempt_the_deadline_is_the_error() {
    let refused = json!({"type": "generic", "timeout": "1s", "address": "http://127.0.0.1:9/x"});
    let sender = Sender::new(&provider(refused), &Fixed(vec![]))
        .await
        .unwrap();
    let error = sender
        .send(&event(), &Clients::default())
        .await
        .unwrap_err();
    assert!(error.may_pass());
    assert_eq!(
        error.to_string(),
        "postMessage failed: failed to execute request: context deadline exceeded"
    );
}
