//! From built values to the objects that are applied: lists expanded, owner labels, normalised,
//! common metadata.
//!
//! The order is Flux's: common metadata comes last and wins even over owner labels.

use fjord_apply::{Object, normalise};
use fjord_crds::kustomize::v1::KustomizationSpec;
use fjord_runtime::ObjectKey;
use serde_json::Value;

use crate::GROUP;

/// Reads the values as objects, expanding lists and dropping what is no object.
pub(super) fn decode(values: Vec<Value>) -> Vec<Object> {
    let mut objects = Vec::with_capacity(values.len());
    for value in values {
        match value {
            // Parity: whatever has a list under `items` is a list, whatever its kind.
            Value::Object(mut map) if map.get("items").is_some_and(Value::is_array) => {
                if let Some(Value::Array(items)) = map.remove("items") {
                    objects.extend(
                        items
                            .into_iter()
                            .filter_map(|item| Object::try_from(item).ok()),
                    );
                }
            }
            value => objects.extend(Object::try_from(value).ok()),
        }
    }
    objects.retain(|object| is_object(object) && !is_kustomization(object));
    objects
}

/// Names the first Secret that SOPS encrypted and that does not opt out.
///
/// Flux looks after normalisation and so misses what is encrypted under `stringData`, which it
/// applies as ciphertext; here it is refused too (DESIGN §8).
pub(super) fn encrypted(objects: &[Object]) -> Option<String> {
    let decrypt = format!("{GROUP}/decrypt");
    let is_encrypted = |object: &&Object| {
        object.api_version() == "v1"
            && object.kind() == "Secret"
            && object.get(&["sops"]).is_some()
            && !object
                .annotation(&decrypt)
                .is_some_and(|v| v.eq_ignore_ascii_case("disabled"))
    };
    objects
        .iter()
        .find(is_encrypted)
        .map(|object| object.id().to_string())
}

/// Sets owner labels, normalises and sets common metadata.
pub(super) fn finish(objects: &mut [Object], key: &ObjectKey, spec: &KustomizationSpec) {
    for object in objects {
        object.set_label(&format!("{GROUP}/name"), &key.name);
        object.set_label(&format!("{GROUP}/namespace"), &key.namespace);
        normalise::normalise(object);
        if let Some(common) = &spec.common_metadata {
            for (key, value) in &common.labels {
                object.set_label(key, value);
            }
            for (key, value) in &common.annotations {
                object.set_annotation(key, value);
            }
        }
    }
}

fn is_object(object: &Object) -> bool {
    !object.name().is_empty() && !object.kind().is_empty() && !object.api_version().is_empty()
}

fn is_kustomization(object: &Object) -> bool {
    object.kind() == "Kustomization" && object.group() == "kustomize.config.k8s.io"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_are_expanded_and_what_is_no_object_is_dropped() {
        let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        let kustomization = json!({"apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization", "metadata": {"name": "k"}});
        let objects = decode(vec![
            json!({"apiVersion": "v1", "kind": "List", "items": [map("a"), map("b")]}),
            kustomization,
            json!({"kind": "Nameless"}),
            map("c"),
        ]);
        let names: Vec<&str> = objects.iter().map(Object::name).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn an_encrypted_secret_is_found_unless_it_opts_out() {
        let secret = |name: &str, decrypt: Option<&str>| {
            let mut secret = Object::try_from(json!({"apiVersion": "v1", "kind": "Secret",
                "metadata": {"name": name, "namespace": "n"}, "stringData": {"a": "ENC[...]"},
                "sops": {"mac": "x"}}))
            .unwrap();
            if let Some(value) = decrypt {
                secret.set_annotation(&format!("{GROUP}/decrypt"), value);
            }
            secret
        };
        assert_eq!(encrypted(&[secret("a", Some("Disabled"))]), None);
        let found = encrypted(&[secret("a", Some("disabled")), secret("b", None)]);
        assert_eq!(found.as_deref(), Some("Secret/n/b"));
    }

    #[test]
    fn common_metadata_wins_over_what_is_there() {
        let spec: KustomizationSpec = serde_json::from_value(json!({"interval": "1m",
            "prune": true, "sourceRef": {"kind": "GitRepository", "name": "app"},
            "commonMetadata": {"labels": {"team": "spec"}, "annotations": {"who": "flux"}}}))
        .unwrap();
        let mut objects = [
            Object::try_from(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "labels": {"team": "git"}}}))
            .unwrap(),
        ];
        finish(&mut objects, &ObjectKey::new("ns", "app"), &spec);
        assert_eq!(objects[0].label("team"), Some("spec"));
        assert_eq!(objects[0].annotation("who"), Some("flux"));
        assert_eq!(
            objects[0].label("kustomize.toolkit.fluxcd.io/name"),
            Some("app")
        );
        assert_eq!(
            objects[0].label("kustomize.toolkit.fluxcd.io/namespace"),
            Some("ns")
        );
    }
}
