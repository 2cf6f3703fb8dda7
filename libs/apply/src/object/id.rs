//! Identities: group and kind, group-version-kind, and the inventory id with its grammar.
//!
//! The grammar is `<namespace>_<name>_<group>_<kind>` (cli-utils `object.ObjMetadata`). A colon,
//! which only RBAC names may hold, is written `__`. Reading turns every `__` inside the name back
//! into a colon, whatever the kind.

use std::fmt;
use std::str::FromStr;

/// A kind with its API group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKind {
    /// Names the API group, empty for core.
    pub group: String,
    /// Names the kind.
    pub kind: String,
}

/// A kind with its API group and version.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gvk {
    /// Names the API group, empty for core.
    pub group: String,
    /// Names the version within the group.
    pub version: String,
    /// Names the kind.
    pub kind: String,
}

impl Gvk {
    /// Returns the `apiVersion` text.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Returns the kind without its version.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind {
            group: self.group.clone(),
            kind: self.kind.clone(),
        }
    }
}

impl GroupKind {
    /// Parses one `group/Kind`, or a bare `Kind` of the core group.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let (group, kind) = text.split_once('/').unwrap_or(("", text));
        Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
        }
    }

    /// Parses the comma list of `--custom-apply-stage-kinds`.
    pub fn parse_list(text: &str) -> Vec<Self> {
        if text.is_empty() {
            return Vec::new();
        }
        text.split(',').map(Self::parse).collect()
    }
}

/// The identity of an object, whatever its version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    /// Names the namespace, empty for cluster-scoped objects.
    pub namespace: String,
    /// Names the object.
    pub name: String,
    /// Names the API group, empty for core.
    pub group: String,
    /// Names the kind.
    pub kind: String,
}

/// Tells that a text is no inventory id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unable to parse stored object metadata: {0}")]
pub struct InvalidId(String);

const RBAC: &str = "rbac.authorization.k8s.io";

impl ObjectId {
    /// Returns the kind of the object.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind {
            group: self.group.clone(),
            kind: self.kind.clone(),
        }
    }

    /// Prints the id as an inventory stores it.
    pub fn to_inventory(&self) -> String {
        let Self {
            namespace,
            name,
            group,
            kind,
        } = self;
        let rbac = group == RBAC
            && matches!(
                kind.as_str(),
                "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding"
            );
        if rbac {
            format!("{namespace}_{}_{group}_{kind}", name.replace(':', "__"))
        } else {
            format!("{namespace}_{name}_{group}_{kind}")
        }
    }
}

/// Prints the subject of messages: `Kind/namespace/name` or `Kind/name`.
impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{}/{}", self.kind, self.name)
        } else {
            write!(f, "{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }
}

/// Reads an inventory id.
impl FromStr for ObjectId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let parse = || {
            let (namespace, rest) = text.split_once('_')?;
            let (rest, kind) = rest.rsplit_once('_')?;
            let (name, group) = rest.rsplit_once('_')?;
            Some(Self {
                namespace: namespace.to_owned(),
                name: name.replace("__", ":"),
                group: group.to_owned(),
                kind: kind.to_owned(),
            })
        };
        parse().ok_or_else(|| InvalidId(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(namespace: &str, name: &str, group: &str, kind: &str) -> ObjectId {
        ObjectId {
            namespace: namespace.into(),
            name: name.into(),
            group: group.into(),
            kind: kind.into(),
        }
    }

    #[test]
    fn inventory_ids_are_printed_and_read_back() {
        for (text, value) in [
            (
                "default_podinfo__Service",
                id("default", "podinfo", "", "Service"),
            ),
            (
                "default_web_apps_Deployment",
                id("default", "web", "apps", "Deployment"),
            ),
            ("_app__Namespace", id("", "app", "", "Namespace")),
            (
                "_system__viewer_rbac.authorization.k8s.io_ClusterRole",
                id("", "system:viewer", RBAC, "ClusterRole"),
            ),
            (
                "ns_a__b__c_rbac.authorization.k8s.io_RoleBinding",
                id("ns", "a:b:c", RBAC, "RoleBinding"),
            ),
        ] {
            assert_eq!(value.to_inventory(), text);
            assert_eq!(text.parse::<ObjectId>().unwrap(), value);
        }
    }

    #[test]
    fn a_text_with_too_few_fields_is_no_id() {
        for text in ["", "a", "a_b", "a_b_c"] {
            let error = text.parse::<ObjectId>().unwrap_err().to_string();
            assert_eq!(
                error,
                format!("unable to parse stored object metadata: {text}")
            );
        }
    }

    #[test]
    fn a_subject_names_the_namespace_only_when_there_is_one() {
        assert_eq!(id("ns", "a", "", "Secret").to_string(), "Secret/ns/a");
        assert_eq!(id("", "a", "", "Namespace").to_string(), "Namespace/a");
    }

    #[test]
    fn custom_stage_kinds_are_a_comma_list() {
        let kinds = GroupKind::parse_list("apps/Deployment, Role");
        assert_eq!(
            kinds[0],
            GroupKind {
                group: "apps".into(),
                kind: "Deployment".into()
            }
        );
        assert_eq!(
            kinds[1],
            GroupKind {
                group: String::new(),
                kind: "Role".into()
            }
        );
        assert!(GroupKind::parse_list("").is_empty());
    }
}
