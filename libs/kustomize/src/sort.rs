//! The order of the output.

use crate::config::{FIRST, LAST};
use crate::error::{Error, invalid};
use crate::id::ResId;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::types::{LegacySortOptions, SortOptions};
use std::cmp::Ordering;

/// Sorts as the root kustomization's `sortOptions` say.
pub(crate) fn by_options(
    items: &mut Vec<Resource>,
    options: &SortOptions,
    schema: &Schema,
) -> Result<(), Error> {
    match options.order.as_str() {
        "fifo" if options.legacy_sort_options.is_some() => Err(invalid(
            "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
        )),
        "fifo" => Ok(()),
        "legacy" => legacy(items, options.legacy_sort_options.as_ref(), schema),
        _ => Err(invalid(
            "the field 'sortOptions.order' must be one of [fifo, legacy]",
        )),
    }
}

/// Sorts by kind, then by text.
///
/// # Errors
/// An id stands twice.
pub(crate) fn legacy(
    items: &mut Vec<Resource>,
    options: Option<&LegacySortOptions>,
    schema: &Schema,
) -> Result<(), Error> {
    let default = LegacySortOptions {
        order_first: FIRST.map(str::to_owned).to_vec(),
        order_last: LAST.map(str::to_owned).to_vec(),
    };
    let options = options.unwrap_or(&default);
    let mut keyed: Vec<(Key, Resource)> = items
        .drain(..)
        .map(|item| (Key::new(&item.id(schema), options), item))
        .collect();
    keyed.sort_by(|a, b| a.0.compare(&b.0));
    let twice = keyed
        .windows(2)
        .find(|pair| pair[0].0.compare(&pair[1].0).is_eq());
    if let Some([(_, item), ..]) = twice {
        return Err(Error::DuplicateId(item.id(schema).to_string())
            .context("SortOrderTransformer: Failed to append to resources"));
    }
    items.extend(keyed.into_iter().map(|(_, item)| item));
    Ok(())
}

struct Key {
    rank: isize,
    namespace_without_group: bool,
    gvk: String,
    id: String,
}

impl Key {
    fn new(id: &ResId, options: &LegacySortOptions) -> Self {
        let at = |list: &[String]| list.iter().rposition(|kind| *kind == id.gvk.kind);
        let signed = |n: usize| isize::try_from(n).unwrap_or(isize::MAX);
        let rank = match (at(&options.order_first), at(&options.order_last)) {
            (_, Some(last)) => 1 + signed(last),
            (Some(first), None) => signed(first) - signed(options.order_first.len()),
            (None, None) => 0,
        };
        let or = |part: &str, none: &str| if part.is_empty() { none } else { part }.to_owned();
        Self {
            rank,
            namespace_without_group: id.gvk.kind == "Namespace" && id.gvk.group.is_empty(),
            gvk: id.gvk.sort_text(),
            id: format!(
                "{}|{}|{}",
                id.gvk,
                or(&id.namespace, "~X"),
                or(&id.name, "~N")
            ),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let by_gvk = || {
            // Parity: Namespaces without a group are compared the other way round, which puts them first.
            match (self.namespace_without_group, other.namespace_without_group) {
                (true, true) => other.gvk.cmp(&self.gvk),
                (true, false) if other.gvk.ends_with("_Namespace") => Ordering::Less,
                (false, true) if self.gvk.ends_with("_Namespace") => Ordering::Greater,
                _ => self.gvk.cmp(&other.gvk),
            }
        };
        self.rank
            .cmp(&other.rank)
            .then_with(by_gvk)
            .then_with(|| self.id.cmp(&other.id))
    }
}
