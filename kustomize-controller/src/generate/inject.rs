//! How the fields of a specification enter a root kustomization.
//!
//! Namespace, prefix, suffix and build metadata replace; patches and components are added; images
//! are merged by name, with tag and digest as one unit.

use fjord_crds::kustomize::v1::KustomizationSpec;
use fjord_crds::overlay::Image;
use serde_json::{Map, Value, json};

use super::Error;

/// The fields of a kustomization that kustomize v5.8 knows, deprecated ones included.
pub(super) const FIELDS: [&str; 34] = [
    "apiVersion",
    "kind",
    "metadata",
    "openapi",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "images",
    "imageTags",
    "replacements",
    "replicas",
    "vars",
    "sortOptions",
    "resources",
    "components",
    "crds",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "helmGlobals",
    "helmCharts",
    "helmChartInflationGenerator",
    "generatorOptions",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "buildMetadata",
];

/// What marks a component as not local, as kustomize tells remote bases.
const REMOTE_PREFIXES: [&str; 8] = [
    "git::",
    "gh:",
    "ssh://",
    "https://",
    "http://",
    "git@",
    "github.com:",
    "github.com/",
];

/// Injects a specification; `exists` tells whether a component's path is there.
pub(super) fn spec(
    kustomization: &mut Map<String, Value>,
    spec: &KustomizationSpec,
    exists: impl Fn(&str) -> bool,
) -> Result<(), Error> {
    let replaced = [
        ("namespace", &spec.target_namespace),
        ("namePrefix", &spec.name_prefix),
        ("nameSuffix", &spec.name_suffix),
    ];
    for (field, value) in replaced {
        if let Some(value) = value {
            kustomization.insert(field.into(), value.as_str().into());
        }
    }
    for patch in &spec.patches {
        let mut entry = json!({"patch": patch.patch});
        if let Some(target) = &patch.target {
            entry["target"] = json!(target);
        }
        append(kustomization, "patches", entry);
    }
    for component in &spec.components {
        if !is_local(component) {
            return Err(Error::Component(component.clone()));
        }
        if exists(component) || !spec.ignore_missing_components {
            append(kustomization, "components", component.as_str().into());
        }
    }
    for image in &spec.images {
        self::image(kustomization, image);
    }
    if !spec.build_metadata.is_empty() {
        kustomization.insert("buildMetadata".into(), json!(spec.build_metadata));
    }
    Ok(())
}

fn append(kustomization: &mut Map<String, Value>, field: &str, entry: Value) {
    let list = kustomization.entry(field).or_insert_with(|| json!([]));
    // A list that is none is left to the build to refuse.
    if let Value::Array(list) = list {
        list.push(entry);
    }
}

fn image(kustomization: &mut Map<String, Value>, image: &Image) {
    let list = kustomization.entry("images").or_insert_with(|| json!([]));
    let Value::Array(list) = list else { return };
    let existing = list
        .iter_mut()
        .filter_map(Value::as_object_mut)
        .find(|entry| entry.get("name").and_then(Value::as_str) == Some(&image.name));
    let Some(entry) = existing else {
        list.push(json!(image));
        return;
    };
    if let Some(name) = &image.new_name {
        entry.insert("newName".into(), name.as_str().into());
    }
    // Both choose the version: a fresh tag beside an old digest would never be pulled.
    if image.new_tag.is_some() || image.digest.is_some() {
        for (field, value) in [("newTag", &image.new_tag), ("digest", &image.digest)] {
            match value {
                Some(value) => entry.insert(field.into(), value.as_str().into()),
                None => entry.remove(field),
            };
        }
    }
}

/// Whether a path names something in the artifact, relative to the kustomization.
fn is_local(path: &str) -> bool {
    let lower = path.to_lowercase();
    let is_remote = REMOTE_PREFIXES
        .iter()
        .any(|prefix| path.len() > prefix.len() && lower.starts_with(prefix));
    let is_absolute = path.starts_with('/')
        || lower
            .strip_prefix("file://")
            .is_some_and(|path| path.starts_with('/'));
    !is_remote && !is_absolute
}

#[cfg(test)]
mod tests {
    use super::*;

    fn injected(kustomization: Value, fields: Value) -> Value {
        let mut all = json!({"interval": "1m", "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": "app"}});
        all.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let parsed: KustomizationSpec = serde_json::from_value(all).unwrap();
        let mut map = kustomization.as_object().unwrap().clone();
        spec(&mut map, &parsed, |_| true).unwrap();
        Value::Object(map)
    }

    #[test]
    fn single_fields_replace_and_lists_grow() {
        let got = injected(
            json!({"namespace": "a", "namePrefix": "b-", "patches": [{"path": "p.yaml"}],
                "components": ["x"], "buildMetadata": ["originAnnotations"]}),
            json!({"targetNamespace": "n", "nameSuffix": "-s", "components": ["y"],
                "patches": [{"patch": "one", "target": {"kind": "Job", "labelSelector": "a=b"}}],
                "buildMetadata": ["transformerAnnotations"]}),
        );
        assert_eq!(
            got,
            json!({"namespace": "n", "namePrefix": "b-", "nameSuffix": "-s",
                "patches": [{"path": "p.yaml"},
                    {"patch": "one", "target": {"kind": "Job", "labelSelector": "a=b"}}],
                "components": ["x", "y"], "buildMetadata": ["transformerAnnotations"]})
        );
    }

    #[test]
    fn images_are_merged_by_name_with_tag_and_digest_as_one_unit() {
        let cases = [
            (
                json!({"newTag": "2"}),
                json!({"name": "i", "newName": "n", "newTag": "2"}),
            ),
            (
                json!({"digest": "d2"}),
                json!({"name": "i", "newName": "n", "digest": "d2"}),
            ),
            (
                json!({"newName": "m"}),
                json!({"name": "i", "newName": "m", "newTag": "1", "digest": "d"}),
            ),
        ];
        for (mut change, expected) in cases {
            change["name"] = "i".into();
            let got = injected(
                json!({"images": [{"name": "i", "newName": "n", "newTag": "1", "digest": "d"}]}),
                json!({"images": [change]}),
            );
            assert_eq!(got["images"], json!([expected]));
        }
        let added = injected(json!({}), json!({"images": [{"name": "i", "newTag": "3"}]}));
        assert_eq!(added["images"], json!([{"name": "i", "newTag": "3"}]));
    }
}
