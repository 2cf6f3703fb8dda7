//! What templates see: the dot of each chart.

use super::Context;
use super::objects::{FILES, VALUES, capabilities, chart_map};
use crate::chart::Chart;
use crate::values::frozen::{Frozen, Item, Leaf};
use crate::values::tree::{Shape, Table, Tree};
use fjord_gotemplate::Value;
use fjord_gotemplate::value::{Map, MapType};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A template with what it sees.
pub(super) struct Renderable {
    pub(super) data: Arc<[u8]>,
    pub(super) dot: Map,
    pub(super) base_path: String,
}

/// Makes the dots of a chart and its subcharts.
pub(super) struct Scopes {
    release: Value,
    capabilities: Value,
    /// Tables that several charts share stay shared.
    tables: HashMap<usize, Map>,
    templates: BTreeMap<String, Renderable>,
}

/// Makes a map of Helm's type for values.
pub(super) fn values_map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    Map::new(entries.map(|(key, value)| (key.into(), value)), &VALUES)
}

impl Scopes {
    pub(super) fn new(context: &Context<'_>) -> Self {
        let release = context.release;
        Self {
            release: Value::map([
                ("Name", Value::from(release.name.as_str())),
                ("Namespace", Value::from(release.namespace.as_str())),
                ("IsUpgrade", Value::Bool(release.is_upgrade)),
                ("IsInstall", Value::Bool(!release.is_upgrade)),
                ("Revision", Value::Int(release.revision)),
                ("Service", Value::from("Helm")),
            ]),
            capabilities: capabilities(context.capabilities),
            tables: HashMap::new(),
            templates: BTreeMap::new(),
        }
    }

    /// Collects the templates of a chart and its subcharts by path.
    pub(super) fn collect(mut self, chart: &Chart, values: &Table) -> BTreeMap<String, Renderable> {
        let values = self.table(values).with_type(&VALUES);
        self.chart(chart, values, chart.name(), true);
        self.templates
    }

    fn chart(&mut self, chart: &Chart, values: Map, path: &str, is_root: bool) -> Map {
        let subcharts = Map::empty();
        // The bytes stay the chart's own: definitions can be megabytes.
        let files = files(chart);
        let dot = Map::new(
            [
                ("Chart", chart_map(chart, is_root)),
                ("Files", Value::Map(files)),
                ("Release", self.release.clone()),
                ("Capabilities", self.capabilities.clone()),
                ("Values", Value::Map(values.clone())),
                ("Subcharts", Value::Map(subcharts.clone())),
            ]
            .map(|(key, value)| (key.into(), value)),
            &MapType::ANY,
        );
        for below in &chart.dependencies {
            let name = below.name();
            let own = match values.get(name) {
                Some(Value::Map(own)) => own.with_type(&VALUES),
                _ => values_map([]),
            };
            let below_path = format!("{path}/charts/{name}");
            let seen = self.chart(below, own, &below_path, false);
            let _ = subcharts.insert(name, Value::Map(seen));
        }
        for template in chart.templates.iter() {
            let name = template.name.rsplit('/').next().unwrap_or_default();
            if chart.metadata.is_library() && !name.starts_with('_') {
                continue;
            }
            self.templates.insert(
                format!("{path}/{}", template.name),
                Renderable {
                    data: template.data.bytes().clone(),
                    dot: dot.clone(),
                    base_path: format!("{path}/templates"),
                },
            );
        }
        dot
    }

    fn table(&mut self, table: &Table) -> Map {
        if let Some(known) = self.tables.get(&table.identity()) {
            return known.clone();
        }
        let entries = match table.shape() {
            Shape::Frozen(frozen) => {
                let map = lazy(frozen);
                self.tables.insert(table.identity(), map.clone());
                return map;
            }
            Shape::Entries(entries) => entries,
        };
        let map = Map::empty();
        self.tables.insert(table.identity(), map.clone());
        for (key, tree) in entries {
            let value = self.tree(&tree);
            let _ = map.insert(<Arc<[u8]>>::from(key), value);
        }
        map
    }

    fn tree(&mut self, tree: &Tree) -> Value {
        match tree {
            Tree::Table(table) => Value::Map(self.table(table)),
            Tree::List(items) => Value::list(items.iter().map(value).collect()),
            Tree::Leaf(of) => leaf(of),
        }
    }
}

/// Makes `.Files`, which is filled when a template asks for a file: definitions can be megabytes, and need not be in memory.
fn files(chart: &Chart) -> Map {
    let files = chart.files.clone();
    let entries = move || {
        let entries = files.iter().map(|file| {
            let data = file.data.bytes().clone();
            (file.name.as_str().into(), Value::Bytes(data.into()))
        });
        entries.collect()
    };
    Map::lazy(entries, &FILES)
}

/// Makes a map that is filled when something looks into it: most values are for templates that do not run.
fn lazy(frozen: Frozen) -> Map {
    let entries = move || {
        let entries = frozen.iter();
        entries
            .map(|(key, item)| (<Arc<[u8]>>::from(key.clone()).into(), value(item)))
            .collect()
    };
    Map::lazy(entries, &MapType::ANY)
}

fn value(item: &Item) -> Value {
    match item {
        Item::Leaf(of) => leaf(of),
        Item::List(items) => Value::list(items.iter().map(value).collect()),
        Item::Table(table) => Value::Map(lazy(table.clone())),
    }
}

fn leaf(leaf: &Leaf) -> Value {
    match leaf {
        Leaf::Null => Value::Nil,
        Leaf::Bool(flag) => Value::Bool(*flag),
        Leaf::Int(number) => Value::Int64(*number),
        Leaf::Uint(number) => Value::Uint64(*number),
        Leaf::Float(number) => Value::Float64(*number),
        Leaf::Text(text) => Value::String(<Arc<[u8]>>::from(text.clone()).into()),
    }
}
