//! Strategic merge, as kyaml's `merge2` does it: driven by the schema, its list quirks included.
//!
//! `$patch` (`delete`, `replace`, `merge`) is the only directive. The walk changes the destination in
//! place; a value that comes from the patch is merged with itself on the way in, which is how
//! directives inside new maps take effect and how nulls in them disappear.

mod lists;

use crate::error::{Error, invalid};
use crate::schema::{Place, Schema};
use crate::tree::{reads_as_non_string, wrong_kind};
use fjord_yaml::{Map, Node, Scalar, Seq, Style, Tag};
use lists::Elements;
use std::collections::BTreeSet;

/// What became of one value.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The destination, changed in place.
    Dest,
    /// A value of the patch takes its place.
    Node(Node),
    /// It is removed.
    Clear,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

/// Merges a patch into an object's tree.
pub(super) struct Merger<'s> {
    schema: &'s Schema,
    /// Aliased scalars that were written, in order.
    pub(super) changed: Vec<(u16, Scalar)>,
}

impl<'s> Merger<'s> {
    pub(super) fn new(schema: &'s Schema) -> Self {
        Self {
            schema,
            changed: Vec::new(),
        }
    }

    /// Merges `src` into `dest`; the patch is used up.
    pub(super) fn walk(
        &mut self,
        dest: Option<&mut Node>,
        src: Option<&mut Node>,
        place: Option<Place>,
    ) -> Result<Outcome, Error> {
        let kind = |node: &Node| std::mem::discriminant(node);
        let present = [dest.as_deref(), src.as_deref()];
        let present: Vec<&Node> = present
            .into_iter()
            .flatten()
            .filter(|node| !node.is_null())
            .collect();
        let place = place.or_else(|| present.iter().find_map(|node| self.place_of(node)));
        if let [first, second] = present.as_slice()
            && kind(first) != kind(second)
        {
            return Err(wrong_kind(first.kind(), second));
        }
        match present.first() {
            Some(Node::Seq(_)) => self.walk_list(dest, src, place),
            Some(Node::Scalar(_)) => Ok(match src {
                Some(src) => Outcome::Node(take(src)),
                None => Outcome::Dest,
            }),
            Some(Node::Map(_)) | None => self.walk_map(dest, src, place),
        }
    }

    /// Returns the type of an object inside an object.
    fn place_of(&self, node: &Node) -> Option<Place> {
        let text = |field: &str| {
            node.get(field)
                .and_then(Node::as_str)
                .filter(|t| !t.is_empty())
        };
        self.schema.of(text("apiVersion")?, text("kind")?)
    }

    fn walk_map(
        &mut self,
        dest: Option<&mut Node>,
        src: Option<&mut Node>,
        place: Option<Place>,
    ) -> Result<Outcome, Error> {
        let (dest, null) = match dest {
            Some(Node::Map(map)) => (Some(map), None),
            Some(Node::Scalar(null)) => (None, Some(null)),
            _ => (None, None),
        };
        let Some(dest) = dest else {
            return match src {
                // Parity: `~` and `null` stay, an empty null goes.
                None if null.is_some_and(|null| !null.value.is_empty()) => Ok(Outcome::Dest),
                Some(Node::Map(map)) => match directive(map) {
                    Ok(Directive::Delete) => Ok(Outcome::Clear),
                    _ => self.settled(std::mem::take(map), place).map(Outcome::Node),
                },
                _ => Ok(Outcome::Clear),
            };
        };
        let src = match src {
            Some(Node::Map(map)) => Some(map),
            Some(_) => return Ok(Outcome::Clear),
            None => None,
        };
        let Some(src) = src else {
            self.merge_fields(dest, &mut Map::default(), place.as_ref())?;
            return Ok(Outcome::Dest);
        };
        match directive(src)? {
            Directive::Delete => Ok(Outcome::Clear),
            Directive::Replace => self.settled(std::mem::take(src), place).map(Outcome::Node),
            Directive::Merge => {
                self.merge_fields(dest, src, place.as_ref())?;
                Ok(Outcome::Dest)
            }
        }
    }

    fn merge_fields(
        &mut self,
        dest: &mut Map,
        src: &mut Map,
        place: Option<&Place>,
    ) -> Result<(), Error> {
        let keys = dest
            .entries
            .iter()
            .chain(&src.entries)
            .map(|(key, _)| key.value.clone());
        for key in keys.collect::<BTreeSet<_>>() {
            let below = place.and_then(|place| place.field(&key));
            let key_style = src
                .entries
                .iter()
                .find(|(k, _)| k.value == key)
                .map(|(k, _)| k.style);
            let outcome = self.walk(dest.get_mut(&key), src.get_mut(&key), below)?;
            self.put(dest, &key, key_style.unwrap_or_default(), outcome);
        }
        Ok(())
    }

    /// Sets a field as kyaml's `FieldSetter`: a scalar keeps the style of the one it replaces.
    fn put(&mut self, dest: &mut Map, key: &str, key_style: Style, outcome: Outcome) {
        match outcome {
            Outcome::Clear => {
                dest.remove(key);
            }
            Outcome::Dest => {
                if let Some(Node::Scalar(scalar)) = dest.get_mut(key) {
                    quote_ambiguous(scalar);
                }
            }
            Outcome::Node(node) if node.is_null() => {
                dest.remove(key);
            }
            Outcome::Node(mut node) => match (dest.get_mut(key), &mut node) {
                (Some(Node::Scalar(old)), Node::Scalar(new)) => {
                    new.style = old.style;
                    new.tagged = old.tagged;
                    new.alias = old.alias;
                    if old.alias != 0 {
                        self.changed.push((old.alias, new.clone()));
                    }
                    *old = std::mem::replace(new, Scalar::untagged(""));
                }
                (Some(old), _) => *old = node,
                (None, _) => {
                    if let Node::Scalar(scalar) = &mut node {
                        quote_ambiguous(scalar);
                    }
                    let key = Scalar {
                        style: key_style,
                        ..Scalar::untagged(key)
                    };
                    dest.entries.push((key, node));
                }
            },
        }
    }

    /// Merges a map of the patch with itself.
    fn settled(&mut self, mut map: Map, place: Option<Place>) -> Result<Node, Error> {
        self.settle_map(&mut map, place.as_ref())?;
        Ok(Node::Map(map))
    }

    fn settle_map(&mut self, map: &mut Map, place: Option<&Place>) -> Result<(), Error> {
        let keys: BTreeSet<_> = map
            .entries
            .iter()
            .map(|(key, _)| key.value.clone())
            .collect();
        for key in keys {
            let below = place.and_then(|place| place.field(&key));
            let Some(value) = map.get_mut(&key) else {
                continue;
            };
            if !self.settle(value, below)? {
                map.remove(&key);
            }
        }
        Ok(())
    }

    /// Merges a value with itself; says whether it stays.
    fn settle(&mut self, node: &mut Node, place: Option<Place>) -> Result<bool, Error> {
        let place = place.or_else(|| self.place_of(node));
        match node {
            Node::Scalar(scalar) => {
                quote_ambiguous(scalar);
                Ok(!scalar.is_null())
            }
            Node::Map(map) => {
                if directive(map)? == Directive::Delete {
                    return Ok(false);
                }
                self.settle_map(map, place.as_ref())?;
                Ok(true)
            }
            Node::Seq(seq) => {
                let Some(keys) = place.as_ref().and_then(Place::merge_keys) else {
                    return Ok(true);
                };
                if list_directive(seq)? == Directive::Delete {
                    return Ok(false);
                }
                self.merge_with_itself(seq, &keys, place.as_ref())?;
                Ok(true)
            }
        }
    }

    fn walk_list(
        &mut self,
        dest: Option<&mut Node>,
        src: Option<&mut Node>,
        place: Option<Place>,
    ) -> Result<Outcome, Error> {
        let Some(keys) = place.as_ref().and_then(Place::merge_keys) else {
            return Ok(match src {
                Some(src) => Outcome::Node(take(src)),
                None => Outcome::Dest,
            });
        };
        let dest = match dest {
            Some(Node::Seq(seq)) => Some(seq),
            _ => None,
        };
        let src = match src {
            Some(Node::Seq(seq)) => Some(seq),
            Some(_) => return Ok(Outcome::Clear),
            None => None,
        };
        match (dest, src) {
            (None, None) => Ok(Outcome::Clear),
            (None, Some(src)) => {
                let mut seq = std::mem::take(src);
                self.merge_with_itself(&mut seq, &keys, place.as_ref())?;
                Ok(Outcome::Node(Node::Seq(seq)))
            }
            (Some(dest), None) => {
                self.merge_elements(dest, &mut Seq::default(), &keys, place.as_ref(), false)?;
                Ok(Outcome::Dest)
            }
            (Some(dest), Some(src)) => match list_directive(src)? {
                Directive::Delete => Ok(Outcome::Clear),
                Directive::Replace => {
                    let mut seq = std::mem::take(src);
                    self.merge_with_itself(&mut seq, &keys, place.as_ref())?;
                    Ok(Outcome::Node(Node::Seq(seq)))
                }
                Directive::Merge => {
                    self.merge_elements(dest, src, &keys, place.as_ref(), false)?;
                    Ok(Outcome::Dest)
                }
            },
        }
    }

    fn merge_with_itself(
        &mut self,
        seq: &mut Seq,
        keys: &[String],
        place: Option<&Place>,
    ) -> Result<(), Error> {
        let mut same = seq.clone();
        self.merge_elements(seq, &mut same, keys, place, true)
    }

    /// Merges lists by key; `same` says that both are one and the same list.
    fn merge_elements(
        &mut self,
        dest: &mut Seq,
        src: &mut Seq,
        keys: &[String],
        place: Option<&Place>,
        same: bool,
    ) -> Result<(), Error> {
        let element_place = place.and_then(Place::elements);
        let elements = Elements::new(keys, &src.items, &dest.items);
        let mut added: Vec<Node> = Vec::new();
        let mut last_keys = keys.to_vec();
        for values in elements.rows() {
            let (valid_keys, valid_values) = elements.valid(values);
            let found = elements.single(&valid_keys, &valid_values);
            let in_dest = lists::position(&dest.items, &found.0, &found.1)?;
            let in_src = lists::position(&src.items, &found.0, &found.1)?;
            let mut from_dest = None;
            let merged = match (in_dest, in_src) {
                (Some(i), _) if same => {
                    let keep = self.settle(&mut dest.items[i], element_place.clone())?;
                    if keep { Outcome::Dest } else { Outcome::Clear }
                }
                (i, j) => {
                    let dest = i.map(|i| &mut dest.items[i]);
                    let src = j.map(|j| &mut src.items[j]);
                    self.walk(dest, src, element_place.clone())?
                }
            };
            let mut value = match merged {
                Outcome::Dest => {
                    from_dest = in_dest;
                    in_dest.map_or_else(Node::null, |i| dest.items[i].clone())
                }
                Outcome::Node(node) => node,
                Outcome::Clear => Node::null(),
            };
            if value.is_null() || matches!(&value, Node::Map(map) if map.entries.is_empty()) {
                for _ in &valid_keys {
                    lists::set(&mut dest.items, None, &valid_keys, &valid_values)?;
                }
                last_keys = valid_keys;
                continue;
            }
            for (key, text) in valid_keys.iter().zip(&valid_values) {
                if text.is_empty() {
                    continue;
                }
                if let Node::Map(map) = &mut value
                    && map.get(key).is_none()
                {
                    map.push(key, Node::Scalar(Scalar::untagged(text.as_str())));
                }
            }
            if let Some(i) = from_dest {
                dest.items[i] = value.clone();
            }
            lists::set(&mut added, Some(value), &valid_keys, &valid_values)?;
            last_keys = valid_keys;
        }
        if !elements.is_empty() {
            lists::append(&mut added, &dest.items, &last_keys)?;
            dest.items = added;
        }
        Ok(())
    }
}

fn take(node: &mut Node) -> Node {
    std::mem::replace(node, Node::null())
}

/// Parity: a string without a tag that YAML 1.1 would misread is quoted when it is set again.
fn quote_ambiguous(scalar: &mut Scalar) {
    if scalar.tag == Tag::Unset
        && scalar.style == Style::Plain
        && reads_as_non_string(&scalar.value)
    {
        scalar.style = Style::Double;
    }
}

fn parse_directive(text: &str) -> Result<Directive, Error> {
    match text {
        "delete" => Ok(Directive::Delete),
        "replace" => Ok(Directive::Replace),
        "merge" => Ok(Directive::Merge),
        other => Err(invalid(format!("unknown patch strategy '{other}'"))),
    }
}

/// Takes the directive out of a map of the patch.
fn directive(map: &mut Map) -> Result<Directive, Error> {
    let Some(value) = map.get("$patch") else {
        return Ok(Directive::Merge);
    };
    let directive = parse_directive(value.as_str().unwrap_or_default())?;
    map.remove("$patch");
    Ok(directive)
}

/// Takes the directive out of a list of the patch: an element with that one key.
fn list_directive(seq: &mut Seq) -> Result<Directive, Error> {
    let found = seq.items.iter().find(|item| item.get("$patch").is_some());
    let Some(Node::Map(map)) = found else {
        return Ok(Directive::Merge);
    };
    if map.entries.len() > 1 {
        return Ok(Directive::Merge);
    }
    let text = map
        .get("$patch")
        .and_then(Node::as_str)
        .unwrap_or_default()
        .to_owned();
    let directive = parse_directive(&text)?;
    lists::set(&mut seq.items, None, &["$patch".to_owned()], &[text])?;
    Ok(directive)
}

#[cfg(test)]
mod tests;
