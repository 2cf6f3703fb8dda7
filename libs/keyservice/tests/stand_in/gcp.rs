//! Google's token address (JWT bearer and refresh token) and Cloud KMS's encrypt and decrypt.

use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use url::Url;

use super::{Aes, Count, RSA, Running, form, serve};

pub(crate) const ACCESS_TOKEN: &str = "ya29.planted-google-token";
pub(crate) const KEY: &str = "projects/p/locations/global/keyRings/r/cryptoKeys/k";
const EMAIL: &str = "sops@p.iam.example";

#[derive(Clone)]
struct Counts(Count, Count);

pub(crate) async fn start(port: u16) -> Running {
    let counts = Counts(Count::default(), Count::default());
    let app = Router::new()
        .route("/token", post(token))
        .route("/v1/{*path}", post(kms))
        .with_state(counts.clone());
    Running {
        url: serve(app, port).await,
        decrypts: counts.0,
        tokens: counts.1,
    }
}

/// The JSON file of a service account whose tokens come from the stand-in.
pub(crate) fn service_account(server: &Url) -> Value {
    json!({
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "1",
        "private_key": RSA,
        "client_email": EMAIL,
        "token_uri": server.join("/token").unwrap().as_str(),
    })
}

pub(crate) fn wrap(key: &str, plaintext: &[u8]) -> String {
    STANDARD.encode(Aes::named(key).seal(plaintext))
}

async fn token(State(counts): State<Counts>, body: String) -> (StatusCode, Json<Value>) {
    let form = form(&body);
    let good = match form["grant_type"].as_str() {
        "refresh_token" => {
            form["client_secret"] == "planted-client-secret"
                && form["refresh_token"] == "1//planted-refresh-token"
        }
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => is_signed(&form["assertion"]),
        _ => false,
    };
    if !good {
        let echo = form.get("assertion").or(form.get("refresh_token"));
        let text = format!("Invalid grant: {}", echo.unwrap());
        let body = json!({ "error": "invalid_grant", "error_description": text });
        return (StatusCode::BAD_REQUEST, Json(body));
    }
    counts.1.one_more();
    let body = json!({ "access_token": ACCESS_TOKEN, "expires_in": 3599, "token_type": "Bearer" });
    (StatusCode::OK, Json(body))
}

fn is_signed(assertion: &str) -> bool {
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let key = PrivatePkcs8KeyDer::from_pem_slice(RSA.as_bytes()).unwrap();
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let claims = signed.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    public.verify(signed.as_bytes(), &signature).is_ok()
        && claims["iss"] == EMAIL
        && claims["aud"].as_str().unwrap().ends_with("/token")
        && claims["exp"].as_i64() > claims["iat"].as_i64()
}

async fn kms(
    State(counts): State<Counts>,
    Path(path): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let error = |code: u16, status: &str, message: &str| {
        let error = json!({ "code": code, "status": status, "message": message });
        let code = StatusCode::from_u16(code).unwrap();
        (code, Json(json!({ "error": error })))
    };
    let bearer = headers["authorization"].to_str().unwrap();
    if bearer.strip_prefix("Bearer ") != Some(ACCESS_TOKEN) {
        return error(401, "UNAUTHENTICATED", &format!("Request had {bearer}"));
    }
    match path.rsplit_once(':') {
        Some((key, "encrypt")) => {
            let plaintext = STANDARD
                .decode(body["plaintext"].as_str().unwrap())
                .unwrap();
            let body = json!({ "name": key, "ciphertext": wrap(key, &plaintext) });
            (StatusCode::OK, Json(body))
        }
        Some((key, "decrypt")) => {
            counts.0.one_more();
            if key.ends_with("/missing") {
                return error(404, "NOT_FOUND", "CryptoKey not found.");
            }
            if key.ends_with("/forbidden") {
                return error(
                    403,
                    "PERMISSION_DENIED",
                    "Permission denied on the resource.",
                );
            }
            let sealed = STANDARD
                .decode(body["ciphertext"].as_str().unwrap())
                .unwrap();
            match Aes::named(key).open(&sealed) {
                Some(plain) => {
                    let body = json!({ "plaintext": STANDARD.encode(plain) });
                    (StatusCode::OK, Json(body))
                }
                None => error(
                    400,
                    "INVALID_ARGUMENT",
                    "Decryption failed: verify the name.",
                ),
            }
        }
        _ => error(404, "NOT_FOUND", "no such method"),
    }
}
