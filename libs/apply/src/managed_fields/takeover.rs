//! Folding other managers' fields into our own entry, and removing the marks of older tools
//! (fluxcd/pkg `ssa/patch.go`).
//!
//! Without it a field that `kubectl` once set would stay when it leaves the manifest, because
//! somebody else still owns it.

use serde_json::{Map, Value, json};

use super::{Entry, entries};
use crate::object::Object;

const ANNOTATIONS: [&str; 3] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "kustomize.toolkit.fluxcd.io/checksum",
    "fluxcd.io/sync-checksum",
];
const LABEL: &str = "fluxcd.io/sync-gc-mark";

/// Which managers are folded into ours.
#[derive(Clone, Debug)]
pub(crate) struct Managers {
    /// Pairs of a name prefix and an operation.
    prefixes: Vec<(String, &'static str)>,
    us: String,
}

impl Managers {
    pub(crate) fn new(us: &str, overrides: &[String]) -> Self {
        let mut prefixes = vec![
            ("kubectl".to_owned(), "Apply"),
            ("kubectl".to_owned(), "Update"),
            ("before-first-apply".to_owned(), "Update"),
            (us.to_owned(), "Update"),
        ];
        for name in overrides {
            prefixes.extend([(name.clone(), "Apply"), (name.clone(), "Update")]);
        }
        Self {
            prefixes,
            us: us.to_owned(),
        }
    }

    /// Returns our own manager.
    pub(crate) fn us(&self) -> &str {
        &self.us
    }

    /// Tells whether this manager's fields are taken over.
    pub(crate) fn take_over(&self, entry: Entry<'_>) -> bool {
        // Parity: names are compared by prefix, so `kubectl-edit` is meant too.
        entry.subresource().is_empty()
            && !entry.is_applied_by(&self.us)
            && self.prefixes.iter().any(|(prefix, operation)| {
                entry.manager().starts_with(prefix.as_str()) && entry.operation() == *operation
            })
    }
}

/// Returns the JSON patch that takes over an object, or nothing when there is nothing to do.
pub(crate) fn takeover_patch(live: &Object, managers: &Managers) -> Option<Value> {
    let mut patch = Vec::new();
    for key in ANNOTATIONS {
        if live.get(&["metadata", "annotations", key]).is_some() {
            let key = key.replace('/', "~1");
            patch.push(json!({"op": "remove", "path": format!("/metadata/annotations/{key}")}));
        }
    }
    if live.get(&["metadata", "labels", LABEL]).is_some() {
        let key = LABEL.replace('/', "~1");
        patch.push(json!({"op": "remove", "path": format!("/metadata/labels/{key}")}));
    }
    if let Some(entries) = folded(live, managers) {
        patch.push(json!({"op": "replace", "path": "/metadata/managedFields", "value": entries}));
    }
    if patch.is_empty() {
        return None;
    }
    // A list is replaced as a whole, so it must still be the one that was read: otherwise what
    // somebody wrote meanwhile would lose its owner.
    if let Some(version) = live.get(&["metadata", "resourceVersion"]) {
        let path = "/metadata/resourceVersion";
        patch.push(json!({"op": "replace", "path": path, "value": version}));
    }
    Some(Value::Array(patch))
}

/// Returns the managed fields with the managers folded in, or nothing when none is there.
fn folded(live: &Object, managers: &Managers) -> Option<Vec<Value>> {
    let mut ours = entries(live)
        .filter(|entry| entry.is_applied_by(&managers.us))
        .last();
    let original = ours.map(|entry| std::ptr::from_ref(entry.0));
    let mut kept = Vec::new();
    let mut merged: Option<Value> = None;
    for entry in entries(live) {
        if original == Some(std::ptr::from_ref(entry.0)) {
            continue;
        }
        if !managers.take_over(entry) {
            kept.push(entry.0.clone());
            continue;
        }
        let base = merged
            .take()
            .or_else(|| ours.take().map(|entry| entry.0.clone()));
        merged = Some(match base {
            // Without an entry of ours the first match becomes ours.
            None => {
                let mut renamed = entry.0.clone();
                renamed["manager"] = managers.us.clone().into();
                renamed["operation"] = "Apply".into();
                renamed
            }
            Some(mut base) => {
                let mut fields = base.get("fieldsV1").cloned().unwrap_or_else(|| json!({}));
                union(&mut fields, entry.fields().unwrap_or(&json!({})));
                base["fieldsV1"] = fields;
                base
            }
        });
    }
    kept.push(merged?);
    Some(kept)
}

/// Adds one field set to another.
fn union(into: &mut Value, other: &Value) {
    let (Value::Object(into), Value::Object(other)) = (into, other) else {
        return;
    };
    merge(into, other, true);
}

fn merge(into: &mut Map<String, Value>, other: &Map<String, Value>, is_root: bool) {
    // An empty node owns the thing itself, which must stay said when children join it.
    if !is_root && into.is_empty() != other.is_empty() {
        into.insert(".".to_owned(), json!({}));
    }
    for (key, theirs) in other {
        match (into.get_mut(key), theirs) {
            (Some(Value::Object(ours)), Value::Object(theirs)) => merge(ours, theirs, false),
            (Some(_), _) => {}
            (None, _) => {
                into.insert(key.clone(), theirs.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(entries: &Value) -> Object {
        Object::try_from(json!({"metadata": {"managedFields": entries}})).unwrap()
    }

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": operation, "fieldsV1": fields})
    }

    fn managers() -> Managers {
        Managers::new("kustomize-controller", &["legacy".to_owned()])
    }

    #[test]
    fn kubectl_is_folded_into_our_entry() {
        let object = live(&json!([
            entry(
                "kustomize-controller",
                "Apply",
                &json!({"f:data": {"f:a": {}}})
            ),
            entry(
                "kubectl-edit",
                "Update",
                &json!({"f:data": {".": {}, "f:b": {}}})
            ),
            entry("kubelet", "Update", &json!({"f:x": {}})),
            entry("legacy-tool", "Apply", &json!({"f:y": {}})),
        ]));
        let patch = takeover_patch(&object, &managers()).unwrap();
        assert_eq!(
            patch[0]["value"],
            json!([
                entry("kubelet", "Update", &json!({"f:x": {}})),
                entry(
                    "kustomize-controller",
                    "Apply",
                    &json!({"f:data": {".": {}, "f:a": {}, "f:b": {}}, "f:y": {}})
                ),
            ])
        );
    }

    #[test]
    fn without_an_entry_of_ours_the_first_match_becomes_ours() {
        let object = live(&json!([
            entry("kubectl-client-side-apply", "Update", &json!({"f:a": {}})),
            entry("before-first-apply", "Update", &json!({"f:b": {}})),
        ]));
        let patch = takeover_patch(&object, &managers()).unwrap();
        let expected = entry(
            "kustomize-controller",
            "Apply",
            &json!({"f:a": {}, "f:b": {}}),
        );
        assert_eq!(patch[0]["value"], json!([expected]));
    }

    #[test]
    fn strangers_and_subresources_are_left_alone() {
        let mut scale = entry("kubectl", "Update", &json!({"f:spec": {"f:replicas": {}}}));
        scale["subresource"] = "scale".into();
        let object = live(&json!([
            scale,
            entry("flux-client-side-apply", "Apply", &json!({"f:a": {}})),
            entry("helm", "Update", &json!({"f:a": {}})),
        ]));
        assert_eq!(takeover_patch(&object, &managers()), None);
    }

    #[test]
    fn marks_of_older_tools_are_removed() {
        let mut object = live(&json!([]));
        object.set_annotation("kubectl.kubernetes.io/last-applied-configuration", "{}");
        object.set_label("fluxcd.io/sync-gc-mark", "x");
        let last_applied =
            "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
        assert_eq!(
            takeover_patch(&object, &managers()).unwrap(),
            json!([
                {"op": "remove", "path": last_applied},
                {"op": "remove", "path": "/metadata/labels/fluxcd.io~1sync-gc-mark"},
            ])
        );
    }

    #[test]
    fn a_union_keeps_what_each_set_owns_itself() {
        let mut set = json!({"f:a": {}, "f:b": {"f:c": {}}});
        union(&mut set, &json!({"f:a": {"f:x": {}}, "f:b": {}, "f:d": {}}));
        assert_eq!(
            set,
            json!({"f:a": {".": {}, "f:x": {}}, "f:b": {".": {}, "f:c": {}}, "f:d": {}})
        );
    }
}
