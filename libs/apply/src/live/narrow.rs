//! Decoding only what readiness and drift need from an object on its way in.
//!
//! A watch shows whole objects. Keeping metadata and a dozen fields of spec and status while
//! parsing, and skipping the rest, makes a large ConfigMap or Deployment cost next to nothing.

use std::borrow::Cow;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{ApiResource, DynamicResourceScope};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::object::Object;

/// An object of which only the needed parts were read.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Narrow {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Kept,
    #[serde(default)]
    status: Kept,
}

/// The fields of spec and status that some rule of `status` reads.
const FIELDS: [&str; 26] = [
    "availableReplicas",
    "clusterIP",
    "conditions",
    "containerStatuses",
    "currentNumberScheduled",
    "currentReplicas",
    "currentRevision",
    "desiredNumberScheduled",
    "fullyLabeledReplicas",
    "numberAvailable",
    "numberReady",
    "observedGeneration",
    "phase",
    "progressDeadlineSeconds",
    "readyReplicas",
    "replicas",
    "suspend",
    "ttlSecondsAfterFinished",
    "type",
    "updateRevision",
    "updateStrategy",
    "updatedNumberScheduled",
    "updatedReplicas",
    "succeeded",
    "failed",
    "active",
];

#[derive(Clone, Debug, Default)]
struct Kept(Map<String, Value>);

impl Narrow {
    /// Returns the object with what was kept of it.
    pub(super) fn into_object(self, resource: &ApiResource) -> Object {
        let mut object = metadata_only(self.metadata, resource);
        object.set(&["spec"], self.spec.0.into());
        object.set(&["status"], self.status.0.into());
        object
    }
}

/// Returns an object of which only metadata is known.
pub(super) fn metadata_only(metadata: ObjectMeta, resource: &ApiResource) -> Object {
    let mut object = Object::default();
    object.set(&["apiVersion"], resource.api_version.clone().into());
    object.set(&["kind"], resource.kind.clone().into());
    object.set(
        &["metadata"],
        serde_json::to_value(metadata).unwrap_or_default(),
    );
    object
}

impl kube::Resource for Narrow {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn api_version(resource: &ApiResource) -> Cow<'_, str> {
        resource.api_version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeptVisitor)
    }
}

/// Reads a map by halves; a spec or status that is no map (custom resources may) is nothing.
struct KeptVisitor;

impl<'de> Visitor<'de> for KeptVisitor {
    type Value = Kept;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kept, A::Error> {
        let mut kept = Map::new();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if FIELDS.contains(&key.as_ref()) {
                kept.insert(key.into_owned(), map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Kept(kept))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Kept, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Kept::default())
    }

    fn visit_unit<E>(self) -> Result<Kept, E> {
        Ok(Kept::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Kept, E> {
        Ok(Kept::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Kept, E> {
        Ok(Kept::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Kept, E> {
        Ok(Kept::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Kept, E> {
        Ok(Kept::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Kept, E> {
        Ok(Kept::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_readiness_needs_is_kept() {
        let narrow: Narrow = serde_json::from_value(json!({
            "metadata": {"name": "web"},
            "spec": {"replicas": 1, "template": {"spec": {"containers": []}}},
            "status": {"conditions": [{"type": "Ready"}], "hash": "x"},
            "data": {"big": "x"},
        }))
        .unwrap();
        assert_eq!(narrow.spec.0, *json!({"replicas": 1}).as_object().unwrap());
        assert_eq!(narrow.status.0.keys().collect::<Vec<_>>(), ["conditions"]);
    }

    #[test]
    fn odd_shapes_of_custom_resources_are_no_error() {
        for odd in [
            json!(null),
            json!("x"),
            json!([1, {"a": 2}]),
            json!(1.5),
            json!(true),
        ] {
            let text = json!({"metadata": {}, "spec": odd, "status": odd}).to_string();
            let narrow: Narrow = serde_json::from_str(&text).unwrap();
            assert!(narrow.spec.0.is_empty() && narrow.status.0.is_empty());
        }
    }
}
