//! Replacements: where a value comes from, and where it goes.

use super::grammar::Tree;
use super::kinds::{NAMES, WORKLOADS, api_version};
use super::patches::selector;
use super::random::Random;

/// Fields of any object, of workloads, of ConfigMaps and of the kind that no schema knows.
const ANYWHERE: [&str; 4] = [
    "metadata.labels.app",
    "metadata.annotations.new",
    "metadata.annotations.[a.b/c]",
    "metadata.name",
];
const IN_WORKLOADS: [&str; 8] = [
    "spec.template.spec.containers.[name=main].image",
    "spec.template.spec.containers.*.image",
    "spec.template.spec.containers.0.env.[name=A].value",
    "spec.template.metadata.annotations.new",
    "spec.replicas",
    "metadata.labels.app",
    "metadata.annotations.new",
    "metadata.name",
];
const IN_DATA: [&str; 4] = [
    "data.k",
    "data.a",
    "data.[config.yaml].server.port",
    "data.[config.json].a.b",
];
const IN_WIDGETS: [&str; 3] = ["spec.list.1.name", "spec.deep.x", "spec.ref.name"];

/// Writes a source that is there, mostly.
fn source(tree: &Tree, r: &mut Random) -> String {
    let (kind, name) = tree.existing(r, &[]);
    let version = api_version(kind);
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let group = if group.is_empty() {
        String::new()
    } else {
        format!("group: {group}, ")
    };
    let who = format!("{group}version: {version}, kind: {kind}, name: {name}");
    match r.below(11) {
        0 | 1 => "sourceValue: given".to_owned(),
        2 => format!("source: {{kind: {kind}, name: {name}, fieldPath: metadata.name}}"),
        3 if tree.has(&["ConfigMap"]) && r.one_in(2) => {
            let (_, name) = tree.existing(r, &["ConfigMap"]);
            format!("source: {{kind: ConfigMap, name: {name}, fieldPath: data.a}}")
        }
        4 if !r.one_in(3) => format!("source: {{{who}, namespace: default}}"),
        5 | 8 => format!(
            "source: {{{who}, fieldPath: metadata.name, options: {{delimiter: \"-\", index: {}}}}}",
            r.pick(&[
                "0",
                "0, encoding: none",
                "0, create: true",
                "0, create: true, encoding: base64",
                "0",
                "0",
                "1"
            ])
        ),
        6 if tree.has(&WORKLOADS) => {
            let (kind, name) = tree.existing(r, &WORKLOADS);
            format!(
                "source: {{kind: {kind}, name: {name}, fieldPath: \"{}\"}}",
                r.pick(&[
                    "spec.template.spec.containers.0.image",
                    "spec.template.spec.containers.[name=main].name",
                    "spec.template.spec.containers.-.image",
                    "kind",
                ])
            )
        }
        _ => format!("source: {{name: {name}, kind: {kind}}}"),
    }
}

/// Writes one replacement, each line at an indent.
pub(crate) fn one(tree: &Tree, r: &mut Random) -> String {
    let source = source(tree, r);
    let exact = |tree: &Tree, r: &mut Random| {
        let (kind, name) = tree.existing(r, &WORKLOADS);
        format!("kind: {kind}, name: {name}")
    };
    let any = r.one_in(3) || !tree.has(&WORKLOADS);
    let (select, paths): (String, &[&str]) = if tree.has(&["ConfigMap"]) && r.one_in(5) {
        let (_, name) = tree.existing(r, &["ConfigMap"]);
        (format!("kind: ConfigMap, name: {name}"), &IN_DATA)
    } else if tree.has(&["Widget"]) && r.one_in(5) {
        ("kind: Widget".to_owned(), &IN_WIDGETS)
    } else if any {
        (selector(r), &ANYWHERE)
    } else {
        (exact(tree, r), &IN_WORKLOADS)
    };
    let path = *r.pick(paths);
    let options = r.pick(&[
        "",
        "    options: {create: true}\n",
        "    options: {create: true}\n",
        "    options: {create: true}\n",
        "    options: {create: true}\n",
        "    options: {create: true}\n",
        "    options: {create: true}\n",
        "    options: {create: true}\n",
        "    options: {create: true}\n",
        "    options: {create: true}\n",
        "    options: {create: true, encoding: base64}\n",
        "    options: {create: true, encoding: none}\n",
        "    options: {create: true, delimiter: \":\", index: 1}\n",
        "    options: {delimiter: \":\", index: 1}\n",
        "    options: {delimiter: \"/\", index: -1}\n",
    ]);
    let reject = match r.below(6) {
        0 => format!("    reject: [{{name: {}}}]\n", r.pick(&NAMES)),
        1 | 2 => format!("    reject: [{{{}}}]\n", selector(r)),
        _ => String::new(),
    };
    let paths = if r.one_in(6) {
        String::new()
    } else {
        format!("    fieldPaths: [{path:?}]\n")
    };
    format!("- {source}\n  targets:\n  - select: {{{select}}}\n{reject}{paths}{options}")
}

pub(crate) fn replacements(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let text = one(tree, r);
    if r.one_in(6) {
        tree.add(format!("{dir}/replacement.yaml"), text);
        return "replacements: [{path: replacement.yaml}]\n".to_owned();
    }
    format!("replacements:\n{text}")
}
