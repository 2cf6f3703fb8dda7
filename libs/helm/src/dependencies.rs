//! Which subcharts take part, under which names, and what parents take over from them.
//!
//! A subchart whose version is outside the range is not left out: it stays under its own name, always
//! on. After this the dependencies in the metadata carry their aliases as names.

use crate::{
    chart::{Chart, Dependency},
    notice::{Level, Notices},
    values::{
        Map, Value,
        coalesce::{Mismatch, Nulls, coalesce_frozen, merge_tables},
        frozen::{Frozen, Leaf},
        tree::{Table, Tree},
    },
    versions,
};

/// A chart in need of what is not there, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found in Chart.yaml, but missing in charts/ directory: {}", .0.join(", "))]
pub struct Missing(pub Vec<String>);

/// Refuses a chart that names dependencies which do not lie below `charts/`.
///
/// # Errors
/// The names of all that are missing.
pub fn check(chart: &Chart) -> Result<(), Missing> {
    let is_there =
        |wanted: &&Dependency| chart.dependencies.iter().any(|c| c.name() == wanted.name);
    let wanted = chart.metadata.dependencies.iter().flatten();
    let missing: Vec<String> = wanted
        .filter(|d| !is_there(d))
        .map(|d| d.name.clone())
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Missing(missing))
    }
}

/// Leaves out the subcharts that are disabled, renames those with aliases, and imports values.
///
/// # Errors
/// The name of a subchart holds what is no table.
pub fn process(chart: &mut Chart, values: &Map, notices: &mut Notices) -> Result<(), Mismatch> {
    enable(chart, &Frozen::of(values), "", notices)?;
    import(chart, notices)
}

fn enable(
    chart: &mut Chart,
    values: &Frozen,
    path: &str,
    notices: &mut Notices,
) -> Result<(), Mismatch> {
    // Parity: an empty list is a list; subcharts that nothing lists are worked out below one, and not without.
    if !chart.metadata.lists_dependencies() {
        return Ok(());
    }
    rename(chart);
    let coalesced = coalesce_frozen(chart, values, Nulls::Delete, notices)?;
    for dependency in chart.metadata.dependencies.iter_mut().flatten() {
        dependency.enabled = true;
    }
    by_tags(&mut chart.metadata.dependencies, &coalesced, notices);
    by_conditions(&mut chart.metadata.dependencies, &coalesced, path, notices);
    let is_out = |name: &str, dependencies: &[Option<Dependency>]| {
        dependencies
            .iter()
            .flatten()
            .any(|d| !d.enabled && d.name == name)
    };
    let dependencies = std::mem::take(&mut chart.metadata.dependencies);
    chart
        .dependencies
        .retain(|below| !is_out(below.name(), &dependencies));
    let kept = dependencies
        .iter()
        .flatten()
        .filter(|d| !is_out(&d.name, &dependencies));
    chart.metadata.dependencies = kept.cloned().map(Some).collect();
    chart.metadata.empty_dependencies = false;
    let has_own = |below: &Chart| below.metadata.lists_dependencies();
    if !chart.dependencies.iter().any(has_own) {
        return Ok(());
    }
    let coalesced = coalesced.freeze();
    for below in &mut chart.dependencies {
        let path = format!("{path}{}.", below.name());
        enable(below, &coalesced, &path, notices)?;
    }
    Ok(())
}

/// Puts the subcharts in the order of the metadata, those that it does not name first.
fn rename(chart: &mut Chart) {
    let loaded = std::mem::take(&mut chart.dependencies);
    let wanted = &mut chart.metadata.dependencies;
    let fits = |below: &Chart, wanted: &Dependency| {
        below.name() == wanted.name
            && versions::is_in_range(&wanted.version, &below.metadata.version)
    };
    let unnamed = loaded
        .iter()
        .filter(|below| !wanted.iter().flatten().any(|w| fits(below, w)));
    let mut placed: Vec<Chart> = unnamed.cloned().collect();
    for wanted in wanted.iter_mut().flatten() {
        if let Some(below) = loaded.iter().find(|below| fits(below, wanted)) {
            let mut below = below.clone();
            if !wanted.alias.is_empty() {
                below.metadata.name.clone_from(&wanted.alias);
            }
            placed.push(below);
        }
        if !wanted.alias.is_empty() {
            wanted.name.clone_from(&wanted.alias);
        }
    }
    chart.dependencies = placed;
}

fn by_tags(dependencies: &mut [Option<Dependency>], values: &Table, notices: &mut Notices) {
    let Ok(tags) = values.table("tags") else {
        return;
    };
    for dependency in dependencies.iter_mut().flatten() {
        let mut said = Vec::new();
        for tag in &dependency.tags {
            match tags.get(tag) {
                Some(Tree::Leaf(Leaf::Bool(flag))) => said.push(flag),
                Some(_) => {
                    let fields = vec![("tag", tag.clone()), ("chart", dependency.name.clone())];
                    notices.push(Level::Warn, "returned non-bool value", fields);
                }
                None => {}
            }
        }
        dependency.enabled = said.is_empty() || said.contains(&true);
    }
}

fn by_conditions(
    dependencies: &mut [Option<Dependency>],
    values: &Table,
    path: &str,
    notices: &mut Notices,
) {
    for dependency in dependencies.iter_mut().flatten() {
        // Parity: the whole is trimmed, the single conditions are not.
        for condition in dependency
            .condition
            .trim()
            .split(',')
            .filter(|c| !c.is_empty())
        {
            match values.path_value(&format!("{path}{condition}")) {
                Some(Tree::Leaf(Leaf::Bool(flag))) => {
                    dependency.enabled = flag;
                    break;
                }
                Some(_) => {
                    let fields = vec![
                        ("path", condition.to_owned()),
                        ("chart", dependency.name.clone()),
                    ];
                    notices.push(Level::Warn, "returned non-bool value", fields);
                }
                None => {}
            }
        }
    }
}

fn import(chart: &mut Chart, notices: &mut Notices) -> Result<(), Mismatch> {
    for below in &mut chart.dependencies {
        import(below, notices)?;
    }
    // Parity: a chart that named dependencies, all of them disabled, has none now.
    if !chart.metadata.lists_dependencies() {
        return Ok(());
    }
    let values = coalesce_frozen(chart, &Frozen::default(), Nulls::Keep, notices)?;
    let imported = Table::default();
    for dependency in chart.metadata.dependencies.iter_mut().flatten() {
        let name = dependency.name.clone();
        let mut rewritten = Vec::new();
        for wanted in &dependency.import_values {
            let Some((child, parent, is_short)) = paths(wanted) else {
                continue;
            };
            rewritten.push(serde_json::json!({"child": child, "parent": parent}));
            match values.table(&format!("{name}.{child}")) {
                Ok(table) => {
                    // Parity: an empty table is imported as a copy, and does not take on the nulls of what was imported before.
                    let table = if table.is_empty() {
                        Table::default()
                    } else {
                        table
                    };
                    merge_tables(&imported, &below(&parent, table), notices);
                }
                Err(error) if is_short => {
                    let fields = vec![("error", error.to_string())];
                    notices.push(Level::Warn, "ImportValues missing table", fields);
                }
                Err(error) => {
                    let fields = vec![("chart", name.clone()), ("error", error.to_string())];
                    notices.push(Level::Warn, "ImportValues missing table from chart", fields);
                }
            }
        }
        dependency.import_values = rewritten;
    }
    if imported.is_empty() {
        chart.values = values.freeze();
        return Ok(());
    }
    let values = Table::from(values.freeze());
    merge_tables(&values, &imported, notices);
    chart.values = values.freeze();
    Ok(())
}

/// Says where values come from and go to; and whether it was said the short way.
fn paths(wanted: &Value) -> Option<(String, String, bool)> {
    match wanted {
        Value::String(name) => Some((format!("exports.{name}"), ".".to_owned(), true)),
        Value::Object(map) => {
            let part = |key| crate::go::print(map.get(key).unwrap_or(&Value::Null));
            Some((part("child"), part("parent"), false))
        }
        _ => None,
    }
}

/// Wraps a table so that it lies at a path.
fn below(path: &str, table: Table) -> Table {
    if path == "." {
        return table;
    }
    path.rsplit('.').fold(table, |table, key| {
        let wrapped = Table::default();
        wrapped.set(key, Tree::Table(table));
        wrapped
    })
}
