//! A kustomization's own OpenAPI file: definitions for merges, paths for the scope of kinds.

use super::{Place, built_in};
use crate::error::{Error, invalid};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// A parsed schema file.
#[derive(Debug, Default)]
pub(crate) struct Custom {
    definitions: HashMap<String, Arc<Value>>,
    kinds: HashMap<(String, String), String>,
    namespaced: HashMap<(String, String), bool>,
}

impl Custom {
    pub(super) fn parse(file: &[u8]) -> Result<Self, Error> {
        let limits = fjord_yaml::Limits::default();
        let value = if file.first() == Some(&b'{') {
            serde_json::from_slice(file)
                .map_err(|e| invalid(format!("invalid schema file: {e}")))?
        } else {
            fjord_yaml::to_json(file, &limits)
                .map_err(|e| invalid(format!("invalid schema file: {e}")))?
        };
        let mut custom = Self::default();
        let object = |key: &str| value.get(key).and_then(Value::as_object);
        for (name, definition) in object("definitions").into_iter().flatten() {
            let kinds = definition.get("x-kubernetes-group-version-kind");
            for gvk in kinds.and_then(Value::as_array).into_iter().flatten() {
                if let Some(gvk) = type_of(gvk) {
                    custom.kinds.insert(gvk, name.clone());
                }
            }
            custom
                .definitions
                .insert(name.clone(), Arc::new(definition.clone()));
        }
        for (path, item) in object("paths").into_iter().flatten() {
            let gvk = item
                .get("get")
                .and_then(|get| get.get("x-kubernetes-group-version-kind"));
            let Some(gvk) = gvk.and_then(type_of) else {
                continue;
            };
            let namespaced = custom.namespaced.entry(gvk).or_default();
            *namespaced |= path.contains("namespaces/{namespace}");
        }
        Ok(custom)
    }

    pub(super) fn is_cluster_scoped(&self, api_version: &str, kind: &str) -> bool {
        let key = (api_version.to_owned(), kind.to_owned());
        self.namespaced
            .get(&key)
            .is_some_and(|namespaced| !namespaced)
    }

    pub(super) fn of(&self, me: &Arc<Self>, api_version: &str, kind: &str) -> Option<Place> {
        let name = self.kinds.get(&(api_version.to_owned(), kind.to_owned()))?;
        Some(Place::Custom(
            me.clone(),
            self.definitions.get(name)?.clone(),
        ))
    }

    pub(super) fn field(&self, me: &Arc<Self>, schema: &Value, name: &str) -> Option<Place> {
        let property = schema
            .get("properties")
            .and_then(|properties| properties.get(name));
        let property =
            property.or_else(|| schema.get("additionalProperties").filter(|v| v.is_object()))?;
        self.resolve(me, property)
    }

    pub(super) fn elements(&self, me: &Arc<Self>, schema: &Value) -> Option<Place> {
        if schema.get("type").and_then(Value::as_str) != Some("array") {
            return None;
        }
        self.resolve(me, schema.get("items")?)
    }

    fn resolve(&self, me: &Arc<Self>, schema: &Value) -> Option<Place> {
        let mut schema = schema;
        // A chain of references that leads nowhere ends; a loop would not.
        for _ in 0..64 {
            let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
                return Some(Place::Custom(me.clone(), Arc::new(schema.clone())));
            };
            let name = reference.strip_prefix("#/definitions/")?;
            match self.definitions.get(name) {
                Some(definition) => schema = definition,
                None => return built_in(name),
            }
        }
        None
    }

    pub(super) fn merge_keys(schema: &Value) -> Option<Vec<String>> {
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        let strategy = text("x-kubernetes-patch-strategy")?;
        if !strategy.split(',').any(|one| one == "merge") {
            return None;
        }
        if let Some(keys) = schema
            .get("x-kubernetes-list-map-keys")
            .and_then(Value::as_array)
        {
            return Some(
                keys.iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            );
        }
        Some(
            text("x-kubernetes-patch-merge-key")
                .map(str::to_owned)
                .into_iter()
                .collect(),
        )
    }
}

fn type_of(gvk: &Value) -> Option<(String, String)> {
    let text = |key: &str| gvk.get(key).and_then(Value::as_str);
    let (version, kind) = (text("version")?, text("kind")?);
    let api_version = match text("group") {
        Some(group) if !group.is_empty() => format!("{group}/{version}"),
        _ => version.to_owned(),
    };
    Some((api_version, kind.to_owned()))
}
