//! A web server that keeps what it is sent: where notifications go.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One request that arrived.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The method.
    pub method: String,
    /// The path and query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, where it is JSON.
    pub body: Value,
    /// When it arrived.
    pub at: Instant,
}

/// The running server.
#[derive(Debug)]
pub struct Hook {
    url: String,
    state: Arc<Mutex<Inner>>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    seen: Vec<Delivery>,
}

impl Hook {
    /// Starts the server on a free port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(Mutex::new(Inner {
            status: StatusCode::OK,
            seen: Vec::new(),
        }));
        let app = Router::new().fallback(keep).with_state(Arc::clone(&state));
        let task = tokio::spawn(async move {
            // axum's accept loop never returns an error.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { url, state, task })
    }

    /// Returns the address, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers with this status from now on.
    pub fn set_status(&self, status: StatusCode) {
        lock(&self.state).status = status;
    }

    /// Returns everything that arrived so far.
    pub fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.state).seen.clone()
    }

    /// Waits for a delivery that `wanted` accepts.
    pub async fn wait(
        &self,
        what: &str,
        timeout: Duration,
        wanted: impl Fn(&Delivery) -> bool,
    ) -> Result<Delivery> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(found) = self.deliveries().into_iter().find(&wanted) {
                return Ok(found);
            }
            if Instant::now() > deadline {
                let bodies: Vec<_> = self
                    .deliveries()
                    .iter()
                    .map(|delivery| delivery.body.to_string())
                    .collect();
                bail!(
                    "no delivery about {what} in {timeout:?}; what arrived:\n{}",
                    bodies.join("\n")
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(state: &Mutex<Inner>) -> std::sync::MutexGuard<'_, Inner> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn keep(
    State(state): State<Arc<Mutex<Inner>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut inner = lock(&state);
    inner.seen.push(Delivery {
        method: method.to_string(),
        path: uri.to_string(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        at: Instant::now(),
    });
    inner.status
}
