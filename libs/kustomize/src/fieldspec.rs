//! Walking to a field along a spec's path: through lists, and making what is missing where asked to.

use crate::error::{Error, Wrap, invalid};
use crate::id::Gvk;
use crate::resource::Resource;
use crate::tree::{split_path, wrong_kind};
use crate::types::FieldSpec;
use fjord_yaml::{Node, Scalar, Seq, Tag};

/// What a transformer makes at the end of a path that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Create {
    /// Nothing.
    Never,
    /// A scalar with the tag.
    Scalar(ScalarTag),
    /// A map.
    Map,
}

/// The tag of a scalar that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScalarTag {
    Unset,
    Str,
    Int,
}

impl Create {
    fn node(self) -> Node {
        match self {
            Self::Map | Self::Never => Node::map(),
            Self::Scalar(tag) => {
                let tag = match tag {
                    ScalarTag::Unset => Tag::Unset,
                    ScalarTag::Str => Tag::Str,
                    ScalarTag::Int => Tag::Int,
                };
                Node::Scalar(Scalar::with_tag("", tag))
            }
        }
    }
}

/// A field spec ready to be walked.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) gvk: Gvk,
    pub(crate) text: String,
    path: Vec<Part>,
    create: bool,
    /// The path leads to what an object is known by.
    identifies: bool,
}

#[derive(Clone, Debug)]
struct Part {
    name: String,
    /// The part was written `name[]`: a sequence that is never made.
    seq: bool,
}

impl Spec {
    pub(crate) fn new(spec: &FieldSpec) -> Self {
        let path =
            split_path(&spec.path, '/')
                .into_iter()
                .map(|part| match part.strip_suffix("[]") {
                    Some(name) => Part {
                        name: name.to_owned(),
                        seq: true,
                    },
                    None => Part {
                        name: part,
                        seq: false,
                    },
                });
        let path: Vec<Part> = path.collect();
        let mut names = path.iter().map(|part| part.name.trim());
        let identifies = match names.next() {
            None | Some("apiVersion" | "kind") => true,
            Some("metadata") => matches!(names.next(), None | Some("name" | "namespace")),
            Some(_) => false,
        };
        Self {
            gvk: spec.gvk(),
            text: spec.path.clone(),
            path,
            create: spec.create,
            identifies,
        }
    }

    pub(crate) fn all(specs: &[FieldSpec]) -> Vec<Self> {
        specs.iter().map(Self::new).collect()
    }

    /// Says whether what the path leads to may change what an object is known by.
    pub(crate) fn identifies(&self) -> bool {
        self.identifies
    }

    /// Says whether the spec is for objects of the kind.
    pub(crate) fn fits(&self, gvk: &Gvk) -> bool {
        gvk.is_selected(&self.gvk)
    }

    /// Calls `set` on every field the path leads to in an object, whatever its kind.
    pub(crate) fn walk(
        &self,
        object: &mut Resource,
        create: Create,
        set: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let walker = Walker {
            create: if self.create { create } else { Create::Never },
        };
        let node = if self.identifies {
            &mut *object.node
        } else {
            object.node.contents_mut()
        };
        let result = walker.filter(node, &self.path, set);
        result.wrap(|| {
            let id = crate::id::ResId {
                gvk: object.gvk(),
                name: object.name().into(),
                namespace: object.namespace().into(),
                cluster_scoped: false,
            };
            format!("considering field '{}' of object {id}", self.text)
        })
    }

    /// Calls `set` on every field the path leads to, if the object is of the spec's kind.
    pub(crate) fn apply(
        &self,
        object: &mut Resource,
        create: Create,
        set: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if object.is_selected(&self.gvk) {
            self.walk(object, create, set)
        } else {
            Ok(())
        }
    }
}

struct Walker {
    create: Create,
}

impl Walker {
    fn filter(
        &self,
        node: &mut Node,
        path: &[Part],
        set: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some((part, rest)) = path.split_first() else {
            return set(node);
        };
        match node {
            node if node.is_null() => Ok(()),
            Node::Seq(seq) => seq
                .items
                .iter_mut()
                .try_for_each(|item| self.filter(item, path, set))
                .wrap(|| {
                    let path: Vec<String> = path
                        .iter()
                        .map(|p| format!("{}{}", p.name, if p.seq { "[]" } else { "" }))
                        .collect();
                    format!("visit traversal on path: [{}]", path.join(" "))
                }),
            Node::Map(_) => self.field(node, part, rest, set),
            Node::Scalar(_) => Err(invalid("expected sequence or mapping node")),
        }
    }

    fn field(
        &self,
        node: &mut Node,
        part: &Part,
        rest: &[Part],
        set: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if part.name.is_empty() {
            return Err(invalid("cannot set or create an empty field name"));
        }
        let name = part.name.trim();
        if name.parse::<i64>().is_ok() || name == "-" {
            // Parity: a number is an index, and this is a map.
            return Err(wrong_kind("SequenceNode", node).context(format!("fieldName: {name}")));
        }
        let Node::Map(map) = node else { return Ok(()) };
        let creates = self.create != Create::Never && !part.seq;
        let make = || {
            if rest.is_empty() {
                self.create.node()
            } else {
                Node::map()
            }
        };
        let field = if creates {
            map.entry(name, make)
        } else {
            match map.get_mut(name) {
                Some(field) => field,
                None => return Ok(()),
            }
        };
        if field.is_null() {
            // Parity: a null list becomes an empty one, even where nothing is to be made.
            if part.seq {
                *field = Node::Seq(Seq::default());
            } else if creates {
                *field = make();
            }
        }
        self.filter(field, rest, set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(text: &str, path: &str, create: bool) -> Result<String, String> {
        let node = fjord_yaml::parse_first(
            text.as_bytes(),
            fjord_yaml::Merge::Kyaml,
            &fjord_yaml::Limits::default(),
        );
        let mut object = Resource::new(node.unwrap().unwrap());
        let spec = Spec::new(&FieldSpec {
            path: path.to_owned(),
            create,
            ..FieldSpec::default()
        });
        let create = Create::Scalar(ScalarTag::Str);
        spec.apply(&mut object, create, &mut |node| {
            crate::tree::set_scalar(node, "x", Tag::Str)
        })
        .map_err(|error| error.message())?;
        Ok(object.to_yaml().unwrap())
    }

    #[test]
    fn lists_are_entered_and_missing_maps_made_where_asked() {
        assert_eq!(
            walk("a: [{b: 1}, {}]", "a/b", false).unwrap(),
            "a:\n- b: x\n- {}\n"
        );
        assert_eq!(walk("a: null", "a/b", true).unwrap(), "a:\n  b: x\n");
        assert_eq!(walk("c: 1", "a/b", false).unwrap(), "c: 1\n");
        assert_eq!(walk("a: null", "a[]/b", true).unwrap(), "a: []\n");
    }

    #[test]
    fn a_scalar_in_the_middle_of_a_path_is_named_with_its_object() {
        let error = walk("kind: K\nmetadata: {name: n}\na: 1\n", "a/b", true).unwrap_err();
        assert_eq!(
            error,
            "considering field 'a/b' of object K.[noVer].[noGrp]/n.[noNs]: expected sequence or mapping node"
        );
    }
}
