//! Builtins as objects of their own: generators, transformers and validators, inline, in files and folders.

use super::fields::{generator_args, image};
use super::grammar::{Tree, block};
use super::kinds::{NAMES, NAMESPACES, WORKLOADS};
use super::patches::{exact, json_text, merge_text, selector};
use super::random::Random;
use super::replacements;

/// All builtin transformers.
const TRANSFORMERS: [&str; 14] = [
    "AnnotationsTransformer",
    "HashTransformer",
    "ImageTagTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "PatchTransformer",
    "PrefixSuffixTransformer",
    "PrefixTransformer",
    "ReplacementTransformer",
    "ReplicaCountTransformer",
    "SuffixTransformer",
    "ValueAddTransformer",
];

const GENERATORS: [&str; 3] = [
    "ConfigMapGenerator",
    "SecretGenerator",
    "IAMPolicyGenerator",
];

fn object(kind: &str, metadata: &str, config: &str) -> String {
    format!("apiVersion: builtin\nkind: {kind}\nmetadata: {{name: plugin{metadata}}}\n{config}")
}

fn transformer(tree: &mut Tree, r: &mut Random, dir: &str, kind: &str) -> String {
    let names = r.pick::<&str>(&[
        "fieldSpecs: [{path: metadata/name}]\n",
        "fieldSpecs: [{path: metadata/name}, {path: spec/serviceName}]\n",
        "fieldSpecs: [{path: metadata/name, kind: Service, version: v1}]\n",
        "fieldSpecs: [{path: metadata/name, group: apps}]\n",
    ]);
    let config = match kind {
        "AnnotationsTransformer" => "annotations: {p: q}\nfieldSpecs: [{path: metadata/annotations, create: true}]\n".to_owned(),
        "LabelTransformer" => "labels: {p: q}\nfieldSpecs: [{path: metadata/labels, create: true}, {path: spec/template/metadata/labels, create: true, kind: Deployment}]\n".to_owned(),
        "NamespaceTransformer" => return object(
            kind,
            &format!(", namespace: {}", r.pick(&NAMESPACES)),
            &format!(
                "{}{}fieldSpecs: [{{path: metadata/name, kind: Namespace, create: true}}]\n",
                r.pick(&["", "unsetOnly: true\n"]),
                r.pick(&["", "setRoleBindingSubjects: allServiceAccounts\n", "setRoleBindingSubjects: none\n", "setRoleBindingSubjects: defaultOnly\n"]),
            ),
        ),
        "PrefixTransformer" => format!("prefix: t-\n{names}"),
        "SuffixTransformer" => format!("suffix: -t\n{names}"),
        "PrefixSuffixTransformer" => format!("prefix: t-\nsuffix: -t\n{names}"),
        "ImageTagTransformer" => format!(
            "imageTag: {{{}}}\nfieldSpecs: [{{path: \"{}\"}}]\n",
            image(r),
            r.pick(&["spec/deep/image", "spec/template/spec/containers[]/image"])
        ),
        "ReplicaCountTransformer" => format!(
            "replica: {{name: {}, count: 4}}\nfieldSpecs: [{{path: spec/replicas, create: true, kind: Deployment}}, {{path: spec/replicas, create: true, kind: StatefulSet}}]\n",
            tree.existing(r, &["Deployment", "StatefulSet"]).1
        ),
        "PatchTransformer" => patch(tree, r, dir),
        "PatchStrategicMergeTransformer" => {
            let (kind, name) = tree.existing(r, &WORKLOADS);
            let text = merge_text(r, kind, name);
            if r.one_in(2) {
                tree.add(format!("{dir}/plugin-merge.yaml"), text);
                "paths: [plugin-merge.yaml]\n".to_owned()
            } else {
                format!("patches: |\n{}", block(&text, 2))
            }
        }
        "PatchJson6902Transformer" => {
            let (target, text) = (exact(tree, r), json_text(r));
            let place = if r.one_in(2) {
                tree.add(format!("{dir}/plugin-json.yaml"), text);
                "path: plugin-json.yaml\n".to_owned()
            } else {
                format!("jsonOp: |\n{}", block(text, 2))
            };
            format!("target: {{{target}}}\n{place}")
        }
        "ReplacementTransformer" => format!("replacements:\n{}", replacements::one(tree, r)),
        "ValueAddTransformer" => value_add(tree, r, dir),
        _ => String::new(),
    };
    object(kind, "", &config)
}

fn patch(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let (text, target) = if r.one_in(2) {
        (
            json_text(r).to_owned(),
            format!("target: {{{}}}\n", selector(r)),
        )
    } else {
        let (kind, name) = tree.existing(r, &[]);
        (merge_text(r, kind, name), String::new())
    };
    let place = if r.one_in(2) {
        tree.add(format!("{dir}/plugin-patch.yaml"), text);
        "path: plugin-patch.yaml\n".to_owned()
    } else {
        format!("patch: |\n{}", block(&text, 2))
    };
    let options = r.pick(&[
        "",
        "options: {allowNameChange: true, allowKindChange: true}\n",
    ]);
    format!("{target}{place}{options}")
}

fn value_add(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let value = r.pick(&["value: added\n", "value: added\n", ""]);
    let targets = r.pick(&[
        "targets: [{selector: {kind: Service}, fieldPath: metadata/annotations/va}]\n",
        "targets: [{fieldPath: metadata/namespace}]\n",
        "targets: [{fieldPath: metadata/annotations/path, filePathPosition: 1}]\n",
        "targets: [{selector: {kind: Deployment}, fieldPath: metadata/annotations/path, filePathPosition: 2}, {fieldPath: metadata/labels/x}]\n",
    ]);
    if r.one_in(3) {
        tree.add(format!("{dir}/targets.yaml"), *targets);
        return format!("{value}targetFilePath: targets.yaml\n");
    }
    format!("{value}{targets}")
}

/// Writes a configuration inline or into a file.
fn placed(tree: &mut Tree, r: &mut Random, dir: &str, field: &str, text: &str) -> String {
    if r.one_in(2) {
        return format!("{field}:\n- |\n{}", block(text, 2));
    }
    tree.add(format!("{dir}/{field}.yaml"), text);
    format!("{field}: [{field}.yaml]\n")
}

pub(crate) fn transformers(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let mut texts = Vec::new();
    for _ in 0..1 + r.below(3) {
        let mut kind = *r.pick(&TRANSFORMERS);
        if kind == "ReplicaCountTransformer" && !tree.has(&["Deployment", "StatefulSet"]) {
            kind = "PrefixTransformer";
        }
        let text = transformer(tree, r, dir, kind);
        // Two of a kind would share their id and their files.
        if !texts.iter().any(|(other, _)| *other == kind) {
            texts.push((kind, text));
        }
    }
    let texts: Vec<String> = texts.into_iter().map(|(_, text)| text).collect();
    placed(tree, r, dir, "transformers", &texts.join("---\n"))
}

pub(crate) fn generators(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    if r.one_in(36) {
        let text = object(
            "HelmChartInflationGenerator",
            "",
            "name: redis\nrepo: https://example.com\n",
        );
        return placed(tree, r, dir, "generators", &text);
    }
    let kind = *r.pick(&GENERATORS);
    let text = match kind {
        "IAMPolicyGenerator" => object(
            kind,
            "",
            &format!(
                "cloud: gke\nkubernetesService: {{name: ks-{}, namespace: kn}}\nserviceAccount: {{name: gs, projectId: pr}}\n",
                r.pick(&NAMES)
            ),
        ),
        _ => {
            let made = if kind == "SecretGenerator" {
                "Secret"
            } else {
                "ConfigMap"
            };
            let mut lines = generator_args(tree, r, dir, made);
            if r.one_in(4) && !lines.iter().any(|line| line.starts_with("behavior")) {
                let name = lines.remove(0);
                let text = format!("{}\n", lines.join("\n"));
                let head = format!(
                    "apiVersion: builtin\nkind: {kind}\nmetadata: {{{name}, namespace: {}}}\n",
                    r.pick(&NAMESPACES)
                );
                return placed(tree, r, dir, "generators", &(head + &text));
            }
            object(kind, "", &format!("{}\n", lines.join("\n")))
        }
    };
    placed(tree, r, dir, "generators", &text)
}

pub(crate) fn validators(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let key = if r.one_in(8) { "other" } else { "validated-by" };
    let text = object(
        "LabelTransformer",
        "",
        // Objects whose labels are written as a flow map do not pass, so the label is for few.
        &format!(
            "labels: {{{key}: me}}\nfieldSpecs: [{{path: metadata/labels, create: true, kind: {}}}]\n",
            r.pick(&[
                "Service",
                "Widget",
                "Namespace",
                "PriorityClass",
                "PriorityClass"
            ])
        ),
    );
    placed(tree, r, dir, "validators", &text)
}

/// A folder of configurations, which its own kustomization changes first.
pub(crate) fn transformer_folder(tree: &mut Tree, _: &mut Random, dir: &str) -> String {
    let at = format!("t-{dir}");
    let text = object(
        "AnnotationsTransformer",
        "",
        "annotations: {folder: x}\nfieldSpecs: [{path: metadata/annotations, create: true}]\n",
    );
    tree.add(format!("{at}/one.yaml"), text);
    tree.add(
        format!("{at}/kustomization.yaml"),
        "resources: [one.yaml]\npatches:\n- target: {kind: AnnotationsTransformer}\n  patch: '[{\"op\": \"replace\", \"path\": \"/annotations/folder\", \"value\": \"y\"}]'\n",
    );
    format!("generatorOptions: {{}}\ntransformers: [../{at}]\n")
}
