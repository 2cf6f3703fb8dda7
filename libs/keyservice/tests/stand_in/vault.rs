//! Vault's transit engine and the login of its Kubernetes auth method.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Aes, Count, Running, serve};

pub(crate) const TOKEN: &str = "hvs.planted-vault-token";
pub(crate) const JWT: &str = "eyJ.planted-vault-jwt.sig";

#[derive(Clone)]
struct Counts(Count, Count);

pub(crate) async fn start(port: u16) -> Running {
    let counts = Counts(Count::default(), Count::default());
    let app = Router::new()
        .route("/v1/auth/kubernetes/login", post(login))
        .route("/v1/{*path}", post(transit).put(transit))
        .with_state(counts.clone());
    Running {
        url: serve(app, port).await,
        decrypts: counts.0,
        tokens: counts.1,
    }
}

/// Encrypts as `ENGINE/encrypt/KEY` does.
pub(crate) fn wrap(key: &str, plaintext: &[u8]) -> String {
    format!(
        "vault:v1:{}",
        STANDARD.encode(Aes::named(key).seal(plaintext))
    )
}

type Reply = (StatusCode, Json<Value>);

fn errors(status: u16, text: &str) -> Reply {
    let body = json!({ "errors": [text] });
    (StatusCode::from_u16(status).unwrap(), Json(body))
}

async fn login(State(counts): State<Counts>, Json(body): Json<Value>) -> Reply {
    if body["role"] != "apps_deployer" || body["jwt"] != JWT {
        return errors(403, "permission denied");
    }
    counts.1.one_more();
    let auth = json!({ "client_token": TOKEN, "lease_duration": 3600, "renewable": true });
    (StatusCode::OK, Json(json!({ "auth": auth })))
}

async fn transit(
    State(counts): State<Counts>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Reply {
    // Vault's own client names no content type.
    let body: Value = serde_json::from_str(&body).unwrap();
    let token = headers.get("x-vault-token").and_then(|v| v.to_str().ok());
    match token {
        None => return errors(400, "missing client token"),
        Some(TOKEN) => {}
        Some(other) => {
            let text =
                format!("2 errors occurred:\n\t* permission denied\n\t* invalid token {other}\n\n");
            return errors(403, &text);
        }
    }
    let parts: Vec<&str> = path.rsplitn(3, '/').collect();
    let [key, action, engine] = parts[..] else {
        return errors(404, "no handler for route");
    };
    if !matches!(engine, "transit" | "team/transit") {
        return errors(
            404,
            &format!("no handler for route \"{engine}\". route entry not found."),
        );
    }
    if key == "forbidden" {
        return errors(403, "1 error occurred:\n\t* permission denied\n\n");
    }
    if key == "missing" {
        return errors(400, "encryption key not found");
    }
    match action {
        "encrypt" => {
            let plaintext = STANDARD
                .decode(body["plaintext"].as_str().unwrap())
                .unwrap();
            let data = json!({ "ciphertext": wrap(key, &plaintext), "key_version": 1 });
            (StatusCode::OK, Json(json!({ "data": data })))
        }
        "decrypt" => {
            counts.0.one_more();
            let sealed = body["ciphertext"]
                .as_str()
                .and_then(|text| text.strip_prefix("vault:v1:"));
            let Some(sealed) = sealed.and_then(|text| STANDARD.decode(text).ok()) else {
                return errors(400, "invalid ciphertext: no prefix");
            };
            match Aes::named(key).open(&sealed) {
                Some(plain) => {
                    let data = json!({ "plaintext": STANDARD.encode(plain) });
                    (StatusCode::OK, Json(json!({ "data": data })))
                }
                None => errors(400, "cipher: message authentication failed"),
            }
        }
        _ => errors(404, "unsupported path"),
    }
}
