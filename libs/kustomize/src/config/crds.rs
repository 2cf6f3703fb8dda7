//! Field specs from `crds`: files of Go OpenAPI definitions with kustomize's extensions.

use super::Config;
use crate::build::Cx;
use crate::error::{Error, Wrap, invalid};
use crate::loader::Loader;
use crate::types::{FieldSpec, NameReference};
use serde_json::{Map, Value};

/// Loads the files and gathers what their extensions say.
pub(crate) fn load(cx: &Cx<'_>, loader: &Loader, paths: &[String]) -> Result<Config, Error> {
    let mut config = Config::default();
    for path in paths {
        let bytes = loader.load(cx, path)?;
        let value = parse(cx, &bytes)
            .wrap(|| format!("unable to parse open API definition from '{path}'"))?;
        let Value::Object(definitions) = value else {
            continue;
        };
        for (name, definition) in &definitions {
            let properties = properties(definition);
            let is_kind = ["kind", "apiVersion", "metadata"]
                .iter()
                .all(|field| properties.is_some_and(|p| p.contains_key(*field)));
            if is_kind {
                let kind = name.rsplit('.').next().unwrap_or_default();
                let mut found = Config::default();
                let mut trail = Vec::new();
                walk(
                    &mut found,
                    kind,
                    &definitions,
                    name,
                    &mut trail,
                    &mut Vec::new(),
                )?;
                config = config.merged(&found)?;
            }
        }
    }
    Ok(config)
}

fn parse(cx: &Cx<'_>, bytes: &[u8]) -> Result<Value, Error> {
    if bytes.first() == Some(&b'{') {
        return serde_json::from_slice(bytes).map_err(|e| invalid(e.to_string()));
    }
    Ok(fjord_yaml::to_json(bytes, &cx.options.limits.yaml)?)
}

fn properties(definition: &Value) -> Option<&Map<String, Value>> {
    definition
        .get("Schema")
        .or_else(|| definition.get("schema"))?
        .get("properties")?
        .as_object()
}

fn walk(
    config: &mut Config,
    kind: &str,
    definitions: &Map<String, Value>,
    name: &str,
    path: &mut Vec<String>,
    open: &mut Vec<String>,
) -> Result<(), Error> {
    // A definition that refers to itself makes kustomize recurse for ever.
    if open.iter().any(|seen| seen == name) {
        return Ok(());
    }
    let Some(properties) = definitions.get(name).and_then(properties) else {
        return Ok(());
    };
    open.push(name.to_owned());
    for (field, property) in properties {
        path.push(field.clone());
        let spec = |path: &[String]| FieldSpec {
            kind: kind.to_owned(),
            path: path.join("/"),
            ..FieldSpec::default()
        };
        let text = |key: &str| property.get(key).and_then(Value::as_str);
        for (extension, list) in [
            ("x-kubernetes-annotation", &mut config.common_annotations),
            ("x-kubernetes-label-selector", &mut config.common_labels),
            ("x-kubernetes-identity", &mut config.name_prefix),
        ] {
            if text(extension).is_some() {
                *list = super::merge_specs(list, &[spec(path)])?;
            }
        }
        if let (Some(version), Some(target)) = (
            text("x-kubernetes-object-ref-api-version"),
            text("x-kubernetes-object-ref-kind"),
        ) {
            let mut path = path.clone();
            path.push(
                text("x-kubernetes-object-ref-name-key")
                    .unwrap_or("name")
                    .to_owned(),
            );
            config.add_reference(&NameReference {
                group: String::new(),
                version: version.to_owned(),
                kind: target.to_owned(),
                field_specs: vec![spec(&path)],
            })?;
        }
        if let Some(reference) = text("$ref") {
            walk(config, kind, definitions, reference, path, open)?;
        }
        path.pop();
    }
    open.pop();
    Ok(())
}
