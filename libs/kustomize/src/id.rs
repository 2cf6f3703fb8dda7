//! Group, version, kind, name and namespace: how objects are told apart and printed in messages.

use fjord_yaml::CompactString;
use std::fmt;

/// What cluster-scoped objects have for a namespace.
pub(crate) const NO_NAMESPACE: &str = "_non_namespaceable_";

/// Group, version and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Gvk {
    /// The group, empty for the core group.
    pub group: CompactString,
    /// The version.
    pub version: CompactString,
    /// The kind.
    pub kind: CompactString,
}

impl Gvk {
    /// Splits an apiVersion at its first slash.
    pub fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = split_api_version(api_version);
        Self {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
        }
    }

    /// Returns `group/version`, or the version alone in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Says whether each part the selector names is equal.
    pub(crate) fn is_selected(&self, selector: &Self) -> bool {
        selector.selects([&self.group, &self.version, &self.kind])
    }

    /// Says whether each part that is set is equal to that of a group, version and kind.
    pub(crate) fn selects(&self, [group, version, kind]: [&str; 3]) -> bool {
        let fits = |want: &str, have: &str| want.is_empty() || want == have;
        fits(&self.kind, kind) && fits(&self.version, version) && fits(&self.group, group)
    }

    /// Returns the text kinds are sorted by, `~G`, `~V`, `~K` for empty parts.
    pub(crate) fn sort_text(&self) -> String {
        let or = |part: &str, none: &str| if part.is_empty() { none } else { part }.to_owned();
        format!(
            "{}_{}_{}",
            or(&self.group, "~G"),
            or(&self.version, "~V"),
            or(&self.kind, "~K")
        )
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |part: &'_ str, none: &'static str| -> String {
            if part.is_empty() {
                none.to_owned()
            } else {
                part.to_owned()
            }
        };
        let (kind, version) = (or(&self.kind, "[noKind]"), or(&self.version, "[noVer]"));
        write!(f, "{kind}.{version}.{}", or(&self.group, "[noGrp]"))
    }
}

/// One identity of an object, current or past.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResId {
    /// Group, version and kind.
    pub gvk: Gvk,
    /// The name.
    pub name: CompactString,
    /// The namespace as written.
    pub namespace: CompactString,
    /// Whether the kind is certainly cluster-scoped.
    pub cluster_scoped: bool,
}

impl ResId {
    /// Returns the namespace that counts: `default` for none, a marker for cluster-scoped kinds.
    pub fn effective_namespace(&self) -> &str {
        effective_namespace(&self.namespace, self.cluster_scoped)
    }

    /// Says whether both name the same object.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.gvk == other.gvk
            && self.effective_namespace() == other.effective_namespace()
    }

    /// Returns a text equal for ids that are [`ResId::same`].
    pub(crate) fn key(&self) -> String {
        let Gvk {
            group,
            version,
            kind,
        } = &self.gvk;
        let namespace = self.effective_namespace();
        key([group, version, kind, &self.name, namespace])
    }

    /// Says whether each part a replacement's source names is equal.
    pub(crate) fn is_selected_by(&self, selector: &Self) -> bool {
        (selector.name.is_empty() || selector.name == self.name)
            && (selector.namespace.is_empty()
                || selector.effective_namespace() == self.effective_namespace())
            && self.gvk.is_selected(&selector.gvk)
    }

    /// Says whether no part is set.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

pub(crate) fn effective_namespace(namespace: &str, cluster_scoped: bool) -> &str {
    if cluster_scoped {
        NO_NAMESPACE
    } else if namespace.is_empty() {
        "default"
    } else {
        namespace
    }
}

/// Joins group, version, kind, name and the namespace that counts.
pub(crate) fn key(parts: [&str; 5]) -> String {
    parts.join("\0")
}

/// Splits an apiVersion at its first slash.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

impl fmt::Display for ResId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() {
            "[noName]"
        } else {
            &self.name
        };
        let namespace = if self.namespace.is_empty() {
            "[noNs]"
        } else {
            &self.namespace
        };
        write!(f, "{}/{name}.{namespace}", self.gvk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_placeholders_for_what_it_lacks() {
        let id = ResId {
            gvk: Gvk::new("v1", "Pod"),
            name: "a".into(),
            ..ResId::default()
        };
        assert_eq!(id.to_string(), "Pod.v1.[noGrp]/a.[noNs]");
        let other = ResId {
            namespace: "default".into(),
            ..id.clone()
        };
        assert!(id.same(&other) && id.key() == other.key());
    }
}
