//! Charts within charts, values files and flags over them, at random.

use super::random::Random;
use fjord_helm::values::coalesce::{Nulls, coalesce};
use fjord_helm::values::{Map, Sources};
use fjord_helm::{Chart, File, Limits, Notices, dependencies};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What merging has to know about, by the names under which it is counted.
pub(crate) const FEATURES: &[&str] = &[
    "--set",
    "--set of a list",
    "--set of an item",
    "--set of null",
    "--set of several",
    "--set with an escape",
    "--set-file",
    "--set-json",
    "--set-json of a table",
    "--set-literal",
    "--set-string",
    "alias",
    "condition",
    "condition of several paths",
    "dependency twice",
    "dependency without its chart",
    "empty list of dependencies",
    "empty table",
    "file over file",
    "globals for a subchart",
    "globals that are no table",
    "grandchild",
    "import by name",
    "import from a path",
    "import into the root",
    "import of what is missing",
    "list over list",
    "null among a chart's defaults",
    "null for a subchart",
    "null over a table",
    "null over a value",
    "null over nothing",
    "null over null",
    "parent's values for a subchart",
    "subchart that nothing lists",
    "switch that is no boolean",
    "table into table",
    "table over a value",
    "tag",
    "value over a table",
    "value over value",
    "value where a subchart's table should be",
    "values for an alias",
    "version outside the range",
];

pub(crate) struct Merge {
    root: Nested,
    files: Vec<Value>,
    json: Vec<String>,
    typed: Vec<String>,
    strings: Vec<String>,
    contents: Vec<String>,
    literals: Vec<String>,
    used: BTreeMap<&'static str, usize>,
}

struct Nested {
    name: &'static str,
    dependencies: Vec<Value>,
    /// Whether an empty list of dependencies is written.
    lists_none: bool,
    defaults: Value,
    children: Vec<Self>,
}

/// Chance, and what was made by it.
struct Maker {
    random: Random,
    used: BTreeMap<&'static str, usize>,
}

const KEYS: &[&str] = &[
    "a", "b", "c", "global", "one", "two", "uno", "due", "tags", "flags", "exports", "enabled",
    "a.b",
];

impl Maker {
    fn uses(&mut self, what: &'static str) {
        *self.used.entry(what).or_default() += 1;
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.random.below(if depth > 2 { 7 } else { 10 }) {
            0 | 6 => Value::Null,
            1 => json!(self.random.below(3) as f64),
            2 => json!("x"),
            3 => json!(true),
            4 => json!(""),
            5 => json!([1.0, "y", null]),
            _ => self.table(depth + 1),
        }
    }

    fn switch(&mut self) -> Value {
        if self.random.once_in(12) {
            self.uses("switch that is no boolean");
            return self.value(3);
        }
        json!(self.random.once_in(2))
    }

    fn table(&mut self, depth: usize) -> Value {
        let mut map = Map::new();
        for _ in 0..self.random.below(if depth == 0 { 7 } else { 4 }) {
            let key = *self.random.pick(KEYS);
            let value = match key {
                "enabled" => self.switch(),
                "tags" => json!({"front": self.switch(), "back": self.switch()}),
                "flags" => json!({"one": self.switch(), "two": self.switch()}),
                "exports" if depth < 3 => {
                    json!({"data": self.table(depth + 1), "more": self.table(depth + 1)})
                }
                // A chart's name and `global` hold a table most of the time.
                "one" | "two" | "uno" | "due" | "global" if !self.random.once_in(8) => {
                    self.table(depth + 1)
                }
                _ => self.value(depth),
            };
            map.insert(key.to_owned(), value);
            if depth > 3 {
                break;
            }
        }
        if map.is_empty() {
            self.uses("empty table");
        }
        Value::Object(map)
    }

    /// Makes values that meet a chart's defaults and those of its subcharts.
    fn upon(&mut self, chart: &Nested) -> Value {
        let mut values = self.changed(&chart.defaults, 0);
        for child in &chart.children {
            if self.random.once_in(2) {
                values[child.name] = self.upon(child);
            }
        }
        values
    }

    fn changed(&mut self, below: &Value, depth: usize) -> Value {
        let mut map = Map::new();
        for (key, value) in below.as_object().into_iter().flatten() {
            let changed = match self.random.below(5) {
                0 => continue,
                1 => Value::Null,
                2 => self.value(depth),
                _ if value.is_object() => self.changed(value, depth + 1),
                _ => self.value(3),
            };
            map.insert(key.clone(), changed);
        }
        Value::Object(map)
    }

    fn nested(&mut self, name: &'static str, depth: usize) -> Nested {
        let mut children = Vec::new();
        for name in ["one", "two"] {
            if depth < 2 && self.random.once_in(2) {
                if depth > 0 {
                    self.uses("grandchild");
                }
                children.push(self.nested(name, depth + 1));
            }
        }
        let mut dependencies = Vec::new();
        for child in &children {
            if self.random.once_in(4) {
                self.uses("subchart that nothing lists");
                continue;
            }
            dependencies.push(self.dependency(child.name));
            if self.random.once_in(8) {
                self.uses("dependency twice");
                let mut again = self.dependency(child.name);
                let alias = if child.name == "one" { "eins" } else { "zwei" };
                again["alias"] = json!(alias);
                dependencies.push(again);
            }
        }
        if self.random.once_in(20) {
            self.uses("dependency without its chart");
            dependencies.push(json!({"name": "nowhere", "version": "1"}));
        }
        let lists_none = dependencies.is_empty() && self.random.once_in(4);
        if lists_none {
            self.uses("empty list of dependencies");
        }
        Nested {
            name,
            dependencies,
            lists_none,
            defaults: self.table(0),
            children,
        }
    }

    fn dependency(&mut self, name: &str) -> Value {
        let mut dependency = json!({"name": name, "version": ">=1.0.0"});
        if self.random.once_in(12) {
            self.uses("version outside the range");
            dependency["version"] = json!("^2");
        }
        if self.random.once_in(4) {
            self.uses("alias");
            dependency["alias"] = json!(if name == "one" { "uno" } else { "due" });
        }
        if self.random.once_in(2) {
            self.uses("condition");
            let conditions = [
                "one.enabled",
                "two.enabled",
                "flags.one",
                "enabled",
                "a",
                "missing.path,flags.two",
                "one.enabled,two.enabled",
            ];
            let condition = *self.random.pick(&conditions);
            if condition.contains(',') {
                self.uses("condition of several paths");
            }
            dependency["condition"] = json!(condition);
        }
        if self.random.once_in(3) {
            self.uses("tag");
            let tags = [json!(["front"]), json!(["back"]), json!(["front", "back"])];
            dependency["tags"] = self.random.pick(&tags).clone();
        }
        if self.random.once_in(3) {
            let imports: Vec<Value> = (0..=self.random.below(2)).map(|_| self.import()).collect();
            dependency["import-values"] = json!(imports);
        }
        dependency
    }

    fn import(&mut self) -> Value {
        match self.random.below(4) {
            0 => {
                self.uses("import by name");
                json!(*self.random.pick(&["data", "more"]))
            }
            1 => {
                self.uses("import from a path");
                let child = *self.random.pick(&["a", "b", "exports.data", "one.a"]);
                let parent = *self.random.pick(&["a", "imported", "b.c"]);
                json!({"child": child, "parent": parent})
            }
            2 => {
                self.uses("import into the root");
                json!({"child": *self.random.pick(&["a", "c", "exports.more"]), "parent": "."})
            }
            _ => {
                self.uses("import of what is missing");
                json!(*self.random.pick(&["nothing", "data.nothing"]))
            }
        }
    }

    fn path(&mut self) -> String {
        let count = 1 + self.random.below(3);
        let keys = ["a", "b", "c", "global", "one", "two", "new"];
        let keys: Vec<&str> = (0..count).map(|_| *self.random.pick(&keys)).collect();
        keys.join(".")
    }

    /// Writes what `--set` takes, and its kin that know its grammar.
    fn expression(&mut self) -> String {
        let mut text = self.path();
        if self.random.once_in(10) {
            self.uses("--set with an escape");
            text += "\\.d";
        }
        if self.random.once_in(8) {
            self.uses("--set of an item");
            text += &format!(".items[{}]", self.random.below(3));
        }
        let value = match self.random.below(8) {
            0 => {
                self.uses("--set of null");
                "null"
            }
            1 => {
                self.uses("--set of a list");
                *self.random.pick(&["{1,x}", "{}", "{a}", "{true,null,1.5}"])
            }
            _ => {
                let values = [
                    "1", "x", "true", "", "1.5", "007", "0", "-3", "a b", "TRUE", "a\\,b",
                ];
                *self.random.pick(&values)
            }
        };
        text + "=" + value
    }
}

impl Merge {
    pub(crate) fn new(seed: u64) -> Self {
        let mut maker = Maker {
            random: Random::new(seed),
            used: BTreeMap::new(),
        };
        let root = maker.nested("root", 0);
        let first = if maker.random.once_in(2) {
            maker.table(0)
        } else {
            maker.upon(&root)
        };
        let mut files = vec![first];
        while maker.random.once_in(3) {
            maker.uses("file over file");
            files.push(maker.table(0));
        }
        let mut merge = Self {
            root,
            files,
            json: Vec::new(),
            typed: Vec::new(),
            strings: Vec::new(),
            contents: Vec::new(),
            literals: Vec::new(),
            used: BTreeMap::new(),
        };
        while maker.random.once_in(2) {
            merge.flag(&mut maker);
        }
        for file in &merge.files {
            meet(&mut maker, file, &merge.root);
        }
        merge.used = maker.used;
        merge
    }

    fn flag(&mut self, maker: &mut Maker) {
        match maker.random.below(8) {
            0 => {
                maker.uses("--set-json of a table");
                let table = maker.table(1);
                self.json.push(table.to_string());
            }
            1 => {
                maker.uses("--set-json");
                let text = format!("{}={}", maker.path(), maker.value(1));
                self.json.push(text);
            }
            2 => {
                maker.uses("--set-string");
                let text = maker.expression();
                self.strings.push(text);
            }
            3 => {
                maker.uses("--set-literal");
                let text = format!("{}=a,b=\\{{c}}", maker.path());
                self.literals.push(text);
            }
            4 => {
                maker.uses("--set-file");
                let text = format!("{}=FILE", maker.path());
                self.contents.push(text);
            }
            _ => {
                maker.uses("--set");
                let mut text = maker.expression();
                while maker.random.once_in(3) {
                    maker.uses("--set of several");
                    text += ",";
                    text += &maker.expression();
                }
                self.typed.push(text);
            }
        }
    }

    pub(crate) fn used(&self) -> BTreeMap<&'static str, usize> {
        self.used.clone()
    }

    pub(crate) fn question(&self) -> Value {
        let files: Vec<String> = self.files.iter().map(Value::to_string).collect();
        json!({"merge": {
            "root": self.root.question(), "files": files, "json": self.json, "typed": self.typed,
            "strings": self.strings, "contents": self.contents, "literals": self.literals,
        }})
    }

    pub(crate) fn ours(&self) -> Result<String, String> {
        let name = |index: usize| format!("{index}.yaml");
        let in_files = |text: &String| text.replace("FILE", &name(0));
        let sources = Sources {
            files: (0..self.files.len()).map(name).collect(),
            json: self.json.clone(),
            typed: self.typed.clone(),
            strings: self.strings.clone(),
            contents: self.contents.iter().map(in_files).collect(),
            literals: self.literals.clone(),
        };
        let mut read = |wanted: &str| {
            let found = (0..self.files.len()).find(|index| name(*index) == wanted);
            let found = found.ok_or_else(|| format!("no file {wanted}"))?;
            Ok(self.files[found].to_string().into_bytes())
        };
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let given = sources.merge(&mut read).map_err(|error| text(&error))?;
        let mut notices = Notices::default();
        let mut chart = self.root.chart();
        dependencies::process(&mut chart, &given, &mut notices).map_err(|error| text(&error))?;
        let values = coalesce(&chart, &given, Nulls::Delete, &mut notices);
        let values = values.map_err(|error| text(&error))?;
        let values = typed(&Value::Object(values.to_map()));
        Ok(json!({"charts": tree(&chart), "values": values}).to_string())
    }
}

/// Writes the types of numbers beside them.
fn typed(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            json!(format!("float64 {}", number.as_f64().unwrap()))
        }
        Value::Number(number) => json!(format!("int64 {number}")),
        Value::Array(items) => items.iter().map(typed).collect(),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, below)| (key.clone(), typed(below)));
            Value::Object(entries.collect())
        }
        other => other.clone(),
    }
}

/// The charts that take part, by name.
fn tree(chart: &Chart) -> Value {
    let below = chart.dependencies.iter();
    let below = below.map(|child| (child.name().to_owned(), tree(child)));
    Value::Object(below.collect())
}

impl Nested {
    fn metadata(&self) -> Value {
        let mut metadata = json!({"apiVersion": "v2", "name": self.name, "version": "1.0.0"});
        if self.lists_none || !self.dependencies.is_empty() {
            metadata["dependencies"] = json!(self.dependencies);
        }
        metadata
    }

    fn question(&self) -> Value {
        let children = self.children.iter();
        let children: Map = children
            .map(|child| (child.name.to_owned(), child.question()))
            .collect();
        json!({"metadata": self.metadata(), "defaults": self.defaults, "children": children})
    }

    fn chart(&self) -> Chart {
        let files = vec![
            File::new("Chart.yaml", self.metadata().to_string()),
            File::new("values.yaml", self.defaults.to_string()),
        ];
        let mut chart =
            Chart::from_files(files, &Limits::default(), &mut Notices::default()).unwrap();
        chart.dependencies = self.children.iter().map(Self::chart).collect();
        chart
    }
}

/// Counts what meets where values lie over a chart's defaults, and the chart's over its subcharts'.
fn meet(maker: &mut Maker, given: &Value, chart: &Nested) {
    over(maker, given, &chart.defaults);
    if has_null(&chart.defaults) {
        maker.uses("null among a chart's defaults");
    }
    for dependency in &chart.dependencies {
        if given[dependency["alias"].as_str().unwrap_or_default()].is_object() {
            maker.uses("values for an alias");
        }
    }
    for child in &chart.children {
        if chart.defaults[child.name].is_object() {
            maker.uses("parent's values for a subchart");
        }
        match given.get("global") {
            Some(Value::Object(_)) => maker.uses("globals for a subchart"),
            Some(_) => maker.uses("globals that are no table"),
            None => {}
        }
        match given.get(child.name) {
            Some(Value::Null) => maker.uses("null for a subchart"),
            Some(Value::Object(_)) | None => {}
            Some(_) => maker.uses("value where a subchart's table should be"),
        }
        meet(maker, &given[child.name], child);
    }
}

fn over(maker: &mut Maker, given: &Value, below: &Value) {
    let (Value::Object(given), Value::Object(below)) = (given, below) else {
        return;
    };
    for (key, value) in given {
        let what = match (value, below.get(key)) {
            (Value::Null, None) => "null over nothing",
            (Value::Null, Some(Value::Null)) => "null over null",
            (Value::Null, Some(Value::Object(_))) => "null over a table",
            (Value::Null, Some(_)) => "null over a value",
            (Value::Object(_), Some(Value::Object(_))) => "table into table",
            (_, Some(Value::Object(_))) => "value over a table",
            (Value::Array(_), Some(Value::Array(_))) => "list over list",
            (Value::Object(_), Some(_)) => "table over a value",
            (_, Some(_)) => "value over value",
            (_, None) => continue,
        };
        maker.uses(what);
        over(maker, value, below.get(key).unwrap_or(&Value::Null));
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().any(has_null),
        _ => false,
    }
}
