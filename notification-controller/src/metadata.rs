//! Event metadata: what is kept on arrival, what is internal, and how an Alert's own entries merge in.
//!
//! The order of precedence is Flux RFC 0008's (notification-controller §2.6). Reporting conflicts is the
//! caller's business.

use std::collections::BTreeMap;

use crate::event::{EVENT_GROUP, Event};

/// Drops the metadata that is not meant for alerting: foreign prefixes, checksum and digest.
pub fn clean(event: &mut Event) {
    let group = event.involved_object.group().to_owned();
    let excluded = [format!("{group}/checksum"), format!("{group}/digest")];
    event.metadata.retain(|key, _| {
        (strip(key, EVENT_GROUP).is_some() || strip(key, &group).is_some())
            && !excluded.iter().any(|name| name.eq_ignore_ascii_case(key))
    });
}

/// Removes the token that feeds the duplicate key and must not leave the cluster.
pub fn remove_internal(event: &mut Event) {
    let token = format!("{}/token", event.involved_object.group());
    event.metadata.remove(&token);
}

/// A metadata key that more than one source supplied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The key without its prefix.
    pub key: String,
    /// Who supplied it, lowest precedence first.
    pub sources: Vec<&'static str>,
}

/// Replaces the prefixed metadata by the merged, bare one and returns the keys with several sources.
pub fn combine(
    event: &mut Event,
    alert_metadata: &BTreeMap<String, String>,
    summary: Option<&str>,
) -> Vec<Conflict> {
    let group = event.involved_object.group().to_owned();
    let under = |prefix: &str| -> Vec<(String, String)> {
        event
            .metadata
            .iter()
            .filter_map(|(key, value)| Some((strip(key, prefix)?.to_owned(), value.clone())))
            .collect()
    };
    let summary = summary.filter(|text| !text.is_empty());
    let layers = [
        ("involved object annotations", under(EVENT_GROUP)),
        (
            "Alert object .spec.eventMetadata",
            alert_metadata
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        ),
        (
            "Alert object .spec.summary",
            summary
                .map(|text| ("summary".to_owned(), text.to_owned()))
                .into_iter()
                .collect(),
        ),
        ("involved object controller metadata", under(&group)),
    ];

    let mut merged = BTreeMap::new();
    let mut sources: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for (source, entries) in layers {
        for (key, value) in entries {
            sources.entry(key.clone()).or_default().push(source);
            merged.insert(key, value);
        }
    }
    if !merged.is_empty() {
        event.metadata = merged;
    }
    sources
        .into_iter()
        .filter(|(_, sources)| sources.len() > 1)
        .map(|(key, sources)| Conflict { key, sources })
        .collect()
}

fn strip<'a>(key: &'a str, group: &str) -> Option<&'a str> {
    key.strip_prefix(group)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "kustomize.toolkit.fluxcd.io";

    fn event(metadata: &[(&str, &str)]) -> Event {
        let mut event = Event::default();
        event.involved_object.api_version = format!("{GROUP}/v1");
        event.metadata = metadata
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect();
        event
    }

    fn keys(event: &Event) -> Vec<&str> {
        event.metadata.keys().map(String::as_str).collect()
    }

    #[test]
    fn only_the_two_known_prefixes_survive_without_checksum_and_digest() {
        let mut event = event(&[
            ("event.toolkit.fluxcd.io/summary", "s"),
            (
                "event.toolkit.fluxcd.io/digest",
                "kept: not the object's group",
            ),
            ("kustomize.toolkit.fluxcd.io/revision", "r"),
            ("kustomize.toolkit.fluxcd.io/Digest", "d"),
            ("kustomize.toolkit.fluxcd.io/checksum", "c"),
            ("kustomize.toolkit.fluxcd.iox/revision", "x"),
            ("source.toolkit.fluxcd.io/revision", "x"),
            ("bare", "x"),
        ]);
        clean(&mut event);
        assert_eq!(
            keys(&event),
            [
                "event.toolkit.fluxcd.io/digest",
                "event.toolkit.fluxcd.io/summary",
                "kustomize.toolkit.fluxcd.io/revision"
            ]
        );
    }

    #[test]
    fn the_internal_token_is_removed_only_under_the_group_of_the_object() {
        let mut event = event(&[
            ("event.toolkit.fluxcd.io/token", "t"),
            ("kustomize.toolkit.fluxcd.io/token", "t"),
        ]);
        remove_internal(&mut event);
        assert_eq!(keys(&event), ["event.toolkit.fluxcd.io/token"]);
    }

    #[test]
    fn later_sources_win_and_conflicts_name_all_of_them() {
        let mut event = event(&[
            ("event.toolkit.fluxcd.io/summary", "annotation"),
            ("event.toolkit.fluxcd.io/revision", "annotation"),
            ("event.toolkit.fluxcd.io/only", "annotation"),
            ("kustomize.toolkit.fluxcd.io/revision", "controller"),
        ]);
        let own = BTreeMap::from([
            ("summary".to_owned(), "alert".to_owned()),
            ("env".into(), "prod".into()),
        ]);
        let conflicts = combine(&mut event, &own, Some("deprecated"));
        let want = [
            ("env", "prod"),
            ("only", "annotation"),
            ("revision", "controller"),
            ("summary", "deprecated"),
        ];
        assert_eq!(
            event.metadata,
            want.iter()
                .map(|(k, v)| (k.to_string(), v.to_string()))
                .collect()
        );
        assert_eq!(
            conflicts,
            [
                Conflict {
                    key: "revision".into(),
                    sources: vec![
                        "involved object annotations",
                        "involved object controller metadata"
                    ]
                },
                Conflict {
                    key: "summary".into(),
                    sources: vec![
                        "involved object annotations",
                        "Alert object .spec.eventMetadata",
                        "Alert object .spec.summary"
                    ]
                },
            ]
        );
    }

    #[test]
    fn nothing_to_merge_leaves_no_metadata() {
        let mut event = event(&[]);
        assert!(combine(&mut event, &BTreeMap::new(), Some("")).is_empty());
        assert!(event.metadata.is_empty());
    }
}
