//! Entra ID's token address (secret and certificate) and Key Vault's decrypt.

use std::collections::HashMap;

use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::{Count, RSA, Running, form, serve};

pub(crate) const ACCESS_TOKEN: &str = "eyJ0.planted-azure-token";
pub(crate) const SECRET: &str = "planted-azure-secret";

#[derive(Clone)]
struct Counts(Count, Count);

pub(crate) async fn start(port: u16) -> Running {
    let counts = Counts(Count::default(), Count::default());
    let app = Router::new()
        .route("/tenant/oauth2/v2.0/token", post(token))
        .route("/identity", get(identity))
        .route("/keys/{name}/{version}/encrypt", post(encrypt))
        .route("/keys/{name}/decrypt", post(newest))
        .route("/keys/{name}/{version}/decrypt", post(decrypt))
        .with_state(counts.clone());
    Running {
        url: serve(app, port).await,
        decrypts: counts.0,
        tokens: counts.1,
    }
}

fn pkcs8() -> PrivatePkcs8KeyDer<'static> {
    PrivatePkcs8KeyDer::from_pem_slice(RSA.as_bytes()).unwrap()
}

/// Encrypts as a client with the public key does.
pub(crate) fn wrap(plaintext: &[u8]) -> String {
    let key = PrivateDecryptingKey::from_pkcs8(pkcs8().secret_pkcs8_der()).unwrap();
    let key = OaepPublicEncryptingKey::new(key.public_key()).unwrap();
    let mut out = vec![0; key.ciphertext_size()];
    let out = key
        .encrypt(&OAEP_SHA256_MGF1SHA256, plaintext, &mut out, None)
        .unwrap();
    URL_SAFE_NO_PAD.encode(out)
}

/// A machine's identity, by which the real sops gets its token here.
async fn identity() -> Json<Value> {
    let forever = "4102444800";
    let resource = "https://vault.azure.net";
    Json(json!({
        "access_token": ACCESS_TOKEN, "expires_on": forever, "resource": resource, "token_type": "Bearer",
    }))
}

async fn encrypt(Path((name, _version)): Path<(String, String)>, body: String) -> Json<Value> {
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["alg"], "RSA-OAEP-256");
    let plaintext = URL_SAFE_NO_PAD.decode(body["value"].as_str().unwrap());
    Json(json!({ "kid": name, "value": wrap(&plaintext.unwrap()) }))
}

async fn token(State(counts): State<Counts>, body: String) -> (StatusCode, Json<Value>) {
    let form = form(&body);
    assert_eq!(form["grant_type"], "client_credentials");
    assert_eq!(form["scope"], "https://vault.azure.net/.default");
    let good = match (form.get("client_secret"), form.get("client_assertion")) {
        (Some(secret), None) => secret == SECRET,
        (None, Some(assertion)) => is_signed(assertion),
        _ => false,
    };
    if !good {
        let echo = form.get("client_secret").or(form.get("client_assertion"));
        let text = format!("AADSTS7000215: Invalid client secret {}", echo.unwrap());
        let body = json!({ "error": "invalid_client", "error_description": text });
        return (StatusCode::UNAUTHORIZED, Json(body));
    }
    counts.1.one_more();
    let body = json!({ "access_token": ACCESS_TOKEN, "expires_in": 3599, "token_type": "Bearer" });
    (StatusCode::OK, Json(body))
}

fn is_signed(assertion: &str) -> bool {
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let json = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let (header, claims) = (json(header), json(claims));
    let key = RsaKeyPair::from_pkcs8(pkcs8().secret_pkcs8_der()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.public_key().as_ref());
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    public.verify(signed.as_bytes(), &signature).is_ok()
        && header["alg"] == "PS256"
        && header["x5t#S256"].as_str().unwrap().len() == 43
        && header["x5c"]
            .as_array()
            .is_none_or(|chain| chain.len() == 1)
        && claims["iss"] == claims["sub"]
        && claims["aud"]
            .as_str()
            .unwrap()
            .ends_with("/tenant/oauth2/v2.0/token")
}

async fn newest(
    counts: State<Counts>,
    Path(name): Path<String>,
    query: Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Json<Value>,
) -> (StatusCode, Json<Value>) {
    decrypt(counts, Path((name, "newest".into())), query, headers, body).await
}

async fn decrypt(
    State(counts): State<Counts>,
    Path((name, _version)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let error = |status: u16, code: &str, message: &str| {
        let error = json!({ "code": code, "message": message });
        let status = StatusCode::from_u16(status).unwrap();
        (status, Json(json!({ "error": error })))
    };
    assert!(query.contains_key("api-version"));
    if headers["authorization"].to_str().unwrap() != format!("Bearer {ACCESS_TOKEN}") {
        return error(401, "Unauthorized", "AKV10000: bearer token is not valid");
    }
    counts.0.one_more();
    match name.as_str() {
        "missing" => return error(404, "KeyNotFound", "A key with this name was not found"),
        "forbidden" => return error(403, "Forbidden", "The user does not have keys decrypt"),
        _ => {}
    }
    assert_eq!(body["alg"], "RSA-OAEP-256");
    let sealed = URL_SAFE_NO_PAD
        .decode(body["value"].as_str().unwrap())
        .unwrap();
    let key = PrivateDecryptingKey::from_pkcs8(pkcs8().secret_pkcs8_der()).unwrap();
    let key = OaepPrivateDecryptingKey::new(key).unwrap();
    let mut out = vec![0; key.min_output_size()];
    match key.decrypt(&OAEP_SHA256_MGF1SHA256, &sealed, &mut out, None) {
        Ok(plain) => {
            let body = json!({ "kid": name, "value": URL_SAFE_NO_PAD.encode(plain) });
            (StatusCode::OK, Json(body))
        }
        Err(_) => error(400, "BadParameter", "The parameter is incorrect."),
    }
}
