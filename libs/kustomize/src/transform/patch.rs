//! Patches: strategic merge and JSON 6902, from fields and from plugin configuration.

use super::{Builtin, Setup, Transform};
use super::json_patch::{self, Operation};
use super::merge::{Merger, Outcome};
use crate::build::Cx;
use crate::decode::{Struct, Ty};
use crate::documents;
use crate::error::{Error, Wrap, invalid};
use crate::loader::Loader;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::selector::Matcher;
use crate::types::{PATCH_ENTRY, Patch, PatchOptions, SELECTOR, Selector};
use fjord_yaml::Node;
use serde::Deserialize;
use std::collections::BTreeSet;

/// One entry of `patches`: either kind of patch, told apart by its text.
pub(crate) struct PatchTransformer {
    source: String,
    target: Option<Selector>,
    kind: Kind,
}

enum Kind {
    Strategic(Vec<Resource>),
    Json(Vec<Operation>),
}

impl PatchTransformer {
    /// Reads and classifies a patch. `config` is shown where the entry is wrong.
    pub(crate) fn new(
        cx: &Cx<'_>,
        loader: &Loader,
        entry: &Patch,
        config: &str,
    ) -> Result<Self, Error> {
        let limits = &cx.options.limits.yaml;
        let inline = entry.patch.trim();
        let (text, source) = match (inline, entry.path.as_str()) {
            ("", "") => {
                return Err(invalid(format!(
                    "must specify one of patch and path in\n{config}"
                )));
            }
            ("", path) => {
                let text = loader
                    .load(cx, path)
                    .wrap(|| format!("failed to get the patch file from path({path})"))?;
                (text, format!("[path: {path:?}]"))
            }
            (inline, "") => (inline.as_bytes().to_vec(), format!("[patch: {inline:?}]")),
            _ => {
                return Err(invalid(format!(
                    "patch and path can't be set at the same time\n{config}"
                )));
            }
        };
        let strategic = documents::read(&text, limits);
        let json = if text.is_empty() {
            Err(invalid("empty json patch operations"))
        } else {
            json_patch::decode(&text, limits)
        };
        let kind = match (strategic, json) {
            (Ok(strategic), Ok(json)) if !strategic.is_empty() && !json.is_empty() => {
                return Err(invalid(format!(
                    "illegally qualifies as both an SM and JSON patch: {source}"
                )));
            }
            (Err(error @ Error::Limit(_)), _) => return Err(error),
            (Err(strategic), Err(_)) => {
                return Err(
                    strategic.context(format!("unable to parse SM or JSON patch from {source}"))
                );
            }
            (Ok(mut strategic), _) => {
                let options = entry.options.clone().unwrap_or_default();
                for patch in &mut strategic {
                    allow(patch, &options);
                }
                Kind::Strategic(strategic)
            }
            (Err(_), Ok(json)) => Kind::Json(json),
        };
        Ok(Self {
            source,
            target: entry.target.clone(),
            kind,
        })
    }
}

fn allow(patch: &mut Resource, options: &PatchOptions) {
    let book = patch.book_mut();
    book.allow_name_change |= options.allow_name_change;
    book.allow_kind_change |= options.allow_kind_change;
    if options.allow_name_change || options.allow_kind_change {
        // Parity: setting the marks turns the patch's annotations into strings, nulls included.
        let annotations = patch.meta_map("annotations").into_iter();
        let annotations = annotations
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        patch.set_meta_map::<String>("annotations", annotations);
    }
}

impl Transform for PatchTransformer {
    fn run(&self, map: &mut ResMap, cx: &Cx<'_>) -> Result<(), Error> {
        let schema = cx.schema.borrow();
        match (&self.kind, &self.target) {
            (Kind::Strategic(patches), _) if patches.is_empty() => Ok(()),
            (Kind::Json(operations), _) if operations.is_empty() => Ok(()),
            (Kind::Strategic(patches), Some(target)) => {
                let [patch] = patches.as_slice() else {
                    return Err(invalid(format!(
                        "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field: {}",
                        self.source
                    )));
                };
                let selected = select(map, target, &schema)
                    .wrap(|| "unable to find patch target in `resources`".to_owned())?;
                apply_to_selected(map, &selected, patch, &schema)
            }
            (Kind::Strategic(patches), None) => patches.iter().try_for_each(|patch| {
                let id = patch.original_id(&schema);
                let target = map
                    .target(&id, &schema)
                    .wrap(|| format!("no resource matches strategic merge patch \"{id}\""))?;
                map.edit(target, &schema, |object| {
                    merge(object, patch.clone(), &schema)
                })
            }),
            (Kind::Json(_), None) => Err(invalid(format!(
                "must specify a target for JSON patch {}",
                self.source
            ))),
            (Kind::Json(operations), Some(target)) => {
                for index in select(map, target, &schema)? {
                    map.edit(index, &schema, |object| {
                        object.store_previous_id(&schema);
                        patch_json(object, operations)
                    })?;
                }
                Ok(())
            }
        }
    }
}

/// `patchesStrategicMerge` and `PatchStrategicMergeTransformer`.
pub(crate) struct StrategicMerge {
    patches: Vec<Resource>,
}

impl StrategicMerge {
    pub(crate) fn new(
        cx: &Cx<'_>,
        loader: &Loader,
        paths: &[String],
        inline: &str,
    ) -> Result<Self, Error> {
        if paths.is_empty() && inline.is_empty() {
            return Err(invalid("empty file path and empty patch content"));
        }
        let limits = &cx.options.limits.yaml;
        let mut patches = Vec::new();
        for path in paths {
            // An entry is first tried as the patch itself.
            match documents::read(path.as_bytes(), limits) {
                Ok(found) => patches.extend(found),
                Err(_) => {
                    let bytes = loader.load(cx, path)?;
                    patches.extend(
                        documents::read(&bytes, limits).map_err(|error| in_file(error, path))?,
                    );
                }
            }
        }
        if !inline.is_empty() {
            patches.extend(documents::read(inline.as_bytes(), limits)?);
        }
        if patches.is_empty() {
            return Err(invalid(format!(
                "patch appears to be empty; files=[{}], Patch={inline}",
                paths.join(" ")
            )));
        }
        Ok(Self { patches })
    }
}

impl Transform for StrategicMerge {
    fn run(&self, map: &mut ResMap, cx: &Cx<'_>) -> Result<(), Error> {
        let schema = cx.schema.borrow();
        for patch in &self.patches {
            let target = map.target(&patch.original_id(&schema), &schema)?;
            apply_to_selected(map, &[target], patch, &schema)?;
        }
        Ok(())
    }
}

/// `patchesJson6902` and `PatchJson6902Transformer`.
pub(crate) struct JsonPatches {
    target: Selector,
    operations: Vec<Operation>,
}

impl JsonPatches {
    pub(crate) fn new(
        cx: &Cx<'_>,
        loader: &Loader,
        target: Option<&Selector>,
        path: &str,
        inline: &str,
    ) -> Result<Self, Error> {
        let target = target.filter(|target| !target.name.is_empty());
        let target = target
            .ok_or_else(|| invalid("must specify the target name"))?
            .clone();
        let text = match (path, inline) {
            ("", "") => return Err(invalid("empty file path and empty jsonOp")),
            ("", inline) => inline.as_bytes().to_vec(),
            (path, "") => loader.load(cx, path)?,
            _ => return Err(invalid("must specify a file path or jsonOp, not both")),
        };
        if text.is_empty() {
            return Err(invalid(format!(
                "patch file '{path}' empty seems to be empty"
            )));
        }
        let operations = json_patch::decode(&text, &cx.options.limits.yaml)
            .wrap(|| format!("decoding {}", String::from_utf8_lossy(&text)))?;
        if operations.is_empty() {
            return Err(invalid(format!(
                "patch appears to be empty; file={path}, JsonOp={}",
                String::from_utf8_lossy(&text)
            )));
        }
        Ok(Self { target, operations })
    }
}

impl Transform for JsonPatches {
    fn run(&self, map: &mut ResMap, cx: &Cx<'_>) -> Result<(), Error> {
        let schema = cx.schema.borrow();
        for index in select(map, &self.target, &schema)? {
            map.edit(index, &schema, |object| {
                patch_json(object, &self.operations)
            })?;
        }
        Ok(())
    }
}

pub(super) static PATCH: Builtin = Builtin {
    kind: "PatchTransformer",
    fields: &PATCH_ENTRY,
    make: |setup: &Setup<'_>| {
        let entry: Patch = setup.config()?;
        let made = PatchTransformer::new(setup.cx, setup.loader, &entry, setup.text)?;
        Ok(Box::new(made))
    },
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct MergeConfig {
    paths: Vec<String>,
    patches: String,
}

pub(super) static STRATEGIC_MERGE: Builtin = Builtin {
    kind: "PatchStrategicMergeTransformer",
    fields: &Struct {
        name: "PatchStrategicMergeTransformer",
        fields: &[("paths", Ty::List(&Ty::Str)), ("patches", Ty::Str)],
    },
    make: |setup: &Setup<'_>| {
        let MergeConfig { paths, patches } = setup.config()?;
        let made = StrategicMerge::new(setup.cx, setup.loader, &paths, &patches)?;
        Ok(Box::new(made))
    },
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct JsonConfig {
    target: Option<Selector>,
    path: String,
    json_op: String,
}

pub(super) static JSON_PATCHES: Builtin = Builtin {
    kind: "PatchJson6902Transformer",
    fields: &Struct {
        name: "PatchJson6902Transformer",
        fields: &[
            ("target", Ty::Struct(&SELECTOR)),
            ("path", Ty::Str),
            ("jsonOp", Ty::Str),
        ],
    },
    make: |setup: &Setup<'_>| {
        let c: JsonConfig = setup.config()?;
        let target = c.target.as_ref();
        let made = JsonPatches::new(setup.cx, setup.loader, target, &c.path, &c.json_op)?;
        Ok(Box::new(made))
    },
};

/// Names the file of malformed YAML.
pub(crate) fn in_file(error: Error, path: &str) -> Error {
    match error {
        Error::Yaml(text) if text.contains("MalformedYAMLError") => {
            Error::Yaml(format!("{text} in File: {path}"))
        }
        other => other,
    }
}

fn select(map: &ResMap, target: &Selector, schema: &Schema) -> Result<Vec<usize>, Error> {
    let matcher = Matcher::new(target)?;
    let mut out = Vec::new();
    for (i, object) in map.items().iter().enumerate() {
        if matcher.selects(object, schema)? {
            out.push(i);
        }
    }
    Ok(out)
}

fn apply_to_selected(
    map: &mut ResMap,
    selected: &[usize],
    patch: &Resource,
    schema: &Schema,
) -> Result<(), Error> {
    // kustomize selects by id: objects that share one are all patched, those that the selector does not fit, too.
    let mut targets = BTreeSet::new();
    for &index in selected {
        let id = map.items()[index].id(schema);
        let alike = map.by_any_id(&id.name, schema, |other| id.same(other));
        let is_now = |&other: &usize| map.items()[other].id(schema).same(&id);
        targets.extend(alike.into_iter().filter(is_now));
    }
    for index in targets {
        let mut copy = patch.clone();
        // Parity: the copy's labels and annotations become strings, nulls included, and empty maps go.
        copy.copy_metadata_from(patch);
        let version = map.items()[index].api_version().to_owned();
        copy.set_api_version(&version);
        map.edit(index, schema, |object| merge(object, copy, schema))?;
    }
    map.drop_deleted();
    map.check_ids(schema)
}

/// Merges a patch into an object and restores what a patch may not change.
fn merge(object: &mut Resource, patch: Resource, schema: &Schema) -> Result<(), Error> {
    let (name, kind) = (object.name().to_owned(), object.kind().to_owned());
    let namespace = object.namespace().to_owned();
    let (allow_name, allow_kind) = (patch.book.allow_name_change, patch.book.allow_kind_change);
    if allow_name || allow_kind {
        object.store_previous_id(schema);
    }
    let mut tree = patch.node;
    // The bookkeeping shows where the patch can reach the annotations it stands in upstream.
    let metadata = tree.get("metadata");
    let reaches = tree.get("$patch").is_some()
        || metadata.is_some_and(|m| m.get("annotations").is_some() || m.get("$patch").is_some());
    let mut run = |object: &mut Resource| -> Result<(), Error> {
        let mut merger = Merger::new(schema);
        let outcome = merger.walk(Some(&mut object.node), Some(&mut tree), None)?;
        let changed = std::mem::take(&mut merger.changed);
        match outcome {
            Outcome::Clear => *object.node = Node::null(),
            // Parity: replacing the whole object has no effect.
            Outcome::Dest | Outcome::Node(_) => object.sync(&changed),
        }
        Ok(())
    };
    if reaches {
        object.with_annotations(run)?;
    } else {
        run(object)?;
    }
    if object.is_deleted() {
        return Ok(());
    }
    if allow_name || allow_kind {
        let book = object.book_mut();
        book.allow_name_change |= allow_name;
        book.allow_kind_change |= allow_kind;
    }
    if !allow_kind {
        object.set_kind(&kind);
    }
    if !allow_name {
        object.set_name(&name);
    }
    object.set_namespace(&namespace);
    Ok(())
}

fn patch_json(object: &mut Resource, operations: &[Operation]) -> Result<(), Error> {
    let before = object.book.clone();
    object.with_annotations(|object| -> Result<(), Error> {
        let mut value = object.node.to_json()?;
        json_patch::apply(&mut value, operations)?;
        if !value.is_object() {
            return Err(invalid(
                "json: cannot unmarshal array into Go value of type map[string]interface {}",
            ));
        }
        *object.node = documents::from_go_map(&value);
        Ok(())
    })?;
    // kustomize puts its annotations back whatever the patch did to them.
    object.book = before;
    object.touch_annotations();
    Ok(())
}
