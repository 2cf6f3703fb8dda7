//! The core/v1 Event and the POST body of one draft, and the Event's deterministic name. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{Event, EventSource, ObjectReference},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use serde_json::{Value, json};

use super::{EventDraft, OCCURRENCE_LABEL, SEVERITY_LABEL, Severity, Subject};

/// Bytes of message an Event keeps, so that it always fits the API server's request limit.
const MESSAGE_LIMIT: usize = 512 * 1024;
/// Bytes of the object's name that stay readable in the Event's name (253 minus the dot and the hash).
const NAME_LIMIT: usize = 253 - 1 - 16;

/// An event ready for both roads.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) event: Event,
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) severity: Severity,
    /// Tells this occurrence from the next one of the same Event.
    pub(super) occurrence: String,
    metadata: BTreeMap<String, String>,
}

/// The body that Flux's controllers POST (field order as theirs).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Post {
    involved_object: ObjectReference,
    severity: &'static str,
    timestamp: String,
    message: String,
    reason: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    reporting_controller: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    reporting_instance: String,
}

impl Prepared {
    pub(super) fn new(
        subject: &Subject,
        draft: &EventDraft,
        component: &str,
        now: Timestamp,
    ) -> Self {
        let metadata = metadata(subject, draft);
        let name = name(subject, draft);
        let occurrence = occurrence(subject, draft, &metadata);
        let namespace = subject
            .reference
            .namespace
            .clone()
            .unwrap_or_else(|| "default".to_owned());
        let mut labels = BTreeMap::from([(OCCURRENCE_LABEL.to_owned(), occurrence.clone())]);
        // Parity: a trace event is a Normal Event that no road forwards, so it stays unmarked.
        if draft.severity != Severity::Trace {
            labels.insert(
                SEVERITY_LABEL.to_owned(),
                draft.severity.as_str().to_owned(),
            );
        }
        let event = Event {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: Some(namespace.clone()),
                annotations: (!metadata.is_empty()).then(|| metadata.clone()),
                labels: Some(labels),
                ..ObjectMeta::default()
            },
            involved_object: subject.reference.clone(),
            reason: Some(draft.reason.to_string()),
            message: Some(cut(&draft.message).to_owned()),
            type_: Some(draft.severity.event_type().to_owned()),
            source: Some(EventSource {
                component: Some(component.to_owned()),
                host: None,
            }),
            reporting_component: Some(component.to_owned()),
            reporting_instance: Some(String::new()),
            first_timestamp: Some(Time(now)),
            last_timestamp: Some(Time(now)),
            count: Some(1),
            ..Event::default()
        };
        Self {
            event,
            name,
            namespace,
            severity: draft.severity,
            occurrence,
            metadata,
        }
    }

    /// Returns the patch that makes this the `count`th occurrence of the Event.
    pub(super) fn repeat(&self, count: i32) -> Value {
        json!({
            "metadata": {"labels": self.event.metadata.labels},
            "count": count,
            "lastTimestamp": self.event.last_timestamp,
            "message": self.event.message,
            "action": json!(self.metadata).to_string(),
        })
    }

    /// Returns the POST body; an event without kind, namespace or name has none (emitter contract).
    pub(super) fn post(&self, hostname: &str) -> Option<Post> {
        let reference = &self.event.involved_object;
        let complete = [&reference.kind, &reference.namespace, &reference.name];
        if self.severity == Severity::Trace
            || complete
                .iter()
                .any(|part| part.as_deref().unwrap_or("").is_empty())
        {
            return None;
        }
        let timestamp = self
            .event
            .last_timestamp
            .as_ref()
            .map(|time| time.0)
            .unwrap_or_default();
        Some(Post {
            involved_object: reference.clone(),
            severity: self.severity.as_str(),
            timestamp: timestamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            message: self.event.message.clone().unwrap_or_default(),
            reason: self.event.reason.clone().unwrap_or_default(),
            metadata: self.metadata.clone(),
            reporting_controller: self.event.reporting_component.clone().unwrap_or_default(),
            reporting_instance: hostname.to_owned(),
        })
    }
}

/// Merges the draft's metadata, prefixed by the object's group, over the object's own event annotations.
fn metadata(subject: &Subject, draft: &EventDraft) -> BTreeMap<String, String> {
    let mut all = subject.annotations.clone();
    for (key, value) in &draft.metadata {
        let key = if key.contains('/') {
            key.clone()
        } else {
            format!("{}/{key}", subject.group())
        };
        all.insert(key, value.clone());
    }
    all
}

/// Derives the name from what client-go's correlator aggregates by, so that saying it again is a conflict.
// Parity: the revision is not part of it; the same text about another revision raises the count.
fn name(subject: &Subject, draft: &EventDraft) -> String {
    let said = draft.identity.as_deref().unwrap_or(&draft.message);
    let hash = hash(&[
        subject.reference.uid.as_deref().unwrap_or_default(),
        draft.severity.as_str(),
        draft.reason.as_str(),
        if draft.identity.is_some() {
            "identity"
        } else {
            "message"
        },
        said,
    ]);
    let object = subject.reference.name.as_deref().unwrap_or_default();
    let mut end = object.len().min(NAME_LIMIT);
    while !object.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}.{hash}", object[..end].trim_end_matches(['.', '-']))
}

/// Derives what tells one occurrence of an Event from the next: revision, identity, and all other metadata.
fn occurrence(
    subject: &Subject,
    draft: &EventDraft,
    metadata: &BTreeMap<String, String>,
) -> String {
    let mut parts = vec![draft.identity.as_deref().unwrap_or_default()];
    let own = metadata
        .iter()
        .filter(|(key, _)| !subject.annotations.contains_key(*key));
    parts.extend(own.flat_map(|(key, value)| [key.as_str(), value.as_str()]));
    hash(&parts)
}

fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(&hash.finalize()[..8])
}

fn cut(message: &str) -> &str {
    let mut end = message.len().min(MESSAGE_LIMIT);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn subject() -> Subject {
        Subject {
            reference: ObjectReference {
                api_version: Some("kustomize.toolkit.fluxcd.io/v1".into()),
                kind: Some("Kustomization".into()),
                namespace: Some("apps".into()),
                name: Some("web".into()),
                uid: Some("u1".into()),
                resource_version: Some("7".into()),
                field_path: None,
            },
            annotations: BTreeMap::from([("event.toolkit.fluxcd.io/env".into(), "prod".into())]),
        }
    }

    fn applied(message: &str) -> EventDraft {
        EventDraft::info(Reason::new("Progressing"), message)
            .meta("revision", "main@sha1:1")
            .meta("token", "")
    }

    use crate::Reason;

    fn prepared(draft: &EventDraft) -> Prepared {
        Prepared::new(
            &subject(),
            draft,
            "kustomize-controller",
            Timestamp::from_second(1_700_000_000).unwrap(),
        )
    }

    #[test]
    fn an_event_looks_as_client_go_writes_it_plus_our_label() {
        let body = serde_json::to_value(prepared(&applied("ConfigMap/a/b created")).event).unwrap();
        assert_eq!(body["metadata"]["labels"]["fjord.dev/severity"], "info");
        assert_eq!(
            body["metadata"]["annotations"],
            json!({"event.toolkit.fluxcd.io/env": "prod", "kustomize.toolkit.fluxcd.io/revision": "main@sha1:1"})
        );
        assert_eq!(body["source"], json!({"component": "kustomize-controller"}));
        assert_eq!(body["reportingComponent"], "kustomize-controller");
        assert_eq!(body["count"], 1);
        assert_eq!(body["firstTimestamp"], "2023-11-14T22:13:20Z");
        assert_eq!(body["involvedObject"]["resourceVersion"], "7");
    }

    #[test]
    fn the_name_says_the_same_thing_once_whatever_the_version_of_the_object() {
        let first = prepared(&applied("x")).name;
        let mut later = subject();
        later.reference.resource_version = Some("9".into());
        let again = Prepared::new(
            &later,
            &applied("x"),
            "kustomize-controller",
            Timestamp::UNIX_EPOCH,
        )
        .name;
        assert_eq!(first, again);
        assert!(first.starts_with("web.") && first.len() == 4 + 16);
    }

    #[test]
    fn another_message_severity_or_identity_is_another_event() {
        let base = prepared(&applied("x")).name;
        let severe = EventDraft {
            severity: Severity::Error,
            ..applied("x")
        };
        for draft in [applied("y"), severe, applied("x").identity("x")] {
            assert_ne!(prepared(&draft).name, base, "{draft:?}");
        }
    }

    #[test]
    fn another_revision_is_another_occurrence_of_the_same_event() {
        let (first, second) = (
            prepared(&applied("x")),
            prepared(&applied("x").meta("revision", "main@sha1:2")),
        );
        assert_eq!(first.name, second.name);
        assert_ne!(first.occurrence, second.occurrence);
        let mut event = serde_json::to_value(&first.event).unwrap();
        event["action"] = second.repeat(2)["action"].clone();
        let event = serde_json::from_value(event).unwrap();
        let newest = super::super::newest_metadata(&event);
        assert_eq!(
            newest["kustomize.toolkit.fluxcd.io/revision"],
            "main@sha1:2"
        );
        assert_eq!(
            super::super::newest_metadata(&first.event)["event.toolkit.fluxcd.io/env"],
            "prod"
        );
    }

    #[test]
    fn an_identity_hides_the_duration_in_the_message() {
        let finished = |took: &str| {
            prepared(&applied(&format!("finished in {took}")).identity("main@sha1:1 #3")).name
        };
        assert_eq!(finished("1s"), finished("2s"));
    }

    #[test]
    fn trace_events_are_unmarked_and_not_posted() {
        let trace = prepared(&EventDraft::trace(Reason::new("ArtifactUpToDate"), "same"));
        let labels = trace.event.metadata.labels.as_ref().unwrap();
        assert!(!labels.contains_key(SEVERITY_LABEL));
        assert!(trace.post("pod-1").is_none());
    }

    #[test]
    fn the_post_has_the_fields_of_flux_in_its_order() {
        let post = prepared(&applied("x")).post("pod-1").unwrap();
        let text = serde_json::to_string(&post).unwrap();
        let keys = [
            "involvedObject",
            "severity",
            "timestamp",
            "message",
            "reason",
            "metadata",
            "reportingController",
        ];
        let places: Vec<_> = keys
            .iter()
            .map(|key| text.find(&format!("\"{key}\":")).unwrap())
            .collect();
        assert!(places.is_sorted(), "{text}");
        assert!(
            text.contains(r#""timestamp":"2023-11-14T22:13:20Z""#),
            "{text}"
        );
        assert!(text.ends_with(r#""reportingInstance":"pod-1"}"#), "{text}");
    }

    #[test]
    fn a_long_object_name_still_gives_a_valid_event_name() {
        let mut long = subject();
        long.reference.name = Some("a".repeat(253));
        let name = Prepared::new(&long, &applied("x"), "c", Timestamp::UNIX_EPOCH).name;
        assert_eq!(name.len(), 253);
    }
}
