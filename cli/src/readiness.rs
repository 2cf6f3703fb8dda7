//! What the conditions of an object say to a user, by the rules that `flux` and `kubectl wait` use.

use kube::core::DynamicObject;
use serde_json::Value;

use crate::kinds::Kind;

/// The READY and MESSAGE columns.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) status: String,
    pub(crate) message: String,
}

/// How far a reconciliation is, by the kstatus rules.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Ready, and the status speaks of the current generation.
    Current,
    /// Still working; nothing to say yet.
    Working,
    /// Will not get ready without a change; the reason is inside.
    Failed(String),
}

/// Returns what to show in a list.
pub(crate) fn shown(kind: &Kind, object: &DynamicObject) -> Shown {
    if kind.is_static {
        let message = format!("{} is Ready", kind.kind);
        return Shown {
            status: "True".to_owned(),
            message,
        };
    }
    match condition(object, "Ready") {
        Some(ready) => Shown {
            status: text(ready, "status").to_owned(),
            message: text(ready, "message").to_owned(),
        },
        None => Shown {
            status: "False".to_owned(),
            message: "waiting to be reconciled".to_owned(),
        },
    }
}

/// Returns how far the object is.
pub(crate) fn progress(kind: &Kind, object: &DynamicObject) -> Progress {
    if object.metadata.deletion_timestamp.is_some() {
        return Progress::Failed("the object is being deleted".to_owned());
    }
    if kind.is_static {
        return Progress::Current;
    }
    let is = |name: &str| {
        condition(object, name).filter(|condition| text(condition, "status") == "True")
    };
    if let Some(stalled) = is("Stalled") {
        return Progress::Failed(text(stalled, "message").to_owned());
    }
    let observed = object
        .data
        .pointer("/status/observedGeneration")
        .and_then(Value::as_i64);
    let is_observed = observed.is_none() || observed == object.metadata.generation;
    if is_observed && is("Reconciling").is_none() && is("Ready").is_some() {
        return Progress::Current;
    }
    Progress::Working
}

/// Returns the conditions of an object as they stand in its status.
pub(crate) fn conditions(object: &DynamicObject) -> impl Iterator<Item = &Value> {
    object
        .data
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// Returns the condition of a type.
pub(crate) fn condition<'a>(object: &'a DynamicObject, name: &str) -> Option<&'a Value> {
    conditions(object).find(|condition| condition["type"] == name)
}

fn text<'a>(condition: &'a Value, field: &str) -> &'a str {
    condition[field].as_str().unwrap_or_default()
}

/// Cuts hexadecimal runs of 40 to 128 digits to 8, as `flux get` does.
pub(crate) fn short_hashes(text: &str) -> String {
    let mut short = String::with_capacity(text.len());
    let mut run = String::new();
    for character in text.chars().chain(['\0']) {
        if character.is_ascii_hexdigit() {
            run.push(character);
            continue;
        }
        let keep = if (40..=128).contains(&run.len()) {
            8
        } else {
            run.len()
        };
        short.push_str(&run[..keep]);
        run.clear();
        if character != '\0' {
            short.push(character);
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(generation: i64, status: Value) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "generation": generation},
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn an_object_is_current_only_when_its_own_generation_was_observed() {
        let kind = Kind::named("ks").unwrap();
        let ready = |observed: i64| {
            object(
                2,
                json!({"observedGeneration": observed, "conditions": [{"type": "Ready", "status": "True"}]}),
            )
        };
        assert_eq!(progress(kind, &ready(2)), Progress::Current);
        assert_eq!(progress(kind, &ready(1)), Progress::Working);
    }

    #[test]
    fn a_stalled_object_fails_with_its_own_message() {
        let stalled = json!({"conditions": [{"type": "Stalled", "status": "True", "message": "no such field"}]});
        let progress = progress(Kind::named("ks").unwrap(), &object(1, stalled));
        assert_eq!(progress, Progress::Failed("no such field".to_owned()));
    }

    #[test]
    fn long_hashes_are_cut_to_eight_digits_and_short_ones_are_kept() {
        let sha = "a".repeat(40);
        assert_eq!(
            short_hashes(&format!("main@sha1:{sha}")),
            "main@sha1:aaaaaaaa"
        );
        assert_eq!(short_hashes("deadbeef cafe"), "deadbeef cafe");
    }
}
