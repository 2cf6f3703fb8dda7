//! Small servers that answer as the services' documentation says, with real cryptography.
//!
//! The tests start them on free ports. Their keys are throw-away keys.

#![allow(dead_code)] // Each user takes a part.

pub(crate) mod azure;
pub(crate) mod gcp;
pub(crate) mod moto;
pub(crate) mod vault;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use url::Url;

/// An RSA key that guards nothing.
pub(crate) const RSA: &str = include_str!("throw-away-rsa.pem");
/// A certificate over its public half.
pub(crate) const CERTIFICATE: &str = include_str!("throw-away-cert.pem");

/// A running server.
pub(crate) struct Running {
    pub(crate) url: Url,
    /// Decrypts asked for.
    pub(crate) decrypts: Count,
    /// Tokens handed out.
    pub(crate) tokens: Count,
}

/// Counts what a server did.
#[derive(Clone, Default)]
pub(crate) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(crate) fn one_more(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Serves until the test's runtime ends.
pub(crate) async fn serve(app: Router, port: u16) -> Url {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
        .await
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url.parse().unwrap()
}

/// Reads the body of a form.
pub(crate) fn form(body: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect()
}

/// An AES-256-GCM key that follows from a name.
pub(crate) struct Aes(LessSafeKey);

impl Aes {
    pub(crate) fn named(name: &str) -> Self {
        let bytes = digest(&SHA256, name.as_bytes());
        Self(LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, bytes.as_ref()).unwrap(),
        ))
    }

    /// Returns nonce, ciphertext and tag in a row.
    pub(crate) fn seal(&self, plaintext: &[u8]) -> Vec<u8> {
        let mut nonce = [0; 12];
        rand::fill(&mut nonce);
        let mut body = plaintext.to_vec();
        let sealed = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_in_place_append_tag(sealed, Aad::empty(), &mut body)
            .unwrap();
        [&nonce[..], &body].concat()
    }

    pub(crate) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_at_checked(12)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let plain = self.0.open_in_place(nonce, Aad::empty(), &mut body).ok()?;
        Some(plain.to_vec())
    }
}
