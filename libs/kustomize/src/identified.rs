//! A tree and what it is known by: apiVersion, kind, name and namespace, read from it once.
//!
//! A build asks for them dozens of times for every object, and each time the tree would give them from a dozen places
//! of memory. Whoever takes the tree to change it makes them forgotten; [`Identified::contents_mut`] is for changes
//! that leave them as they are.

use fjord_yaml::{Map, Node};
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

/// A tree that remembers its identity until it is changed.
#[derive(Clone, Debug)]
pub(crate) struct Identified {
    node: Node,
    identity: OnceLock<Identity>,
}

/// The four texts, one behind the other; each is empty where the tree has none.
#[derive(Clone, Debug)]
struct Identity {
    text: Box<str>,
    ends: [usize; 3],
}

impl Identified {
    pub(crate) fn into_node(self) -> Node {
        self.node
    }

    /// Gives the tree for changes that leave apiVersion, kind, name and namespace as they are.
    pub(crate) fn contents_mut(&mut self) -> &mut Node {
        &mut self.node
    }

    pub(crate) fn api_version(&self) -> &str {
        let identity = self.identity();
        &identity.text[..identity.ends[0]]
    }

    pub(crate) fn kind(&self) -> &str {
        let identity = self.identity();
        &identity.text[identity.ends[0]..identity.ends[1]]
    }

    pub(crate) fn name(&self) -> &str {
        let identity = self.identity();
        &identity.text[identity.ends[1]..identity.ends[2]]
    }

    pub(crate) fn namespace(&self) -> &str {
        let identity = self.identity();
        &identity.text[identity.ends[2]..]
    }

    /// Returns the metadata, if it is a map with entries.
    pub(crate) fn metadata(&self) -> Option<&Map> {
        let metadata = self.node.get("metadata")?.as_map();
        metadata.filter(|map| !map.entries.is_empty())
    }

    fn identity<'a>(&'a self) -> &'a Identity {
        self.identity.get_or_init(|| {
            let metadata = self.metadata();
            let text = |node: Option<&'a Node>| node.and_then(Node::as_str).unwrap_or_default();
            let in_metadata = |field: &str| {
                let value = metadata.and_then(|metadata| metadata.get(field));
                text(value.filter(|value| !value.is_empty()))
            };
            let (version, kind) = (
                text(self.node.get("apiVersion")),
                text(self.node.get("kind")),
            );
            let (name, namespace) = (in_metadata("name"), in_metadata("namespace"));
            let ends = [
                version.len(),
                version.len() + kind.len(),
                version.len() + kind.len() + name.len(),
            ];
            Identity {
                text: [version, kind, name, namespace].concat().into(),
                ends,
            }
        })
    }
}

impl From<Node> for Identified {
    fn from(node: Node) -> Self {
        Self {
            node,
            identity: OnceLock::new(),
        }
    }
}

impl Deref for Identified {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

impl DerefMut for Identified {
    fn deref_mut(&mut self) -> &mut Node {
        self.identity.take();
        &mut self.node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(tree: &Identified) -> [&str; 4] {
        [
            tree.api_version(),
            tree.kind(),
            tree.name(),
            tree.namespace(),
        ]
    }

    #[test]
    fn a_tree_is_known_by_what_it_says_after_each_change() {
        let text = b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: null}\n";
        let limits = fjord_yaml::Limits::default();
        let node = fjord_yaml::parse_first(text, fjord_yaml::Merge::Kyaml, &limits);
        let mut tree = Identified::from(node.unwrap().unwrap());
        assert_eq!(known(&tree), ["apps/v1", "Deployment", "a", ""]);
        let metadata = tree.as_map_mut().and_then(|map| map.get_mut("metadata"));
        let metadata = metadata.and_then(Node::as_map_mut).unwrap();
        metadata.insert("namespace", Node::string("b"));
        assert_eq!(known(&tree), ["apps/v1", "Deployment", "a", "b"]);
        *tree = Node::null();
        assert_eq!(known(&tree), ["", "", "", ""]);
    }
}
