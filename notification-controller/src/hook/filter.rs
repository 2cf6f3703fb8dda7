//! The CEL filters of a Receiver: one for all entries, one per entry, both must accept.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use fjord_crds::notification::v1::Receiver;
use http::request::Parts;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::auth::media_type;
use crate::cel::{self, Filter};

/// How many compiled expressions are kept.
const MAX_CACHED: usize = 256;
/// How many evaluations run at once.
const AT_ONCE: usize = 4;

/// Compiled expressions, and the bound on running ones.
#[derive(Debug)]
pub struct Filters {
    compiled: Mutex<HashMap<String, Arc<Filter>>>,
    running: Arc<Semaphore>,
}

impl Default for Filters {
    fn default() -> Self {
        Self {
            compiled: Mutex::default(),
            running: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

/// Checks all filters of a Receiver and says which one is wrong, as the reconciler reports it.
pub fn check(receiver: &Receiver) -> Result<(), String> {
    let spec = &receiver.spec;
    if let Some(text) = &spec.resource_filter {
        compile(text).map_err(|error| format!("invalid resourceFilter expression: {error}"))?;
    }
    for (index, resource) in spec.resources.iter().enumerate() {
        let Some(text) = &resource.filter else {
            continue;
        };
        compile(text).map_err(|error| {
            format!(
                "invalid filter expression for resources[{index}] (kind={:?}, name={:?}): {error}",
                resource.kind.as_str(),
                resource.name
            )
        })?;
    }
    Ok(())
}

fn compile(text: &str) -> Result<Filter, cel::Error> {
    Filter::compile(text, &["res", "req"])
}

/// The filters that one entry's objects must pass.
#[derive(Debug)]
pub(super) struct Stack {
    filters: Vec<Arc<Filter>>,
    request: Arc<Value>,
    running: Arc<Semaphore>,
}

impl Filters {
    /// Returns the filters of each entry over the request at hand.
    pub(super) fn of(
        &self,
        receiver: &Receiver,
        head: &Parts,
        body: &[u8],
    ) -> Result<Vec<Stack>, String> {
        let spec = &receiver.spec;
        let any =
            spec.resource_filter.is_some() || spec.resources.iter().any(|r| r.filter.is_some());
        let request = Arc::new(if any {
            request(head, body)?
        } else {
            Value::Null
        });
        spec.resources
            .iter()
            .map(|resource| {
                let texts = spec.resource_filter.iter().chain(&resource.filter);
                let filters = texts.map(|text| self.get(text)).collect::<Result<_, _>>();
                Ok(Stack {
                    filters: filters.map_err(|error| error.to_string())?,
                    request: Arc::clone(&request),
                    running: Arc::clone(&self.running),
                })
            })
            .collect()
    }

    fn get(&self, text: &str) -> Result<Arc<Filter>, cel::Error> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(filter) = compiled.get(text) {
            return Ok(Arc::clone(filter));
        }
        let filter = Arc::new(compile(text)?);
        if compiled.len() >= MAX_CACHED {
            compiled.clear();
        }
        compiled.insert(text.to_owned(), Arc::clone(&filter));
        Ok(filter)
    }
}

impl Stack {
    /// Tells whether all filters accept an object, in order; a rejection ends the evaluation.
    pub(super) async fn accepts(&self, object: Value) -> Result<bool, String> {
        if self.filters.is_empty() {
            return Ok(true);
        }
        let Ok(permit) = Arc::clone(&self.running).acquire_owned().await else {
            return Err("the controller is stopping".to_owned());
        };
        let (filters, request) = (self.filters.clone(), Arc::clone(&self.request));
        let evaluation = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let variables = BTreeMap::from([("res", &object), ("req", &*request)]);
            for filter in filters {
                if !filter
                    .evaluate(&variables)
                    .map_err(|error| error.to_string())?
                {
                    return Ok(false);
                }
            }
            Ok(true)
        });
        evaluation.await.map_err(|error| error.to_string())?
    }
}

/// The body as filters see it: JSON where the content type says so, an empty object otherwise.
fn request(head: &Parts, body: &[u8]) -> Result<Value, String> {
    let content_type = head
        .headers
        .get("content-type")
        .and_then(|value| value.to_str().ok());
    // Parity: several types may be listed; the first malformed one ends the search.
    let is_json = content_type
        .unwrap_or_default()
        .split(',')
        .map_while(media_type)
        .any(|kind| kind == "application/json");
    if !is_json {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let text = String::from_utf8_lossy(body);
    // Parity: Go's decoder reads one value and leaves what follows.
    match serde_json::Deserializer::from_str(&text)
        .into_iter::<Value>()
        .next()
    {
        Some(Ok(Value::Null)) => Ok(Value::Object(serde_json::Map::new())),
        Some(Ok(value @ Value::Object(_))) => Ok(value),
        _ => Err("failed to parse request body as JSON".to_owned()),
    }
}
