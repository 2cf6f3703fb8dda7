//! Which changes of an object are a cause to look at it. Pure.
//!
//! Labels, other annotations and status are not: our own writes wake nobody.

use crate::{Object, Priority, pass::annotation};

/// Tells whether a change of an object is a cause to look at it: new, edited, or asked for.
pub(super) fn trigger<K: Object>(before: Option<&K>, after: &K, ready: bool) -> Option<Priority> {
    let Some(before) = before else {
        return Some(if ready {
            Priority::Request
        } else {
            Priority::Interval
        });
    };
    let (old, new) = (before.meta(), after.meta());
    let edited = old.uid != new.uid
        || old.generation != new.generation
        || old.deletion_timestamp.is_none() && new.deletion_timestamp.is_some();
    let asked = annotation(after).is_some() && annotation(after) != annotation(before);
    (edited || asked).then_some(Priority::Request)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::json;

    use super::*;

    fn object(meta: serde_json::Value) -> ConfigMap {
        serde_json::from_value(json!({"metadata": meta})).unwrap()
    }

    #[test]
    fn only_a_new_an_edited_and_a_requested_object_is_looked_at() {
        let asked = |at: &str| json!({"generation": 1, "annotations": {"reconcile.fluxcd.io/requestedAt": at}});
        let table = [
            (
                "a label",
                json!({"generation": 1}),
                json!({"generation": 1, "labels": {"a": "b"}}),
                None,
            ),
            (
                "an edit",
                json!({"generation": 1}),
                json!({"generation": 2}),
                Some(Priority::Request),
            ),
            (
                "first request",
                json!({"generation": 1}),
                asked("1"),
                Some(Priority::Request),
            ),
            (
                "next request",
                asked("1"),
                asked("2"),
                Some(Priority::Request),
            ),
            ("same request", asked("1"), asked("1"), None),
            (
                "request taken off",
                asked("1"),
                json!({"generation": 1}),
                None,
            ),
            (
                "deletion",
                json!({"generation": 1}),
                json!({"generation": 1, "deletionTimestamp": "2024-01-01T00:00:00Z"}),
                Some(Priority::Request),
            ),
            (
                "another object",
                json!({"uid": "1"}),
                json!({"uid": "2"}),
                Some(Priority::Request),
            ),
        ];
        for (name, before, after, expected) in table {
            assert_eq!(
                trigger(Some(&object(before)), &object(after), true),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn an_object_of_the_first_list_is_less_urgent_than_a_created_one() {
        let new = object(json!({"generation": 1}));
        assert_eq!(trigger(None, &new, false), Some(Priority::Interval));
        assert_eq!(trigger(None, &new, true), Some(Priority::Request));
    }
}
