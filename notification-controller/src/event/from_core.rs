//! Rebuilds the Flux event from the core/v1 Event that one of our controllers wrote.
//!
//! Our controllers mark the Events that Flux would have posted with the label [`SEVERITY_LABEL`]; trace
//! events carry no label and stay in the cluster. Annotations are the metadata.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event as CoreEvent, ObjectReference as CoreReference};

use super::{Event, ObjectReference};

/// The label that marks a core/v1 Event as one to deliver; its value is the severity.
pub const SEVERITY_LABEL: &str = "fjord.dev/severity";

/// The header by which a POST names the core/v1 Event that carries the same news.
pub const ID_HEADER: &str = "Fjord-Event-Id";

impl Event {
    /// Returns the Flux event that a marked core/v1 Event stands for, or nothing for an unmarked one.
    pub fn from_core(core: &CoreEvent) -> Option<Self> {
        let severity = core.metadata.labels.as_ref()?.get(SEVERITY_LABEL)?.clone();
        let source = core.source.as_ref();
        let component = text(core.reporting_component.as_ref())
            .or_else(|| text(source.and_then(|source| source.component.as_ref())));
        let instance = text(core.reporting_instance.as_ref())
            .or_else(|| text(source.and_then(|source| source.host.as_ref())));
        Some(Self {
            involved_object: reference(&core.involved_object),
            severity,
            timestamp: time_of(core),
            message: core.message.clone().unwrap_or_default(),
            reason: core.reason.clone().unwrap_or_default(),
            // A repeated Event keeps its first annotations; see there for why.
            metadata: fjord_runtime::event::newest_metadata(core),
            reporting_controller: component.unwrap_or_default(),
            reporting_instance: instance.unwrap_or_default(),
        })
    }
}

/// The latest time that the Event names, in whole seconds as a posted event carries it.
fn time_of(core: &CoreEvent) -> Option<Timestamp> {
    let time = [&core.last_timestamp, &core.first_timestamp]
        .into_iter()
        .flatten()
        .map(|time| time.0)
        .next()
        .or_else(|| core.event_time.as_ref().map(|time| time.0))
        .or_else(|| core.metadata.creation_timestamp.as_ref().map(|time| time.0))?;
    Timestamp::from_second(time.as_second()).ok()
}

fn reference(object: &CoreReference) -> ObjectReference {
    let owned = |value: &Option<String>| value.clone().unwrap_or_default();
    ObjectReference {
        kind: owned(&object.kind),
        namespace: owned(&object.namespace),
        name: owned(&object.name),
        uid: owned(&object.uid),
        api_version: owned(&object.api_version),
        resource_version: owned(&object.resource_version),
        field_path: owned(&object.field_path),
    }
}

fn text(value: Option<&String>) -> Option<String> {
    value.filter(|text| !text.is_empty()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(severity: Option<&str>) -> CoreEvent {
        let mut event: CoreEvent = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "app.17", "namespace": "apps",
                "annotations": {"kustomize.toolkit.fluxcd.io/revision": "main@sha1:1"}},
            "involvedObject": {"kind": "Kustomization", "namespace": "apps", "name": "app", "uid": "u",
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "resourceVersion": "7"},
            "reason": "Progressing", "message": "ConfigMap/apps/one created", "type": "Normal",
            "source": {"component": "kustomize-controller"},
            "reportingComponent": "kustomize-controller", "reportingInstance": "pod-0",
            "firstTimestamp": "2024-05-01T10:00:00Z", "lastTimestamp": "2024-05-01T10:00:05Z"
        }))
        .unwrap();
        if let Some(severity) = severity {
            event
                .metadata
                .labels
                .get_or_insert_default()
                .insert(SEVERITY_LABEL.into(), severity.into());
        }
        event
    }

    #[test]
    fn a_marked_event_is_what_a_post_would_have_carried() {
        let posted = br#"{"involvedObject":{"kind":"Kustomization","namespace":"apps","name":"app","uid":"u","apiVersion":"kustomize.toolkit.fluxcd.io/v1","resourceVersion":"7"},"severity":"info","timestamp":"2024-05-01T10:00:05Z","message":"ConfigMap/apps/one created","reason":"Progressing","metadata":{"kustomize.toolkit.fluxcd.io/revision":"main@sha1:1"},"reportingController":"kustomize-controller","reportingInstance":"pod-0"}"#;
        let event = Event::from_core(&marked(Some("info"))).unwrap();
        assert_eq!(event, Event::from_json(posted).unwrap());
    }

    #[test]
    fn an_unmarked_event_is_not_ours_to_deliver() {
        assert_eq!(Event::from_core(&marked(None)), None);
    }
}
