//! What Flux makes of a manifest before it compares or applies it.
//!
//! Built-in kinds go through their Go types and back, so unknown fields vanish, quantities become
//! canonical and zero-value structs appear; all of that shows in field ownership. Role and
//! ClusterRole stay as they are. A manifest whose types do not fit is left as it is, for the API
//! server to refuse.

mod ca_bundle;
mod gotypes;
mod quantity;
mod roundtrip;

pub use roundtrip::roundtrip;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::object::Object;
use crate::order;

/// Normalises an object in place (fluxcd/pkg `ssa/normalize`).
pub fn normalise(object: &mut Object) {
    // Parity: the Go types would turn a missing list of rules into null.
    if object.api_version() == "rbac.authorization.k8s.io/v1"
        && matches!(object.kind(), "Role" | "ClusterRole")
    {
        return;
    }
    if let Some(typed) = roundtrip(object) {
        *object = typed;
        fill_in(object);
    }
    object.remove(&["metadata", "creationTimestamp"]);
    if order::is_crd(object) {
        ca_bundle::remove_invalid(object);
    } else {
        object.remove(&["status"]);
    }
}

/// Tells whether an object fits its Go type; kinds that are not built in always do.
pub(crate) fn fits(object: &Object) -> bool {
    gotypes::table()
        .kind(object.api_version(), object.kind())
        .is_none()
        || roundtrip(object).is_some()
}

/// Sets what a server-side apply would otherwise merge wrongly.
fn fill_in(object: &mut Object) {
    let kind = (object.api_version().to_owned(), object.kind().to_owned());
    match (kind.0.as_str(), kind.1.as_str()) {
        ("v1", "Pod") => pod_ports(object, &["spec"]),
        ("apps/v1", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch/v1", "Job") => pod_ports(object, &["spec", "template", "spec"]),
        ("batch/v1", "CronJob") => {
            pod_ports(object, &["spec", "jobTemplate", "spec", "template", "spec"]);
        }
        ("v1", "Service") => ports(object.get_mut(&["spec"])),
        ("v1", "Secret") => string_data(object),
        _ => {}
    }
}

/// Parity: init containers are not covered.
fn pod_ports(object: &mut Object, pod: &[&str]) {
    let containers = object
        .get_mut(pod)
        .and_then(|spec| spec.get_mut("containers"));
    for container in containers
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        ports(Some(container));
    }
}

fn ports(holder: Option<&mut Value>) {
    let ports = holder
        .and_then(|value| value.get_mut("ports"))
        .and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        port.entry("protocol").or_insert_with(|| "TCP".into());
    }
}

fn string_data(object: &mut Object) {
    let Some(Value::Object(plain)) = object.remove(&["stringData"]) else {
        return;
    };
    let data = object
        .as_map_mut()
        .entry("data")
        .or_insert_with(|| Map::new().into());
    if let Value::Object(data) = data {
        for (key, value) in plain {
            let text = value.as_str().unwrap_or_default();
            data.insert(key, STANDARD.encode(text).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn normalised(object: Value) -> Value {
        let mut object = Object::try_from(object).unwrap();
        normalise(&mut object);
        object.into_value()
    }

    #[test]
    fn misspelt_fields_vanish_and_zero_structs_appear() {
        let service = normalised(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "svc", "labelz": {"a": "b"}},
            "spec": {"ports": [{"port": 80, "targetport": 8080}], "selectr": {"a": "b"}},
        }));
        assert_eq!(
            service,
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": "svc"},
                "spec": {"ports": [{"port": 80, "targetPort": 0, "protocol": "TCP"}]},
            })
        );
    }

    #[test]
    fn string_data_becomes_data() {
        let secret = normalised(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
            "data": {"a": "YQ==", "b": "Yg=="}, "stringData": {"b": "B"},
        }));
        assert_eq!(secret["data"], json!({"a": "YQ==", "b": "Qg=="}));
        assert_eq!(secret.get("stringData"), None);
    }

    #[test]
    fn a_manifest_that_does_not_fit_its_type_only_loses_its_status() {
        let deployment = normalised(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": "two", "unknown": 1}, "status": {"replicas": 1},
        }));
        assert_eq!(deployment["spec"], json!({"replicas": "two", "unknown": 1}));
        assert_eq!(deployment.get("status"), None);
    }

    #[test]
    fn roles_are_left_completely_untouched() {
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": "r", "creationTimestamp": null}, "unknown": 1,
        });
        assert_eq!(normalised(role.clone()), role);
    }

    #[test]
    fn container_ports_get_a_protocol_but_not_those_of_init_containers() {
        let container = json!({"name": "c", "ports": [{"containerPort": 80}]});
        let pod = normalised(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
            "spec": {"containers": [container], "initContainers": [container]},
        }));
        assert_eq!(pod["spec"]["containers"][0]["ports"][0]["protocol"], "TCP");
        assert_eq!(
            pod["spec"]["initContainers"][0]["ports"][0].get("protocol"),
            None
        );
    }

    #[test]
    fn custom_resources_keep_every_field_but_status() {
        let widget = normalised(json!({
            "apiVersion": "x.io/v1", "kind": "Widget", "metadata": {"name": "w"},
            "anything": [1, 2.5, null], "status": {},
        }));
        assert_eq!(widget["anything"], json!([1, 2.5, null]));
        assert_eq!(widget.get("status"), None);
    }
}
