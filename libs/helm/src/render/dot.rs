//! What templates see: the dot of each chart.

use super::Context;
use super::objects::{FILES, VALUES, capabilities, chart_map};
use crate::chart::Chart;
use crate::values::tree::{Table, Tree};
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
        let files = chart.files.iter().map(|file| {
            let name = file.name.as_str().into();
            (name, Value::Bytes(file.data.clone().into()))
        });
        let dot = Map::new(
            [
                ("Chart", chart_map(chart, is_root)),
                ("Files", Value::Map(Map::new(files, &FILES))),
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
        for template in &chart.templates {
            let name = template.name.rsplit('/').next().unwrap_or_default();
            if chart.metadata.is_library() && !name.starts_with('_') {
                continue;
            }
            self.templates.insert(
                format!("{path}/{}", template.name),
                Renderable {
                    data: template.data.clone(),
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
        let map = Map::empty();
        self.tables.insert(table.identity(), map.clone());
        for (key, tree) in table.entries() {
            let value = self.tree(&tree);
            let _ = map.insert(key.as_str(), value);
        }
        map
    }

    fn tree(&mut self, tree: &Tree) -> Value {
        match tree {
            Tree::Table(table) => Value::Map(self.table(table)),
            Tree::List(items) => Value::list(items.iter().map(|item| self.tree(item)).collect()),
            Tree::Leaf(leaf) => Value::from_json(leaf),
        }
    }
}
