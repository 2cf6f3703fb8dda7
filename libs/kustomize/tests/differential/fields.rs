//! The simple fields of a kustomization: names, labels, images, generators, configurations, schemas.

use super::grammar::Tree;
use super::kinds::{NAMES, NAMESPACES, api_version};
use super::random::Random;

pub(crate) fn kind(_: &mut Tree, _: &mut Random, _: &str) -> String {
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n".to_owned()
}

pub(crate) fn metadata(_: &mut Tree, _: &mut Random, _: &str) -> String {
    "metadata: {name: x, namespace: other, labels: {a: b}, annotations: {c: d}}\n".to_owned()
}

pub(crate) fn build_metadata(_: &mut Tree, r: &mut Random, _: &str) -> String {
    (*r.pick(&[
        "buildMetadata: [originAnnotations]\n",
        "buildMetadata: [originAnnotations, transformerAnnotations]\n",
        "buildMetadata: [transformerAnnotations]\n",
        "buildMetadata: [managedByLabel]\n",
    ]))
    .to_owned()
}

pub(crate) fn name_prefix(_: &mut Tree, r: &mut Random, _: &str) -> String {
    let prefix = r.pick(&["p-", "dev.", "p-", "\"1\"", "q-"]);
    format!("namePrefix: {prefix}\n")
}

pub(crate) fn name_suffix(_: &mut Tree, r: &mut Random, _: &str) -> String {
    format!("nameSuffix: {}\n", r.pick(&["-s", ".x", "-s"]))
}

pub(crate) fn namespace(_: &mut Tree, r: &mut Random, _: &str) -> String {
    format!("namespace: {}\n", r.pick(&NAMESPACES))
}

pub(crate) fn common_labels(_: &mut Tree, r: &mut Random, _: &str) -> String {
    format!(
        "commonLabels: {{app: {}, owner: \"007\"}}\n",
        r.pick(&NAMES)
    )
}

pub(crate) fn common_annotations(_: &mut Tree, _: &mut Random, _: &str) -> String {
    "commonAnnotations: {team: x, \"on\": \"yes\"}\n".to_owned()
}

pub(crate) fn labels(_: &mut Tree, r: &mut Random, _: &str) -> String {
    let extra = r.pick(&[
        "",
        "  includeSelectors: true\n",
        "  includeTemplates: true\n",
        "  fields: [{path: spec/extra, create: true, kind: Widget}]\n",
        "  fields: [{path: spec/strategy/labels, create: true, group: apps, version: v1}]\n",
    ]);
    format!(
        "labels:\n- pairs: {{app: {}, \"on\": \"no\"}}\n{extra}",
        r.pick(&NAMES)
    )
}

/// Writes what an image becomes, after its name.
pub(crate) fn image(r: &mut Random) -> String {
    let name = r.pick(&["nginx", "reg.io:5000/app", "redis", "busybox", "n.*"]);
    let change = r.pick(&[
        "newTag: \"2\"",
        "newName: other/x",
        "digest: sha256:def",
        "newTag: v2, digest: sha256:def",
        "tagSuffix: -x",
        "newName: why, newTag: \"1.0\"",
    ]);
    format!("name: {name}, {change}")
}

pub(crate) fn images(_: &mut Tree, r: &mut Random, _: &str) -> String {
    format!("images: [{{{}}}]\n", image(r))
}

pub(crate) fn image_tags(_: &mut Tree, r: &mut Random, _: &str) -> String {
    format!("imageTags: [{{{}}}]\n", image(r))
}

pub(crate) fn replicas(tree: &mut Tree, r: &mut Random, _: &str) -> String {
    let kinds = ["Deployment", "StatefulSet", "ReplicaSet"];
    if !tree.has(&kinds) {
        return String::new();
    }
    let (_, name) = tree.existing(r, &kinds);
    format!(
        "replicas: [{{name: {name}, count: {}}}]\n",
        r.pick(&["5", "0"])
    )
}

pub(crate) fn generator_options(_: &mut Tree, r: &mut Random, _: &str) -> String {
    (*r.pick(&[
        "generatorOptions: {labels: {gen: x}, annotations: {a: b}}\n",
        "generatorOptions: {labels: {l: x}, disableNameSuffixHash: true}\n",
        "generatorOptions: {annotations: {a: z}, immutable: true}\n",
        "generatorOptions: {}\n",
    ]))
    .to_owned()
}

/// Writes what a generator takes, one field a line: who it is, and where its data comes from.
pub(crate) fn generator_args(
    tree: &mut Tree,
    r: &mut Random,
    dir: &str,
    kind: &'static str,
) -> Vec<String> {
    tree.add(format!("{dir}/file.txt"), "some\n text \n");
    tree.add(format!("{dir}/vars.env"), "# c\nK=v\n L = w \nM\n");
    tree.add(format!("{dir}/more.env"), "N=1\nO='quoted'\n");
    let of_kind = |(k, _): &&(&str, &str)| *k == kind;
    let there: Vec<_> = tree.here().iter().filter(of_kind).copied().collect();
    let free: Vec<_> = NAMES
        .iter()
        .filter(|n| !tree.known.contains(&(kind, **n)))
        .collect();
    let mut lines = Vec::new();
    if !there.is_empty() && (free.is_empty() || r.one_in(3)) {
        lines.push(format!("name: {}", r.pick(&there).1));
        lines.push(format!("behavior: {}", r.pick(&["merge", "replace"])));
    } else {
        let name = free.first().copied().copied().unwrap_or("a");
        tree.known.push((kind, name));
        lines.push(format!("name: {name}"));
        if r.one_in(2) {
            lines.push("behavior: create".to_owned());
        }
        if r.one_in(4) {
            lines.push(format!("namespace: {}", r.pick(&NAMESPACES)));
        }
    }
    if !r.one_in(4) {
        lines.push("literals: [a=1, \"b='x y'\", c=]".to_owned());
    }
    if r.one_in(2) {
        lines.push("files: [file.txt, other=file.txt]".to_owned());
    }
    if r.one_in(2) {
        lines.push("envs: [vars.env]".to_owned());
    }
    if r.one_in(2) {
        lines.push(format!(
            "options: {{{}}}",
            r.pick(&[
                "disableNameSuffixHash: true, immutable: true, labels: {l: m}",
                "annotations: {\"a.b/c\": \"1\", z: why}",
                "immutable: true",
                "disableNameSuffixHash: true",
            ])
        ));
    }
    if kind == "Secret" && r.one_in(2) {
        lines.push("type: kubernetes.io/tls".to_owned());
    }
    lines
}

fn generator_entry(tree: &mut Tree, r: &mut Random, dir: &str, kind: &'static str) -> String {
    let mut lines = generator_args(tree, r, dir, kind);
    if r.one_in(4) {
        lines.push("env: more.env".to_owned());
    }
    format!("- {}\n", lines.join("\n  "))
}

pub(crate) fn config_maps(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    format!(
        "configMapGenerator:\n{}",
        generator_entry(tree, r, dir, "ConfigMap")
    )
}

pub(crate) fn secrets(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    format!(
        "secretGenerator:\n{}",
        generator_entry(tree, r, dir, "Secret")
    )
}

pub(crate) fn configurations(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let text = r.pick::<&str>(&[
        "namePrefix: [{path: metadata/name, kind: Service}]\n",
        "nameReference: [{kind: ConfigMap, version: v1, fieldSpecs: [{kind: Widget, path: spec/ref/name}]}]\n",
        "nameReference: [{kind: Deployment, group: apps, fieldSpecs: [{kind: Widget, group: example.com, version: v1, path: spec/ref/name}]}]\n",
        "commonLabels: [{path: spec/x/labels, create: true, kind: Widget}]\n",
        "images: [{path: \"spec/deep/containers[]/image\", kind: Widget}]\n",
        "namespace: [{path: spec/ref/namespace, kind: Widget, create: true}]\n",
        "varReference: [{path: spec/ref/name, kind: Widget}]\nreplicas: [{path: spec/count, create: true, kind: Widget}]\n",
        "labels: [{path: spec/l, create: true, kind: Widget}]\ntemplateLabels: [{path: spec/t, create: true, kind: Widget}]\n",
        "commonAnnotations: [{path: spec/a, create: true, kind: Widget}]\nnameSuffix: [{path: spec/ref/name, kind: Widget}]\n",
    ]);
    tree.add(format!("{dir}/config.yaml"), *text);
    "configurations: [config.yaml]\n".to_owned()
}

pub(crate) fn vars(tree: &mut Tree, r: &mut Random, _: &str) -> String {
    if tree.has_vars || !tree.has(&["Service", "ConfigMap", "Deployment"]) {
        return String::new();
    }
    tree.has_vars = true;
    let (kind, name) = tree.existing(r, &["Service", "ConfigMap", "Deployment"]);
    let version = api_version(kind);
    let kind_of = match (version.split_once('/'), r.below(3)) {
        (Some((group, version)), 0) => format!("group: {group}, version: {version}"),
        (_, 1) => format!(
            "apiVersion: {version}, namespace: {}",
            r.pick(&["default", "default", "default", "default", "ns1"])
        ),
        _ => format!("apiVersion: {version}"),
    };
    let field = match r.below(12) {
        0 => ", fieldref: {fieldPath: metadata.labels.app}",
        1 => ", fieldref: {fieldPath: metadata.namespace}",
        2..5 => "",
        _ => ", fieldref: {fieldPath: metadata.name}",
    };
    format!("vars: [{{name: VAR, objref: {{{kind_of}, kind: {kind}, name: {name}}}{field}}}]\n")
}

pub(crate) fn openapi(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    if r.one_in(3) {
        return "openapi: {version: v1.21.2}\n".to_owned();
    }
    let text = r##"{"definitions": {"w": {"type": "object", "properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}, "spec": {"type": "object", "properties": {"list": {"type": "array", "items": {"$ref": "#/definitions/i"}, "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name"}}}}, "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}]}, "i": {"type": "object"}}, "paths": {"/apis/example.com/v1/widgets": {"get": {"x-kubernetes-group-version-kind": {"group": "example.com", "version": "v1", "kind": "Widget"}}}}}"##;
    tree.add(format!("{dir}/schema.json"), text);
    "openapi: {path: schema.json}\n".to_owned()
}

/// Adds a list, with anchors and merges, through a base of its own.
pub(crate) fn lists(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let at = format!("list-{dir}");
    let name = *r.pick(&NAMES);
    let text = format!(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: &m {{name: list-{name}, labels: &l {{app: a, t: \"1\"}}}}\n  data: &d {{a: x, b: y}}\n- apiVersion: v1\n  kind: ConfigMapList\n  items:\n  - {{apiVersion: v1, kind: ConfigMap, metadata: {{<<: *m, name: item-{name}}}, data: {{<<: [*d, *l], a: z}}}}\n"
    );
    tree.add(format!("{at}/list.yaml"), text);
    tree.add(
        format!("{at}/kustomization.yaml"),
        "resources: [list.yaml]\n",
    );
    tree.more.push(format!("../{at}"));
    String::new()
}

pub(crate) fn crds(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let text = r.pick::<&str>(&[
        r#"{"example.com/v1.Widget": {"Schema": {"properties": {"kind": {}, "apiVersion": {}, "metadata": {}, "spec": {"$ref": "example.com/v1.WidgetSpec"}}}}, "example.com/v1.WidgetSpec": {"Schema": {"properties": {"ref": {"x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "ConfigMap", "type": "object"}}}}}"#,
        r#"{"example.com/v1.Widget": {"Schema": {"properties": {"kind": {}, "apiVersion": {}, "metadata": {}, "spec": {"$ref": "example.com/v1.WidgetSpec"}}}}, "example.com/v1.WidgetSpec": {"Schema": {"properties": {"notes": {"x-kubernetes-annotation": "", "type": "object"}, "match": {"x-kubernetes-label-selector": "", "type": "object"}, "self": {"x-kubernetes-identity": "", "type": "string"}}}}}"#,
    ]);
    tree.add(format!("{dir}/crd.json"), *text);
    "crds: [crd.json]\n".to_owned()
}

pub(crate) fn helm_charts(_: &mut Tree, _: &mut Random, _: &str) -> String {
    "helmGlobals: {chartHome: charts}\nhelmCharts: [{name: redis, repo: https://example.com, version: 1.0.0, releaseName: r}]\n".to_owned()
}

pub(crate) fn helm_inflation(_: &mut Tree, _: &mut Random, _: &str) -> String {
    "helmChartInflationGenerator: [{chartName: redis, chartVersion: 1.0.0, chartRepoUrl: https://example.com}]\n".to_owned()
}
