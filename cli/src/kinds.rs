//! The Flux kinds the command line knows: names, aliases, and where each kind shows its revision.
//!
//! One row per kind; a new kind is one row. Objects are read untyped, so that a cluster whose CRDs
//! are older or newer than ours is still shown. Order of the table is the order of `get all`.

use kube::core::{ApiResource, DynamicObject, GroupVersionKind};

/// A kind the command line can show and change.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Kind as in `kind:`.
    pub(crate) kind: &'static str,
    /// API group.
    pub(crate) group: &'static str,
    /// API version that Flux 2.9 serves.
    pub(crate) version: &'static str,
    /// Plural as in the URL.
    pub(crate) plural: &'static str,
    /// Other words a user may type, lower case.
    pub(crate) aliases: &'static [&'static str],
    /// JSON pointers of the revision, first that exists wins.
    pub(crate) revision: &'static [&'static str],
    /// Objects without a status: they are ready as soon as they exist.
    pub(crate) is_static: bool,
    /// Listed by `get sources`.
    pub(crate) is_source: bool,
}

const SOURCE: &str = "source.toolkit.fluxcd.io";
const ARTIFACT_REVISION: &[&str] = &["/status/artifact/revision"];

/// Every kind, in the order in which `get all` prints them.
pub(crate) const KINDS: &[Kind] = &[
    source("OCIRepository", "ocirepositories", &["ocirepo", "oci"]),
    source("Bucket", "buckets", &["bucket"]),
    source("GitRepository", "gitrepositories", &["gitrepo", "git"]),
    source("HelmRepository", "helmrepositories", &["helmrepo", "helm"]),
    source("HelmChart", "helmcharts", &["hc", "chart"]),
    source("ExternalArtifact", "externalartifacts", &["ea", "external"]),
    Kind {
        kind: "HelmRelease",
        group: "helm.toolkit.fluxcd.io",
        version: "v2",
        plural: "helmreleases",
        aliases: &["hr"],
        revision: &[
            "/status/history/0/chartVersion",
            "/status/lastAttemptedRevision",
        ],
        is_static: false,
        is_source: false,
    },
    Kind {
        kind: "Kustomization",
        group: "kustomize.toolkit.fluxcd.io",
        version: "v1",
        plural: "kustomizations",
        aliases: &["ks"],
        revision: &["/status/lastAppliedRevision"],
        is_static: false,
        is_source: false,
    },
    notification("Receiver", "v1", "receivers", false),
    notification("Provider", "v1beta3", "providers", true),
    notification("Alert", "v1beta3", "alerts", true),
];

const fn source(
    kind: &'static str,
    plural: &'static str,
    aliases: &'static [&'static str],
) -> Kind {
    Kind {
        kind,
        group: SOURCE,
        version: "v1",
        plural,
        aliases,
        revision: ARTIFACT_REVISION,
        is_static: false,
        is_source: true,
    }
}

const fn notification(
    kind: &'static str,
    version: &'static str,
    plural: &'static str,
    is_static: bool,
) -> Kind {
    Kind {
        kind,
        group: "notification.toolkit.fluxcd.io",
        version,
        plural,
        aliases: &[],
        revision: &[],
        is_static,
        is_source: false,
    }
}

impl Kind {
    /// Returns the kind that `word` names: the kind, its plural or an alias, in any case.
    pub(crate) fn named(word: &str) -> Option<&'static Self> {
        let word = word.to_ascii_lowercase();
        KINDS.iter().find(|kind| {
            kind.kind.to_ascii_lowercase() == word
                || kind.plural == word
                || kind.aliases.contains(&word.as_str())
        })
    }

    /// Returns what the untyped client needs to address objects of this kind.
    pub(crate) fn resource(&self) -> ApiResource {
        let gvk = GroupVersionKind::gvk(self.group, self.version, self.kind);
        ApiResource::from_gvk_with_plural(&gvk, self.plural)
    }

    /// Returns the revision the object is at, if it has reached one.
    pub(crate) fn revision(&self, object: &DynamicObject) -> Option<String> {
        self.revision
            .iter()
            .find_map(|pointer| object.data.pointer(pointer)?.as_str())
            .map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_name_its_plural_and_its_short_name() {
        for word in ["Kustomization", "kustomizations", "ks", "KS"] {
            assert_eq!(Kind::named(word).unwrap().kind, "Kustomization");
        }
        assert_eq!(Kind::named("git").unwrap().kind, "GitRepository");
        assert!(Kind::named("pod").is_none());
    }

    #[test]
    fn no_word_names_two_kinds() {
        let mut words: Vec<_> = KINDS
            .iter()
            .flat_map(|kind| kind.aliases.iter().copied().chain([kind.plural]))
            .collect();
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
    }
}
