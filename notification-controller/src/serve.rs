//! The HTTP server under both endpoints, with every limit explicit (notification-controller §2.3).
//!
//! Plain HTTP/1. Heads, bodies, times, connections and the memory of all bodies together are bounded, so
//! that slow or oversized requests cost the sender more than us. What a request means is a [`Handler`]'s.

mod metrics;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, LOCATION};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use metrics::HttpMetrics;

/// An answer.
pub type Answer = Response<Full<Bytes>>;

/// What a server does with requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers a request by its head alone, where the body does not matter.
    fn refuse(&self, _head: &Parts) -> Option<Answer> {
        None
    }

    /// Answers a request whose body has been read.
    fn answer(&self, head: Parts, body: Bytes) -> impl Future<Output = Answer> + Send;

    /// Returns the `handler` label of the metrics.
    fn label(&self, head: &Parts) -> String;
}

/// What a server accepts.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest body.
    pub body: usize,
    /// The largest head.
    pub head: usize,
    /// The longest time for a head.
    pub head_time: Duration,
    /// The longest time for a body.
    pub body_time: Duration,
    /// How many connections are open at once.
    pub connections: usize,
    /// How many bytes of bodies are held at once.
    pub held: usize,
    /// How long requests may go on after the order to stop.
    pub grace: Duration,
}

impl Default for Limits {
    /// Flux's limits where it has one; the number of connections and the memory are ours.
    fn default() -> Self {
        Self {
            body: 3 << 20,
            head: 256 << 10,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            connections: 2048,
            held: 64 << 20,
            grace: Duration::from_secs(5),
        }
    }
}

struct Shared<H> {
    handler: H,
    limits: Limits,
    held: Arc<Semaphore>,
    metrics: HttpMetrics,
}

/// The unit in which held memory is counted.
const UNIT: usize = 1024;

/// Serves until the token is cancelled, then lets running requests end within the grace time.
pub async fn serve<H: Handler>(
    listener: TcpListener,
    handler: H,
    limits: Limits,
    metrics: HttpMetrics,
    shutdown: CancellationToken,
) {
    let held = Arc::new(Semaphore::new(limits.held / UNIT));
    let shared = Arc::new(Shared {
        handler,
        limits,
        held,
        metrics,
    });
    let connections = Arc::new(Semaphore::new(limits.connections));
    let tracker = TaskTracker::new();
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
            break;
        };
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = connection(stream, peer, Arc::clone(&shared), shutdown.clone());
                tracker.spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Err(error) => {
                // Out of file descriptors, mostly; the next try may find some.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    tracker.close();
    let _ = tokio::time::timeout(limits.grace, tracker.wait()).await;
}

async fn connection<H: Handler>(
    stream: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared<H>>,
    shutdown: CancellationToken,
) {
    let limits = shared.limits;
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, std::convert::Infallible>(shared.request(request).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = shutdown.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}

impl<H: Handler> Shared<H> {
    async fn request(&self, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        let measured = self
            .metrics
            .begin(&self.handler.label(&head), head.method.as_str());
        let answer = match self.handler.refuse(&head).or_else(|| clean_path(&head)) {
            Some(answer) => answer,
            None => match self.read(body).await {
                Ok((body, _held)) => self.handler.answer(head, body).await,
                Err(refusal) => refusal.answer(),
            },
        };
        measured.end(answer.status(), answer.body().size_hint().lower());
        answer
    }

    async fn read(&self, body: Incoming) -> Result<(Bytes, OwnedSemaphorePermit), Refusal> {
        let limit = self.limits.body;
        if usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX) > limit {
            return Err(Refusal::TooLarge);
        }
        let reading = self.collect(body);
        match tokio::time::timeout(self.limits.body_time, reading).await {
            Ok(read) => read,
            Err(_) => Err(Refusal::Unreadable("it took too long".to_owned())),
        }
    }

    async fn collect(&self, mut body: Incoming) -> Result<(Bytes, OwnedSemaphorePermit), Refusal> {
        let mut bytes = BytesMut::new();
        let mut held = self.hold(1)?;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Refusal::Unreadable(error.to_string()))?;
            let Ok(chunk) = frame.into_data() else {
                continue;
            };
            if bytes.len() + chunk.len() > self.limits.body {
                return Err(Refusal::TooLarge);
            }
            let before = bytes.len().div_ceil(UNIT);
            bytes.extend_from_slice(&chunk);
            let grown = bytes.len().div_ceil(UNIT) - before;
            if grown > 0 {
                held.merge(self.hold(grown)?);
            }
        }
        Ok((bytes.freeze(), held))
    }

    fn hold(&self, units: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let units = u32::try_from(units).map_err(|_| Refusal::Busy)?;
        Arc::clone(&self.held)
            .try_acquire_many_owned(units)
            .map_err(|_| Refusal::Busy)
    }
}

/// Why a body was not read to its end.
enum Refusal {
    TooLarge,
    Unreadable(String),
    Busy,
}

impl Refusal {
    fn answer(self) -> Answer {
        let status = match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable(error) => {
                tracing::error!(error, "reading the request body failed");
                StatusCode::BAD_REQUEST
            }
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut answer = status_only(status);
        // The rest of the body is still on its way.
        answer
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
        answer
    }
}

/// Redirects `//`, `.` and `..` in a path to the clean path, as Go's mux does.
fn clean_path(head: &Parts) -> Option<Answer> {
    let path = head.uri.path();
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let mut clean = format!("/{}", segments.join("/"));
    if path.ends_with('/') && clean != "/" {
        clean.push('/');
    }
    (path.starts_with('/') && clean != path).then(|| redirect(&clean, head.uri.query()))
}

/// Answers with a redirect that keeps method and body.
pub fn redirect(path: &str, query: Option<&str>) -> Answer {
    let target = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut answer = status_only(StatusCode::TEMPORARY_REDIRECT);
    if let Ok(target) = HeaderValue::from_str(&target) {
        answer.headers_mut().insert(LOCATION, target);
    }
    answer
}

/// Answers with a status and no body.
pub fn status_only(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

/// Answers with a status and a line of text, as Go's `http.Error` does.
pub fn text(status: StatusCode, line: &str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(format!("{line}\n"))));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    answer
}

#[cfg(test)]
mod tests;
