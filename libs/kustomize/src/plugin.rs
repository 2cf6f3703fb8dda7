//! Builtins configured by objects of their own: `generators`, `transformers`, `validators`.
//!
//! The table of transformers is in [`crate::transform`], that of generators here. Anything that is in
//! neither would be a program or a container, and is refused.

use crate::build::Cx;
use crate::decode::{self, Mode, Struct};
use crate::error::{Error, Wrap, invalid};
use crate::generate;
use crate::id::{Gvk, ResId};
use crate::loader::Loader;
use crate::resource::Resource;
use crate::transform::{BUILTINS, Setup, Transform};
use crate::tree;
use crate::types::{CONFIG_MAP_GENERATOR, GeneratorArgs, Meta, POLICY, SECRET_GENERATOR};
use fjord_yaml::{Map, Node, Scalar};
use serde::Deserialize;
use serde_json::Value;

/// What a configuration makes.
pub(crate) enum Plugin {
    Generator(Box<Generator>),
    Transformer(Box<dyn Transform>),
}

/// A generator that is configured.
pub(crate) enum Generator {
    ConfigMap(GeneratorArgs),
    Secret(GeneratorArgs),
    Policy(Resource),
}

impl Generator {
    /// Makes the objects.
    pub(crate) fn generate(&self, cx: &Cx<'_>, loader: &Loader) -> Result<Vec<Resource>, Error> {
        Ok(vec![match self {
            Self::ConfigMap(args) => generate::config_map(cx, loader, args)?,
            Self::Secret(args) => generate::secret(cx, loader, args)?,
            Self::Policy(object) => object.clone(),
        }])
    }
}

/// Makes a generator of its checked configuration.
type MakeGenerator = fn(&Cx<'_>, Value) -> Result<Generator, Error>;

/// Every builtin generator: its kind, its fields, and what makes it.
pub(crate) static GENERATORS: [(&str, &Struct, MakeGenerator); 3] = [
    ("ConfigMapGenerator", &CONFIG_MAP_GENERATOR, |cx, value| {
        Ok(Generator::ConfigMap(arguments(cx, value)?))
    }),
    ("SecretGenerator", &SECRET_GENERATOR, |cx, value| {
        Ok(Generator::Secret(arguments(cx, value)?))
    }),
    ("IAMPolicyGenerator", &POLICY, |cx, value| {
        Ok(Generator::Policy(policy(&cx.shape(value)?)?))
    }),
];

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Policy {
    cloud: String,
    kubernetes_service: CloudName,
    service_account: CloudName,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CloudName {
    name: String,
    namespace: String,
    project_id: String,
}

/// Configures the plugin an object describes.
pub(crate) fn load(cx: &Cx<'_>, loader: &Loader, object: &Resource) -> Result<Plugin, Error> {
    let id = id_of(object);
    if object.api_version() != "builtin" {
        return Err(Error::Refused(format!(
            "external plugins disabled; unable to load external plugin '{}'",
            id.gvk.kind
        )));
    }
    let text = object
        .to_yaml()
        .wrap(|| format!("marshalling yaml from res {id}"))?;
    let value = fjord_yaml::to_json(text.as_bytes(), &cx.options.limits.yaml)?;
    make(cx, loader, object.kind(), value, &text).map_err(|error| match error {
        error @ Error::Unknown(_) => error,
        error => error.context(format!("plugin {id} fails configuration")),
    })
}

/// Returns the id messages name a plugin by: its first one.
pub(crate) fn id_of(object: &Resource) -> ResId {
    object.previous_ids().next().unwrap_or_else(|| ResId {
        gvk: object.gvk(),
        name: object.name().into(),
        namespace: object.namespace().into(),
        cluster_scoped: false,
    })
}

fn make(
    cx: &Cx<'_>,
    loader: &Loader,
    kind: &str,
    mut value: Value,
    text: &str,
) -> Result<Plugin, Error> {
    if let Some(builtin) = BUILTINS.iter().find(|builtin| builtin.kind == kind) {
        decode::check(&mut value, builtin.fields, Mode::Lenient)?;
        let setup = Setup {
            cx,
            loader,
            value,
            text,
        };
        return Ok(Plugin::Transformer((builtin.make)(&setup)?));
    }
    if let Some((_, fields, make)) = GENERATORS.iter().find(|(name, ..)| *name == kind) {
        decode::check(&mut value, fields, Mode::Lenient)?;
        return Ok(Plugin::Generator(Box::new(make(cx, value)?)));
    }
    if kind == "HelmChartInflationGenerator" {
        return Err(Error::Refused("must specify --enable-helm".to_owned()));
    }
    let gvk = Gvk::new("builtin", kind);
    Err(Error::Unknown(format!("unable to load builtin {gvk}")))
}

fn arguments(cx: &Cx<'_>, mut value: Value) -> Result<GeneratorArgs, Error> {
    let metadata = value.get_mut("metadata").map(Value::take);
    let meta: Meta = metadata.map_or_else(|| Ok(Meta::default()), |value| cx.shape(value))?;
    let mut args: GeneratorArgs = cx.shape(value)?;
    if args.name.is_empty() {
        args.name = meta.name;
    }
    if args.namespace.is_empty() {
        args.namespace = meta.namespace;
    }
    Ok(args)
}

fn policy(c: &Policy) -> Result<Resource, Error> {
    if c.cloud != "gke" {
        return Err(invalid(format!(
            "cloud provider {} not supported yet",
            c.cloud
        )));
    }
    let account = format!(
        "{}@{}.iam.gserviceaccount.com",
        c.service_account.name, c.service_account.project_id
    );
    let mut root = Map::default();
    root.push("apiVersion", Node::string("v1"));
    root.push("kind", Node::string("ServiceAccount"));
    let mut metadata = Map::default();
    let mut annotations = Map::default();
    tree::put(
        &mut annotations,
        "iam.gke.io/gcp-service-account",
        Scalar::string(account),
    );
    metadata.push("annotations", Node::Map(annotations));
    tree::put(
        &mut metadata,
        "name",
        Scalar::untagged(c.kubernetes_service.name.as_str()),
    );
    // Parity: the name given as metadata of the generator has no part in the object.
    if !c.kubernetes_service.namespace.is_empty() {
        let namespace = Scalar::untagged(c.kubernetes_service.namespace.as_str());
        tree::put(&mut metadata, "namespace", namespace);
    }
    root.push("metadata", Node::Map(metadata));
    Ok(Resource::new(Node::Map(root)))
}
