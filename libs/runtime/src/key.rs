//! The name of one object of a known kind.

use std::{fmt, sync::Arc};

use kube::{Resource, api::ObjectMeta};

/// Namespace and name; cheap to clone, prints as `namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// Is empty for a cluster-scoped object.
    pub namespace: Arc<str>,
    /// Is never empty for an object of the API.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// Makes a key of its two parts.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// Returns the key of an object.
    pub fn of<K: Resource>(object: &K) -> Self {
        Self::of_meta(object.meta())
    }

    /// Returns the key that the metadata names.
    pub fn of_meta(meta: &ObjectMeta) -> Self {
        Self::new(
            meta.namespace.as_deref().unwrap_or_default(),
            meta.name.as_deref().unwrap_or_default(),
        )
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}
