//! What the controllers say, as it is said.

use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::Event;
use kube::Client;
use kube::api::Api;
use kube::runtime::{WatchStreamExt as _, watcher};

/// Prints each new Event about a Flux object of `namespace`, until it is aborted.
pub(super) async fn print(client: Client, namespace: String) {
    let api: Api<Event> = Api::namespaced(client, &namespace);
    let mut events = std::pin::pin!(
        watcher(api, watcher::Config::default())
            .default_backoff()
            .applied_objects()
    );
    // The watcher tries again by itself; an error is news too.
    loop {
        match events.try_next().await {
            Ok(Some(event)) => {
                if let Some(line) = line(&event) {
                    eprintln!("{line}");
                }
            }
            Ok(None) => return,
            Err(error) => tracing::debug!(%error, "watching events"),
        }
    }
}

/// Returns how an Event is shown; only those about objects of Flux's groups are.
fn line(event: &Event) -> Option<String> {
    let about = &event.involved_object;
    let group = about.api_version.as_deref().unwrap_or_default();
    if !group.contains(".toolkit.fluxcd.io/") {
        return None;
    }
    let mark = if event.type_.as_deref() == Some("Warning") {
        "✗"
    } else {
        "✔"
    };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let message = text(&event.message).trim().replace('\n', "\n    ");
    Some(format!(
        "{mark} {}/{}: {message}",
        text(&about.kind),
        text(&about.name)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(api_version: &str, severity: &str) -> Event {
        serde_json::from_value(json!({
            "metadata": {}, "type": severity, "message": "one\ntwo\n",
            "involvedObject": {"apiVersion": api_version, "kind": "Kustomization", "name": "dev"},
        }))
        .unwrap()
    }

    #[test]
    fn warnings_are_marked_and_other_groups_are_left_out() {
        let warning = event("kustomize.toolkit.fluxcd.io/v1", "Warning");
        assert_eq!(line(&warning).unwrap(), "✗ Kustomization/dev: one\n    two");
        assert_eq!(line(&event("apps/v1", "Normal")), None);
    }
}
