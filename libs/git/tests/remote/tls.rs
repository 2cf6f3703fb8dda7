//! TLS with private authorities and client certificates, proxies, and the environment's settings.

use std::process::Command;
use std::sync::{Arc, Mutex};

use fjord_git::{Clients, Network, Outcome, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Client, branch};
use crate::support::GitServer;
use crate::support::tls::Authority;

async fn a_server(authority: &Authority, demands_certificate: bool) -> Option<GitServer> {
    let server = GitServer::start_tls(authority.server(demands_certificate)).await?;
    server.repository("app").commit("one", &[("a", "1")]);
    Some(server)
}

/// A proxy that tunnels; it notes what was asked of it.
async fn a_proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let notes = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let notes = notes.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let target = head.split(' ').nth(1).unwrap().to_owned();
                notes.lock().unwrap().push(head.to_lowercase());
                let mut server = TcpStream::connect(target).await.unwrap();
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, asked)
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_where_it_is_given() {
    let authority = Authority::new();
    let Some(server) = a_server(&authority, false).await else {
        return;
    };
    let stranger = Client::new()
        .error(server.url("app.git"), branch("main"), None)
        .await;
    let url = server.url("app.git");
    let expected =
        format!("unable to clone '{url}': Get \"{url}/info/refs?service=git-upload-pack\": ");
    assert!(
        stranger.starts_with(&expected) && stranger.contains("certificate"),
        "{stranger}"
    );
    let network = Network {
        ca: Some(authority.pem()),
        ..Network::default()
    };
    let client = Client {
        network,
        ..Client::new()
    };
    client.checkout(&server, branch("main")).await;
    let other = Network {
        ca: Some(Authority::new().pem()),
        ..Network::default()
    };
    let client = Client {
        network: other,
        ..Client::new()
    };
    assert!(
        client
            .sync(server.url("app.git"), branch("main"), None)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_it_is_demanded() {
    let authority = Authority::new();
    let Some(server) = a_server(&authority, true).await else {
        return;
    };
    let without = Network {
        ca: Some(authority.pem()),
        ..Network::default()
    };
    let (certificate, key) = authority.issue("client");
    let identity = Some((certificate.into_bytes(), key.into()));
    let with = Network {
        identity,
        ..without.clone()
    };
    let client = Client {
        network: without,
        ..Client::new()
    };
    assert!(
        client
            .sync(server.url("app.git"), branch("main"), None)
            .await
            .is_err()
    );
    let client = Client {
        network: with,
        ..Client::new()
    };
    client.checkout(&server, branch("main")).await;
}

#[tokio::test]
async fn certificates_that_are_none_are_refused_by_name() {
    let Some(server) = GitServer::start().await else {
        return;
    };
    for (network, text) in [
        (
            Network {
                ca: Some(b"rubbish".to_vec()),
                ..Network::default()
            },
            "CA certificate",
        ),
        (
            Network {
                identity: Some((b"x".to_vec(), "y".into())),
                ..Network::default()
            },
            "invalid client certificate",
        ),
    ] {
        let client = Client {
            network,
            ..Client::new()
        };
        let error = client
            .error(server.url("app.git"), branch("main"), None)
            .await;
        assert!(error.contains(text), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_is_used_with_its_login() {
    let authority = Authority::new();
    let Some(server) = a_server(&authority, false).await else {
        return;
    };
    let (address, asked) = a_proxy().await;
    let proxy = Proxy {
        address,
        login: Some(("user".into(), "pass".into())),
    };
    let network = Network {
        ca: Some(authority.pem()),
        proxy: Some(proxy),
        ..Network::default()
    };
    Client {
        network,
        ..Client::new()
    }
    .checkout(&server, branch("main"))
    .await;
    let asked = asked.lock().unwrap().join("");
    assert!(
        asked.starts_with(&format!("connect {}", server.address)),
        "{asked}"
    );
    assert!(
        asked.contains("proxy-authorization: basic dxnlcjpwyxnz"),
        "{asked}"
    );
}

/// Runs the ignored test below in a process with an environment of its own.
fn in_environment(server: &GitServer, variables: &[(&str, &str)]) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--ignored",
        "--exact",
        "tls::in_an_environment_of_its_own",
        "--nocapture",
    ]);
    child
        .env("TEST_URL", server.url("app.git").as_str())
        .envs(variables.iter().copied());
    child.output().unwrap().status.success()
}

#[tokio::test]
#[ignore = "run by the test below as a process of its own"]
async fn in_an_environment_of_its_own() {
    let url = std::env::var("TEST_URL").unwrap().parse().unwrap();
    let client = Client {
        clients: Clients::new().unwrap(),
        ..Client::new()
    };
    let outcome = client.sync(url, branch("main"), None).await.unwrap();
    assert!(matches!(outcome, Outcome::Commit(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environments_certificates_and_proxy_are_heeded() {
    let authority = Authority::new();
    let Some(server) = a_server(&authority, false).await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let trust = ("SSL_CERT_FILE", file.to_str().unwrap());
    assert!(
        !in_environment(&server, &[]),
        "nobody trusts the authority by itself"
    );
    assert!(in_environment(&server, &[trust]));

    let (address, asked) = a_proxy().await;
    let proxy = ("HTTPS_PROXY", address.as_str());
    assert!(in_environment(&server, &[trust, proxy]));
    assert!(!asked.lock().unwrap().is_empty(), "the proxy was used");
    asked.lock().unwrap().clear();
    assert!(in_environment(
        &server,
        &[trust, proxy, ("NO_PROXY", "localhost")]
    ));
    assert!(
        asked.lock().unwrap().is_empty(),
        "the host is exempt from the proxy"
    );
}
