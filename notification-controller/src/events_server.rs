//! The event endpoint (`--events-addr`): where Flux's controllers and third parties post their events.
//!
//! Any path and method, no authentication. An event is answered with 202 when it is safe in the outbox (or
//! nobody wants it), 429 when it is a duplicate, and 503 while it could not be kept, so that the emitter,
//! which retries 5xx, comes again.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderValue, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::dedupe::Verdict;
use crate::directory::Directory;
use crate::event::{Event, ID_HEADER};
use crate::pipeline::Pipeline;
use crate::serve::{Answer, Handler, status_only, text};

/// Answers posted events.
#[derive(Debug)]
pub struct EventsServer<D> {
    /// Where events go.
    pub pipeline: Arc<Pipeline<D>>,
    /// Whether metrics name the real path (`--export-http-path-metrics`).
    pub export_paths: bool,
}

/// The longest id that is looked at: the longest name of an object, and a count.
const MAX_ID: usize = 300;

impl<D: Directory> Handler for EventsServer<D> {
    async fn answer(&self, head: Parts, body: Bytes) -> Answer {
        let event = match Event::from_json(&body) {
            Ok(event) => event,
            Err(error) => {
                tracing::error!(%error, "decoding the request body failed");
                return status_only(StatusCode::BAD_REQUEST);
            }
        };
        let id = id(&head.headers, &event);
        match self.pipeline.post(event, id).await {
            Ok(verdict) if verdict.admitted => {
                with_limits(status_only(StatusCode::ACCEPTED), &verdict)
            }
            Ok(verdict) => {
                let mut answer = with_limits(
                    text(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
                    &verdict,
                );
                if let Some(reset) = http_date(verdict.reset) {
                    answer.headers_mut().insert(RETRY_AFTER, reset);
                }
                answer
            }
            Err(error) => {
                tracing::error!(%error, "an event could not be kept; its sender is asked to come again");
                status_only(StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    }

    fn label(&self, head: &Parts) -> String {
        if self.export_paths {
            head.uri.path().to_owned()
        } else {
            "/".to_owned()
        }
    }
}

/// The id that the same news has in the watch of Events.
fn id(headers: &HeaderMap, event: &Event) -> Option<String> {
    let name = headers.get(ID_HEADER)?.to_str().ok()?;
    let fits = !name.is_empty() && name.len() <= MAX_ID;
    fits.then(|| format!("{}/{name}", event.involved_object.namespace))
}

fn with_limits(mut answer: Answer, verdict: &Verdict) -> Answer {
    let headers = answer.headers_mut();
    headers.insert("x-ratelimit-limit", HeaderValue::from_static("1"));
    headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
    if let Some(reset) = http_date(verdict.reset) {
        headers.insert("x-ratelimit-reset", reset);
    }
    answer
}

/// Go's `time.RFC1123` in UTC.
fn http_date(time: Timestamp) -> Option<HeaderValue> {
    HeaderValue::from_str(&time.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string()).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::metrics::Metrics;
    use crate::outbox::Outbox;
    use crate::pipeline::Rules;
    use crate::testing::Memory;

    fn server() -> (EventsServer<Memory>, Arc<Memory>, Arc<Outbox>) {
        let memory = Arc::new(Memory::default());
        let outbox = Arc::new(Outbox::in_memory());
        let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
        let rules = Rules {
            rate_limit_interval: Duration::from_secs(300),
            no_cross_namespace_refs: false,
        };
        let pipeline = Pipeline::new(Arc::clone(&memory), Arc::clone(&outbox), metrics, rules);
        (
            EventsServer {
                pipeline: Arc::new(pipeline),
                export_paths: false,
            },
            memory,
            outbox,
        )
    }

    async fn post(server: &EventsServer<Memory>, id: Option<&str>, body: &str) -> Answer {
        let mut request = http::Request::post("/any/path");
        if let Some(id) = id {
            request = request.header(ID_HEADER, id);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        server
            .answer(head, Bytes::copy_from_slice(body.as_bytes()))
            .await
    }

    #[tokio::test]
    async fn an_event_is_202_and_its_duplicate_429_both_with_the_limits() {
        let (server, _, _) = server();
        let first = post(&server, None, "{}").await;
        assert_eq!(first.status(), 202);
        let again = post(&server, None, "{}").await;
        assert_eq!(again.status(), 429);
        for answer in [&first, &again] {
            assert_eq!(answer.headers()["x-ratelimit-limit"], "1");
            assert_eq!(answer.headers()["x-ratelimit-remaining"], "0");
            assert!(
                answer.headers()["x-ratelimit-reset"]
                    .to_str()
                    .unwrap()
                    .ends_with(" UTC")
            );
        }
        assert_eq!(
            again.headers()["retry-after"],
            again.headers()["x-ratelimit-reset"]
        );
    }

    #[tokio::test]
    async fn what_is_no_event_is_400_without_limits() {
        let (server, _, _) = server();
        for body in ["", "nonsense", "[]", r#"{"timestamp":"yesterday"}"#] {
            let answer = post(&server, None, body).await;
            assert_eq!(answer.status(), 400, "{body}");
            assert!(answer.headers().is_empty());
        }
    }

    #[tokio::test]
    async fn an_event_that_cannot_be_kept_is_503_and_welcome_again() {
        let (server, memory, outbox) = server();
        let sources = json!([{"kind": "Kustomization", "name": "*"}]);
        memory.alert(
            "a",
            "2024-01-01T00:00:00Z",
            json!({"providerRef": {"name": "p"}, "eventSources": sources}),
        );
        memory.provider("p", json!({"type": "generic", "address": "http://x"}));
        *memory.down.lock().unwrap() = true;
        let event = r#"{"involvedObject":{"kind":"Kustomization","namespace":"apps","name":"a"}}"#;
        assert_eq!(post(&server, Some("a.1"), event).await.status(), 503);
        *memory.down.lock().unwrap() = false;
        assert_eq!(post(&server, Some("a.1"), event).await.status(), 202);
        assert!(outbox.has_seen("apps/a.1").await);
        assert_eq!(outbox.depth().await.0, 1);
    }
}
