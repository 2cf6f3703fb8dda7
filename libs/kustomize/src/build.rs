//! One build: the shared context, and the accumulation of kustomizations into one list of objects.

mod transformers;

use crate::config::{self, Config};
use crate::decode::Checked;
use crate::documents;
use crate::error::{Error, Wrap, invalid};
use crate::fs::Recorder;
use crate::kustomization;
use crate::loader::Loader;
use crate::origin::{self, Origin};
use crate::plugin::{self, Generator, Plugin};
use crate::references;
use crate::resmap::ResMap;
use crate::resource::{LOCAL_CONFIG, ORIGIN, Resource, string_scalar};
use crate::schema::Schema;
use crate::sort;
use crate::transform::{Hash, Labels, Transform};
use crate::tree::{map_at, put};
use crate::types::{FieldSpec, GeneratorArgs, Kustomization};
use crate::variables::{self, Vars};
use crate::{Options, ReadSet, Reorder, generate};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// What every part of one build shares.
pub(crate) struct Cx<'a> {
    pub(crate) fs: Recorder<'a>,
    pub(crate) options: &'a Options<'a>,
    pub(crate) schema: RefCell<Schema>,
    warnings: RefCell<Vec<String>>,
    bytes: Cell<u64>,
    objects: Cell<usize>,
}

impl Cx<'_> {
    /// Counts what was read against the limit.
    pub(crate) fn count_bytes(&self, bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
        let total = self.bytes.get().saturating_add(bytes.len() as u64);
        self.bytes.set(total);
        let limit = self.options.limits.total_bytes;
        if total > limit {
            return Err(Error::Limit(format!(
                "the build reads more than {limit} bytes"
            )));
        }
        Ok(bytes)
    }

    /// Counts objects against the limit.
    fn count_objects(&self, objects: usize) -> Result<(), Error> {
        let total = self.objects.get().saturating_add(objects);
        self.objects.set(total);
        let limit = self.options.limits.objects;
        if total > limit {
            return Err(Error::Limit(format!(
                "the build has more than {limit} objects"
            )));
        }
        Ok(())
    }

    /// Tells the user something that changes nothing; once.
    pub(crate) fn warn(&self, text: String) {
        let mut warnings = self.warnings.borrow_mut();
        if !warnings.contains(&text) {
            warnings.push(text);
        }
    }

    /// Decodes a value whose shape was checked.
    pub(crate) fn shape<T: DeserializeOwned>(&self, value: Value) -> Result<T, Error> {
        T::deserialize(Checked(value)).map_err(|error| invalid(error.to_string()))
    }
}

/// Builds; see [`crate::build`].
pub(crate) fn run(
    fs: &dyn crate::FileSystem,
    path: &str,
    options: &Options<'_>,
) -> (Result<Vec<Resource>, Error>, ReadSet, Vec<String>) {
    let cx = Cx {
        fs: Recorder::new(fs),
        options,
        schema: RefCell::new(Schema::new(options.schema_mode)),
        warnings: RefCell::default(),
        bytes: Cell::new(0),
        objects: Cell::new(0),
    };
    let result = build(&cx, path);
    (result, cx.fs.read_set(), cx.warnings.into_inner())
}

fn build(cx: &Cx<'_>, path: &str) -> Result<Vec<Resource>, Error> {
    let loader = Loader::new(cx, path)?;
    let (kustomization, file) = kustomization::load(cx, &loader)?;
    let metadata = kustomization.build_metadata.clone();
    let sort_options = kustomization.sort_options.clone();
    set_schema(cx, &loader, &kustomization)?;
    let origin = (!metadata.is_empty()).then(Origin::default);
    let target = Target {
        cx,
        loader,
        kustomization,
        file,
        origin,
        metadata: metadata.clone(),
    };
    let mut all = target.accumulate(Accumulator::default())?;

    Hash.run(&mut all.map, cx)?;
    references::fix(&mut all.map, &all.config, cx)?;
    variables::resolve(&mut all.map, &all.vars, &all.config, cx)?;

    let schema = cx.schema.borrow();
    let asked = |word: &str| metadata.iter().any(|m| m == word);
    let items = all.map.into_items();
    items.iter().try_for_each(Resource::validate)?;
    let (origins, transformations) = (asked("originAnnotations"), asked("transformerAnnotations"));
    let finish = |item: &mut Resource| item.finish(origins, transformations);
    let mut items = without_local_config(items, &schema, finish)?;
    match (&sort_options, cx.options.reorder) {
        (Some(options), _) => sort::by_options(&mut items, options, &schema)?,
        (None, Reorder::Legacy) => sort::legacy(&mut items, None, &schema)?,
        (None, Reorder::None) => {}
    }
    if cx.options.managed_by_label || asked("managedByLabel") {
        let value = format!("kustomize-{}", cx.options.version);
        let pairs = BTreeMap::from([("app.kubernetes.io/managed-by".to_owned(), value)]);
        let spec = FieldSpec {
            path: "metadata/labels".to_owned(),
            create: true,
            ..FieldSpec::default()
        };
        let mut map = ResMap::from_unchecked(items);
        drop(schema);
        Labels::new(pairs, &[spec]).run(&mut map, cx)?;
        items = map.into_items();
    }
    Ok(items)
}

/// Drops objects that only take part in the build, and finishes each while its annotations are at hand.
///
/// Parity: they are dropped by id, so that one that shares its id with a real object stays.
fn without_local_config(
    mut items: Vec<Resource>,
    schema: &Schema,
    finish: impl Fn(&mut Resource),
) -> Result<Vec<Resource>, Error> {
    let is_local = |item: &Resource| item.annotation(LOCAL_CONFIG).is_some_and(|v| v != "false");
    let (mut real, mut local) = (HashSet::new(), HashSet::new());
    for item in &mut items {
        let is_local = is_local(item);
        finish(item);
        if !is_local && !real.insert(item.key(schema)) {
            return Err(Error::DuplicateId(item.id(schema).to_string()));
        }
    }
    if real.len() == items.len() {
        return Ok(items);
    }
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let key = item.key(schema);
        if real.contains(&key) {
            out.push(item);
        } else if !local.insert(key) {
            let id = item.id(schema);
            return Err(invalid(format!("id {id} not found in removal")));
        }
    }
    Ok(out)
}

fn set_schema(cx: &Cx<'_>, loader: &Loader, kustomization: &Kustomization) -> Result<(), Error> {
    let path = kustomization.openapi.get("path");
    let file = path.map(|path| loader.load(cx, path)).transpose()?;
    let version = kustomization.openapi.get("version").map(String::as_str);
    cx.schema.borrow_mut().set(version, file.as_deref())
}

/// What has been gathered: objects, the field specs in force, variables.
#[derive(Default)]
pub(crate) struct Accumulator {
    map: ResMap,
    config: Arc<Config>,
    vars: Vars,
}

impl Accumulator {
    fn merge(&mut self, other: Self, cx: &Cx<'_>) -> Result<(), Error> {
        self.map.append_map(other.map, &cx.schema.borrow())?;
        self.merge_config(&other.config)?;
        variables::merge(&mut self.vars, other.vars.into_values())
    }

    fn merge_config(&mut self, config: &Arc<Config>) -> Result<(), Error> {
        self.config = config::merge(&self.config, config)?;
        Ok(())
    }
}

/// One kustomization about to be accumulated.
pub(crate) struct Target<'a> {
    cx: &'a Cx<'a>,
    loader: Loader,
    kustomization: Box<Kustomization>,
    file: &'static str,
    origin: Option<Origin>,
    /// The root's `buildMetadata`, which holds for all.
    metadata: Vec<String>,
}

// Kustomizations nest, and what is inlined here takes room on the stack at every level below.
impl Target<'_> {
    fn accumulate(&self, all: Accumulator) -> Result<Accumulator, Error> {
        let k = &self.kustomization;
        let mut all = self
            .resources(all, &k.resources)
            .wrap(|| "accumulating resources".to_owned())?;
        let config = config::load(self.cx, &self.loader, &k.configurations)?;
        all.merge_config(&config)
            .wrap(|| "merging config".to_owned())?;
        if !k.crds.is_empty() {
            let config = config::load_crds(self.cx, &self.loader, &k.crds)
                .wrap(|| format!("loading CRDs [{}]", k.crds.join(" ")))?;
            all.merge_config(&Arc::new(config))
                .wrap(|| "merging CRDs".to_owned())?;
        }
        self.generators(&mut all)?;
        let mut all = self
            .components(all)
            .wrap(|| "accumulating components".to_owned())?;
        self.transformers(&mut all)?;
        self.validators(&mut all)?;
        let wrap = || "merging vars".to_owned();
        variables::bind(&mut all.map, &k.vars, &self.cx.schema.borrow()).wrap(wrap)?;
        variables::merge(&mut all.vars, k.vars.iter().cloned()).wrap(wrap)?;
        Ok(all)
    }

    /// Adds what a list of paths leads to: files, folders, repositories.
    fn resources(&self, mut all: Accumulator, paths: &[String]) -> Result<Accumulator, Error> {
        for path in paths {
            let file_error = match self.file(&mut all, path) {
                Ok(()) => continue,
                Err(error) => error,
            };
            if matches!(file_error.root(), Error::Http(text) if text.starts_with("HTTP Error"))
                || matches!(file_error.root(), Error::Limit(_))
            {
                return Err(file_error);
            }
            let loader = match self.loader.child(self.cx, path) {
                Ok(loader) => loader,
                Err(_) if matches!(file_error.root(), Error::Yaml(_)) => return Err(file_error),
                Err(error) => {
                    return Err(
                        error.context(format!("accumulation err='{}'", file_error.message()))
                    );
                }
            };
            self.folder(&mut all, loader, path, false)
                .wrap(|| format!("accumulation err='{}'", file_error.message()))?;
        }
        Ok(all)
    }

    #[inline(never)]
    fn file(&self, all: &mut Accumulator, path: &str) -> Result<(), Error> {
        let read = || -> Result<ResMap, Error> {
            let bytes = self.loader.load(self.cx, path)?;
            let objects = documents::read(&bytes, &self.cx.options.limits.yaml)
                .map_err(|error| transformers::in_file(error, path))?;
            let mut own = ResMap::default();
            own.append_all(objects, &self.cx.schema.borrow())?;
            Ok(own)
        };
        let mut own = read().wrap(|| format!("accumulating resources from '{path}'"))?;
        if let Some(origin) = &self.origin {
            let text = origin.append(path).text();
            for object in own.contents_mut() {
                // The other annotations keep their types, unlike where one is set later.
                if let Some(map) = map_at(object.node.contents_mut(), &["metadata", "annotations"])
                {
                    put(map, ORIGIN, string_scalar(&text));
                }
            }
        }
        self.cx.count_objects(own.items().len())?;
        all.map
            .append_map(own, &self.cx.schema.borrow())
            .wrap(|| format!("merging resources from '{path}'"))
    }

    fn folder(
        &self,
        all: &mut Accumulator,
        loader: Loader,
        path: &str,
        component: bool,
    ) -> Result<(), Error> {
        let root = loader.root().to_owned();
        let (kustomization, file) = kustomization::load(self.cx, &loader)
            .wrap(|| format!("couldn't make target for path '{root}'"))?;
        set_schema(self.cx, &loader, &kustomization)?;
        match (component, kustomization.kind == "Component") {
            (true, false) => {
                return Err(invalid(format!(
                    "expected kind 'Component' for path '{root}' but got '{}'",
                    kustomization.kind
                )));
            }
            (false, true) => {
                return Err(invalid(format!(
                    "expected kind != 'Component' for path '{root}'"
                )));
            }
            _ => {}
        }
        let child = Target {
            cx: self.cx,
            loader,
            kustomization,
            file,
            origin: self.origin.as_ref().map(|origin| origin.append(path)),
            metadata: self.metadata.clone(),
        };
        let wrap = || format!("recursed accumulation of path '{root}'");
        // A component works on what its parent has gathered, anything else on its own.
        let start = if component {
            std::mem::take(all)
        } else {
            Accumulator::default()
        };
        let below = child.accumulate(start).wrap(wrap)?;
        all.merge(below, self.cx)
            .wrap(|| format!("recursed merging from path '{root}'"))
    }

    #[inline(never)]
    fn components(&self, mut all: Accumulator) -> Result<Accumulator, Error> {
        for path in &self.kustomization.components {
            let loader = self
                .loader
                .child(self.cx, path)
                .map_err(|error| quoted("loader.New", error))?;
            self.folder(&mut all, loader, path, true)
                .map_err(|error| quoted("accumulateDirectory:", error))?;
        }
        Ok(all)
    }

    #[inline(never)]
    fn generators(&self, all: &mut Accumulator) -> Result<(), Error> {
        let k = &self.kustomization;
        let mut list: Vec<(Generator, Option<Origin>)> = Vec::new();
        let builtin = |kind: &str| self.origin.as_ref().map(|o| o.of_builtin(self.file, kind));
        let with_options = |args: &GeneratorArgs| {
            let options = args.options.clone();
            let options = generate::with_global_options(options, k.generator_options.as_ref());
            GeneratorArgs {
                options,
                ..args.clone()
            }
        };
        for args in &k.config_map_generator {
            list.push((
                Generator::ConfigMap(with_options(args)),
                builtin("ConfigMapGenerator"),
            ));
        }
        for args in &k.secret_generator {
            list.push((
                Generator::Secret(with_options(args)),
                builtin("SecretGenerator"),
            ));
        }
        if let Some(chart) = k.helm_charts.first() {
            return Err(self.refuse_chart(chart));
        }
        for object in self
            .plugin_configs(&k.generators)
            .wrap(|| "loading generator plugins".to_owned())?
        {
            let wrap = || "loading generator plugins: failed to load generator".to_owned();
            match plugin::load(self.cx, &self.loader, &object).wrap(wrap)? {
                Plugin::Generator(generator) => list.push((*generator, origin::of_plugin(&object))),
                Plugin::Transformer(_) => {
                    let id = plugin::id_of(&object);
                    return Err(invalid(format!("plugin {id} not a generator"))).wrap(wrap);
                }
            }
        }
        for (generator, origin) in list {
            for mut object in generator.generate(self.cx, &self.loader)? {
                if let Some(origin) = &origin
                    && object.annotation(ORIGIN).is_none()
                {
                    object.set_annotation(ORIGIN, Some(origin.text()));
                }
                self.cx.count_objects(1)?;
                let name = object.name().to_owned();
                all.map
                    .absorb(object, &self.cx.schema.borrow())
                    .wrap(|| format!("merging from generator {name}"))?;
            }
        }
        Ok(())
    }

    fn refuse_chart(&self, chart: &Value) -> Error {
        let mut config = self.kustomization.helm_globals.clone().unwrap_or_default();
        if let (Value::Null, Value::Object(chart)) = (&config, chart) {
            config = Value::Object(chart.clone());
        } else if let (Value::Object(config), Value::Object(chart)) = (&mut config, chart) {
            config.extend(chart.clone());
        }
        let text = fjord_yaml::json_to_v2(&config).unwrap_or_default();
        Error::Refused("must specify --enable-helm".to_owned()).context(format!(
            "trouble configuring builtin HelmChartInflationGenerator with config: `\n{text}`"
        ))
    }

    /// Reads the objects that configure plugins: inline text, files, folders.
    fn plugin_configs(&self, entries: &[String]) -> Result<Vec<Resource>, Error> {
        let mut all = Accumulator::default();
        let mut paths = Vec::new();
        for entry in entries {
            match documents::read(entry.as_bytes(), &self.cx.options.limits.yaml) {
                Ok(mut objects) => {
                    if let Some(origin) = &self.origin {
                        let text = origin.append(self.file).text();
                        for object in &mut objects {
                            object.set_annotation(ORIGIN, Some(text.clone()));
                        }
                    }
                    all.map.append_all(objects, &self.cx.schema.borrow())?;
                }
                Err(_) => paths.push(entry.clone()),
            }
        }
        Ok(self.resources(all, &paths)?.map.into_items())
    }
}

/// Shows an inner error as Go's `%q`.
fn quoted(what: &str, error: Error) -> Error {
    match error {
        error @ Error::Limit(_) => error,
        error => invalid(format!("{what} {:?}", error.message())),
    }
}
