//! Laying values over each other: users' over parents' over subcharts', as Helm 4.2.4 does.
//!
//! In one mode nulls delete what lies below them; in the other, used while dependencies are worked out,
//! they are kept for later. Which mode is on changes within one walk: below the name of a subchart nulls
//! are kept until its turn comes.

use super::{
    Map, Value,
    frozen::{Frozen, Item, Leaf},
    tree::{Table, Tree},
};
use crate::{chart::Chart, go, notice::Notices};

/// The table that every chart shares with its subcharts.
const GLOBAL: &str = "global";

/// A value that stands where a subchart's table must.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("type mismatch on {chart}: {value}")]
pub struct Mismatch {
    chart: String,
    value: String,
}

impl Mismatch {
    /// Names the subchart.
    pub(crate) fn chart(&self) -> &str {
        &self.chart
    }
}

/// What becomes of nulls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// They delete what lies below them.
    Delete,
    /// They stay.
    Keep,
}

/// Lays values over the defaults of a chart and its subcharts.
///
/// # Errors
/// The name of a subchart holds what is no table.
pub fn coalesce(
    chart: &Chart,
    values: &Map,
    nulls: Nulls,
    notices: &mut Notices,
) -> Result<Table, Mismatch> {
    coalesce_frozen(chart, &Frozen::of(values), nulls, notices)
}

/// Does the same with values that are there already.
pub(crate) fn coalesce_frozen(
    chart: &Chart,
    values: &Frozen,
    nulls: Nulls,
    notices: &mut Notices,
) -> Result<Table, Mismatch> {
    let table = Table::from(values.clone());
    Walk { notices }.chart(chart, &table, "", nulls)?;
    Ok(table)
}

/// Lays a table over another, which it then shares tables with; the upper one gets everything.
pub(crate) fn merge_tables(upper: &Table, lower: &Table, notices: &mut Notices) {
    Walk { notices }.tables(upper, lower, "", Nulls::Keep);
}

struct Walk<'n> {
    notices: &'n mut Notices,
}

impl Walk<'_> {
    fn chart(
        &mut self,
        chart: &Chart,
        values: &Table,
        prefix: &str,
        nulls: Nulls,
    ) -> Result<(), Mismatch> {
        let prefix = join(prefix, chart.name());
        self.defaults(chart, values, &prefix, nulls);
        for dependency in &chart.dependencies {
            let name = dependency.name();
            let below = match values.get(name) {
                None => {
                    let table = Table::default();
                    values.set(name, Tree::Table(table.clone()));
                    table
                }
                Some(Tree::Table(table)) => table,
                Some(other) => {
                    let value = as_boolean(&other.to_value());
                    return Err(Mismatch {
                        chart: name.to_owned(),
                        value,
                    });
                }
            };
            self.globals(&below, values, &prefix);
            self.chart(dependency, &below, &prefix, nulls)?;
        }
        Ok(())
    }

    fn globals(&mut self, child: &Table, parent: &Table, prefix: &str) {
        let Some(lower) = table_or_new(child.get(GLOBAL)) else {
            self.notices
                .info("warning: skipping globals because destination global is not a table.");
            return;
        };
        let Some(upper) = table_or_new(parent.get(GLOBAL)) else {
            self.notices
                .info("warning: skipping globals because source global is not a table.");
            return;
        };
        for (key, value) in upper.entries() {
            match (value, lower.get(&key)) {
                (Tree::Table(table), existing) => {
                    // Parity: one level is copied; what lies below it stays the parent's own.
                    let copy = table.shallow();
                    match existing {
                        None => lower.set(key, Tree::Table(copy)),
                        Some(Tree::Table(existing)) => {
                            self.tables(&copy, &existing, &join(prefix, &key), Nulls::Keep);
                            lower.set(key, Tree::Table(copy));
                        }
                        Some(_) => self.notices.info(format!(
                            "Conflict: cannot merge map onto non-map for {}. Skipping.",
                            go::quote(&key)
                        )),
                    }
                }
                (_, Some(Tree::Table(_))) => {
                    self.notices.info(format!("key {key} is table. Skipping"));
                }
                (value, _) => lower.set(key, value),
            }
        }
        child.set(GLOBAL, Tree::Table(lower));
    }

    fn defaults(&mut self, chart: &Chart, values: &Table, prefix: &str, nulls: Nulls) {
        for (key, default) in chart.values.iter() {
            match (values.get(key), default) {
                (Some(value), _) if value.is_null() => {
                    if nulls == Nulls::Delete {
                        values.remove(key);
                    }
                }
                (Some(Tree::Table(value)), Item::Table(default)) => {
                    let is_subchart = chart
                        .dependencies
                        .iter()
                        .any(|below| below.name() == &**key);
                    let nulls = if is_subchart { Nulls::Keep } else { nulls };
                    let default = Table::from(default.clone());
                    if nulls == Nulls::Delete {
                        without_nulls(&default);
                    }
                    self.tables(&value, &default, &join(prefix, key), nulls);
                }
                (Some(Tree::Table(_)), Item::Leaf(Leaf::Null)) => {}
                (Some(Tree::Table(_)), _) => {
                    let text = format!("warning: skipped value for {prefix}.{key}: Not a table.");
                    self.notices.info(text);
                }
                (Some(_), _) => {}
                (None, Item::Leaf(Leaf::Null)) if nulls == Nulls::Delete => {}
                (None, default) => {
                    let default = Tree::from(default);
                    if let (Nulls::Delete, Tree::Table(table)) = (nulls, &default) {
                        without_nulls(table);
                    }
                    values.set(key.clone(), default);
                }
            }
        }
    }

    fn tables(&mut self, upper: &Table, lower: &Table, prefix: &str, nulls: Nulls) {
        let nulled = upper.null_keys();
        let said: Vec<bool> = nulled.iter().map(|key| lower.says(key)).collect();
        for key in &nulled {
            lower.set(key.clone(), Tree::Leaf(Leaf::Null));
        }
        for (key, value) in lower.entries() {
            let Some(above) = upper.get(&key) else {
                upper.set(key, value);
                continue;
            };
            let is_said = || nulled.binary_search(&key).is_ok_and(|at| said[at]);
            if nulls == Nulls::Delete && above.is_null() && is_said() {
                upper.remove(&key);
                continue;
            }
            let path = join(prefix, &key);
            match (above, value) {
                (Tree::Table(above), Tree::Table(value)) => {
                    self.tables(&above, &value, &path, nulls);
                }
                (_, value @ Tree::Table(_)) => self.notices.info(format!(
                    "warning: cannot overwrite table with non table for {path} ({})",
                    go::print(&value.to_value())
                )),
                (Tree::Table(_), value) if !value.is_null() => self.notices.info(format!(
                    "warning: destination for {path} is a table. Ignoring non-table value ({})",
                    go::print(&value.to_value())
                )),
                _ => {}
            }
        }
    }
}

/// Gives the table that is there, or a new one where nothing is; none if it is no table.
fn table_or_new(value: Option<Tree>) -> Option<Table> {
    match value {
        None => Some(Table::default()),
        Some(Tree::Table(table)) => Some(table),
        Some(_) => None,
    }
}

fn without_nulls(table: &Table) {
    if !table.may_have_nulls() {
        return;
    }
    for (key, value) in table.entries() {
        match value {
            Tree::Table(below) => without_nulls(&below),
            value if value.is_null() => table.remove(&key),
            _ => {}
        }
    }
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() {
        key.to_owned()
    } else {
        format!("{prefix}.{key}")
    }
}

/// Prints a value as Go does what should be a boolean.
fn as_boolean(value: &Value) -> String {
    // Parity: nil alone is a misuse, nil in a list or a table is not.
    let inner = |value: &Value| match value {
        Value::Null => "<nil>".to_owned(),
        value => as_boolean(value),
    };
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Null => "%!t(<nil>)".to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inner).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("%!t(string={key}):{}", inner(value)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
        leaf => format!("%!t({}={})", go::type_name(leaf), go::print(leaf)),
    }
}
