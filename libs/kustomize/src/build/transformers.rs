//! The transformers and validators of one kustomization, in kustomize's order.

use super::{Accumulator, Target};
use crate::config::merge_specs;
use crate::error::{Error, Wrap, invalid};
use crate::origin::{self, Origin};
use crate::plugin::{self, Plugin};
use crate::resource::Resource;
use crate::transform::{
    Affix, Each, Images, JsonPatches, Labels, Namespace, PatchTransformer, Replacements, Replicas,
    Side, StrategicMerge, Subjects, Transform,
};
use crate::tree;
use crate::types::{FieldSpec, Label, Patch};
use serde::Serialize;
use std::collections::HashMap;

pub(super) use crate::transform::in_file;

type Step = (Box<dyn Transform>, Option<Origin>);

impl Target<'_> {
    /// Configures all transformers, then runs them.
    #[inline(never)]
    pub(super) fn transformers(&self, all: &mut Accumulator) -> Result<(), Error> {
        let mut steps = self.builtin(all)?;
        steps.extend(self.external(&self.kustomization.transformers)?);
        let mut changes = Vec::new();
        for (transformer, origin) in &steps {
            match transformer.each(self.cx) {
                Some(each) => changes.extend(each),
                None => {
                    Each::run(&std::mem::take(&mut changes), &mut all.map)?;
                    transformer.run(&mut all.map, self.cx)?;
                    all.map.drop_deleted();
                }
            }
            if let Some(origin) = origin {
                changes.push(Each::new(&[], |object| {
                    origin::record(object, origin);
                    Ok(())
                }));
            }
        }
        Each::run(&changes, &mut all.map)
    }

    /// Runs validators: they may look at the objects and change nothing but one label.
    #[inline(never)]
    pub(super) fn validators(&self, all: &mut Accumulator) -> Result<(), Error> {
        for (validator, _) in self.external(&self.kustomization.validators)? {
            let before = all.map.clone();
            validator.run(&mut all.map, self.cx)?;
            self.unchanged(before.items(), all.map.items())?;
        }
        Ok(())
    }

    /// Compares objects by id, as kustomize does and in its words.
    fn unchanged(&self, before: &[Resource], after: &[Resource]) -> Result<(), Error> {
        let refuse = |what: String| {
            Err(invalid(format!(
                "validator shouldn't modify the resource map: {what}"
            )))
        };
        if before.len() != after.len() {
            let (before, after) = (before.len(), after.len());
            return refuse(format!(
                "lists have different number of entries: {before} doesn't equal {after}"
            ));
        }
        let schema = self.cx.schema.borrow();
        let mut by_id: HashMap<String, Vec<&Resource>> = HashMap::new();
        for object in after {
            by_id.entry(object.key(&schema)).or_default().push(object);
        }
        for old in before {
            let id = old.id(&schema);
            let others = by_id.get(&id.key()).map_or(&[][..], Vec::as_slice);
            let [other] = others else {
                return refuse(if others.is_empty() {
                    format!("id in self missing from other; id: {id}")
                } else {
                    format!("id in self matches {} in other; id: {id}", others.len())
                });
            };
            let mut new = (*other).clone();
            let labels: Vec<(String, String)> = new
                .meta_map("labels")
                .into_iter()
                .filter(|(key, _)| *key != "validated-by")
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect();
            if new.meta_map("labels").len() != labels.len() {
                new.set_meta_map("labels", labels);
            }
            // Parity: the nodes are compared with their lines, so that labels that stand in a file never pass.
            if !tree::same(&old.node, &new.node) {
                let (old, new) = (old.describe_whole(), new.describe_whole());
                return refuse(format!("nodes unequal: \n -- {old},\n -- {new}\n"));
            }
        }
        Ok(())
    }

    fn external(&self, entries: &[String]) -> Result<Vec<Step>, Error> {
        let mut steps: Vec<Step> = Vec::new();
        for object in self.plugin_configs(entries)? {
            match plugin::load(self.cx, &self.loader, &object)? {
                Plugin::Transformer(transformer) => {
                    steps.push((transformer, origin::of_plugin(&object)));
                }
                Plugin::Generator(_) => {
                    let id = plugin::id_of(&object);
                    return Err(invalid(format!("plugin {id} not a transformer")));
                }
            }
        }
        Ok(steps)
    }

    /// Configures what stands in fields of the kustomization.
    fn builtin(&self, all: &Accumulator) -> Result<Vec<Step>, Error> {
        let (k, cx, loader, config) = (&self.kustomization, self.cx, &self.loader, &all.config);
        let mut steps: Vec<Step> = Vec::new();
        let mut add = |transformer: Box<dyn Transform>, kind: &str| {
            let origin = self.origin.as_ref().map(|o| o.of_builtin(self.file, kind));
            steps.push((transformer, origin));
        };
        if !k.patches_strategic_merge.is_empty() {
            let kind = "PatchStrategicMergeTransformer";
            let paths = &k.patches_strategic_merge;
            let made = StrategicMerge::new(cx, loader, paths, "");
            let shown = serde_json::json!({ "paths": paths });
            add(Box::new(made.map_err(|e| trouble(e, kind, &shown))?), kind);
        }
        for patch in &k.patches {
            let kind = "PatchTransformer";
            let made = PatchTransformer::new(cx, loader, patch, &text(patch));
            add(Box::new(made.map_err(|e| trouble(e, kind, patch))?), kind);
        }
        if !k.namespace.is_empty() {
            let made = Namespace::new(
                k.namespace.clone(),
                &config.namespace,
                false,
                Subjects::DefaultOnly,
            );
            add(Box::new(made), "NamespaceTransformer");
        }
        if !k.name_prefix.is_empty() {
            let specs = Some(config.name_prefix.as_slice());
            let made = Affix::new(Side::Prefix, k.name_prefix.clone(), specs)?;
            add(Box::new(made), "PrefixTransformer");
        }
        if !k.name_suffix.is_empty() {
            let specs = Some(config.name_suffix.as_slice());
            let made = Affix::new(Side::Suffix, k.name_suffix.clone(), specs)?;
            add(Box::new(made), "SuffixTransformer");
        }
        if !k.labels.is_empty() || !k.common_labels.is_empty() {
            for label in &k.labels {
                let specs = self.label_specs(label, all)?;
                add(
                    Box::new(Labels::new(label.pairs.clone(), &specs)),
                    "LabelTransformer",
                );
            }
            let made = Labels::new(k.common_labels.clone(), &config.common_labels);
            add(Box::new(made), "LabelTransformer");
        }
        if !k.common_annotations.is_empty() {
            let made = Labels::new(k.common_annotations.clone(), &config.common_annotations);
            add(Box::new(made), "AnnotationsTransformer");
        }
        for patch in &k.patches_json6902 {
            let kind = "PatchJson6902Transformer";
            let Patch {
                path,
                patch: inline,
                target,
                ..
            } = patch;
            let shown = serde_json::json!({ "jsonOp": inline, "path": path, "target": target });
            let made = JsonPatches::new(cx, loader, target.as_ref(), path, inline);
            add(Box::new(made.map_err(|e| trouble(e, kind, &shown))?), kind);
        }
        for replica in &k.replicas {
            let made = Replicas::new(replica.clone(), &config.replicas);
            add(Box::new(made), "ReplicaCountTransformer");
        }
        for image in &k.images {
            let made = Images::new(image.clone(), &config.images)?;
            add(Box::new(made), "ImageTagTransformer");
        }
        if !k.replacements.is_empty() {
            let kind = "ReplacementTransformer";
            let made = Replacements::new(cx, loader, &k.replacements);
            let shown = serde_json::json!({ "replacements": k.replacements.len() });
            add(Box::new(made.map_err(|e| trouble(e, kind, &shown))?), kind);
        }
        Ok(steps)
    }

    fn label_specs(&self, label: &Label, all: &Accumulator) -> Result<Vec<FieldSpec>, Error> {
        let wrap = || "failed to merge labels".to_owned();
        let config = &all.config;
        let mut specs = merge_specs(&label.fields, &config.labels).wrap(wrap)?;
        if label.include_selectors {
            return merge_specs(&specs, &config.common_labels).wrap(wrap);
        }
        if label.include_templates {
            specs = merge_specs(&specs, &config.template_labels)
                .wrap(|| "failed to merge template fieldSpec".to_owned())?;
        }
        let own = FieldSpec {
            path: "metadata/labels".to_owned(),
            create: true,
            ..FieldSpec::default()
        };
        merge_specs(&specs, &[own]).wrap(wrap)
    }
}

fn text(config: &impl Serialize) -> String {
    let value = serde_json::to_value(config).unwrap_or_default();
    fjord_yaml::json_to_v2(&value).unwrap_or_default()
}

/// Shows the configuration of a builtin that is wrong.
fn trouble(error: Error, kind: &str, config: &impl Serialize) -> Error {
    match error {
        error @ Error::Limit(_) => error,
        error => error.context(format!(
            "trouble configuring builtin {kind} with config: `\n{}`",
            text(config)
        )),
    }
}
