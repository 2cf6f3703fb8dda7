//! Patches: strategic merges and JSON patches, for the three fields that take them.

use super::grammar::{Tree, block, kind_of};
use super::kinds::{NAMES, NAMESPACES, api_version, pod};
use super::random::Random;

/// Writes the strategic merge patch of one object.
pub(crate) fn merge_text(r: &mut Random, kind: &str, name: &str) -> String {
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
    block(&text, by)
}

/// Writes what selects objects, as it stands between braces.
pub(crate) fn selector(r: &mut Random) -> String {
    let kind = kind_of(r);
    let (name, start) = (*r.pick(&NAMES), *r.pick(&["w", "a", "d"]));
    let namespace = *r.pick(&NAMESPACES);
    let (group, version) = match api_version(kind).split_once('/') {
        Some((group, version)) => (group, version),
        None => ("", api_version(kind)),
    };
    r.pick(&[
        format!("kind: {kind}"),
        format!("kind: {kind}, name: {name}"),
        format!("name: {start}.*"),
        "labelSelector: \"app in (a, web)\"".to_owned(),
        "labelSelector: \"app,tier!=2\"".to_owned(),
        "annotationSelector: note=yes".to_owned(),
        format!("annotationSelector: \"!note\", kind: {kind}"),
        format!("namespace: {namespace}, kind: {kind}"),
        format!("namespace: {namespace}"),
        "group: apps, version: v1".to_owned(),
        format!("group: \"{group}\", version: {version}, kind: {kind}"),
        format!("kind: {kind}|Service"),
    ])
    .clone()
}

pub(crate) fn json_text(r: &mut Random) -> &'static str {
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

pub(crate) fn patches(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let mut out = "patches:\n".to_owned();
    for i in 0..1 + r.below(2) {
        let (text, json) = if r.one_in(3) {
            (json_text(r).to_owned(), true)
        } else {
            let (kind, name) = tree.existing(r, &[]);
            (merge_text(r, kind, name), false)
        };
        let place = if r.one_in(2) {
            tree.add(format!("{dir}/patch{i}.yaml"), text);
            format!("- path: patch{i}.yaml\n")
        } else {
            format!("- patch: |\n{}", block(&text, 4))
        };
        out.push_str(&place);
        if json || !r.one_in(3) {
            out.push_str(&format!("  target: {{{}}}\n", selector(r)));
        }
        if r.one_in(6) {
            out.push_str(r.pick::<&str>(&[
                "  options: {allowNameChange: true, allowKindChange: true}\n",
                "  options: {allowNameChange: true}\n",
                "  options: {allowKindChange: true}\n",
            ]));
        }
    }
    out
}

pub(crate) fn legacy_merge(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let (kind, name) = tree.existing(r, &[]);
    let text = merge_text(r, kind, name);
    if r.one_in(3) {
        return format!("patchesStrategicMerge:\n- |\n{}", block(&text, 2));
    }
    tree.add(format!("{dir}/old.yaml"), text);
    "patchesStrategicMerge: [old.yaml]\n".to_owned()
}

/// Writes a target that names one object, as the old fields want it.
pub(crate) fn exact(tree: &Tree, r: &mut Random) -> String {
    let (kind, name) = tree.existing(r, &[]);
    let version = api_version(kind);
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let group = if group.is_empty() {
        String::new()
    } else {
        format!("group: {group}, ")
    };
    let more = r.pick::<&str>(&[
        "",
        "",
        "",
        ", namespace: default",
        ", labelSelector: app",
        ", annotationSelector: \"!note\"",
    ]);
    format!("{group}version: {version}, kind: {kind}, name: {name}{more}")
}

pub(crate) fn legacy_json(tree: &mut Tree, r: &mut Random, dir: &str) -> String {
    let (target, text) = (exact(tree, r), json_text(r));
    let place = if r.one_in(2) {
        tree.add(format!("{dir}/old-json.yaml"), text);
        "  path: old-json.yaml\n".to_owned()
    } else {
        format!("  patch: |\n{}", block(text, 4))
    };
    // Accepted, and of no effect here.
    let options = r.pick(&[
        "",
        "",
        "  options: {allowNameChange: true, allowKindChange: true}\n",
    ]);
    format!("patchesJson6902:\n- target: {{{target}}}\n{place}{options}")
}
