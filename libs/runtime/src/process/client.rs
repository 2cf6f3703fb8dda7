//! The Kubernetes client of one controller: counts every request under `rest_client_requests_total`.
//!
//! It also bounds the requests in flight: the client speaks HTTP/1.1, so each one needs a connection of its own,
//! and a hundred objects that finish at once would open a hundred, with a handshake and its buffers each.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use http::{HeaderValue, Request, Response, header::USER_AGENT};
use kube::{Client, client::Body};
use prometheus::IntCounterVec;
use tokio::sync::Semaphore;
use tower::Service;

/// How long an API server may take to begin its answer; its own limit is a minute.
const PATIENCE: Duration = Duration::from_secs(65);

/// Requests in flight, watches and the lease apart.
const IN_FLIGHT: usize = 24;

/// Wraps a client so that its requests are counted and carry the controller's name.
pub(super) fn counted(client: Client, requests: IntCounterVec, name: &'static str) -> Client {
    let namespace = client.default_namespace().to_owned();
    let agent =
        HeaderValue::from_str(&format!("{name}/{} (fjord)", env!("CARGO_PKG_VERSION"))).ok();
    Client::new(
        Counted {
            client,
            requests,
            agent,
            turns: Arc::new(Semaphore::new(IN_FLIGHT)),
        },
        namespace,
    )
}

#[derive(Clone)]
struct Counted {
    client: Client,
    requests: IntCounterVec,
    agent: Option<HeaderValue>,
    turns: Arc<Semaphore>,
}

impl Service<Request<Body>> for Counted {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(agent) = &self.agent {
            request.headers_mut().insert(USER_AGENT, agent.clone());
        }
        let (client, requests) = (self.client.clone(), self.requests.clone());
        let turns = self.turns.clone();
        let method = request.method().to_string();
        let is_apart = is_apart(&request);
        async move {
            let send = client.send(request);
            let answer = if is_apart {
                send.await
            } else {
                // Never closed, so never refused.
                let _turn = turns.acquire().await;
                let timeout = tokio::time::timeout(PATIENCE, send).await;
                timeout.unwrap_or_else(|elapsed| Err(kube::Error::Service(elapsed.into())))
            };
            let code = answer.as_ref().map_or("<error>".to_owned(), |answer| {
                answer.status().as_u16().to_string()
            });
            requests
                .with_label_values(&[code.as_str(), "kubernetes", method.as_str()])
                .inc();
            answer
        }
        .boxed()
    }
}

/// Tells whether a request waits for no turn and has no limit here: a watch lasts, and the lease must not queue behind
/// slow applies (the election has its own deadlines).
fn is_apart(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.contains("watch=true") || request.uri().path().contains("/coordination.k8s.io/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_watches_and_the_lease_are_apart() {
        let of = |uri: &str| is_apart(&Request::get(uri).body(Body::empty()).unwrap());
        assert!(of("/api/v1/configmaps?&watch=true&timeoutSeconds=290"));
        assert!(of(
            "/apis/coordination.k8s.io/v1/namespaces/flux-system/leases/x"
        ));
        assert!(!of("/api/v1/namespaces/a/configmaps/watch?fieldManager=x"));
    }
}
