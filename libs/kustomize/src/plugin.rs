//! Builtins configured by objects of their own: `generators`, `transformers`, `validators`.
//!
//! A new builtin is one file of its own and one line in [`make`]. Anything that is no builtin would be
//! a program or a container, and is refused.

use crate::build::Cx;
use crate::decode::{self, Mode, Struct, Ty};
use crate::error::{Error, Wrap, invalid};
use crate::generate;
use crate::id::ResId;
use crate::loader::Loader;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::transform::{
    Affix, Hash, Images, JsonPatches, Labels, Namespace, PatchTransformer, Replacements, Replicas,
    Side, StrategicMerge, Subjects, Transform, ValueAdd,
};
use crate::types::{
    FieldSpec, GENERATOR_OPTIONS, GeneratorArgs, Image, META, PLUGIN, Patch, PatchOptions,
    ReplacementField, Replica, Selector, ValueTarget,
};
use crate::{fs, tree};
use fjord_yaml::{Map, Node, Scalar};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

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

static GENERATOR: Struct = Struct {
    name: "GeneratorPlugin",
    fields: &[
        ("metadata", Ty::Struct(&META)),
        ("namespace", Ty::Str),
        ("name", Ty::Str),
        ("behavior", Ty::Str),
        ("literals", Ty::List(&Ty::Str)),
        ("files", Ty::List(&Ty::Str)),
        ("envs", Ty::List(&Ty::Str)),
        ("options", Ty::Struct(&GENERATOR_OPTIONS)),
        ("type", Ty::Str),
    ],
};

/// The fields of all builtins.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    metadata: Meta,
    annotations: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    field_specs: Option<Vec<FieldSpec>>,
    unset_only: bool,
    set_role_binding_subjects: String,
    prefix: String,
    suffix: String,
    image_tag: Image,
    replica: Replica,
    path: String,
    patch: String,
    target: Option<Selector>,
    options: Option<PatchOptions>,
    json_op: String,
    paths: Vec<String>,
    patches: String,
    replacements: Vec<ReplacementField>,
    value: String,
    targets: Vec<ValueTarget>,
    target_file_path: String,
    cloud: String,
    kubernetes_service: CloudName,
    service_account: CloudName,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Meta {
    name: String,
    namespace: String,
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
        name: object.name().to_owned(),
        namespace: object.namespace().to_owned(),
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
    if matches!(kind, "ConfigMapGenerator" | "SecretGenerator") {
        return generator(cx, kind, value);
    }
    let shape = |value: &mut Value| -> Result<Config, Error> {
        decode::check(value, &PLUGIN, Mode::Lenient)?;
        let mut value = value.clone();
        // Two builtins give `options` and others nothing; a foreign shape was refused above.
        if let Value::Object(object) = &mut value {
            object.retain(|_, v| !v.is_null());
        }
        cx.shape(value)
    };
    let c = shape(&mut value)?;
    let specs = c.field_specs.clone().unwrap_or_default();
    let affix =
        |side, text: &str, specs: Option<&[FieldSpec]>| Affix::new(side, text.to_owned(), specs);
    let transformer: Box<dyn Transform> = match kind {
        "AnnotationsTransformer" => Box::new(Labels::new(c.annotations, &specs)),
        "HashTransformer" => Box::new(Hash),
        "ImageTagTransformer" => Box::new(Images::new(c.image_tag, &specs)?),
        "LabelTransformer" => Box::new(Labels::new(c.labels, &specs)),
        "NamespaceTransformer" => {
            let subjects = subjects(&c.set_role_binding_subjects)?;
            Box::new(Namespace::new(
                c.metadata.namespace,
                &specs,
                c.unset_only,
                subjects,
            ))
        }
        "PatchJson6902Transformer" => Box::new(JsonPatches::new(
            cx,
            loader,
            c.target.as_ref(),
            &c.path,
            &c.json_op,
        )?),
        "PatchStrategicMergeTransformer" => {
            Box::new(StrategicMerge::new(cx, loader, &c.paths, &c.patches)?)
        }
        "PatchTransformer" => {
            let entry = Patch {
                path: c.path,
                patch: c.patch,
                target: c.target,
                options: c.options,
            };
            Box::new(PatchTransformer::new(cx, loader, &entry, text)?)
        }
        "PrefixTransformer" => Box::new(affix(Side::Prefix, &c.prefix, c.field_specs.as_deref())?),
        "SuffixTransformer" => Box::new(affix(Side::Suffix, &c.suffix, c.field_specs.as_deref())?),
        "PrefixSuffixTransformer" => Box::new(Both(
            affix(Side::Prefix, &c.prefix, c.field_specs.as_deref())?,
            affix(Side::Suffix, &c.suffix, c.field_specs.as_deref())?,
        )),
        "ReplacementTransformer" => Box::new(Replacements::new(cx, loader, &c.replacements)?),
        "ReplicaCountTransformer" => Box::new(Replicas::new(c.replica, &specs)),
        "ValueAddTransformer" => Box::new(value_add(cx, loader, c)?),
        "IAMPolicyGenerator" => {
            return policy(&c).map(|p| Plugin::Generator(Box::new(Generator::Policy(p))));
        }
        "HelmChartInflationGenerator" => {
            return Err(Error::Refused("must specify --enable-helm".to_owned()));
        }
        _ => {
            let gvk = crate::id::Gvk::new("builtin", kind);
            return Err(Error::Unknown(format!("unable to load builtin {gvk}")));
        }
    };
    Ok(Plugin::Transformer(transformer))
}

fn generator(cx: &Cx<'_>, kind: &str, mut value: Value) -> Result<Plugin, Error> {
    decode::check(&mut value, &GENERATOR, Mode::Lenient)?;
    let meta: Meta = cx.shape(
        value
            .get("metadata")
            .cloned()
            .unwrap_or_else(|| Value::Object(serde_json::Map::new())),
    )?;
    let mut args: GeneratorArgs = cx.shape(value)?;
    if args.name.is_empty() {
        args.name = meta.name;
    }
    if args.namespace.is_empty() {
        args.namespace = meta.namespace;
    }
    Ok(Plugin::Generator(Box::new(if kind == "SecretGenerator" {
        Generator::Secret(args)
    } else {
        Generator::ConfigMap(args)
    })))
}

struct Both(Affix, Affix);

impl Transform for Both {
    fn run(&self, map: &mut ResMap, cx: &Cx<'_>) -> Result<(), Error> {
        self.0.run(map, cx)?;
        self.1.run(map, cx)
    }
}

fn subjects(text: &str) -> Result<Subjects, Error> {
    match text {
        "" | "defaultOnly" => Ok(Subjects::DefaultOnly),
        "allServiceAccounts" => Ok(Subjects::AllServiceAccounts),
        "none" => Ok(Subjects::None),
        other => Err(invalid(format!(
            "invalid value {other:?} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \"allServiceAccounts\""
        ))),
    }
}

fn value_add(cx: &Cx<'_>, loader: &Loader, c: Config) -> Result<ValueAdd, Error> {
    let value = c.value.trim();
    let value = if value.is_empty() {
        fs::base(loader.root())
    } else {
        value
    };
    let mut targets = c.targets;
    if !c.target_file_path.is_empty() {
        let bytes = loader.load(cx, &c.target_file_path)?;
        let mut file = fjord_yaml::to_json(&bytes, &cx.options.limits.yaml)?;
        decode::check(&mut file, &PLUGIN, Mode::Lenient)?;
        let more: Config = cx.shape(file)?;
        targets.extend(more.targets);
    }
    ValueAdd::new(value.to_owned(), targets)
}

fn policy(c: &Config) -> Result<Resource, Error> {
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
