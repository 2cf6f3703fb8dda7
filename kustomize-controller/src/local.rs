//! A Kustomization built from a folder on this machine, for `fjord build`.
//!
//! The same build as the controller's, to the objects that would be applied; nothing is read from a
//! cluster. What the controller refuses is refused here too.

use std::path::Path;

use fjord_artifact::cache::Index;
use fjord_crds::kustomize::v1::KustomizationSpec;
use fjord_runtime::ObjectKey;
use serde_json::Value;

use crate::build::{self, Task};
use crate::closed;
use crate::substitute::Strictness;

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field is not built yet.
    #[error("{0} is not supported yet")]
    Unsupported(&'static str),
    /// A Secret is encrypted, and decryption is not built yet.
    #[error("{0} is SOPS encrypted, and decryption is not supported yet")]
    Encrypted(String),
    /// The build fails as the controller's would.
    #[error("{0}")]
    Build(String),
}

/// Builds `spec`, whose path is below `root`, into the objects that would be applied.
///
/// With `strict` a variable that is not set fails the build.
pub fn build(
    key: &ObjectKey,
    spec: &KustomizationSpec,
    root: &Path,
    strict: bool,
) -> Result<Vec<Value>, Error> {
    if let Some(field) = closed::unsupported_field(spec) {
        return Err(Error::Unsupported(field));
    }
    let task = Task {
        key,
        uid: "",
        spec,
        artifact: root,
        digest: "",
        // It only tells whether a later build could be spared.
        index: &Index::default(),
        strictness: if strict {
            Strictness::Strict
        } else {
            Strictness::Lenient
        },
    };
    let built = build::run(task).map_err(|error| Error::Build(chain(&error)))?;
    if let Some(id) = built.encrypted {
        return Err(Error::Encrypted(id));
    }
    let objects = built.manifests.objects().into_iter();
    Ok(objects.map(fjord_apply::Object::into_value).collect())
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec(extra: Value) -> KustomizationSpec {
        let mut spec = json!({"interval": "1m", "prune": true, "path": "./app",
            "sourceRef": {"kind": "GitRepository", "name": "app"}});
        for (key, value) in extra.as_object().unwrap() {
            spec[key] = value.clone();
        }
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn a_folder_is_built_as_the_controller_would_apply_it() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("app")).unwrap();
        let text =
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  a: ${colour}\n";
        std::fs::write(root.path().join("app/one.yaml"), text).unwrap();
        let key = ObjectKey::new("apps", "demo");
        let extra =
            json!({"targetNamespace": "there", "postBuild": {"substitute": {"colour": "red"}}});
        let objects = build(&key, &spec(extra), root.path(), true).unwrap();
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0]["data"]["a"], "red");
        assert_eq!(objects[0]["metadata"]["namespace"], "there");
        assert_eq!(
            objects[0]["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/namespace"],
            "apps"
        );
        let refused = build(
            &key,
            &spec(json!({"serviceAccountName": "sa"})),
            root.path(),
            true,
        );
        assert!(matches!(
            refused,
            Err(Error::Unsupported("spec.serviceAccountName"))
        ));
    }
}
