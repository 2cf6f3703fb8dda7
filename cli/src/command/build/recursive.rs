//! `--recursive`: the Kustomizations among the built objects, built too, from the folders of their sources.

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use fjord_crds::kustomize::v1::Kustomization;
use fjord_kustomize_controller::local;
use fjord_runtime::ObjectKey;
use serde_json::Value;

/// Kustomizations that one command builds at most.
const LIMIT: usize = 1_000;

/// The folder that stands for a source: `Kind/namespace/name=path`.
#[derive(Debug, Clone)]
pub(super) struct LocalSource {
    source: String,
    folder: PathBuf,
}

/// Reads one value of `--local-sources`.
pub(super) fn local_source(text: &str) -> Result<LocalSource, String> {
    match text.split_once('=') {
        Some((source, path)) if source.split('/').count() == 3 && !path.is_empty() => {
            Ok(LocalSource {
                source: source.to_owned(),
                folder: path.into(),
            })
        }
        _ => Err("expected Kind/namespace/name=path".to_owned()),
    }
}

/// Builds what built objects name, each Kustomization once.
pub(super) struct Recursion<'a> {
    sources: &'a [LocalSource],
    options: local::Options<'a>,
    built: HashSet<ObjectKey>,
}

impl<'a> Recursion<'a> {
    pub(super) fn new(sources: &'a [LocalSource], options: local::Options<'a>) -> Self {
        Self {
            sources,
            options,
            built: HashSet::new(),
        }
    }

    /// Returns the objects of all Kustomizations among those that `key` gave, and of theirs in turn.
    pub(super) fn below(&mut self, key: &ObjectKey, objects: &[Value]) -> Result<Vec<Value>> {
        self.built.insert(key.clone());
        if self.built.len() > LIMIT {
            bail!("more than {LIMIT} Kustomizations");
        }
        let mut all = Vec::new();
        for object in objects.iter().filter(|object| is_kustomization(object)) {
            let child: Kustomization =
                serde_json::from_value(object.clone()).context("reading a Kustomization")?;
            let name = child.metadata.name.clone().unwrap_or_default();
            let namespace = child.metadata.namespace.clone();
            let child_key = ObjectKey::new(namespace.as_deref().unwrap_or(&key.namespace), &name);
            // Flux builds a cycle until it is killed; here each is built once.
            if self.built.contains(&child_key) {
                continue;
            }
            let root = self.folder(&child, &child_key)?;
            let built =
                local::build(&child_key, &child.spec, &root, self.options).with_context(|| {
                    format!("building Kustomization {}/{name}", child_key.namespace)
                })?;
            let deeper = self.below(&child_key, &built)?;
            all.extend(built);
            all.extend(deeper);
        }
        Ok(all)
    }

    fn folder(&self, child: &Kustomization, key: &ObjectKey) -> Result<PathBuf> {
        let reference = &child.spec.source_ref;
        let namespace = reference.namespace.as_deref().unwrap_or(&key.namespace);
        let kind = serde_json::to_value(&reference.kind)?;
        let kind = kind.as_str().unwrap_or_default();
        let wanted = format!("{kind}/{namespace}/{}", reference.name);
        let known = self.sources.iter().find(|local| local.source == wanted);
        let Some(known) = known else {
            bail!(
                "cannot get local path for {wanted} of kustomization {}: add --local-sources {wanted}=FOLDER",
                key.name
            );
        };
        let folder = &known.folder;
        folder
            .canonicalize()
            .with_context(|| format!("opening {}", folder.display()))
    }
}

fn is_kustomization(object: &Value) -> bool {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    object["kind"] == "Kustomization" && version.starts_with("kustomize.toolkit.fluxcd.io/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kustomization(name: &str, path: &str) -> Value {
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "apps"},
            "spec": {"interval": "1m", "prune": true, "path": path,
                "sourceRef": {"kind": "GitRepository", "name": "fleet"}}})
    }

    #[test]
    fn what_is_named_is_built_once_and_a_source_without_a_folder_is_named() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, object: &Value| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, object.to_string()).unwrap();
        };
        // Two that name each other.
        write("a/b.yaml", &kustomization("b", "b"));
        write("b/a.yaml", &kustomization("a", "a"));
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}});
        write("b/map.yaml", &map);
        let folder = root.path().display();
        let sources = [local_source(&format!("GitRepository/apps/fleet={folder}")).unwrap()];
        let key = ObjectKey::new("apps", "a");
        let first = [kustomization("b", "b")];
        let mut all = Recursion::new(&sources, local::Options::default());
        let built = all.below(&key, &first).unwrap();
        let names: Vec<_> = built
            .iter()
            .map(|o| o["metadata"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["a", "m"]);
        let error = Recursion::new(&[], local::Options::default()).below(&key, &first);
        let text = error.unwrap_err().to_string();
        assert!(text.contains("GitRepository/apps/fleet"), "{text}");
    }
}
