//! The CustomResourceDefinitions: made from the types, kept as files, offered to programs.
//!
//! `crdgen` writes what [`render`] returns to `crds/manifests/`; [`manifests`] returns those files,
//! compiled in, for whoever installs them; [`definitions`] gives the same as JSON. The schema comes
//! from schemars, names and columns from kube's derive, and one pass brings both to the form of
//! controller-gen, so that Flux's manifests and ours differ in their descriptions only.

mod tidy;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use kube::core::object::{HasSpec, HasStatus};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::helm::v2::HelmRelease;
use crate::kustomize::v1::Kustomization;
use crate::metadata::owner;
use crate::notification::v1::Receiver;
use crate::notification::v1beta3::{Alert, Provider};
use crate::source::v1::{
    Bucket, ExternalArtifact, GitRepository, HelmChart, HelmRepository, OCIRepository,
};

/// One manifest file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Name of the file: `<group>_<plural>.yaml`.
    pub file: String,
    /// The YAML text.
    pub yaml: String,
}

/// A manifest could not be made; only a mistake in the types leads here.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A definition does not fit the API's own types.
    #[error("making a definition")]
    Definition(#[from] serde_json::Error),
    /// A definition cannot be written as YAML.
    #[error("writing {file}")]
    Yaml {
        /// The file that was to be written.
        file: String,
        /// Why not.
        source: fjord_yaml::Error,
    },
}

/// Returns the manifest files of all kinds as they were compiled in.
pub fn manifests() -> &'static [&'static str] {
    &[
        include_str!("../manifests/helm.toolkit.fluxcd.io_helmreleases.yaml"),
        include_str!("../manifests/kustomize.toolkit.fluxcd.io_kustomizations.yaml"),
        include_str!("../manifests/notification.toolkit.fluxcd.io_alerts.yaml"),
        include_str!("../manifests/notification.toolkit.fluxcd.io_providers.yaml"),
        include_str!("../manifests/notification.toolkit.fluxcd.io_receivers.yaml"),
        include_str!("../manifests/source.toolkit.fluxcd.io_buckets.yaml"),
        include_str!("../manifests/source.toolkit.fluxcd.io_externalartifacts.yaml"),
        include_str!("../manifests/source.toolkit.fluxcd.io_gitrepositories.yaml"),
        include_str!("../manifests/source.toolkit.fluxcd.io_helmcharts.yaml"),
        include_str!("../manifests/source.toolkit.fluxcd.io_helmrepositories.yaml"),
        include_str!("../manifests/source.toolkit.fluxcd.io_ocirepositories.yaml"),
    ]
}

/// Returns the definitions of all kinds, made from the types.
pub fn definitions() -> Result<Vec<Value>, serde_json::Error> {
    Ok(vec![
        with_status::<HelmRelease>("A chart, installed as a Helm release and kept so.", true)?,
        with_status::<Kustomization>(
            "A folder of a source, built with kustomize, applied and kept so.",
            true,
        )?,
        without_status::<Alert>("Sends the events of some objects to a provider.")?,
        without_status::<Provider>("A service that events are sent to.")?,
        with_status::<Receiver>("A webhook that makes objects reconcile at once.", true)?,
        with_status::<Bucket>("A bucket of an object store, stored as an artifact.", true)?,
        with_status::<ExternalArtifact>("An artifact that another program makes.", false)?,
        with_status::<GitRepository>(
            "A Git repository at one reference, stored as an artifact.",
            true,
        )?,
        with_status::<HelmChart>("A chart from a repository, stored as an artifact.", true)?,
        with_status::<HelmRepository>(
            "A Helm chart repository; its index is stored as an artifact.",
            true,
        )?,
        with_status::<OCIRepository>(
            "An OCI artifact of manifests or a chart, stored as an artifact.",
            true,
        )?,
    ])
}

/// Renders the manifest file of every kind.
pub fn render() -> Result<Vec<Manifest>, Error> {
    definitions()?
        .iter()
        .map(|definition| {
            let spec = &definition["spec"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let file = format!(
                "{}_{}.yaml",
                text(&spec["group"]),
                text(&spec["names"]["plural"])
            );
            match fjord_yaml::json_to_v2(definition) {
                Ok(body) => Ok(Manifest {
                    file,
                    yaml: format!("{HEADER}---\n{body}"),
                }),
                Err(source) => Err(Error::Yaml { file, source }),
            }
        })
        .collect()
}

const HEADER: &str =
    "# Made from the types in crds/src by `cargo run -p fjord-crds --bin crdgen`; do not edit.\n";

/// Makes the definition of a kind with the status subresource. `observes` tells whether a new
/// object starts with the generation -1 observed, which is how clients know that its controller
/// has not seen it yet.
fn with_status<K>(description: &str, observes: bool) -> Result<Value, serde_json::Error>
where
    K: CustomResourceExt + HasSpec + HasStatus,
    K::Spec: JsonSchema,
    K::Status: JsonSchema,
{
    let mut status = schema_of::<K::Status>();
    if observes {
        status["default"] = json!({ "observedGeneration": -1 });
    }
    definition(description, K::crd(), schema_of::<K::Spec>(), Some(status))
}

fn without_status<K>(description: &str) -> Result<Value, serde_json::Error>
where
    K: CustomResourceExt + HasSpec,
    K::Spec: JsonSchema,
{
    definition(description, K::crd(), schema_of::<K::Spec>(), None)
}

fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|s| {
        s.inline_subschemas = true;
        s.meta_schema = None;
    });
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    tidy::schema(&mut schema);
    schema
}

fn definition(
    description: &str,
    crd: CustomResourceDefinition,
    spec: Value,
    status: Option<Value>,
) -> Result<Value, serde_json::Error> {
    let kind = crd.spec.names.kind.clone();
    let mut properties = json!({
        "apiVersion": {
            "description": "Group and version of the object's schema.",
            "type": "string",
        },
        "kind": { "description": "Kind of the object.", "type": "string" },
        "metadata": { "type": "object" },
        "spec": spec,
    });
    let subresources = if status.is_some() {
        json!({ "status": {} })
    } else {
        json!({})
    };
    if let Some(status) = status {
        properties["status"] = status;
    }
    let mut definition = serde_json::to_value(crd)?;
    // The manifests pass through Kustomizations whose variables must not touch the patterns.
    definition["metadata"]["annotations"] = json!({ owner::KUSTOMIZE.substitute: "disabled" });
    definition["spec"]["names"]["listKind"] = format!("{kind}List").into();
    let version = &mut definition["spec"]["versions"][0];
    version["subresources"] = subresources;
    version["schema"] = json!({ "openAPIV3Schema": {
        "description": description,
        "type": "object",
        "properties": properties,
    } });
    Ok(definition)
}
