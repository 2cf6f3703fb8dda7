//! The root kustomization of a build: found or generated, with the specification injected.
//!
//! Nothing is written to disk: the result is put over the artifact's own file. A file that is there
//! is read leniently and written anew with the fields kustomize knows, so that a field it does not
//! know does not fail the build. Source: kustomize-controller, `fluxcd/pkg/kustomize`.

mod inject;

use fjord_artifact::sourceignore::Matcher;
use fjord_kustomize::{FileSystem, fs};
use serde_json::{Map, Value, json};

use crate::checkout::Checkout;
use fjord_crds::kustomize::v1::KustomizationSpec;

/// The names a kustomization file may have, in order of precedence.
const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// How deep folders may nest while manifests are looked for.
const MAX_DEPTH: usize = 64;

/// Why there is no root kustomization.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file that the generated kustomization would list is no manifest.
    #[error("failed to decode Kubernetes YAML from {path}")]
    Manifest {
        /// The file.
        path: String,
        /// What the engine says.
        source: fjord_kustomize::Error,
    },
    /// The kustomization file is no YAML map.
    #[error("{0}")]
    File(String),
    /// A component of the specification is remote or absolute.
    #[error("component path '{0}' must be local and relative")]
    Component(String),
    /// The artifact cannot be read.
    #[error(transparent)]
    Read(#[from] fs::Error),
    /// Folders nest too deep.
    #[error("{0}: folders nest deeper than {MAX_DEPTH}")]
    Depth(String),
}

/// Where the root kustomization came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The artifact has one.
    Found,
    /// It was made from the manifests below the path.
    Generated,
}

/// Puts the root kustomization for `path` (as [`Checkout::join`] gives it) into the checkout. What
/// `ignore` excludes, relative to the path, a generated one does not list.
pub(crate) fn root(
    checkout: &mut Checkout,
    path: &str,
    spec: &KustomizationSpec,
    ignore: &Matcher,
) -> Result<Origin, Error> {
    let found = FILE_NAMES
        .iter()
        .map(|name| fs::join(path, name))
        .find(|p| checkout.is_file(p));
    let (file, mut kustomization, origin) = match found {
        Some(file) => {
            let read = read(&checkout.read(&file)?)?;
            (file, read, Origin::Found)
        }
        None => {
            let generated = generate(checkout, path, ignore)?;
            (fs::join(path, FILE_NAMES[0]), generated, Origin::Generated)
        }
    };
    let has_resources = kustomization
        .get("resources")
        .is_some_and(|list| match list {
            Value::Array(list) => !list.is_empty(),
            _ => true,
        });
    if origin == Origin::Found && !has_resources {
        // Parity: kustomize calls a file without resources empty, and fails.
        kustomization.insert("buildMetadata".into(), json!(["originAnnotations"]));
    }
    inject::spec(&mut kustomization, spec, |component| {
        checkout.exists(&fs::join(path, component))
    })?;
    // JSON is YAML, and needs no emitter of its own.
    checkout.put(&file, Value::Object(kustomization).to_string().into_bytes());
    Ok(origin)
}

/// Reads a kustomization file, dropping what kustomize does not know.
fn read(content: &[u8]) -> Result<Map<String, Value>, Error> {
    let value = fjord_yaml::to_json(content, &fjord_yaml::Limits::default())
        .map_err(|error| Error::File(error.to_string()))?;
    let mut kustomization = type_meta();
    match value {
        Value::Null => {}
        Value::Object(map) => {
            let known = map
                .into_iter()
                .filter(|(key, value)| inject::FIELDS.contains(&key.as_str()) && !value.is_null());
            kustomization.extend(known);
        }
        other => {
            // Parity: the words are those of Go's JSON decoder.
            let kind = match other {
                Value::Array(_) => "array",
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                _ => "number",
            };
            return Err(Error::File(format!(
                "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} \
                 into Go value of type types.Kustomization"
            )));
        }
    }
    Ok(kustomization)
}

/// Lists the manifests below a folder; a folder with its own kustomization is listed, not entered.
fn generate(
    checkout: &Checkout,
    path: &str,
    ignore: &Matcher,
) -> Result<Map<String, Value>, Error> {
    let mut resources = Vec::new();
    walk(checkout, (path, ignore), path, 0, &mut resources)?;
    let mut kustomization = type_meta();
    if resources.is_empty() {
        // Parity: kustomize calls a kustomization without any field empty, and fails.
        kustomization.insert("namespace".into(), "_placeholder".into());
    } else {
        kustomization.insert("resources".into(), resources.into());
    }
    Ok(kustomization)
}

fn walk(
    checkout: &Checkout,
    (base, ignore): (&str, &Matcher),
    folder: &str,
    depth: usize,
    resources: &mut Vec<Value>,
) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::Depth(folder.to_owned()));
    }
    let relative = |path: &str| Value::String(format!(".{}", &path[base.len()..]));
    // Parity: dot files and dot folders are not skipped.
    for (name, is_dir) in checkout.list(folder)? {
        let path = fs::join(folder, &name);
        if ignore.excludes(path[base.len()..].trim_start_matches('/'), is_dir) {
            continue;
        }
        if is_dir {
            if FILE_NAMES
                .iter()
                .any(|name| checkout.is_file(&fs::join(&path, name)))
            {
                resources.push(relative(&path));
            } else {
                walk(checkout, (base, ignore), &path, depth + 1, resources)?;
            }
        } else if is_manifest(&name) {
            fjord_kustomize::decode(&checkout.read(&path)?, &fjord_yaml::Limits::default())
                .map_err(|source| Error::Manifest {
                    path: path.clone(),
                    source,
                })?;
            resources.push(relative(&path));
        }
    }
    Ok(())
}

/// Whether a generated kustomization lists a file of this name.
pub(crate) fn is_manifest(name: &str) -> bool {
    name.ends_with(".yaml") || name.ends_with(".yml")
}

/// Whether a file of this name decides how its folder is taken.
pub(crate) fn is_kustomization(name: &str) -> bool {
    FILE_NAMES.contains(&name)
}

fn type_meta() -> Map<String, Value> {
    let fields = [
        ("apiVersion", "kustomize.config.k8s.io/v1beta1"),
        ("kind", "Kustomization"),
    ];
    fields
        .map(|(key, value)| (key.to_owned(), value.into()))
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root_of(files: &[(&str, &str)], spec: Value) -> Result<Value, String> {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let mut checkout = Checkout::new(folder.path(), "uid", "digest");
        let mut all = json!({"interval": "1m", "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": "app"}});
        all.as_object_mut()
            .unwrap()
            .extend(spec.as_object().unwrap().clone());
        let spec: KustomizationSpec = serde_json::from_value(all).unwrap();
        let path = checkout.join("app");
        root(&mut checkout, &path, &spec, &Matcher::default()).map_err(|error| {
            fjord_runtime::outcome::chain(&error).replace(&checkout.join(""), "<root>")
        })?;
        let file = FILE_NAMES
            .iter()
            .map(|name| fs::join(&path, name))
            .find(|file| checkout.is_file(file))
            .unwrap();
        Ok(serde_json::from_slice(&checkout.read(&file).unwrap()).unwrap())
    }

    const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n";

    #[test]
    fn manifests_are_listed_in_order_and_folders_with_a_kustomization_are_not_entered() {
        let root = root_of(
            &[
                ("app/b.yaml", CONFIG_MAP),
                ("app/a/x.yml", CONFIG_MAP),
                ("app/a/notes.txt", "none"),
                ("app/own/kustomization.yml", "resources: [y.yaml]"),
                ("app/own/y.yaml", "not: read"),
                ("app/.hidden/z.yaml", CONFIG_MAP),
                ("other/c.yaml", CONFIG_MAP),
            ],
            json!({}),
        );
        assert_eq!(
            root.unwrap()["resources"],
            json!(["./.hidden/z.yaml", "./a/x.yml", "./b.yaml", "./own"])
        );
    }

    #[test]
    fn a_folder_without_manifests_gets_a_placeholder() {
        let root = root_of(&[("app/readme.md", "")], json!({})).unwrap();
        assert_eq!(root["namespace"], "_placeholder");
        let root = root_of(&[("app/readme.md", "")], json!({"targetNamespace": "n"})).unwrap();
        assert_eq!(root["namespace"], "n");
    }

    #[test]
    fn a_kustomization_without_resources_asks_for_origins() {
        let root = root_of(&[("app/kustomization.yaml", "namePrefix: x-\n")], json!({})).unwrap();
        assert_eq!(root["buildMetadata"], json!(["originAnnotations"]));
        assert_eq!(root["namePrefix"], "x-");
    }

    #[test]
    fn what_kustomize_does_not_know_is_dropped() {
        let file = "resources: [a.yaml]\nresurces: [b]\npatches:\n";
        let root = root_of(&[("app/Kustomization", file)], json!({})).unwrap();
        assert_eq!(root["resources"], json!(["a.yaml"]));
        assert!(root.get("resurces").is_none() && root.get("patches").is_none());
    }

    #[test]
    fn a_file_that_is_no_manifest_is_named() {
        let error = root_of(&[("app/a.yaml", "foo: bar\n")], json!({})).unwrap_err();
        assert_eq!(
            error,
            "failed to decode Kubernetes YAML from <root>/app/a.yaml: missing Resource metadata"
        );
    }

    #[test]
    fn remote_components_are_refused_and_missing_ones_left_out_when_asked() {
        let files = [
            ("app/kustomization.yaml", "resources: [a.yaml]\n"),
            ("comp/x", ""),
        ];
        for remote in [
            "https://example.com/x",
            "GitHub.com/a/b",
            "git@h:x",
            "/etc",
            "file:///etc",
            "gh:a/b",
        ] {
            let error = root_of(&files, json!({"components": [remote]})).unwrap_err();
            assert_eq!(
                error,
                format!("component path '{remote}' must be local and relative")
            );
        }
        let missing = json!({"components": ["../comp", "../none"]});
        let root = root_of(&files, missing.clone()).unwrap();
        assert_eq!(root["components"], json!(["../comp", "../none"]));
        let mut ignored = missing;
        ignored["ignoreMissingComponents"] = true.into();
        assert_eq!(
            root_of(&files, ignored).unwrap()["components"],
            json!(["../comp"])
        );
    }
}
