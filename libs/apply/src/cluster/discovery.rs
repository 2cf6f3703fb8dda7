//! Which kinds an API server has, from two aggregated discovery requests shared by everyone.
//!
//! The cache is read again when a kind is not in it, at most once a second; a CRD that we applied
//! ourselves teaches its kinds without a request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube::Client;
use kube::discovery::Scope;
use serde_json::Value;

use super::Error;
use crate::object::{GroupKind, Gvk, Object};

/// One kind as an API server serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Names group, version and kind.
    pub gvk: Gvk,
    /// Names the resource in paths.
    pub plural: String,
    /// Tells whether its objects live in namespaces.
    pub namespaced: bool,
    /// Tells whether its objects have a status subresource.
    pub has_status: bool,
}

/// The least time between two discoveries that found nothing new.
const PAUSE: Duration = Duration::from_secs(1);

/// How long what a manifest says of a kind stands in for what the API server says.
const LEARNED: Duration = Duration::from_secs(60);

/// The kinds of one API server.
#[derive(Default)]
pub(super) struct Discovery {
    cache: Mutex<Cache>,
    // Held across the two requests, so that many callers share one discovery.
    running: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Cache {
    /// The served versions of each kind, the preferred one first.
    kinds: HashMap<GroupKind, Vec<Kind>>,
    /// The kinds of CRDs seen in manifests, which the API server may not serve yet.
    learned: HashMap<GroupKind, (Instant, Vec<Kind>)>,
    read_at: Option<Instant>,
}

impl Discovery {
    pub(super) async fn find(&self, client: &Client, gvk: &Gvk) -> Result<Kind, Error> {
        let pick = |kinds: &[Kind]| kinds.iter().find(|kind| kind.gvk == *gvk).cloned();
        self.look_up(client, &gvk.group_kind(), pick)
            .await?
            .ok_or_else(|| Error::NoSuchKind(Box::new(gvk.clone())))
    }

    pub(super) async fn find_preferred(
        &self,
        client: &Client,
        kind: &GroupKind,
    ) -> Result<Kind, Error> {
        let pick = |kinds: &[Kind]| kinds.first().cloned();
        let found = self.look_up(client, kind, pick).await?;
        found.ok_or_else(|| Error::NoSuchKindInGroup(Box::new(kind.clone())))
    }

    pub(super) fn learn(&self, crd: &Object) {
        let kinds = kinds_of(crd);
        let mut cache = self.lock();
        cache.learned.retain(|_, (at, _)| at.elapsed() < LEARNED);
        for kind in kinds {
            let known = cache.learned.entry(kind.gvk.group_kind());
            let (at, known) = known.or_insert_with(|| (Instant::now(), Vec::new()));
            *at = Instant::now();
            known.retain(|old| old.gvk != kind.gvk);
            known.push(kind);
        }
    }

    pub(super) fn forget(&self, kind: &GroupKind) {
        let mut cache = self.lock();
        cache.kinds.remove(kind);
        cache.learned.remove(kind);
        cache.read_at = None;
    }

    async fn look_up(
        &self,
        client: &Client,
        kind: &GroupKind,
        pick: impl Fn(&[Kind]) -> Option<Kind>,
    ) -> Result<Option<Kind>, Error> {
        let asked_at = Instant::now();
        let cached = || {
            let cache = self.lock();
            let read = cache.kinds.get(kind).and_then(|kinds| pick(kinds));
            let learned = || {
                let (at, kinds) = cache.learned.get(kind)?;
                if at.elapsed() < LEARNED {
                    pick(kinds)
                } else {
                    None
                }
            };
            read.or_else(learned)
        };
        if let Some(found) = cached() {
            return Ok(Some(found));
        }
        let _running = self.running.lock().await;
        let fresh = self.lock().read_at.is_some_and(|at| at + PAUSE > asked_at);
        if !fresh {
            self.read(client).await?;
        }
        Ok(cached())
    }

    async fn read(&self, client: &Client) -> Result<(), Error> {
        let found = kube::Discovery::new(client.clone())
            .run_aggregated()
            .await?;
        let mut kinds: HashMap<GroupKind, Vec<Kind>> = HashMap::new();
        for group in found.groups() {
            let preferred = group.preferred_version_or_latest().to_owned();
            let others = group.versions().filter(|version| *version != preferred);
            for version in std::iter::once(preferred.as_str()).chain(others) {
                for (resource, capabilities) in group.versioned_resources(version) {
                    let has_status = capabilities
                        .subresources
                        .iter()
                        .any(|(sub, _)| sub.plural == "status");
                    let kind = Kind {
                        gvk: Gvk {
                            group: resource.group,
                            version: resource.version,
                            kind: resource.kind,
                        },
                        plural: resource.plural,
                        namespaced: capabilities.scope == Scope::Namespaced,
                        has_status,
                    };
                    kinds.entry(kind.gvk.group_kind()).or_default().push(kind);
                }
            }
        }
        let mut cache = self.lock();
        cache.kinds = kinds;
        cache.read_at = Some(Instant::now());
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the kinds a CRD serves, in its own order of versions.
fn kinds_of(crd: &Object) -> Vec<Kind> {
    let text = |path: &[&str]| {
        crd.get(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let versions = crd.get(&["spec", "versions"]).and_then(Value::as_array);
    let served = |version: &&Value| version.get("served") == Some(&Value::Bool(true));
    versions
        .into_iter()
        .flatten()
        .filter(served)
        .filter_map(|version| {
            Some(Kind {
                gvk: Gvk {
                    group: text(&["spec", "group"]),
                    version: version.get("name")?.as_str()?.to_owned(),
                    kind: text(&["spec", "names", "kind"]),
                },
                plural: text(&["spec", "names", "plural"]),
                namespaced: text(&["spec", "scope"]) == "Namespaced",
                has_status: version.pointer("/subresources/status").is_some(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_crd_teaches_the_versions_it_serves() {
        let crd = json!({"spec": {
            "group": "x.io", "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [
                {"name": "v1", "served": true, "subresources": {"status": {}}},
                {"name": "v1alpha1", "served": false},
            ],
        }});
        let kinds = kinds_of(&Object::try_from(crd).unwrap());
        assert_eq!(kinds.len(), 1);
        assert_eq!(kinds[0].gvk.api_version(), "x.io/v1");
        assert!(kinds[0].namespaced && kinds[0].has_status);
        assert_eq!(kinds[0].plural, "widgets");
    }
}
