//! Serves the stand-ins of the tests, so that the real sops can encrypt with them (`tests/oracle/keyservice`).
//!
//!     stand_ins VAULT_PORT GCP_PORT AZURE_PORT

// It is a part of the tests, and fails as they do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "../tests/stand_in/mod.rs"]
mod stand_in;

#[tokio::main]
async fn main() {
    let ports: Vec<u16> = std::env::args()
        .skip(1)
        .map(|port| port.parse().unwrap())
        .collect();
    let [vault, gcp, azure] = ports[..] else {
        panic!("three ports are needed");
    };
    stand_in::vault::start(vault).await;
    stand_in::gcp::start(gcp).await;
    stand_in::azure::start(azure).await;
    println!("serving");
    std::future::pending::<()>().await;
}
