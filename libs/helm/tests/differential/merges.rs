//! Charts within charts and values over them, at random.

use super::random::Random;
use fjord_helm::values::Map;
use fjord_helm::values::coalesce::{Nulls, coalesce};
use fjord_helm::{Chart, File, Limits, Notices, dependencies};
use serde_json::{Value, json};

pub(crate) struct Merge {
    given: Value,
    root: Nested,
}

struct Nested {
    defaults: Value,
    children: Vec<(&'static str, Self)>,
}

const KEYS: &[&str] = &["a", "b", "c", "global", "one", "two"];

fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth > 2 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => json!(random.below(3) as f64),
        2 => json!("x"),
        3 => json!(true),
        4 => json!(""),
        5 => json!([1.0, "y"]),
        _ => table(random, depth + 1),
    }
}

fn table(random: &mut Random, depth: usize) -> Value {
    let mut map = Map::new();
    for _ in 0..random.below(4) {
        let key = *random.pick(KEYS);
        // A chart's name must hold a table most of the time.
        let value = if matches!(key, "one" | "two" | "global") && !random.once_in(8) {
            table(random, depth + 1)
        } else {
            value(random, depth)
        };
        map.insert(key.to_owned(), value);
        if depth > 3 {
            break;
        }
    }
    Value::Object(map)
}

impl Nested {
    fn new(random: &mut Random, depth: usize) -> Self {
        let mut children = Vec::new();
        for name in ["one", "two"] {
            if depth < 2 && random.once_in(2) {
                children.push((name, Self::new(random, depth + 1)));
            }
        }
        Self {
            defaults: table(random, 0),
            children,
        }
    }

    fn question(&self) -> Value {
        let children: Map = self
            .children
            .iter()
            .map(|(name, child)| ((*name).to_owned(), child.question()))
            .collect();
        json!({"defaults": self.defaults, "children": children})
    }

    fn chart(&self, name: &str) -> Chart {
        let metadata = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n");
        let files = vec![
            File::new("Chart.yaml", metadata),
            File::new("values.yaml", self.defaults.to_string()),
        ];
        let mut chart =
            Chart::from_files(files, &Limits::default(), &mut Notices::default()).unwrap();
        chart.dependencies = self
            .children
            .iter()
            .map(|(name, child)| child.chart(name))
            .collect();
        chart
    }
}

impl Merge {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self {
            given: table(&mut random, 0),
            root: Nested::new(&mut random, 0),
        }
    }

    pub(crate) fn question(&self) -> Value {
        let mut question = self.root.question();
        question["merge"] = json!(true);
        question["values"] = self.given.clone();
        question
    }

    pub(crate) fn ours(&self) -> Result<String, String> {
        let mut notices = Notices::default();
        let mut chart = self.root.chart("root");
        let Value::Object(given) = &self.given else {
            return Err("no values".into());
        };
        dependencies::process(&mut chart, given, &mut notices)
            .map_err(|error| error.to_string())?;
        let values = coalesce(&chart, given, Nulls::Delete, &mut notices)
            .map_err(|error| error.to_string())?;
        Ok(Value::Object(values.to_map()).to_string())
    }
}
