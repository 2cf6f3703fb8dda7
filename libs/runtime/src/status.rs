//! The status of an object as JSON: what a pass wants it to be, and the smallest merge patch that gets there. Pure.
//!
//! `conditions`, `lastHandledReconcileAt` and `observedGeneration` are laid over the typed status by the frame. When
//! someone else wrote meanwhile, the difference is moved onto the newer object; conditions that neither version of ours
//! knows stay, as Flux's three-way merge leaves them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;
use serde_json::{Map, Value};

const CONDITIONS: &str = "conditions";

/// Returns the status of an object as JSON, empty when it has none.
pub(crate) fn of<K: Serialize>(object: &K) -> Value {
    match serde_json::to_value(object) {
        Ok(Value::Object(mut object)) => object.remove("status").unwrap_or_else(empty),
        _ => empty(),
    }
}

/// Returns the stored conditions of a status.
pub(crate) fn conditions(status: &Value) -> Vec<Condition> {
    let stored = status.get(CONDITIONS).cloned().unwrap_or_default();
    serde_json::from_value(stored).unwrap_or_default()
}

/// What the frame lays over the typed status.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Overlay<'a> {
    /// The request that this pass handled.
    pub(crate) handled: Option<&'a str>,
    /// The generation that this pass observed.
    pub(crate) observed: Option<i64>,
}

/// Returns the status that a pass wants.
pub(crate) fn wanted<S: Serialize>(
    stored: &Value,
    status: &S,
    conditions: &[Condition],
    overlay: Overlay<'_>,
) -> Result<Value, serde_json::Error> {
    let mut wanted = match serde_json::to_value(status)? {
        Value::Object(wanted) => wanted,
        _ => Map::new(),
    };
    for (key, new) in [
        ("lastHandledReconcileAt", overlay.handled.map(Value::from)),
        ("observedGeneration", overlay.observed.map(Value::from)),
    ] {
        match new.or_else(|| stored.get(key).cloned()) {
            // Parity: an empty request is handled by leaving the field out.
            Some(Value::String(empty)) if empty.is_empty() => wanted.remove(key),
            Some(value) => wanted.insert(key.to_owned(), value),
            None => wanted.remove(key),
        };
    }
    if conditions.is_empty() {
        wanted.remove(CONDITIONS);
    } else {
        wanted.insert(CONDITIONS.to_owned(), serde_json::to_value(conditions)?);
    }
    Ok(Value::Object(wanted))
}

/// Returns the JSON merge patch from one value to another, `None` when they are equal.
pub(crate) fn diff(from: &Value, to: &Value) -> Option<Value> {
    if from == to {
        return None;
    }
    let (Value::Object(from), Value::Object(to)) = (from, to) else {
        return Some(to.clone());
    };
    let mut patch = Map::new();
    for (key, new) in to {
        match from.get(key) {
            Some(old) if old.is_object() && new.is_object() => {
                if let Some(inner) = diff(old, new) {
                    patch.insert(key.clone(), inner);
                }
            }
            Some(old) if old == new => {}
            _ => {
                patch.insert(key.clone(), new.clone());
            }
        }
    }
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Some(Value::Object(patch))
}

/// Tells whether a patch writes conditions, which only an unchanged object may take (the list is replaced whole).
pub(crate) fn writes_conditions(patch: &Value) -> bool {
    patch.get(CONDITIONS).is_some()
}

/// Moves a pass's wish onto a newer status: ours wins where we changed something, the rest stays.
pub(crate) fn rebase(base: &Value, wanted: &Value, newer: &Value) -> Value {
    let mut result = newer.clone();
    if let Some(patch) = diff(base, wanted) {
        merge(&mut result, &patch);
    }
    let ours = |c: &Value| {
        let known = |list: &Value| {
            list.get(CONDITIONS)
                .and_then(Value::as_array)
                .is_some_and(|l| l.iter().any(|x| x["type"] == c["type"]))
        };
        known(base) || known(wanted)
    };
    let foreign: Vec<Value> = newer
        .get(CONDITIONS)
        .and_then(Value::as_array)
        .map(|list| list.iter().filter(|c| !ours(c)).cloned().collect())
        .unwrap_or_default();
    let mut list = wanted
        .get(CONDITIONS)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    list.extend(foreign);
    if let Value::Object(result) = &mut result {
        if list.is_empty() {
            result.remove(CONDITIONS);
        } else {
            result.insert(CONDITIONS.to_owned(), Value::Array(list));
        }
    }
    result
}

/// Applies a JSON merge patch (RFC 7386).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = empty();
    }
    let Value::Object(target) = target else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

fn empty() -> Value {
    Value::Object(Map::new())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_statuses_need_no_patch() {
        let status = json!({"a": 1, "b": {"c": [1]}});
        assert_eq!(diff(&status, &status.clone()), None);
    }

    #[test]
    fn a_patch_holds_only_what_changed_and_nulls_for_what_went() {
        let patch = diff(
            &json!({"same": 1, "gone": 2, "deep": {"x": 1, "y": 2}, "list": [1, 2]}),
            &json!({"same": 1, "deep": {"x": 1, "y": 3}, "list": [1], "new": true}),
        );
        assert_eq!(
            patch,
            Some(json!({"gone": null, "deep": {"y": 3}, "list": [1], "new": true}))
        );
    }

    #[test]
    fn a_patch_applied_to_the_old_status_gives_the_new_one() {
        let (old, new) = (
            json!({"a": {"b": 1, "c": 2}, "d": [1]}),
            json!({"a": {"b": 3}, "e": {"f": 1}}),
        );
        let mut patched = old.clone();
        merge(&mut patched, &diff(&old, &new).unwrap());
        assert_eq!(patched, new);
    }

    #[test]
    fn what_the_frame_owns_is_not_taken_from_the_typed_status() {
        let stored = json!({"observedGeneration": -1, "lastHandledReconcileAt": "t1"});
        let typed = json!({"observedGeneration": 9, "lastHandledReconcileAt": "x", "url": "u"});
        let kept = wanted(&stored, &typed, &[], Overlay::default()).unwrap();
        assert_eq!(
            kept,
            json!({"observedGeneration": -1, "lastHandledReconcileAt": "t1", "url": "u"})
        );
        let over = Overlay {
            handled: Some("t2"),
            observed: Some(4),
        };
        let laid = wanted(&stored, &typed, &[], over).unwrap();
        assert_eq!(
            laid,
            json!({"observedGeneration": 4, "lastHandledReconcileAt": "t2", "url": "u"})
        );
    }

    #[test]
    fn an_empty_request_is_handled_by_leaving_the_field_out() {
        let stored = json!({"lastHandledReconcileAt": "t1"});
        let over = Overlay {
            handled: Some(""),
            observed: None,
        };
        assert_eq!(wanted(&stored, &json!({}), &[], over).unwrap(), json!({}));
    }

    #[test]
    fn a_condition_that_someone_else_added_meanwhile_stays() {
        let base = json!({"conditions": [{"type": "Ready", "status": "Unknown"}, {"type": "Reconciling"}]});
        let wanted = json!({"conditions": [{"type": "Ready", "status": "True"}], "revision": "r"});
        let newer = json!({"conditions": [{"type": "Ready", "status": "Unknown"}, {"type": "Reconciling"},
            {"type": "Audited"}], "other": 1});
        let expected = json!({"conditions": [{"type": "Ready", "status": "True"}, {"type": "Audited"}],
            "revision": "r", "other": 1});
        assert_eq!(rebase(&base, &wanted, &newer), expected);
    }
}
