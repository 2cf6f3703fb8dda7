//! The API server's audit log, read back as requests per user.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::Error;

/// One request that the API server answered, or is answering (a watch).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asked; the impersonated user where there is one.
    pub user: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, ...
    pub verb: String,
    /// The path and query.
    pub uri: String,
    /// The resource in plural, with its subresource after a slash.
    pub resource: String,
    /// The namespace, or nothing.
    pub namespace: String,
    /// The object's name, or nothing.
    pub name: String,
    /// The status code, 0 while unanswered.
    pub code: u16,
    /// What the client calls itself.
    pub user_agent: String,
    /// When the request arrived.
    pub at: jiff::Timestamp,
}

/// Reads all requests of the log, in order of arrival.
pub(super) fn read(path: &Path) -> Result<Vec<Request>, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })?;
    Ok(parse(&text))
}

fn parse(text: &str) -> Vec<Request> {
    // A watch is logged when it starts and again when it ends.
    let mut requests = BTreeMap::new();
    // The last line may be half written.
    for event in text
        .lines()
        .filter_map(|line| serde_json::from_str::<Event>(line).ok())
    {
        let id = event.audit_id.clone();
        requests.insert(id, Request::from(event));
    }
    let mut requests: Vec<_> = requests.into_values().collect();
    requests.sort_by_key(|request| request.at);
    requests
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(rename = "auditID")]
    audit_id: String,
    verb: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    user: Identity,
    impersonated_user: Option<Identity>,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: Reference,
    #[serde(default)]
    response_status: Status,
    request_received_timestamp: jiff::Timestamp,
}

#[derive(Deserialize)]
struct Identity {
    #[serde(default)]
    username: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reference {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    code: u16,
}

impl From<Event> for Request {
    fn from(event: Event) -> Self {
        let reference = event.object_ref;
        let resource = match reference.subresource.as_str() {
            "" => reference.resource,
            subresource => format!("{}/{subresource}", reference.resource),
        };
        Self {
            user: event.impersonated_user.unwrap_or(event.user).username,
            verb: event.verb,
            uri: event.request_uri,
            resource,
            namespace: reference.namespace,
            name: reference.name,
            code: event.response_status.code,
            user_agent: event.user_agent,
            at: event.request_received_timestamp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_one_request_and_a_torn_line_is_none() {
        let line = |id: &str, stage: &str, verb: &str, time: &str| {
            format!(
                r#"{{"auditID":"{id}","stage":"{stage}","verb":"{verb}","requestURI":"/api/v1/pods?watch=true","user":{{"username":"alice"}},"objectRef":{{"resource":"pods","subresource":"status"}},"responseStatus":{{"code":200}},"requestReceivedTimestamp":"{time}"}}"#
            )
        };
        let text = [
            line(
                "b",
                "ResponseStarted",
                "watch",
                "2026-01-01T00:00:02.000001Z",
            ),
            line(
                "a",
                "ResponseComplete",
                "get",
                "2026-01-01T00:00:01.000001Z",
            ),
            line(
                "b",
                "ResponseComplete",
                "watch",
                "2026-01-01T00:00:02.000001Z",
            ),
            r#"{"auditID":"c","verb"#.to_owned(),
        ]
        .join("\n");
        let requests = parse(&text);
        let verbs: Vec<_> = requests
            .iter()
            .map(|request| request.verb.as_str())
            .collect();
        assert_eq!(verbs, ["get", "watch"]);
        assert_eq!(requests[0].resource, "pods/status");
    }
}
