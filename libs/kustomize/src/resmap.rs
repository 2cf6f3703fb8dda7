//! The ordered list of objects, with look-ups by identity that stay linear over a whole build.

use crate::error::{Error, invalid};
use crate::id::ResId;
use crate::resource::{Behavior, ORIGIN, Resource};
use crate::schema::Schema;
use std::collections::{HashMap, HashSet};

/// Objects in the order of accumulation.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResMap {
    items: Vec<Resource>,
    /// Keys of all current ids; none after a change that may have touched them.
    current: Option<HashSet<String>>,
    /// Objects by every name they have or had; none after such a change.
    names: Option<HashMap<String, Vec<usize>>>,
}

impl ResMap {
    pub(crate) fn from_unchecked(items: Vec<Resource>) -> Self {
        Self {
            items,
            ..Self::default()
        }
    }

    pub(crate) fn items(&self) -> &[Resource] {
        &self.items
    }

    /// Gives the objects for changes that may alter their identities.
    pub(crate) fn items_mut(&mut self) -> &mut Vec<Resource> {
        self.current = None;
        self.names = None;
        &mut self.items
    }

    /// Gives the objects for changes that leave every identity as it is.
    pub(crate) fn contents_mut(&mut self) -> &mut [Resource] {
        &mut self.items
    }

    /// Gives the objects for changes that may alter their identities, or leave every one as it is.
    pub(crate) fn objects_mut(&mut self, identities: bool) -> &mut [Resource] {
        if identities {
            self.items_mut()
        } else {
            self.contents_mut()
        }
    }

    pub(crate) fn into_items(self) -> Vec<Resource> {
        self.items
    }

    fn keys(&mut self, schema: &Schema) -> &mut HashSet<String> {
        let items = &self.items;
        self.current
            .get_or_insert_with(|| items.iter().map(|item| item.key(schema)).collect())
    }

    /// Adds an object at the end.
    ///
    /// # Errors
    /// Its id is taken.
    pub(crate) fn append(&mut self, resource: Resource, schema: &Schema) -> Result<(), Error> {
        if !self.keys(schema).insert(resource.key(schema)) {
            return Err(Error::DuplicateId(resource.id(schema).to_string()));
        }
        if let Some(names) = &mut self.names {
            register(names, &resource, self.items.len());
        }
        self.items.push(resource);
        Ok(())
    }

    /// Adds objects at the end.
    ///
    /// # Errors
    /// An id is taken.
    pub(crate) fn append_all(
        &mut self,
        resources: Vec<Resource>,
        schema: &Schema,
    ) -> Result<(), Error> {
        self.append_map(Self::from_unchecked(resources), schema)
    }

    /// Adds the objects of another list at the end.
    ///
    /// # Errors
    /// An id is taken.
    pub(crate) fn append_map(&mut self, mut other: Self, schema: &Schema) -> Result<(), Error> {
        if self.items.is_empty() {
            // Nothing is moved: the lists of large builds pass through several hands.
            other.check_ids(schema)?;
            *self = other;
            return Ok(());
        }
        let mut resources = other.items.into_iter();
        resources.try_for_each(|resource| self.append(resource, schema))
    }

    /// Refuses a list in which an id stands twice.
    pub(crate) fn check_ids(&mut self, schema: &Schema) -> Result<(), Error> {
        if self.current.is_some() {
            return Ok(());
        }
        let mut seen = HashSet::with_capacity(self.items.len());
        for item in &self.items {
            if !seen.insert(item.key(schema)) {
                return Err(Error::DuplicateId(item.id(schema).to_string()));
            }
        }
        self.current = Some(seen);
        Ok(())
    }

    /// Returns the places of objects one of whose ids, current or past, satisfies the test.
    pub(crate) fn by_any_id(
        &mut self,
        name: &str,
        schema: &Schema,
        test: impl Fn(&ResId) -> bool,
    ) -> Vec<usize> {
        let items = &self.items;
        let names = self.names.get_or_insert_with(|| {
            let mut names = HashMap::new();
            for (i, item) in items.iter().enumerate() {
                register(&mut names, item, i);
            }
            names
        });
        let found = names.get(name).map(Vec::as_slice).unwrap_or_default();
        found
            .iter()
            .copied()
            .filter(|&i| {
                let item = &items[i];
                !item.is_deleted()
                    && (item.previous_ids().any(|id| test(&id)) || test(&item.id(schema)))
            })
            .collect()
    }

    /// Returns the one object with the id, current or past.
    pub(crate) fn target(&mut self, id: &ResId, schema: &Schema) -> Result<usize, Error> {
        let found = self.by_any_id(&id.name, schema, |other| id.same(other));
        let problem = match found.as_slice() {
            [one] => return Ok(*one),
            [] => "no matches",
            _ => "multiple matches",
        };
        Err(invalid(format!(
            "{problem} for Id {id}; failed to find unique target for patch {id}"
        )))
    }

    /// Changes one object; its identities are looked up anew only if they changed.
    pub(crate) fn edit<T>(
        &mut self,
        index: usize,
        schema: &Schema,
        edit: impl FnOnce(&mut Resource) -> T,
    ) -> T {
        let item = &mut self.items[index];
        let (before, ids) = (item.key(schema), item.book.previous.len());
        let result = edit(item);
        if item.key(schema) != before || item.book.previous.len() != ids || item.is_deleted() {
            self.current = None;
            self.names = None;
        }
        result
    }

    /// Drops objects that a patch emptied.
    pub(crate) fn drop_deleted(&mut self) {
        if self.items.iter().any(Resource::is_deleted) {
            self.items_mut().retain(|item| !item.is_deleted());
        }
    }

    /// Takes in a generated object: adds it, or merges it into or puts it in place of an old one.
    pub(crate) fn absorb(&mut self, mut new: Resource, schema: &Schema) -> Result<(), Error> {
        let id = new.id(schema);
        let behavior = new.book.behavior.unwrap_or_default();
        let found = self.by_any_id(&id.name, schema, |other| id.same(other));
        let index = match (found.as_slice(), behavior) {
            ([], Behavior::Merge | Behavior::Replace) => {
                return Err(invalid(format!(
                    "id {} does not exist; cannot merge or replace",
                    go_syntax(&id)
                )));
            }
            ([], _) => return self.append(new, schema),
            ([index], _) => *index,
            (several, _) => {
                let names: Vec<String> = several
                    .iter()
                    .map(|&i| self.items[i].id(schema).to_string())
                    .collect();
                return Err(invalid(format!(
                    "found multiple objects [{}] that could accept merge of {id}",
                    names.join(" ")
                )));
            }
        };
        let old = &self.items[index];
        match behavior {
            Behavior::Replace => new.copy_metadata_from(old),
            Behavior::Merge => {
                let origin = old.annotation(ORIGIN).map(str::to_owned);
                new.copy_metadata_from(old);
                new.merge_data_from(old);
                if origin.is_some() {
                    new.set_annotation(ORIGIN, origin);
                }
            }
            Behavior::Create | Behavior::Unspecified => {
                return Err(invalid(format!(
                    "id {} exists; can not use behavior: '{behavior}', behavior must be merge or replace",
                    go_syntax(&id)
                )));
            }
        }
        // Parity: the place is looked up by the new object's id, which another kind may have by now.
        let id = new.id(schema);
        let is_same = |item: &Resource| item.name() == id.name && item.id(schema).same(&id);
        match self.items.iter().position(is_same) {
            Some(place) if place == index => self.items_mut()[index] = new,
            Some(_) => return Err(invalid("unexpected target index in replacement")),
            None => {
                return Err(invalid(format!(
                    "cannot find resource with id {id} to replace"
                )));
            }
        }
        Ok(())
    }
}

fn register(names: &mut HashMap<String, Vec<usize>>, item: &Resource, index: usize) {
    let mut add = |name: &str| {
        let places = match names.get_mut(name) {
            Some(places) => places,
            None => names.entry(name.to_owned()).or_default(),
        };
        if places.last() != Some(&index) {
            places.push(index);
        }
    };
    add(item.name());
    item.book
        .previous
        .iter()
        .for_each(|previous| add(&previous.name));
}

/// Prints an id as Go's `%#v`, which is how kustomize shows it here.
fn go_syntax(id: &ResId) -> String {
    format!(
        "resid.ResId{{Gvk:resid.Gvk{{Group:{:?}, Version:{:?}, Kind:{:?}, isClusterScoped:{}}}, Name:{:?}, Namespace:{:?}}}",
        id.gvk.group, id.gvk.version, id.gvk.kind, id.cluster_scoped, id.name, id.namespace
    )
}
