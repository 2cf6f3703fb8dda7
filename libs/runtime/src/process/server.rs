//! The two plain HTTP servers of every controller: probes and metrics.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::{
    Router, http::StatusCode, http::header::CONTENT_TYPE, response::IntoResponse, routing::get,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Error, Metrics};

/// Serves `/healthz` and `/readyz`: 200 as soon as the process runs (Flux's `ping` check).
pub(super) async fn probes(address: &str, shutdown: &CancellationToken) -> Result<(), Error> {
    let router = Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(async || "ok"))
        .route("/healthz/{check}", get(async || "ok"))
        .route("/readyz/{check}", get(async || "ok"));
    serve(address, router, shutdown).await
}

/// Serves `/metrics` in the text format.
pub(super) async fn metrics(
    address: &str,
    metrics: Metrics,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let page = async move || match metrics.render() {
        Ok(text) => (
            [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
            text,
        )
            .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    };
    serve(
        address,
        Router::new().route("/metrics", get(page)),
        shutdown,
    )
    .await
}

/// Listens now (so that a busy port stops the start) and serves until shutdown; `0` and nothing switch it off.
async fn serve(address: &str, router: Router, shutdown: &CancellationToken) -> Result<(), Error> {
    if address.is_empty() || address == "0" {
        return Ok(());
    }
    let listen = |source| Error::Listen {
        address: address.to_owned(),
        source,
    };
    let listener = listen_on(address).await.map_err(listen)?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!(error = error.to_string(), "HTTP server failed");
        }
    });
    Ok(())
}

/// Listens as Go does: `:8080` means every address of both families.
pub async fn listen_on(address: &str) -> std::io::Result<TcpListener> {
    let Some(port) = address.strip_prefix(':') else {
        return TcpListener::bind(address).await;
    };
    let port: u16 = port
        .parse()
        .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidInput, error))?;
    match TcpListener::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).await {
        Ok(listener) => Ok(listener),
        // A host without IPv6.
        Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_busy_port_stops_the_start_with_its_address() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let error = probes(&address, &CancellationToken::new())
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), format!("failed to listen on {address}"));
    }

    #[tokio::test]
    async fn a_zero_switches_the_server_off() {
        assert!(probes("0", &CancellationToken::new()).await.is_ok());
    }
}
