//! From an artifact to the objects that are applied: generate, build, substitute, prepare.
//!
//! Pure but for reading the checkout and what a kustomization names by URL: without the latter the
//! same artifact and specification give the same bytes, on which the digest of the history is taken. Runs on a blocking thread; nothing is shared between
//! builds.

mod inputs;
mod mask;
mod prepare;

use std::path::Path;

use fjord_artifact::cache::Index;
use fjord_artifact::sourceignore::Matcher;
use fjord_crds::kustomize::v1::{KustomizationSpec, SubstituteStrategy};
use fjord_kustomize::{FileSystem, LoadRestrictor, Options, RemoteSource, Resource, SchemaMode};
use fjord_runtime::ObjectKey;
use fjord_runtime::outcome::chain;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::checkout::Checkout;
use crate::generate;
use crate::manifests::Manifests;
use crate::remote::{Remotes, Session};
use crate::substitute::{self, Strictness, Variables};

pub(crate) use inputs::Inputs;

/// Switches substitution off for one object, in a label or an annotation.
const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// What a build starts from.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    /// The Kustomization.
    pub(crate) key: &'a ObjectKey,
    /// Its uid, for the paths that messages show.
    pub(crate) uid: &'a str,
    /// Its specification.
    pub(crate) spec: &'a KustomizationSpec,
    /// Folder of the unpacked artifact.
    pub(crate) artifact: &'a Path,
    /// Digest of the artifact.
    pub(crate) digest: &'a str,
    /// Content hashes of the artifact's files.
    pub(crate) index: &'a Index,
    /// Whether an unset variable is an error.
    pub(crate) strictness: Strictness,
    /// What a generated kustomization does not list.
    pub(crate) ignore: &'a Matcher,
    /// Whether encrypted values are masked, for a build that is only shown.
    pub(crate) mask: bool,
    /// Where remote bases come from; none: they are refused.
    pub(crate) remotes: Option<&'a Remotes>,
}

/// The outcome of a build.
#[derive(Debug)]
pub(crate) struct Built {
    /// The objects as they are applied.
    pub(crate) manifests: Manifests,
    /// Digest of the built text, for the history.
    pub(crate) digest: String,
    /// What the outcome depends on.
    pub(crate) inputs: Inputs,
    /// The first Secret that is still encrypted, which forbids an apply.
    pub(crate) encrypted: Option<String>,
}

/// Why there is nothing to apply.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// `spec.path` is not in the artifact.
    #[error("kustomization path not found: stat {0}: no such file or directory")]
    PathNotFound(String),
    /// There is no root kustomization.
    #[error(transparent)]
    Generate(#[from] generate::Error),
    /// The engine refuses the kustomization.
    #[error("kustomize build failed")]
    Build(#[source] fjord_kustomize::Error),
    /// An object has no kind, API version or name.
    #[error("failed to decode Kubernetes apiVersion, kind and name from: {0}")]
    Nameless(String),
    /// Substitution failed in one object.
    #[error("post build failed for '{id}': envsubst error")]
    Substitute {
        /// The object as kustomize prints ids.
        id: String,
        /// What failed.
        source: substitute::Error,
    },
    /// What substitution made of an object is no object.
    #[error("post build failed for '{id}': envsubst error: YAMLToJSON: {message}")]
    Unreadable {
        /// The object as kustomize prints ids.
        id: String,
        /// What the parser says.
        message: String,
    },
    /// An object cannot be written as YAML.
    #[error("{0}")]
    Render(String),
}

/// Builds a Kustomization.
pub(crate) fn run(task: Task<'_>) -> Result<Built, Error> {
    let mut checkout = Checkout::new(task.artifact, task.uid, task.digest);
    let path = checkout.join(task.spec.path.as_deref().unwrap_or_default());
    if !checkout.exists(&path) {
        return Err(Error::PathNotFound(path));
    }
    let origin = generate::root(&mut checkout, &path, task.spec, task.ignore)?;
    let session = task.remotes.map(|remotes| remotes.session(&checkout));
    let options = Options {
        load_restrictor: LoadRestrictor::None,
        schema_mode: SchemaMode::Add,
        remote: session.as_ref().map(|session| session as &dyn RemoteSource),
        ..Options::default()
    };
    let files: &dyn FileSystem = match &session {
        Some(session) => session,
        None => &checkout,
    };
    let build = fjord_kustomize::build(files, &path, &options).map_err(Error::Build)?;
    let mut inputs = Inputs::new(&checkout, &build.read_set, &path, origin, task.index);
    if session.as_ref().is_some_and(Session::was_remote) {
        inputs.never_hold();
    }

    let variables = substitution(task.spec);
    let mut hash = Sha256::new();
    let mut values = Vec::with_capacity(build.resources.len());
    for (index, resource) in build.resources.iter().enumerate() {
        let (text, value) = render(resource, variables.as_ref(), task.strictness)?;
        if index > 0 {
            hash.update(b"---\n");
        }
        hash.update(text);
        values.push(value);
    }
    let digest = format!("sha256:{}", hex(&hash.finalize()));
    let mut objects = prepare::decode(values);
    if task.mask {
        objects.iter_mut().for_each(mask::secret);
    }
    let encrypted = prepare::encrypted(&objects);
    prepare::finish(&mut objects, task.key, task.spec);
    Ok(Built {
        manifests: Manifests::new(&objects),
        digest,
        inputs,
        encrypted,
    })
}

/// The variables of a specification, where there is something to substitute.
fn substitution(spec: &KustomizationSpec) -> Option<Variables> {
    let post_build = spec.post_build.as_ref()?;
    let variables = Variables::new(&post_build.substitute);
    let always = post_build.substitute_strategy == Some(SubstituteStrategy::Always);
    (always || !variables.is_empty()).then_some(variables)
}

fn render(
    resource: &Resource,
    variables: Option<&Variables>,
    strictness: Strictness,
) -> Result<(String, Value), Error> {
    let rendering = |error: fjord_kustomize::Error| Error::Render(chain(&error));
    let text = resource.to_yaml().map_err(rendering)?;
    let value = resource.to_value().map_err(rendering)?;
    let has = |field: &str| value[field].as_str().is_some_and(|text| !text.is_empty());
    if !has("apiVersion")
        || !has("kind")
        || value["metadata"]["name"].as_str().is_none_or(str::is_empty)
    {
        return Err(Error::Nameless(text));
    }
    let Some(variables) = variables.filter(|_| !opts_out(&value)) else {
        return Ok((text, value));
    };
    let expanded = variables
        .expand(&text, strictness)
        .map_err(|source| Error::Substitute {
            id: id(&value),
            source,
        })?;
    if expanded == text {
        return Ok((text, value));
    }
    let unreadable = |message: String| Error::Unreadable {
        id: id(&value),
        message,
    };
    let substituted = fjord_yaml::to_json(expanded.as_bytes(), &fjord_yaml::Limits::default())
        .map_err(|error| unreadable(error.to_string()))?;
    if !substituted.is_object() {
        return Err(unreadable("not a map".to_owned()));
    }
    let text = fjord_yaml::json_to_v2(&substituted).map_err(|e| unreadable(e.to_string()))?;
    Ok((text, substituted))
}

/// Parity: the value is compared exactly, unlike that of the other controls.
fn opts_out(value: &Value) -> bool {
    let metadata = &value["metadata"];
    [&metadata["labels"], &metadata["annotations"]]
        .iter()
        .any(|map| map[SUBSTITUTE] == "disabled")
}

/// Prints an id as kustomize does: `Kind.version.group/name`.
fn id(value: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let api_version = text(&value["apiVersion"]);
    let (group, version) = api_version
        .split_once('/')
        .unwrap_or(("[noGrp]", &api_version));
    format!(
        "{}.{version}.{group}/{}",
        text(&value["kind"]),
        text(&value["metadata"]["name"])
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
