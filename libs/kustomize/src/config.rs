//! Which fields the transformers write: kustomize's defaults, `configurations` files, CRD extensions.

mod crds;
mod defaults;

use crate::build::Cx;
use crate::decode::{self, Mode};
use crate::error::{Error, Wrap, invalid};
use crate::id::Gvk;
use crate::loader::Loader;
use crate::types::{FieldSpec, NameReference, TRANSFORMER_CONFIG};
use serde::Deserialize;
use std::sync::{Arc, LazyLock};

pub(crate) use crds::load as load_crds;
pub(crate) use defaults::{FIRST, LAST};

static DEFAULTS: LazyLock<Arc<Config>> = LazyLock::new(|| Arc::new(defaults::config()));

/// The field specs of one accumulation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Config {
    pub(crate) name_prefix: Vec<FieldSpec>,
    pub(crate) name_suffix: Vec<FieldSpec>,
    pub(crate) namespace: Vec<FieldSpec>,
    pub(crate) common_labels: Vec<FieldSpec>,
    pub(crate) labels: Vec<FieldSpec>,
    pub(crate) template_labels: Vec<FieldSpec>,
    pub(crate) common_annotations: Vec<FieldSpec>,
    pub(crate) name_reference: Vec<NameReference>,
    pub(crate) var_reference: Vec<FieldSpec>,
    pub(crate) images: Vec<FieldSpec>,
    pub(crate) replicas: Vec<FieldSpec>,
}

/// Returns the defaults merged with the files of `configurations`.
pub(crate) fn load(cx: &Cx<'_>, loader: &Loader, paths: &[String]) -> Result<Arc<Config>, Error> {
    let mut files: Option<Config> = None;
    for path in paths {
        let bytes = loader.load(cx, path)?;
        let mut value = fjord_yaml::to_json(&bytes, &cx.options.limits.yaml)
            .map_err(|e| invalid(format!("error converting YAML to JSON: {e}")))?;
        decode::check(&mut value, &TRANSFORMER_CONFIG, Mode::StrictCoerce)
            .wrap(|| "error unmarshaling JSON: while decoding JSON".to_owned())?;
        let mut config: Config = cx.shape(value)?;
        config.sort();
        files = Some(match files {
            None => config,
            Some(files) => files.merged(&config)?,
        });
    }
    match files {
        None => Ok(DEFAULTS.clone()),
        Some(files) => DEFAULTS.merged(&files).map(Arc::new),
    }
}

/// Merges a config into one that is already there.
///
/// Parity: merging into nothing is no copy. A spec for all kinds is lost where one for some kind, sorted
/// before it, has the same path; so a `configurations` entry takes a path away from all other kinds.
pub(crate) fn merge(mine: &Arc<Config>, theirs: &Arc<Config>) -> Result<Arc<Config>, Error> {
    // The defaults are a fixed point, and by far the most common case.
    let default = Arc::ptr_eq(theirs, &DEFAULTS);
    if default && (mine.is_empty() || Arc::ptr_eq(mine, theirs)) {
        return Ok(theirs.clone());
    }
    mine.merged(theirs).map(Arc::new)
}

impl Config {
    /// Says whether nothing is set.
    fn is_empty(&self) -> bool {
        self.name_reference.is_empty()
            && [
                &self.name_prefix,
                &self.name_suffix,
                &self.namespace,
                &self.common_labels,
                &self.labels,
                &self.template_labels,
                &self.common_annotations,
                &self.var_reference,
                &self.images,
                &self.replicas,
            ]
            .iter()
            .all(|list| list.is_empty())
    }

    fn merged(&self, other: &Self) -> Result<Self, Error> {
        let merge = |mine: &[FieldSpec], theirs: &[FieldSpec], name: &str| {
            merge_specs(mine, theirs).wrap(|| format!("failed to merge {name} fieldSpec"))
        };
        let mut out = Self {
            name_prefix: merge(&self.name_prefix, &other.name_prefix, "NamePrefix")?,
            name_suffix: merge(&self.name_suffix, &other.name_suffix, "NameSuffix")?,
            namespace: merge(&self.namespace, &other.namespace, "NameSpace")?,
            common_annotations: merge(
                &self.common_annotations,
                &other.common_annotations,
                "CommonAnnotations",
            )?,
            common_labels: merge(&self.common_labels, &other.common_labels, "CommonLabels")?,
            labels: merge(&self.labels, &other.labels, "Labels")?,
            template_labels: merge(
                &self.template_labels,
                &other.template_labels,
                "TemplateLabels",
            )?,
            var_reference: merge(&self.var_reference, &other.var_reference, "VarReference")?,
            name_reference: self.name_reference.clone(),
            images: merge(&self.images, &other.images, "Images")?,
            replicas: merge(&self.replicas, &other.replicas, "Replicas")?,
        };
        for reference in &other.name_reference {
            out.add_reference(reference)
                .wrap(|| "failed to merge NameReference fieldSpec".to_owned())?;
        }
        out.sort();
        Ok(out)
    }

    fn add_reference(&mut self, reference: &NameReference) -> Result<(), Error> {
        let gvk = reference.gvk();
        match self
            .name_reference
            .iter_mut()
            .find(|mine| mine.gvk() == gvk)
        {
            Some(mine) => {
                mine.field_specs = merge_specs(&mine.field_specs, &reference.field_specs)?;
            }
            None => self.name_reference.push(reference.clone()),
        }
        Ok(())
    }

    fn sort(&mut self) {
        for list in [
            &mut self.name_prefix,
            &mut self.name_suffix,
            &mut self.namespace,
            &mut self.common_labels,
            &mut self.labels,
            &mut self.template_labels,
            &mut self.common_annotations,
            &mut self.var_reference,
            &mut self.images,
            &mut self.replicas,
        ] {
            list.sort_by_cached_key(|spec| order(&spec.gvk()));
        }
        self.name_reference
            .sort_by_cached_key(|reference| order(&reference.gvk()));
    }
}

/// Adds specs to a list; one whose path stands there for a kind it selects is a duplicate.
pub(crate) fn merge_specs(
    mine: &[FieldSpec],
    theirs: &[FieldSpec],
) -> Result<Vec<FieldSpec>, Error> {
    let mut out = mine.to_vec();
    for spec in theirs {
        let gvk = spec.gvk();
        let same = |other: &&FieldSpec| other.path == spec.path && other.gvk().is_selected(&gvk);
        match out.iter().find(same) {
            Some(other) if other.create != spec.create => {
                return Err(invalid("conflicting fieldspecs"));
            }
            Some(_) => {}
            None => out.push(spec.clone()),
        }
    }
    Ok(out)
}

/// Returns what kinds are sorted by: their place in kustomize's legacy order, then their text.
fn order(gvk: &Gvk) -> (isize, String) {
    let at = |list: &[&str]| list.iter().position(|kind| *kind == gvk.kind);
    let signed = |n: usize| isize::try_from(n).unwrap_or(isize::MAX);
    let rank = match (at(&FIRST), at(&LAST)) {
        (_, Some(last)) => 1 + signed(last),
        (Some(first), None) => signed(first) - signed(FIRST.len()),
        (None, None) => 0,
    };
    (rank, gvk.sort_text())
}
