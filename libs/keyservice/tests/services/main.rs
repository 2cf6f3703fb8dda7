//! Each service against a stand-in: what unwraps, what is refused and how, and that nothing secret shows.

// Helpers of a test fail by panicking, as the test itself does.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod aws;
mod azure;
mod failures;
mod gcp;
mod sops;
#[path = "../stand_in/mod.rs"]
mod stand_in;
mod vault;

use fjord_keyservice::{Credentials, Endpoints, Error, KeyClient, Settings, WrappedKey};

/// What the stand-ins wrap: as long as a SOPS data key.
const DATA_KEY: &[u8; 32] = b"planted-data-key-of-32-bytes-...";

/// Returns a client that asks the given addresses.
fn client(credentials: Credentials, endpoints: Endpoints) -> KeyClient {
    let settings = Settings {
        endpoints,
        ..Settings::default()
    };
    KeyClient::new(credentials, settings).unwrap()
}

/// Unwraps, or returns the error after looking for secrets in it.
async fn unwrap(client: &KeyClient, key: &WrappedKey) -> Result<Vec<u8>, Error> {
    let result = client.unwrap(key).await;
    let shown = format!("{client:?} {result:?}");
    assert!(!shown.contains("planted-"), "a secret shows: {shown}");
    if let Err(error) = &result {
        assert!(
            !error.to_string().contains("planted-"),
            "a secret shows: {error}"
        );
    }
    result.map(|key| key.expose().to_vec())
}

/// Returns the name of an error's variant, and whether it may be tried again.
fn kind(result: Result<Vec<u8>, Error>) -> String {
    let error = result.unwrap_err();
    let debug = format!("{error:?}");
    let variant = debug.split([' ', '(']).next().unwrap();
    let again = if error.is_retryable() {
        "later"
    } else {
        "never"
    };
    format!("{variant}, {again}")
}
