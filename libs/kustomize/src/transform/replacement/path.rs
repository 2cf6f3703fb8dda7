//! Field paths of replacements: names, indexes, `[key=value]`, `*`.
//!
//! A source's path leads to one field ([`lookup`]); a target's to any number ([`find_all`]), whose
//! conditions are unanchored regular expressions, and which can make what is missing.

use crate::error::{Error, invalid};
use crate::tree::wrong_kind;
use fjord_yaml::{Limits, Map, Merge, Node, Scalar, Seq, parse_first, to_v3};
use regex::Regex;

/// The kind of node made at the end of a target's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Create {
    Never,
    Scalar,
    Seq,
    Map,
}

impl Create {
    fn node(self) -> Node {
        match self {
            Self::Scalar => Node::Scalar(Scalar::untagged("")),
            Self::Seq => Node::seq(),
            Self::Map | Self::Never => Node::map(),
        }
    }

    /// Makes the node that the next part of the path needs.
    fn node_for(self, next: Option<&String>) -> Node {
        match next {
            None => self.node(),
            Some(next) if is_condition(next) || index_of(next).is_some() => Node::seq(),
            Some(_) => Node::map(),
        }
    }
}

fn is_condition(part: &str) -> bool {
    part.starts_with('[') && part.ends_with(']')
}

fn index_of(part: &str) -> Option<usize> {
    part.strip_prefix('+').unwrap_or(part).parse().ok()
}

/// Splits `[key=value]`.
fn condition(part: &str) -> Result<(&str, &str), Error> {
    let inner = part.strip_suffix(']').unwrap_or(part);
    let inner = inner.strip_prefix('[').unwrap_or(inner);
    inner.split_once('=').ok_or_else(|| {
        invalid("list path element must contain fieldName=fieldValue for element to match")
    })
}

fn elements(node: &Node) -> Result<&[Node], Error> {
    match node {
        Node::Seq(seq) => Ok(&seq.items),
        node if node.is_null() => Ok(&[]),
        node => Err(wrong_kind("SequenceNode", node)),
    }
}

/// Finds the field of a source (kyaml's `PathGetter`), and its place.
pub(super) fn lookup<'n>(
    node: &'n Node,
    path: &[String],
) -> Result<Option<(&'n Node, Place)>, Error> {
    let mut at = node;
    let mut place = Place::new();
    for part in path
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
    {
        let found = if let Ok(index) = part.parse::<i64>() {
            let index = usize::try_from(index)
                .map_err(|_| invalid(format!("array index {index} cannot be negative")))?;
            elements(at)?.get(index).map(|found| (index, found))
        } else if part == "-" {
            elements(at)?.iter().enumerate().next_back()
        } else if part == "*" {
            return Err(invalid("wildcard is not supported in PathGetter"));
        } else if is_condition(part) {
            let (key, value) = condition(part)?;
            let equals = |node: &Node| node.as_str().unwrap_or_default() == value;
            elements(at)?.iter().enumerate().find(|(_, item)| match key {
                "" => equals(item),
                key => item.get(key).is_some_and(equals),
            })
        } else {
            match at {
                Node::Map(map) => {
                    let mut entries = map.entries.iter().enumerate();
                    let found = entries.find(|(_, (key, _))| key.value == part);
                    found.map(|(i, (_, value))| (i, value))
                }
                at if at.is_null() => None,
                at => return Err(wrong_kind("MappingNode", at)),
            }
        };
        match found {
            Some((step, found)) => {
                place.push(step);
                at = found;
            }
            None => return Ok(None),
        }
    }
    Ok(Some((at, place)))
}

/// One step from a node to one below: the place of an entry or an element.
pub(super) type Place = Vec<usize>;

/// What a target's path leads to.
#[derive(Debug, Default)]
pub(super) struct Found {
    places: Vec<Place>,
    detached: Vec<Node>,
}

impl Found {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty() && self.detached.is_empty()
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    pub(super) fn detached(&self) -> &[Node] {
        &self.detached
    }
}

/// Goes to a place.
pub(super) fn node_at<'n>(node: &'n mut Node, place: &[usize]) -> Option<&'n mut Node> {
    place.iter().try_fold(node, |node, &step| match node {
        Node::Seq(seq) => seq.items.get_mut(step),
        Node::Map(map) => map.entries.get_mut(step).map(|(_, value)| value),
        Node::Scalar(_) => None,
    })
}

/// Finds all fields of a target (kyaml's `PathMatcher`).
pub(super) fn find_all(node: &mut Node, path: &[String], create: Create) -> Result<Found, Error> {
    let mut found = Found::default();
    Finder {
        create,
        found: &mut found,
    }
    .filter(node, path, &mut Vec::new())?;
    Ok(found)
}

struct Finder<'f> {
    create: Create,
    found: &'f mut Found,
}

impl Finder<'_> {
    fn filter(&mut self, node: &mut Node, path: &[String], at: &mut Place) -> Result<(), Error> {
        let Some((part, rest)) = path.split_first() else {
            self.found.places.push(at.clone());
            return Ok(());
        };
        if let Some(index) = index_of(part) {
            self.element(node, index, rest, at)
        } else if is_condition(part) {
            self.matching(node, part, rest, at)
        } else if part == "*" {
            for (i, item) in items_mut(node)?.iter_mut().enumerate() {
                at.push(i);
                self.filter(item, rest, at)?;
                at.pop();
            }
            Ok(())
        } else {
            self.field(node, part, rest, at)
        }
    }

    fn field(
        &mut self,
        node: &mut Node,
        part: &str,
        rest: &[String],
        at: &mut Place,
    ) -> Result<(), Error> {
        let creates = self.create != Create::Never;
        let map = match node {
            Node::Map(map) => map,
            // Parity: what is made in a null goes nowhere; what is there is nothing.
            node if node.is_null() => {
                if creates {
                    let mut lost = self.create.node_for(rest.first());
                    let detached = find_all(&mut lost, rest, self.create)?;
                    let places = detached.places.into_iter();
                    let nodes = places.filter_map(|p| node_at(&mut lost, &p).cloned());
                    self.found.detached.extend(nodes.collect::<Vec<_>>());
                }
                return Ok(());
            }
            node => return Err(wrong_kind("MappingNode", node)),
        };
        let position = match map.entries.iter().position(|(key, _)| key.value == part) {
            Some(position) => position,
            None if creates => {
                map.push(part, self.create.node_for(rest.first()));
                map.entries.len() - 1
            }
            None => return Ok(()),
        };
        let value = &mut map.entries[position].1;
        if let Node::Scalar(scalar) = value
            && !rest.is_empty()
        {
            return self.inside(scalar, rest);
        }
        at.push(position);
        self.filter(value, rest, at)?;
        at.pop();
        Ok(())
    }

    /// Looks on inside the text of a field; what is found there is a copy.
    fn inside(&mut self, scalar: &Scalar, rest: &[String]) -> Result<(), Error> {
        let parsed = parse_first(scalar.value.as_bytes(), Merge::Keep, &Limits::default())?;
        let mut document = parsed.unwrap_or_else(Node::map);
        let found = find_all(&mut document, rest, self.create)?;
        for place in &found.places {
            self.found
                .detached
                .extend(node_at(&mut document, place).cloned());
        }
        self.found.detached.extend(found.detached);
        Ok(())
    }

    fn element(
        &mut self,
        node: &mut Node,
        index: usize,
        rest: &[String],
        at: &mut Place,
    ) -> Result<(), Error> {
        let create = self.create;
        let items = items_mut(node)?;
        if items.len() == index && create != Create::Never {
            items.push(create.node_for(rest.first()));
        }
        let count = items.len();
        let Some(item) = items.get_mut(index) else {
            return Err(invalid(format!(
                "index {index} specified but only {count} elements found"
            )));
        };
        at.push(index);
        self.filter(item, rest, at)?;
        at.pop();
        Ok(())
    }

    fn matching(
        &mut self,
        node: &mut Node,
        part: &str,
        rest: &[String],
        at: &mut Place,
    ) -> Result<(), Error> {
        let (key, pattern) = condition(part)?;
        let regex = Regex::new(pattern)
            .map_err(|error| invalid(format!("error parsing regexp: {error}")))?;
        let before = self.found.places.len() + self.found.detached.len();
        for again in [false, true] {
            let items = items_mut(node)?;
            for (i, item) in items.iter_mut().enumerate() {
                if key.is_empty() {
                    // Parity: a scalar ends the path, whatever follows.
                    if regex.is_match(text_of(item)?.trim()) {
                        at.push(i);
                        self.found.places.push(at.clone());
                        at.pop();
                    }
                    continue;
                }
                let Some(field) = item.get(key) else { continue };
                if regex.is_match(text_of(field)?.trim()) {
                    at.push(i);
                    self.filter(item, rest, at)?;
                    at.pop();
                }
            }
            let found = self.found.places.len() + self.found.detached.len() > before;
            if found || self.create == Create::Never || again {
                break;
            }
            items_mut(node)?.push(element_with(key, pattern));
        }
        Ok(())
    }
}

fn items_mut(node: &mut Node) -> Result<&mut Vec<Node>, Error> {
    if node.is_null() {
        *node = Node::Seq(Seq::default());
    }
    match node {
        Node::Seq(seq) => Ok(&mut seq.items),
        node => Err(wrong_kind("SequenceNode", node)),
    }
}

fn element_with(key: &str, value: &str) -> Node {
    let value = Node::Scalar(Scalar::untagged(value));
    if key.is_empty() {
        return value;
    }
    let mut map = Map::default();
    map.push(key, value);
    Node::Map(map)
}

fn text_of(node: &Node) -> Result<String, Error> {
    Ok(to_v3(node)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::split_field_path;

    fn node(text: &str) -> Node {
        parse_first(text.as_bytes(), Merge::Kyaml, &Limits::default())
            .unwrap()
            .unwrap()
    }

    fn count(text: &str, path: &str) -> usize {
        find_all(&mut node(text), &split_field_path(path), Create::Never)
            .unwrap()
            .places
            .len()
    }

    #[test]
    fn a_condition_of_a_target_is_an_unanchored_expression() {
        let text = "c: [{name: a, v: 1}, {name: aa, v: 2}, {name: b, v: 3}]";
        assert_eq!(count(text, "c.[name=a].v"), 2);
        assert_eq!(count(text, "c.[name=^a$].v"), 1);
        assert_eq!(count(text, "c.*.v"), 3);
        assert_eq!(count(text, "c.1.v"), 1);
    }

    #[test]
    fn missing_parts_are_made_as_the_path_demands() {
        let mut tree = node("a: 1");
        let path = split_field_path("b.[name=x].c.0.d");
        assert_eq!(
            find_all(&mut tree, &path, Create::Scalar)
                .unwrap()
                .places
                .len(),
            1
        );
        assert_eq!(to_v3(&tree).unwrap(), "a: 1\nb:\n- name: x\n  c:\n  - d:\n");
    }

    #[test]
    fn a_source_matches_literally_and_takes_the_first() {
        let tree = node("c: [{name: aa, v: 1}, {name: a, v: 2}]");
        let found = lookup(&tree, &split_field_path("c.[name=a].v"))
            .unwrap()
            .unwrap();
        assert_eq!(found.0.as_str(), Some("2"));
        assert!(lookup(&tree, &split_field_path("c.*.v")).is_err());
    }
}
