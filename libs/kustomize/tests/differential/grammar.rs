//! A grammar of kustomization trees: bases, overlays, components and every field of a kustomization.

use super::kinds::{NAMES, WORKLOADS, object};
use super::random::Random;
use super::{fields, patches, plugins, replacements};
use std::collections::BTreeMap;
use std::path::Path;

/// Files of one build.
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) top: String,
    /// Kinds and names of the objects so far.
    pub(crate) known: Vec<(&'static str, &'static str)>,
    /// Bases that fields added to the kustomization being made.
    pub(crate) more: Vec<String>,
    pub(crate) has_vars: bool,
    /// The first of the known objects that the kustomization being made holds.
    from: usize,
}

/// Writes one field of the kustomization in a folder.
type Make = fn(&mut Tree, &mut Random, &str) -> String;

/// The fields of a kustomization, each with its rarity and its maker, in the order they are decided.
const FIELDS: [(usize, Make); 31] = [
    (70, fields::openapi),
    (12, plugins::validators),
    (25, plugins::transformer_folder),
    (8, fields::lists),
    (20, fields::metadata),
    (9, fields::image_tags),
    (5, fields::name_prefix),
    (6, fields::name_suffix),
    (5, fields::namespace),
    (4, fields::labels),
    (7, fields::common_labels),
    (6, fields::common_annotations),
    (4, fields::images),
    (7, fields::replicas),
    (4, fields::config_maps),
    (6, fields::secrets),
    (8, fields::generator_options),
    (2, patches::patches),
    (9, patches::legacy_merge),
    (7, patches::legacy_json),
    (3, replacements::replacements),
    (6, component),
    (3, plugins::transformers),
    (4, plugins::generators),
    (5, fields::configurations),
    (6, fields::vars),
    (14, fields::crds),
    (100, fields::helm_charts),
    (100, fields::helm_inflation),
    (12, fields::kind),
    (7, fields::build_metadata),
];

impl Tree {
    pub(crate) fn generate(seed: u64) -> Self {
        let mut r = Random::new(seed);
        for _ in 0..8 {
            r.next();
        }
        let mut tree = Self {
            files: BTreeMap::new(),
            top: String::new(),
            known: Vec::new(),
            more: Vec::new(),
            has_vars: false,
            from: 0,
        };
        let depth = *r.pick(&[1, 1, 2, 2, 3]);
        let mut below: Vec<String> = Vec::new();
        for level in 0..depth {
            let dir = format!("l{level}");
            tree.kustomization(&mut r, &dir, &below, level + 1 == depth);
            below = vec![format!("../{dir}")];
            if level == 0 && r.one_in(3) {
                tree.from = tree.known.len();
                tree.kustomization(&mut r, "extra", &[], false);
                tree.from = 0;
                below.push("../extra".to_owned());
            }
            tree.top = dir;
        }
        tree
    }

    pub(crate) fn write(&self, root: &Path) {
        for (path, text) in &self.files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    pub(crate) fn add(&mut self, path: String, text: impl Into<String>) {
        self.files.insert(path, text.into());
    }

    /// Picks an object that is there, mostly; of the kinds if any are given.
    pub(crate) fn existing(
        &self,
        r: &mut Random,
        kinds: &[&'static str],
    ) -> (&'static str, &'static str) {
        let fits = |kind: &&str| kinds.is_empty() || kinds.contains(kind);
        let known: Vec<_> = self.known[self.from..]
            .iter()
            .filter(|(kind, _)| fits(kind))
            .copied()
            .collect();
        if known.is_empty() || r.one_in(120) {
            return (kind_of(r), *r.pick(&NAMES));
        }
        *r.pick(&known)
    }

    /// Returns the objects of the kustomization being made.
    pub(crate) fn here(&self) -> &[(&'static str, &'static str)] {
        &self.known[self.from..]
    }

    /// Says whether an object of one of the kinds is there.
    pub(crate) fn has(&self, kinds: &[&str]) -> bool {
        self.known[self.from..]
            .iter()
            .any(|(kind, _)| kinds.contains(kind))
    }

    fn kustomization(&mut self, r: &mut Random, dir: &str, below: &[String], top: bool) {
        let mut k = String::new();
        let mut resources: Vec<String> = Vec::new();
        if !below.is_empty() && r.one_in(8) {
            k.push_str(&format!("bases: [{}]\n", below.join(", ")));
        } else {
            resources.extend_from_slice(below);
        }
        let objects = if below.is_empty() {
            2 + r.below(6)
        } else {
            r.below(3)
        };
        if objects > 0 {
            let text: Vec<String> = (0..objects).map(|_| object(r, &mut self.known)).collect();
            self.add(format!("{dir}/objects.yaml"), text.join("---\n"));
            resources.push("objects.yaml".to_owned());
        }
        for (rarity, make) in FIELDS {
            if r.one_in(rarity) {
                k.push_str(&make(self, r, dir));
            }
        }
        resources.append(&mut self.more);
        k.push_str(&format!("resources: [{}]\n", resources.join(", ")));
        if top && r.one_in(6) {
            k.push_str(r.pick::<&str>(&[
                "sortOptions: {order: legacy}\n",
                "sortOptions: {order: fifo}\n",
                "sortOptions: {order: legacy, legacySortOptions: {orderFirst: [Service, Pod], orderLast: [Namespace]}}\n",
                "sortOptions:\n  order: legacy\n  legacySortOptions:\n    orderFirst: [Job]\n    orderLast: [ConfigMap, Secret]\n",
            ]));
        }
        let name = r.pick::<&str>(&[
            "kustomization.yaml",
            "kustomization.yaml",
            "kustomization.yml",
            "Kustomization",
        ]);
        self.add(format!("{dir}/{name}"), k);
    }
}

pub(crate) fn kind_of(r: &mut Random) -> &'static str {
    if r.one_in(3) {
        r.pick::<&str>(&["Service", "ConfigMap", "Widget"])
    } else {
        r.pick::<&str>(&WORKLOADS)
    }
}

pub(crate) fn block(text: &str, by: usize) -> String {
    text.lines()
        .map(|line| format!("{:by$}{line}\n", ""))
        .collect()
}

fn component(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let at = format!("c-{dir}");
    let mut k = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n".to_owned();
    if r.one_in(2) {
        let text = object(r, &mut tree.known);
        tree.add(format!("{at}/objects.yaml"), text);
        k.push_str("resources: [objects.yaml]\n");
    }
    if r.one_in(2) {
        k.push_str(&patches::patches(tree, r, &at));
    }
    if r.one_in(4) {
        k.push_str(&replacements::replacements(tree, r, &at));
    }
    k.push_str(r.pick::<&str>(&[
        "namePrefix: c-\n",
        "commonAnnotations: {c: d}\n",
        "labels: [{pairs: {comp: x}, includeSelectors: true}]\n",
        "configMapGenerator: [{name: comp, literals: [a=b]}]\n",
    ]));
    tree.add(format!("{at}/kustomization.yaml"), k);
    format!("components: [../{at}]\n")
}
