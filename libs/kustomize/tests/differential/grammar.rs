//! A grammar of kustomization trees: bases, overlays, components and every kind of transformer.

use super::kinds::{NAMES, NAMESPACES, WORKLOADS, api_version, object, pod};
use std::collections::BTreeMap;
use std::path::Path;

/// A small generator of pseudo-random numbers, the same on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        let index = self.below(items.len());
        &items[index]
    }
}

/// Files of one build and what they use.
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) top: String,
    pub(crate) features: Vec<&'static str>,
    /// Kinds and names of the objects so far.
    known: Vec<(&'static str, &'static str)>,
    /// Bases that fields added to the kustomization being made.
    more: Vec<String>,
}

impl Tree {
    pub(crate) fn generate(seed: u64) -> Self {
        let mut r = Random::new(seed);
        for _ in 0..8 {
            r.next();
        }
        let mut tree = Self {
            files: BTreeMap::new(),
            top: String::new(),
            features: Vec::new(),
            known: Vec::new(),
            more: Vec::new(),
        };
        let depth = 1 + r.below(3);
        let mut below: Vec<String> = Vec::new();
        for level in 0..depth {
            let dir = format!("l{level}");
            tree.kustomization(&mut r, &dir, &below, level + 1 == depth);
            below = vec![format!("../{dir}")];
            if level == 0 && r.one_in(3) {
                tree.kustomization(&mut r, "extra", &[], false);
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

    fn used(&mut self, feature: &'static str) {
        if !self.features.contains(&feature) {
            self.features.push(feature);
        }
    }

    /// Picks an object that is there, mostly; of the kinds if any are given.
    fn existing(&self, r: &mut Random, kinds: &[&'static str]) -> (&'static str, &'static str) {
        let fits = |kind: &&str| kinds.is_empty() || kinds.contains(kind);
        let known: Vec<_> = self
            .known
            .iter()
            .filter(|(kind, _)| fits(kind))
            .copied()
            .collect();
        if known.is_empty() || r.one_in(80) {
            return (kind_of(r), *r.pick(&NAMES));
        }
        *r.pick(&known)
    }

    fn kustomization(&mut self, r: &mut Random, dir: &str, below: &[String], top: bool) {
        let mut k = String::new();
        let mut resources: Vec<String> = below.to_vec();
        let objects = if below.is_empty() {
            2 + r.below(6)
        } else {
            r.below(3)
        };
        if objects > 0 {
            let text: Vec<String> = (0..objects).map(|_| object(r, &mut self.known)).collect();
            self.files
                .insert(format!("{dir}/objects.yaml"), text.join("---\n"));
            resources.push("objects.yaml".to_owned());
        }
        type Make = fn(&mut Tree, &mut Random, &str) -> String;
        let fields: [(&'static str, usize, Make); 28] = [
            ("openapi", 10, openapi),
            ("bases", 20, |_, _, _| "bases: []\n".to_owned()),
            ("imageTags", 15, |_, _, _| {
                "imageTags: [{name: busybox, newTag: old}]\n".to_owned()
            }),
            ("validators", 20, validators),
            ("transformers folder", 15, transformer_folder),
            ("lists and anchors", 6, lists),
            ("remote-looking", 60, |_, _, _| {
                "crds: []\nmetadata: {name: x}\n".to_owned()
            }),
            ("namePrefix", 4, |_, r, _| {
                format!(
                    "namePrefix: {}\n",
                    r.pick(&["p-", "dev.", "p-", "\"1\"", "q-"])
                )
            }),
            ("nameSuffix", 5, |_, _, _| "nameSuffix: -s\n".to_owned()),
            ("namespace", 4, |_, r, _| {
                format!("namespace: {}\n", r.pick(&NAMESPACES))
            }),
            ("labels", 4, labels),
            ("commonLabels", 6, |_, r, _| {
                format!(
                    "commonLabels: {{app: {}, owner: \"007\"}}\n",
                    r.pick(&NAMES)
                )
            }),
            ("commonAnnotations", 5, |_, _, _| {
                "commonAnnotations: {team: x, \"on\": \"yes\"}\n".to_owned()
            }),
            ("images", 4, images),
            ("replicas", 8, replicas),
            ("configMapGenerator", 3, config_maps),
            ("secretGenerator", 5, secrets),
            ("generatorOptions", 8, |_, _, _| {
                "generatorOptions: {labels: {gen: x}, annotations: {a: b}}\n".to_owned()
            }),
            ("patches", 2, patches),
            ("patchesStrategicMerge", 9, legacy_merge),
            ("patchesJson6902", 9, legacy_json),
            ("replacements", 4, replacements),
            ("components", 5, component),
            ("transformers", 6, transformers),
            ("generators", 9, generators),
            ("configurations", 9, configurations),
            ("vars", 9, vars),
            ("crds", 40, crds),
        ];
        for (name, rarity, make) in fields {
            if r.one_in(rarity) {
                self.used(name);
                k.push_str(&make(self, r, dir));
            }
        }
        resources.append(&mut self.more);
        k.push_str(&format!("resources: [{}]\n", resources.join(", ")));
        if top && r.one_in(6) {
            self.used("sortOptions");
            k.push_str(r.pick::<&str>(&[
                "sortOptions: {order: legacy}\n",
                "sortOptions: {order: fifo}\n",
                "sortOptions: {order: legacy, legacySortOptions: {orderFirst: [Service, Pod], orderLast: [Namespace]}}\n",
            ]));
        }
        if r.one_in(8) {
            self.used("buildMetadata");
            k.push_str(r.pick::<&str>(&[
                "buildMetadata: [originAnnotations]\n",
                "buildMetadata: [originAnnotations, transformerAnnotations]\n",
                "buildMetadata: [transformerAnnotations]\n",
            ]));
        }
        self.files.insert(format!("{dir}/kustomization.yaml"), k);
    }
}

fn replicas(tree: &mut Tree, r: &mut Random, _: &str) -> String {
    let kinds = ["Deployment", "StatefulSet", "ReplicaSet"];
    if !tree.known.iter().any(|(kind, _)| kinds.contains(kind)) {
        return String::new();
    }
    let (_, name) = tree.existing(r, &kinds);
    format!("replicas: [{{name: {name}, count: 5}}]\n")
}

fn labels(_: &mut Tree, r: &mut Random, _: &str) -> String {
    let extra = r.pick(&[
        "",
        "  includeSelectors: true\n",
        "  includeTemplates: true\n",
        "  fields: [{path: spec/extra, create: true, kind: Widget}]\n",
    ]);
    format!(
        "labels:\n- pairs: {{app: {}, \"on\": \"no\"}}\n{extra}",
        r.pick(&NAMES)
    )
}

fn images(_: &mut Tree, r: &mut Random, _: &str) -> String {
    let name = r.pick(&["nginx", "reg.io:5000/app", "redis", "busybox", "n.*"]);
    let change = r.pick(&[
        "newTag: \"2\"",
        "newName: other/x",
        "digest: sha256:def",
        "newTag: v2, digest: sha256:def",
        "tagSuffix: -x",
        "newName: why, newTag: \"1.0\"",
    ]);
    format!("images: [{{name: {name}, {change}}}]\n")
}

fn generator_entry(tree: &mut Tree, r: &mut Random, kind: &'static str) -> String {
    let there: Vec<_> = tree
        .known
        .iter()
        .filter(|(k, _)| *k == kind)
        .copied()
        .collect();
    let free: Vec<_> = NAMES
        .iter()
        .filter(|n| !tree.known.contains(&(kind, **n)))
        .collect();
    let (name, behavior) = if !there.is_empty() && (free.is_empty() || r.one_in(3)) {
        (r.pick(&there).1, *r.pick(&["merge", "replace"]))
    } else {
        let name = free.first().copied().copied().unwrap_or("a");
        tree.known.push((kind, name));
        (name, *r.pick(&["create", ""]))
    };
    let mut out = format!("- name: {name}\n");
    if !behavior.is_empty() {
        out.push_str(&format!("  behavior: {behavior}\n"));
    }
    if r.one_in(8) {
        out.push_str(&format!("  namespace: {}\n", r.pick(&NAMESPACES)));
    }
    out.push_str("  literals: [a=1, \"b='x y'\", c=]\n");
    if r.one_in(4) {
        out.push_str("  options: {disableNameSuffixHash: true, immutable: true, labels: {l: m}}\n");
    }
    out
}

fn config_maps(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    tree.files
        .insert(format!("{dir}/file.txt"), "some\n text \n".to_owned());
    tree.files.insert(
        format!("{dir}/vars.env"),
        "# c\nK=v\n L = w \nM\n".to_owned(),
    );
    let mut entry = generator_entry(tree, r, "ConfigMap");
    if r.one_in(2) {
        entry.push_str("  files: [file.txt, other=file.txt]\n");
    }
    if r.one_in(2) {
        entry.push_str("  envs: [vars.env]\n");
    }
    format!("configMapGenerator:\n{entry}")
}

fn secrets(tree: &mut Tree, r: &mut Random, _: &str) -> String {
    let kind = if r.one_in(3) {
        "  type: kubernetes.io/tls\n"
    } else {
        ""
    };
    format!(
        "secretGenerator:\n{}{kind}",
        generator_entry(tree, r, "Secret")
    )
}

fn merge_text(r: &mut Random, kind: &str, name: &str) -> String {
    let version = api_version(kind);
    let head = format!("apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}\n");
    let whole = *r.pick(&[
        "$patch: delete\n",
        "  labels: {app: patched, extra: \"1\"}\n",
        "  annotations: {note: null, more: x}\n",
        "  annotations: null\n",
        "  labels: {$patch: replace, only: one}\n",
        "  finalizers: [x/y, new]\n",
    ]);
    if r.one_in(4) {
        return format!("{head}{whole}");
    }
    let spec = match kind {
        "Service" => "spec:\n  ports:\n  - {port: 80, name: http}\n  - {port: 99}\n".to_owned(),
        "ConfigMap" => "data: {k: new, a: null, z: \"1\"}\n".to_owned(),
        "Widget" => {
            "spec: {list: [{name: z}], ref: {name: b, x: null}, deep: {containers: [{name: q}]}}\n"
                .to_owned()
        }
        "Pod" => format!("spec:\n{}", pod_patch(r, 2)),
        "CronJob" => format!(
            "spec: \n  jobTemplate:\n    spec:\n      template:\n        spec:\n{}",
            pod_patch(r, 10)
        ),
        _ => format!(
            "spec:\n  replicas: 7\n  template:\n    spec:\n{}",
            pod_patch(r, 6)
        ),
    };
    format!("{head}{spec}")
}

fn pod_patch(r: &mut Random, by: usize) -> String {
    let text = match r.below(10) {
        0 => pod(r),
        1 => "containers:\n- name: main\n  $patch: delete\n".to_owned(),
        2 => "containers:\n- $patch: replace\n- name: new\n  image: x\n".to_owned(),
        3 => "containers:\n- name: main\n  image: \"9\"\n  ports:\n  - {containerPort: 80, protocol: UDP}\n  - {containerPort: 82}\n".to_owned(),
        4 => "volumes: null\nserviceAccountName: x\n".to_owned(),
        5 => "volumes:\n- name: e\n  emptyDir: null\n  hostPath: {path: /x}\n- name: new\n  emptyDir: {}\n".to_owned(),
        6 => "containers:\n- name: side\n  env:\n  - {name: A, value: changed}\n  - {name: B, $patch: delete}\n  - {name: Z, value: 1}\n".to_owned(),
        7 => "containers:\n- image: nokey\n".to_owned(),
        8 => "nodeSelector: {$patch: delete}\ntolerations: [{key: b}]\nhostAliases: [{ip: 1.2.3.4}]\n".to_owned(),
        _ => "containers: []\ninitContainers:\n- name: i\n  args: [x]\n".to_owned(),
    };
    text.lines()
        .map(|line| format!("{:by$}{line}\n", ""))
        .collect()
}

fn kind_of(r: &mut Random) -> &'static str {
    if r.one_in(3) {
        r.pick::<&str>(&["Service", "ConfigMap", "Widget"])
    } else {
        r.pick::<&str>(&WORKLOADS)
    }
}

fn target(r: &mut Random) -> String {
    let kind = kind_of(r);
    let (name, start) = (*r.pick(&NAMES), *r.pick(&["w", "a", "d"]));
    r.pick(&[
        format!("kind: {kind}"),
        format!("kind: {kind}, name: {name}"),
        format!("name: {start}.*"),
        "labelSelector: \"app in (a, web)\"".to_owned(),
        "annotationSelector: note=yes".to_owned(),
        format!("namespace: default, kind: {kind}"),
        "group: apps, version: v1".to_owned(),
        format!("kind: {kind}|Service"),
    ])
    .clone()
}

fn json_text(r: &mut Random) -> &'static str {
    r.pick::<&str>(&[
        "- {op: add, path: /metadata/annotations/x, value: \"1\"}\n",
        "- {op: replace, path: /metadata/name, value: renamed}\n",
        "- {op: add, path: /spec, value: {a: 1, b: [1, 2]}}\n",
        "- {op: add, path: /metadata/labels, value: {q: r}}\n- {op: test, path: /metadata/labels/q, value: r}\n",
        "- {op: copy, from: /metadata/name, path: /extra}\n",
        "- {op: add, path: /big, value: 12345678901234567}\n- {op: add, path: /f, value: 1.50}\n- {op: add, path: /d, value: 2001-01-01}\n",
        "- {op: add, path: /metadata/annotations, value: {q: \"1\"}}\n- {op: remove, path: /metadata/annotations/q}\n",
        "- {op: replace, path: /missing, value: yes}\n",
        "- {op: move, from: /kind, path: /k}\n- {op: add, path: /kind, value: Moved}\n",
    ])
}

fn block(text: &str, by: usize) -> String {
    text.lines()
        .map(|line| format!("{:by$}{line}\n", ""))
        .collect()
}

fn patches(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let mut out = "patches:\n".to_owned();
    for i in 0..1 + r.below(2) {
        if r.one_in(3) {
            tree.used("patches json");
            out.push_str(&format!(
                "- target: {{{}}}\n  patch: |\n{}",
                target(r),
                block(json_text(r), 4)
            ));
            continue;
        }
        let (kind, name) = tree.existing(r, &[]);
        let text = merge_text(r, kind, name);
        let place = if r.one_in(2) {
            tree.files.insert(format!("{dir}/patch{i}.yaml"), text);
            format!("- path: patch{i}.yaml\n")
        } else {
            format!("- patch: |\n{}", block(&text, 4))
        };
        out.push_str(&place);
        if !r.one_in(3) {
            tree.used("patches target");
            out.push_str(&format!("  target: {{{}}}\n", target(r)));
        }
        if r.one_in(6) {
            tree.used("patches options");
            out.push_str("  options: {allowNameChange: true, allowKindChange: true}\n");
        }
    }
    out
}

fn legacy_merge(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let (kind, name) = tree.existing(r, &[]);
    tree.files
        .insert(format!("{dir}/old.yaml"), merge_text(r, kind, name));
    "patchesStrategicMerge: [old.yaml]\n".to_owned()
}

fn legacy_json(_: &mut Tree, r: &mut Random, _: &str) -> String {
    let name = *r.pick(&NAMES);
    format!(
        "patchesJson6902:\n- target: {{version: v1, kind: {}, name: {name}}}\n  patch: |\n{}",
        kind_of(r),
        block(json_text(r), 4)
    )
}

fn replacements(tree: &mut Tree, r: &mut Random, _: &str) -> String {
    let (kind, name) = tree.existing(r, &[]);
    let select = if r.one_in(4) {
        target(r)
    } else {
        let (kind, name) = tree.existing(r, &WORKLOADS);
        format!("kind: {kind}, name: {name}")
    };
    let source = match r.below(4) {
        0 => "sourceValue: given".to_owned(),
        1 => format!("source: {{kind: {kind}, name: {name}, fieldPath: metadata.name}}"),
        2 => {
            let (_, name) = tree.existing(r, &["ConfigMap"]);
            format!("source: {{kind: ConfigMap, name: {name}, fieldPath: data.a}}")
        }
        _ => format!("source: {{name: {name}, kind: {kind}}}"),
    };
    let path = r.pick(&[
        "spec.template.spec.containers.[name=main].image",
        "spec.template.spec.containers.*.image",
        "metadata.labels.app",
        "metadata.annotations.new",
        "spec.replicas",
        "data.k",
        "data.[config.yaml].server.port",
        "data.[config.json].a.b",
        "spec.template.spec.containers.0.env.[name=A].value",
        "metadata.name",
        "spec.list.1.name",
    ]);
    let options = r.pick(&[
        "",
        "    options: {create: true}\n",
        "    options: {create: true}\n",
        "    options: {create: true}\n",
        "    options: {delimiter: \":\", index: 1}\n",
        "    options: {delimiter: \"/\", index: -1}\n",
    ]);
    let reject = if r.one_in(4) {
        format!("    reject: [{{name: {}}}]\n", r.pick(&NAMES))
    } else {
        String::new()
    };
    format!(
        "replacements:\n- {source}\n  targets:\n  - select: {{{select}}}\n{reject}    fieldPaths: [{path:?}]\n{options}"
    )
}

fn component(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let at = format!("c-{dir}");
    let mut k = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n".to_owned();
    if r.one_in(2) {
        tree.files
            .insert(format!("{at}/objects.yaml"), object(r, &mut tree.known));
        k.push_str("resources: [objects.yaml]\n");
    }
    if r.one_in(2) {
        k.push_str(&patches(tree, r, &at));
    }
    k.push_str(r.pick::<&str>(&[
        "namePrefix: c-\n",
        "commonAnnotations: {c: d}\n",
        "labels: [{pairs: {comp: x}, includeSelectors: true}]\n",
    ]));
    tree.files.insert(format!("{at}/kustomization.yaml"), k);
    format!("components: [../{at}]\n")
}

fn transformers(tree: &mut Tree, r: &mut Random, _: &str) -> String {
    let plugins = [
        (
            "AnnotationsTransformer",
            "annotations: {p: q}\nfieldSpecs: [{path: metadata/annotations, create: true}]\n",
        ),
        (
            "LabelTransformer",
            "labels: {p: q}\nfieldSpecs: [{path: metadata/labels, create: true}, {path: spec/template/metadata/labels, create: true, kind: Deployment}]\n",
        ),
        (
            "NamespaceTransformer",
            "unsetOnly: true\nsetRoleBindingSubjects: allServiceAccounts\nfieldSpecs: [{path: metadata/name, kind: Namespace, create: true}]\n",
        ),
        (
            "PrefixTransformer",
            "prefix: t-\nfieldSpecs: [{path: metadata/name}]\n",
        ),
        (
            "SuffixTransformer",
            "suffix: -t\nfieldSpecs: [{path: metadata/name}, {path: spec/serviceName}]\n",
        ),
        (
            "PrefixSuffixTransformer",
            "prefix: t-\nsuffix: -t\nfieldSpecs: [{path: metadata/name}]\n",
        ),
        (
            "ImageTagTransformer",
            "imageTag: {name: nginx, newTag: t}\nfieldSpecs: [{path: spec/deep/image}]\n",
        ),
        (
            "ReplicaCountTransformer",
            "replica: {name: web, count: 4}\nfieldSpecs: [{path: spec/replicas, create: true, kind: Deployment}]\n",
        ),
        (
            "PatchTransformer",
            "target: {kind: Deployment}\npatch: '[{\"op\": \"add\", \"path\": \"/spec/paused\", \"value\": true}]'\n",
        ),
        (
            "PatchStrategicMergeTransformer",
            "patches: \"apiVersion: apps/v1\\nkind: Deployment\\nmetadata: {name: web}\\nspec: {paused: true}\\n\"\n",
        ),
        (
            "PatchJson6902Transformer",
            "target: {version: v1, kind: Service, name: web}\njsonOp: '[{\"op\": \"add\", \"path\": \"/spec/x\", \"value\": 1}]'\n",
        ),
        (
            "ReplacementTransformer",
            "replacements: [{sourceValue: v, targets: [{select: {kind: Service}, fieldPaths: [metadata.labels.app], options: {create: true}}]}]\n",
        ),
        (
            "ValueAddTransformer",
            "value: added\ntargets: [{selector: {kind: Service}, fieldPath: metadata/annotations/va}, {fieldPath: metadata/namespace}]\n",
        ),
        ("HashTransformer", ""),
    ];
    let (kind, config) = r.pick(&plugins);
    tree.used(kind);
    let namespace = if *kind == "NamespaceTransformer" {
        ", namespace: plug"
    } else {
        ""
    };
    let text = format!(
        "apiVersion: builtin\nkind: {kind}\nmetadata: {{name: plugin{namespace}}}\n{config}"
    );
    format!("transformers:\n- |\n{}", block(&text, 2))
}

fn generators(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let (kind, config) = *r.pick(&[
        ("ConfigMapGenerator", "name: gen\nliterals: [a=b]\n"),
        ("SecretGenerator", "literals: [a=b]\noptions: {disableNameSuffixHash: true}\n"),
        ("IAMPolicyGenerator", "cloud: gke\nkubernetesService: {name: ks, namespace: kn}\nserviceAccount: {name: gs, projectId: pr}\n"),
    ]);
    tree.used(kind);
    let text = format!(
        "apiVersion: builtin\nkind: {kind}\nmetadata: {{name: plug, namespace: ns1}}\n{config}"
    );
    tree.files.insert(format!("{dir}/generator.yaml"), text);
    "generators: [generator.yaml]\n".to_owned()
}

fn configurations(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let text = r.pick(&[
        "namePrefix: [{path: metadata/name, kind: Service}]\n",
        "nameReference: [{kind: ConfigMap, version: v1, fieldSpecs: [{kind: Widget, path: spec/ref/name}]}]\n",
        "commonLabels: [{path: spec/x/labels, create: true, kind: Widget}]\n",
        "images: [{path: spec/deep/containers[]/image, kind: Widget}]\n",
        "namespace: [{path: spec/ref/namespace, kind: Widget, create: true}]\n",
        "varReference: [{path: spec/ref/name, kind: Widget}]\nreplicas: [{path: spec/count, create: true, kind: Widget}]\n",
        "labels: [{path: spec/l, create: true, kind: Widget}]\ntemplateLabels: [{path: spec/t, create: true, kind: Widget}]\n",
        "commonAnnotations: [{path: spec/a, create: true, kind: Widget}]\nnameSuffix: [{path: spec/ref/name, kind: Widget}]\n",
    ]);
    tree.files
        .insert(format!("{dir}/config.yaml"), (*text).to_owned());
    "configurations: [config.yaml]\n".to_owned()
}

fn vars(tree: &mut Tree, r: &mut Random, _: &str) -> String {
    if tree.features.iter().filter(|f| **f == "vars").count() > 1 {
        return String::new();
    }
    let (kind, name) = tree.existing(r, &["Service", "ConfigMap", "Deployment"]);
    let version = api_version(kind);
    format!(
        "vars: [{{name: VAR, objref: {{apiVersion: {version}, kind: {kind}, name: {name}}}, fieldref: {{fieldPath: {}}}}}]\n",
        r.pick(&[
            "metadata.name",
            "metadata.name",
            "metadata.labels.app",
            "metadata.namespace"
        ])
    )
}

fn openapi(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    if r.one_in(3) {
        return "openapi: {version: v1.21.2}\n".to_owned();
    }
    let text = r##"{"definitions": {"w": {"type": "object", "properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}, "spec": {"type": "object", "properties": {"list": {"type": "array", "items": {"$ref": "#/definitions/i"}, "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name"}}}}, "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}]}, "i": {"type": "object"}}, "paths": {"/apis/example.com/v1/widgets": {"get": {"x-kubernetes-group-version-kind": {"group": "example.com", "version": "v1", "kind": "Widget"}}}}}"##;
    tree.files
        .insert(format!("{dir}/schema.json"), text.to_owned());
    "openapi: {path: schema.json}\n".to_owned()
}

fn validators(tree: &mut Tree, r: &mut Random, _: &str) -> String {
    tree.used("validators");
    let key = r.pick::<&str>(&["validated-by", "validated-by", "validated-by", "other"]);
    format!(
        "validators:\n- |\n  apiVersion: builtin\n  kind: LabelTransformer\n  metadata: {{name: v}}\n  labels: {{{key}: me}}\n  fieldSpecs: [{{path: metadata/labels, create: true}}]\n"
    )
}

fn transformer_folder(tree: &mut Tree, _: &mut Random, dir: &str) -> String {
    let at = format!("t-{dir}");
    tree.files.insert(
        format!("{at}/one.yaml"),
        "apiVersion: builtin\nkind: AnnotationsTransformer\nmetadata: {name: one}\nannotations: {folder: x}\nfieldSpecs: [{path: metadata/annotations, create: true}]\n".to_owned(),
    );
    tree.files.insert(
        format!("{at}/kustomization.yaml"),
        "resources: [one.yaml]\npatches:\n- target: {kind: AnnotationsTransformer}\n  patch: '[{\"op\": \"replace\", \"path\": \"/annotations/folder\", \"value\": \"y\"}]'\n".to_owned(),
    );
    format!("validators: []\ngeneratorOptions: {{}}\ntransformers: [../{at}]\n")
}

/// Adds a list, with anchors and merges, through a base of its own.
fn lists(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let at = format!("list-{dir}");
    let name = *r.pick(&NAMES);
    let text = format!(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: &m {{name: list-{name}, labels: &l {{app: a, t: \"1\"}}}}\n  data: &d {{a: x, b: y}}\n- apiVersion: v1\n  kind: ConfigMapList\n  items:\n  - {{apiVersion: v1, kind: ConfigMap, metadata: {{<<: *m, name: item-{name}}}, data: {{<<: [*d, *l], a: z}}}}\n"
    );
    tree.files.insert(format!("{at}/list.yaml"), text);
    tree.files.insert(
        format!("{at}/kustomization.yaml"),
        "resources: [list.yaml]\n".to_owned(),
    );
    tree.more.push(format!("../{at}"));
    String::new()
}

fn crds(tree: &mut Tree, _: &mut Random, dir: &str) -> String {
    let text = r#"{"example.com/v1.Widget": {"Schema": {"properties": {"kind": {}, "apiVersion": {}, "metadata": {}, "spec": {"$ref": "example.com/v1.WidgetSpec"}}}}, "example.com/v1.WidgetSpec": {"Schema": {"properties": {"ref": {"x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "ConfigMap", "type": "object"}}}}}"#;
    tree.files
        .insert(format!("{dir}/crd.json"), text.to_owned());
    "crds: [crd.json]\n".to_owned()
}
