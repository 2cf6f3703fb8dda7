//! Which alerts want an event (notification-controller §2.5).
//!
//! Pure but for the labels of the involved object, which come through [`Labels`] and are asked for at most
//! once per event. Problems with an alert's configuration are returned as [`Complaint`]s for the caller to
//! record on that alert; they never stop the other alerts.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use fjord_crds::notification::v1beta3::{Alert, EventSource, Severity};

use crate::event::{Event, ObjectReference};
use crate::go_regex;

/// Finds the labels of the object that an event is about.
pub trait Labels {
    /// Returns the labels, or why they could not be read.
    fn of(
        &self,
        object: &ObjectReference,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, String>> + Send;
}

/// Something wrong with an alert that its owner should see as a Warning event.
#[derive(Debug, Clone, PartialEq)]
pub struct Complaint {
    /// The alert.
    pub alert: Arc<Alert>,
    /// `InvalidConfig` or `SourceFetchFailed`.
    pub reason: &'static str,
    /// The text of the event.
    pub message: String,
}

/// The outcome of matching one event.
#[derive(Debug, Default)]
pub struct Matches {
    /// The alerts that want the event.
    pub alerts: Vec<Arc<Alert>>,
    /// What is wrong with alerts on the way.
    pub complaints: Vec<Complaint>,
}

/// Finds the alerts that want an event.
pub async fn find(
    event: &Event,
    alerts: &[Arc<Alert>],
    labels: &impl Labels,
    regexes: &std::sync::Mutex<go_regex::Cache>,
) -> Matches {
    let mut matches = Matches::default();
    let mut known: Option<Result<BTreeMap<String, String>, String>> = None;
    for alert in alerts.iter().filter(|alert| !alert.spec.suspend) {
        let mut wanted = false;
        for source in &alert.spec.event_sources {
            if !names(source, alert, event) {
                continue;
            }
            let Some(wanted_labels) = &source.match_labels else {
                wanted = true;
                break;
            };
            if known.is_none() {
                known = Some(labels.of(&event.involved_object).await);
            }
            let has = |found: &BTreeMap<String, String>| {
                wanted_labels
                    .iter()
                    .all(|(key, value)| found.get(key) == Some(value))
            };
            match &known {
                Some(Ok(found)) if has(found) => {
                    wanted = true;
                    break;
                }
                Some(Ok(_)) | None => {}
                Some(Err(error)) => {
                    tracing::error!(error, object = %event.involved_object, "error getting the involved object");
                    matches.complaints.push(Complaint {
                        alert: Arc::clone(alert),
                        reason: "SourceFetchFailed",
                        message: format!("error getting source object {}", event.involved_object),
                    });
                }
            }
        }
        if wanted && message_passes(&event.message, alert, regexes, &mut matches.complaints) {
            matches.alerts.push(Arc::clone(alert));
        }
    }
    matches
}

/// Whether a source names the object of the event, and the alert its severity; labels aside.
fn names(source: &EventSource, alert: &Alert, event: &Event) -> bool {
    let object = &event.involved_object;
    let own = alert.metadata.namespace.as_deref().unwrap_or_default();
    source.namespace.as_deref().unwrap_or(own) == object.namespace
        && source.kind.as_str() == object.kind
        && (alert.spec.event_severity == Severity::Info
            || alert.spec.event_severity.as_str() == event.severity)
        && (source.name == "*" || source.name == object.name)
}

fn message_passes(
    message: &str,
    alert: &Arc<Alert>,
    regexes: &std::sync::Mutex<go_regex::Cache>,
    complaints: &mut Vec<Complaint>,
) -> bool {
    let mut any = |list: &[String], which: &str| {
        list.iter().any(|expression| {
            let mut regexes = regexes
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            regexes.is_match(expression, message).unwrap_or_else(|| {
                complaints.push(Complaint {
                    alert: Arc::clone(alert),
                    reason: "InvalidConfig",
                    message: format!("failed to compile {which} regex: {expression}"),
                });
                false
            })
        })
    };
    let spec = &alert.spec;
    (spec.inclusion_list.is_empty() || any(&spec.inclusion_list, "inclusion"))
        && !any(&spec.exclusion_list, "exclusion")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::{Value, json};

    use super::*;

    struct Fixed(Result<BTreeMap<String, String>, String>, AtomicUsize);

    impl Labels for Fixed {
        async fn of(&self, _: &ObjectReference) -> Result<BTreeMap<String, String>, String> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.clone()
        }
    }

    fn alert(spec: Value) -> Arc<Alert> {
        let mut spec = spec;
        spec["providerRef"] = json!({"name": "p"});
        Arc::new(
            serde_json::from_value(json!({
                "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert",
                "metadata": {"name": "a", "namespace": "apps"}, "spec": spec
            }))
            .unwrap(),
        )
    }

    fn event(severity: &str) -> Event {
        Event {
            involved_object: ObjectReference {
                kind: "Kustomization".into(),
                namespace: "apps".into(),
                name: "app".into(),
                ..Default::default()
            },
            severity: severity.into(),
            message: "good news".into(),
            ..Event::default()
        }
    }

    async fn run(spec: Value, event: &Event, labels: &Fixed) -> Matches {
        find(event, &[alert(spec)], labels, &Mutex::default()).await
    }

    async fn matches(spec: Value) -> bool {
        let labels = Fixed(
            Ok([("team".into(), "a".into())].into()),
            AtomicUsize::new(0),
        );
        !run(spec, &event("info"), &labels).await.alerts.is_empty()
    }

    #[tokio::test]
    async fn a_source_matches_by_kind_name_and_namespace() {
        for (sources, want) in [
            (json!([]), false),
            (json!([{"kind": "Kustomization", "name": "app"}]), true),
            (json!([{"kind": "Kustomization", "name": "*"}]), true),
            (json!([{"kind": "Kustomization", "name": "other"}]), false),
            (json!([{"kind": "HelmRelease", "name": "*"}]), false),
            (
                json!([{"kind": "Kustomization", "name": "*", "namespace": "elsewhere"}]),
                false,
            ),
            (
                json!([{"kind": "Bucket", "name": "*"}, {"kind": "Kustomization", "name": "app", "namespace": "apps"}]),
                true,
            ),
            (
                json!([{"kind": "Kustomization", "name": "*", "matchLabels": {"team": "a"}}]),
                true,
            ),
            (
                json!([{"kind": "Kustomization", "name": "app", "matchLabels": {"team": "b"}}]),
                false,
            ),
            (
                json!([{"kind": "Kustomization", "name": "app", "matchLabels": {}}]),
                true,
            ),
        ] {
            assert_eq!(
                matches(json!({"eventSources": sources.clone()})).await,
                want,
                "{sources}"
            );
        }
        let suspended =
            json!({"suspend": true, "eventSources": [{"kind": "Kustomization", "name": "*"}]});
        assert!(!matches(suspended).await);
    }

    #[tokio::test]
    async fn severity_info_takes_everything_and_error_only_errors() {
        for (alert, severity, want) in [
            ("info", "info", true),
            ("info", "error", true),
            ("info", "trace", true),
            ("error", "error", true),
            ("error", "info", false),
        ] {
            let spec = json!({"eventSeverity": alert, "eventSources": [{"kind": "Kustomization", "name": "*"}]});
            let labels = Fixed(Ok(BTreeMap::new()), AtomicUsize::new(0));
            let found = run(spec, &event(severity), &labels).await;
            assert_eq!(!found.alerts.is_empty(), want, "{alert} {severity}");
        }
    }

    #[tokio::test]
    async fn messages_pass_inclusion_then_exclusion_and_bad_expressions_are_reported() {
        for (include, exclude, want, complaint) in [
            (json!(["good"]), json!([]), true, None),
            (json!(["bad"]), json!([]), false, None),
            (json!([]), json!(["^good"]), false, None),
            (json!(["news"]), json!(["good"]), false, None),
            (
                json!(["["]),
                json!([]),
                false,
                Some("failed to compile inclusion regex: ["),
            ),
            (
                json!([]),
                json!(["("]),
                true,
                Some("failed to compile exclusion regex: ("),
            ),
            (
                json!(["[", "good"]),
                json!([]),
                true,
                Some("failed to compile inclusion regex: ["),
            ),
        ] {
            let spec = json!({"inclusionList": include, "exclusionList": exclude,
                "eventSources": [{"kind": "Kustomization", "name": "*"}]});
            let labels = Fixed(Ok(BTreeMap::new()), AtomicUsize::new(0));
            let found = run(spec.clone(), &event("info"), &labels).await;
            assert_eq!(!found.alerts.is_empty(), want, "{spec}");
            assert_eq!(
                found.complaints.first().map(|c| c.message.as_str()),
                complaint,
                "{spec}"
            );
            assert!(found.complaints.iter().all(|c| c.reason == "InvalidConfig"));
        }
    }

    #[tokio::test]
    async fn labels_are_read_once_and_only_where_a_source_asks_for_them() {
        let labelled = || {
            alert(
                json!({"eventSources": [{"kind": "Kustomization", "name": "*", "matchLabels": {"x": "y"}}]}),
            )
        };
        let plain = alert(json!({"eventSources": [{"kind": "Kustomization", "name": "*"}]}));
        let labels = Fixed(Err("gone".into()), AtomicUsize::new(0));
        let found = find(
            &event("info"),
            &[labelled(), labelled(), plain],
            &labels,
            &Mutex::default(),
        )
        .await;
        assert_eq!(labels.1.load(Ordering::Relaxed), 1);
        assert_eq!(found.alerts.len(), 1);
        assert_eq!(found.complaints.len(), 2);
        assert_eq!(found.complaints[0].reason, "SourceFetchFailed");
        assert_eq!(
            found.complaints[0].message,
            "error getting source object Kustomization/apps/app"
        );
    }
}
