//! The file server's socket and its graceful end.

use std::time::Duration;

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Time that running downloads have at the end (source-controller.md §3.6).
const GRACE: Duration = Duration::from_secs(5);

/// A running file server.
pub(crate) struct Server {
    task: JoinHandle<()>,
}

/// Binds `address` and serves until `shutdown`.
pub(crate) async fn start(
    address: &str,
    routes: Router,
    shutdown: &CancellationToken,
) -> anyhow::Result<Server> {
    let listener = bind(address)
        .await
        .with_context(|| format!("cannot bind {address}"))?;
    let ended = shutdown.clone().cancelled_owned();
    let serving = axum::serve(listener, routes).with_graceful_shutdown(ended);
    let task = tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "artifact server error");
        }
    });
    Ok(Server { task })
}

impl Server {
    /// Waits for running downloads, for a while.
    pub(crate) async fn stop(self) {
        let abort = self.task.abort_handle();
        if tokio::time::timeout(GRACE, self.task).await.is_err() {
            abort.abort();
        }
    }
}

/// Binds as Go does: without a host on all addresses, of both families where there are two.
async fn bind(address: &str) -> std::io::Result<TcpListener> {
    let Some(port) = address.strip_prefix(':') else {
        return TcpListener::bind(address).await;
    };
    match TcpListener::bind(format!("[::]:{port}")).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
    }
}
