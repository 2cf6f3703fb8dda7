//! `status.history`: the newest builds and how their reconciles went.
//!
//! Pure. A snapshot is known by its digest and its outcome together: the same manifests that fail
//! and then succeed are two. Source: `fluxcd/pkg/apis/meta`, history.

use std::collections::BTreeMap;
use std::time::Duration;

use fjord_crds::{GoDuration, kustomize::v1::Snapshot};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// How many snapshots are kept.
const LIMIT: usize = 5;

/// One reconcile as the history remembers it.
#[derive(Debug, Clone)]
pub(crate) struct Entry<'a> {
    /// Digest of the built manifests.
    pub(crate) digest: &'a str,
    /// The reason the reconcile ended with.
    pub(crate) outcome: &'a str,
    /// When it ended.
    pub(crate) at: Timestamp,
    /// How long it took.
    pub(crate) took: Duration,
    /// Revision of the source.
    pub(crate) revision: &'a str,
    /// Revision the source's artifact was made from, or empty.
    pub(crate) origin_revision: &'a str,
}

/// Records a reconcile: a known snapshot is counted and moves to the front.
pub(crate) fn record(history: &mut Vec<Snapshot>, entry: &Entry<'_>) {
    let known = history
        .iter()
        .position(|s| s.digest == entry.digest && s.last_reconciled_status == entry.outcome);
    let at = Time(Timestamp::from_second(entry.at.as_second()).unwrap_or(entry.at));
    let mut snapshot = match known {
        Some(index) => history.remove(index),
        None => Snapshot {
            digest: entry.digest.to_owned(),
            first_reconciled: at.clone(),
            last_reconciled: at.clone(),
            last_reconciled_duration: GoDuration::default(),
            last_reconciled_status: entry.outcome.to_owned(),
            metadata: BTreeMap::new(),
            total_reconciliations: 0,
        },
    };
    snapshot.last_reconciled = at;
    snapshot.last_reconciled_duration = GoDuration::from(entry.took);
    snapshot.total_reconciliations += 1;
    snapshot.metadata = [
        ("revision", entry.revision),
        ("originRevision", entry.origin_revision),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    history.insert(0, snapshot);
    history.truncate(LIMIT);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(entries: &[(&str, &str)]) -> Vec<(String, String, i64)> {
        let mut history = Vec::new();
        for (second, (digest, outcome)) in entries.iter().enumerate() {
            let at = Timestamp::from_second(second as i64).unwrap();
            let entry = Entry {
                digest,
                outcome,
                at,
                took: Duration::from_millis(1500),
                revision: "main@sha1:1",
                origin_revision: "",
            };
            record(&mut history, &entry);
            assert_eq!(history[0].last_reconciled.0, at);
            assert_eq!(history[0].last_reconciled_duration.as_str(), "1.5s");
            assert_eq!(history[0].metadata.len(), 1);
        }
        let row = |s: Snapshot| (s.digest, s.last_reconciled_status, s.total_reconciliations);
        history.into_iter().map(row).collect()
    }

    fn row(digest: &str, outcome: &str, count: i64) -> (String, String, i64) {
        (digest.to_owned(), outcome.to_owned(), count)
    }

    #[test]
    fn content_that_returns_is_counted_and_moves_to_the_front() {
        let got = history(&[("a", "ok"), ("b", "ok"), ("a", "ok")]);
        assert_eq!(got, [row("a", "ok", 2), row("b", "ok", 1)]);
    }

    #[test]
    fn the_same_content_with_another_outcome_is_another_snapshot() {
        let got = history(&[("a", "failed"), ("a", "failed"), ("a", "ok")]);
        assert_eq!(got, [row("a", "ok", 1), row("a", "failed", 2)]);
    }

    #[test]
    fn only_five_are_kept() {
        let got = history(&["a", "b", "c", "d", "e", "f"].map(|digest| (digest, "ok")));
        let digests: Vec<&str> = got.iter().map(|(digest, ..)| digest.as_str()).collect();
        assert_eq!(digests, ["f", "e", "d", "c", "b"]);
    }
}
