//! A Kustomization built from a folder on this machine, for `fjord build`.
//!
//! The same build as the controller's, to the objects that would be applied; nothing is read from a
//! cluster. Fields that only say how and where to apply do not matter here. The surprise: what SOPS
//! encrypted is shown masked and never decrypted, as `flux build` does.

use std::path::Path;

use fjord_artifact::cache::Index;
use fjord_artifact::sourceignore::Matcher;
use fjord_crds::kustomize::v1::KustomizationSpec;
use fjord_runtime::ObjectKey;
use serde_json::Value;

use crate::build::{self, Task};
use crate::remote::Remotes;
use crate::substitute::Strictness;

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field needs a cluster.
    #[error("{0} is not supported yet (a dry run goes without it)")]
    Unsupported(&'static str),
    /// The build fails as the controller's would.
    #[error("{0}")]
    Build(String),
}

/// How a local build differs from the controller's.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Whether a variable that is not set fails the build.
    pub strict: bool,
    /// Whether variables from Secrets and ConfigMaps are left out.
    pub dry_run: bool,
    /// Rules, in the format of `.gitignore`, for what a generated kustomization does not list.
    pub ignore: &'a [String],
    /// Where remote bases come from; none: they are refused.
    pub remotes: Option<&'a Remotes>,
}

/// Builds `spec`, whose path is below `root`, into the objects that would be applied.
///
/// Must be called on a thread that may block.
pub fn build(
    key: &ObjectKey,
    spec: &KustomizationSpec,
    root: &Path,
    options: Options<'_>,
) -> Result<Vec<Value>, Error> {
    let references = spec.post_build.as_ref().map(|post| &post.substitute_from);
    if !options.dry_run && references.is_some_and(|references| !references.is_empty()) {
        return Err(Error::Unsupported("spec.postBuild.substituteFrom"));
    }
    let task = Task {
        key,
        uid: "",
        spec,
        artifact: root,
        digest: "",
        // It only tells whether a later build could be spared.
        index: &Index::default(),
        strictness: if options.strict {
            Strictness::Strict
        } else {
            Strictness::Lenient
        },
        ignore: &Matcher::of_rules(&options.ignore.join("\n")),
        mask: true,
        remotes: options.remotes,
    };
    let built = build::run(task).map_err(|error| Error::Build(chain(&error)))?;
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
        let strict = Options {
            strict: true,
            ..Options::default()
        };
        let objects = build(&key, &spec(extra), root.path(), strict).unwrap();
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0]["data"]["a"], "red");
        assert_eq!(objects[0]["metadata"]["namespace"], "there");
        assert_eq!(
            objects[0]["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/namespace"],
            "apps"
        );
        let from = json!({"postBuild": {"substitute": {"colour": "red"},
            "substituteFrom": [{"kind": "Secret", "name": "x"}]}});
        let refused = build(&key, &spec(from.clone()), root.path(), strict);
        let field = "spec.postBuild.substituteFrom";
        assert!(matches!(refused, Err(Error::Unsupported(found)) if found == field));
        let dry_run = Options {
            dry_run: true,
            ..strict
        };
        assert!(build(&key, &spec(from), root.path(), dry_run).is_ok());
    }

    #[test]
    fn ignored_files_are_not_listed_and_encrypted_values_are_masked() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("app/skip")).unwrap();
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: 'ENC[x]'}\nsops: {mac: 'ENC[y]'}\n";
        std::fs::write(root.path().join("app/s.yaml"), secret).unwrap();
        std::fs::write(root.path().join("app/skip/bad.yaml"), "{").unwrap();
        let options = Options {
            ignore: &["/skip/".to_owned()],
            ..Options::default()
        };
        let key = ObjectKey::new("apps", "demo");
        let objects = build(&key, &spec(json!({})), root.path(), options).unwrap();
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0]["data"]["a"], "KipTT1BTKio=");
        assert!(objects[0].get("sops").is_none());
    }
}
