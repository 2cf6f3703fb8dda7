//! Replacements: one value copied from a field, or given, into many fields.

mod path;
mod structured;

use super::{Builtin, Setup, Transform};
use crate::build::Cx;
use crate::decode::{self, Mode, Struct, Ty};
use crate::error::{Error, Wrap, invalid};
use crate::id::{Gvk, ResId};
use crate::loader::Loader;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::selector::Matcher;
use crate::tree::split_field_path;
use crate::types::{FieldOptions, REPLACEMENT, ReplacementField, Source, Target};
use fjord_yaml::{CompactString, Node, Scalar};
use path::{Create, Place, find_all, lookup, node_at};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

/// The shape of a replacement inside a list, for messages.
static REPLACEMENT_LIST: Struct = Struct {
    name: "Replacement",
    fields: &[("list", Ty::List(&Ty::Struct(&REPLACEMENT)))],
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    replacements: Vec<ReplacementField>,
}

pub(super) static REPLACEMENTS: Builtin = Builtin {
    kind: "ReplacementTransformer",
    fields: &Struct {
        name: "ReplacementTransformer",
        fields: &[("replacements", Ty::List(&Ty::Struct(&REPLACEMENT)))],
    },
    make: |setup: &Setup<'_>| {
        let config: Config = setup.config()?;
        let made = Replacements::new(setup.cx, setup.loader, &config.replacements)?;
        Ok(Box::new(made))
    },
};

/// All entries of `replacements`.
pub(crate) struct Replacements {
    list: Vec<ReplacementField>,
}

impl Replacements {
    /// Reads the entries that stand in files of their own.
    pub(crate) fn new(
        cx: &Cx<'_>,
        loader: &Loader,
        entries: &[ReplacementField],
    ) -> Result<Self, Error> {
        let mut list = Vec::new();
        for entry in entries {
            if entry.path.is_empty() {
                list.push(entry.clone());
                continue;
            }
            if entry.source.is_some() || entry.targets.as_ref().is_some_and(|t| !t.is_empty()) {
                return Err(invalid("cannot specify both path and inline replacement"));
            }
            let bytes = loader.load(cx, &entry.path)?;
            let value = fjord_yaml::to_json(&bytes, &cx.options.limits.yaml)?;
            let items = match value {
                Value::Array(items) => items,
                object @ Value::Object(_) => vec![object],
                other => {
                    let kind = match other {
                        Value::Null => "invalid",
                        Value::Bool(_) => "bool",
                        Value::Number(_) => "float64",
                        _ => "string",
                    };
                    return Err(invalid(format!(
                        "unsupported replacement type encountered within replacement path: {kind}"
                    )));
                }
            };
            let mut file = serde_json::json!({ "list": items });
            decode::check(&mut file, &REPLACEMENT_LIST, Mode::Lenient)?;
            let read: Vec<ReplacementField> =
                cx.shape(file.get_mut("list").map(Value::take).unwrap_or_default())?;
            list.extend(read);
        }
        Ok(Self { list })
    }
}

impl Transform for Replacements {
    fn run(&self, map: &mut ResMap, cx: &Cx<'_>) -> Result<(), Error> {
        let schema = cx.schema.borrow();
        let mut index = Index::new(map, &schema);
        for replacement in &self.list {
            let Some(targets) = &replacement.targets else {
                return Err(incomplete());
            };
            let mut value = match (&replacement.source_value, &replacement.source) {
                (None, None) => return Err(incomplete()),
                (Some(_), Some(_)) => {
                    return Err(invalid(
                        "value and resource selectors are mutually exclusive",
                    ));
                }
                (Some(text), None) => Given {
                    node: Node::Scalar(Scalar::untagged(text.as_str())),
                    origin: None,
                },
                (None, Some(source)) => read_source(map, source, &index)?,
            };
            for target in targets {
                if apply(map, &mut value, target, &index)? {
                    index = Index::new(map, &schema);
                }
            }
        }
        map.drop_deleted();
        Ok(())
    }
}

fn incomplete() -> Error {
    invalid("replacements must specify a source and at least one target")
}

/// All identities of all objects, made anew only when one changed.
struct Index {
    ids: Vec<Vec<ResId>>,
    by_name: HashMap<CompactString, Vec<usize>>,
}

impl Index {
    fn new(map: &ResMap, _schema: &Schema) -> Self {
        let ids: Vec<Vec<ResId>> = map.items().iter().map(plain_ids).collect();
        let mut by_name: HashMap<CompactString, Vec<usize>> = HashMap::new();
        for (i, ids) in ids.iter().enumerate() {
            for id in ids {
                let places = by_name.entry(id.name.clone()).or_default();
                if places.last() != Some(&i) {
                    places.push(i);
                }
            }
        }
        Self { ids, by_name }
    }
}

/// Returns the current and past ids; here no kind counts as cluster-scoped.
fn plain_ids(object: &Resource) -> Vec<ResId> {
    let current = ResId {
        gvk: Gvk::new(object.api_version(), object.kind()),
        name: object.name().into(),
        namespace: object.namespace().into(),
        cluster_scoped: false,
    };
    std::iter::once(current)
        .chain(object.previous_ids())
        .collect()
}

/// The value to write.
struct Given {
    node: Node,
    /// The object and the place that it was read from.
    ///
    /// Parity: unless it is a part of the text there, kustomize does not copy it: a target that is the
    /// source changes what later targets get.
    origin: Option<(usize, Place)>,
}

impl Given {
    /// Reads again what stands at the source, after it was written to.
    fn refresh(&mut self, at: usize, object: &mut Resource) {
        if let Some((index, place)) = &self.origin
            && *index == at
            && let Some(node) = node_at(&mut object.node, place)
        {
            self.node = node.clone();
        }
    }
}

fn read_source(map: &ResMap, source: &Source, index: &Index) -> Result<Given, Error> {
    let selector = ResId {
        gvk: Gvk {
            group: source.group.as_str().into(),
            version: source.version.as_str().into(),
            kind: source.kind.as_str().into(),
        },
        name: source.name.as_str().into(),
        namespace: source.namespace.as_str().into(),
        cluster_scoped: false,
    };
    let selects = |i: &usize| index.ids[*i].iter().any(|id| id.is_selected_by(&selector));
    let found: Vec<usize> = if source.name.is_empty() {
        (0..index.ids.len()).filter(selects).take(2).collect()
    } else {
        let named = index
            .by_name
            .get(source.name.as_str())
            .into_iter()
            .flatten()
            .copied();
        named.filter(selects).take(2).collect()
    };
    let at = match found.as_slice() {
        [one] => *one,
        [] => {
            return Err(invalid(format!(
                "nothing selected by {}",
                describe(&selector, source)
            )));
        }
        _ => {
            return Err(invalid(format!(
                "multiple matches for selector {}",
                describe(&selector, source)
            )));
        }
    };
    let path = if source.field_path.is_empty() {
        "metadata.name"
    } else {
        &source.field_path
    };
    let field = lookup(&map.items()[at].node, &split_field_path(path))
        .wrap(|| "error looking up replacement source".to_owned())?;
    let Some((field, place)) = field.filter(|(field, _)| !field.is_empty()) else {
        return Err(invalid(format!(
            "fieldPath `{path}` is missing for replacement source {selector}"
        )));
    };
    let whole = source.options.as_ref().is_none_or(|o| o.delimiter.is_empty());
    Ok(Given {
        node: refine(field, source.options.as_ref())?,
        origin: whole.then_some((at, place)),
    })
}

fn describe(selector: &ResId, source: &Source) -> String {
    let mut out = selector.to_string();
    if !source.field_path.is_empty() {
        out = format!("{out}:{}", source.field_path);
    }
    if let Some(options) = &source.options
        && (!options.delimiter.is_empty() || options.create)
    {
        out = format!(
            "{out}:{}({}), create={}",
            options.delimiter, options.index, options.create
        );
    }
    out
}

fn refine(field: &Node, options: Option<&FieldOptions>) -> Result<Node, Error> {
    let Some(options) = options.filter(|options| !options.delimiter.is_empty()) else {
        return Ok(field.clone());
    };
    let Node::Scalar(scalar) = field else {
        return Err(invalid(
            "delimiter option can only be used with scalar nodes",
        ));
    };
    let part = usize::try_from(options.index)
        .ok()
        .and_then(|index| scalar.value.split(&options.delimiter).nth(index));
    let part = part.ok_or_else(|| {
        invalid(format!(
            "options.index {} is out of bounds for value {}",
            options.index, scalar.value
        ))
    })?;
    Ok(Node::Scalar(Scalar {
        value: part.into(),
        ..scalar.clone()
    }))
}

/// Writes the value into the target's objects; says whether an identity may have changed.
fn apply(
    map: &mut ResMap,
    value: &mut Given,
    target: &Target,
    index: &Index,
) -> Result<bool, Error> {
    let select = target
        .select
        .as_ref()
        .ok_or_else(|| invalid("target must specify resources to select"))?;
    let wrap = || "error creating target selector".to_owned();
    let matcher = Matcher::new(select).wrap(wrap)?;
    let mut rejects = Vec::new();
    for reject in &target.reject {
        let by_map = !reject.label_selector.is_empty() || !reject.annotation_selector.is_empty();
        rejects.push((
            Matcher::new(reject).wrap(wrap)?,
            !reject.id().is_empty(),
            by_map,
        ));
    }
    let default = ["metadata.name".to_owned()];
    let paths = if target.field_paths.is_empty() {
        &default
    } else {
        target.field_paths.as_slice()
    };
    let identity = |path: &String| {
        path.starts_with("metadata") || path.starts_with("kind") || path.starts_with("apiVersion")
    };
    let renames = paths.iter().any(identity);
    let mut changed = false;
    for i in 0..map.items().len() {
        let object = &map.items()[i];
        let matches = |matcher: &Matcher, id: &ResId| {
            matcher.matches_gvk(&id.gvk)
                && matcher.matches_name(&id.name)
                && matcher.matches_namespace(&id.namespace)
        };
        let ids = &index.ids[i];
        if !matcher.matches_maps(object)? {
            continue;
        }
        let mut rejected = false;
        for (reject, by_id, by_map) in &rejects {
            rejected |= *by_map && reject.matches_maps(object)?;
            rejected |= *by_id && ids.iter().any(|id| matches(reject, id));
        }
        if rejected || !ids.iter().any(|id| matches(&matcher, id)) {
            continue;
        }
        changed |= renames;
        let object = &mut map.objects_mut(renames)[i];
        copy_value(i, object, value, paths, target.options.as_ref())?;
    }
    Ok(changed)
}

fn copy_value(
    at: usize,
    object: &mut Resource,
    value: &mut Given,
    paths: &[String],
    options: Option<&FieldOptions>,
) -> Result<(), Error> {
    for path in paths {
        let create = match (options.is_some_and(|options| options.create), &value.node) {
            (false, _) => Create::Never,
            (true, Node::Scalar(_)) => Create::Scalar,
            (true, Node::Seq(_)) => Create::Seq,
            (true, Node::Map(_)) => Create::Map,
        };
        let parts = split_field_path(path);
        let mut changed = Vec::new();
        if structured::set(&mut object.node, &value.node, &parts, create, &mut changed) {
            object.sync(&changed);
            value.refresh(at, object);
            continue;
        }
        let message = || {
            let verb = if create == Create::Never {
                "find"
            } else {
                "find or create"
            };
            format!("unable to {verb} field {path:?} in replacement target")
        };
        let found = find_all(&mut object.node, &parts, create).wrap(message)?;
        if found.is_empty() {
            return Err(invalid(message()));
        }
        for place in found.places() {
            let Some(node) = node_at(&mut object.node, place) else {
                continue;
            };
            write(node, &value.node, options, &mut changed)?;
            value.refresh(at, object);
        }
        // What was found inside the text of a field is set in a copy and lost, as in kustomize.
        for detached in found.detached() {
            let mut copy = detached.clone();
            write(&mut copy, &value.node, options, &mut Vec::new())?;
        }
        object.sync(&changed);
    }
    Ok(())
}

/// Writes the value to one field: of a scalar only the text changes.
fn write(
    field: &mut Node,
    value: &Node,
    options: Option<&FieldOptions>,
    changed: &mut Vec<(u16, Scalar)>,
) -> Result<(), Error> {
    let text = value.as_str().unwrap_or_default();
    let mut joined = None;
    if let Some(options) = options.filter(|options| !options.delimiter.is_empty()) {
        let Node::Scalar(scalar) = &*field else {
            return Err(invalid(
                "delimiter option can only be used with scalar nodes",
            ));
        };
        let null = value.is_null();
        let text = if null { "" } else { text };
        let mut parts: Vec<&str> = scalar.value.split(&options.delimiter).collect();
        match usize::try_from(options.index) {
            Err(_) => parts.insert(0, text),
            Ok(at) if at >= parts.len() => parts.push(text),
            Ok(at) => parts[at] = text,
        }
        joined = Some(parts.join(&options.delimiter));
    }
    match field {
        Node::Scalar(scalar) => {
            scalar.value = joined.map_or_else(|| text.into(), Into::into);
            if scalar.alias != 0 {
                changed.push((scalar.alias, scalar.clone()));
            }
        }
        other => *other = value.clone(),
    }
    Ok(())
}
