//! Where the values come from that a render failed on, said beside Helm's words.
//!
//! Helm says where a template failed, not who gave it what it failed on. [`explain`] adds the chart, the failing action
//! and, for each value that it asks for, the flag, the values file or the chart that set it, with the line. It is only
//! asked after a failure, so it reads the sources again and costs a render nothing.
//!
//! No value is shown, only its kind: what failed may be a password.

mod expression;

use crate::chart::Chart;
use crate::render;
use crate::template::Error;
use crate::values::{Map, Sources, Value};
use fjord_gotemplate::{ExecuteError, Failure, Place};
use fjord_yaml::{Limits, Merge, Node, parse_all};

/// What a render was given.
pub struct Given<'a> {
    /// The chart, as it was loaded: [`template`](crate::template::template) changes it.
    pub chart: &'a Chart,
    /// The values files and flags.
    pub sources: &'a Sources,
    /// Reads a values file.
    pub read: &'a mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    /// Reads a file of the chart (`charts/db/values.yaml`), where that can be had: then lines are told.
    pub file: &'a mut dyn FnMut(&str) -> Option<Vec<u8>>,
}

/// Says more about a failure: the chart and the action, and where its values come from. Empty where nothing is known.
///
/// ```
/// use fjord_helm::origin::{Given, explain};
/// # use fjord_helm::{Chart, File, Limits, Notices, capabilities::Capabilities, template, values::Sources};
/// # use fjord_helm::render::{Context, Release};
/// # let files = vec![
/// #     File::new("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
/// #     File::new("values.yaml", "image: {tag: latest}\n"),
/// #     File::new("templates/a.yaml", "tag: {{ .Values.image.tag }}\n"),
/// # ];
/// # let chart = Chart::from_files(files, &Limits::default(), &mut Notices::default())?;
/// # let release = Release { name: "r".into(), namespace: "n".into(), revision: 1, is_upgrade: false };
/// # let context = Context { release: &release, capabilities: &Capabilities::default(),
/// #     host: &fjord_gotemplate::Nowhere, limits: Default::default(), strict: false, cache: None };
/// let sources = Sources { typed: vec!["image=nginx".into()], ..Sources::default() };
/// let values = sources.merge(&mut |_| Err("no file".into()))?;
/// let failed = template::template(&mut chart.clone(), &values, &context, Default::default(), &mut Notices::default());
/// let (error, _) = failed.expect_err("image is a text");
/// let given = Given { chart: &chart, sources: &sources, read: &mut |_| Err("no file".into()), file: &mut |_| None };
/// assert_eq!(
///     explain(&error, given),
///     "chart web, templates/a.yaml, line 1: {{ .Values.image.tag }}\n  \
///      .Values.image is a text, set by --set image\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn explain(error: &Error, given: Given<'_>) -> String {
    let mut teller = Teller {
        layers: layers(given.sources, given.read),
        chart: given.chart,
        file: given.file,
        out: String::new(),
    };
    match error {
        Error::Render(render::Error::Parse { file, line, .. }) => teller.line(file, *line),
        Error::Render(
            render::Error::Raised { source, .. } | render::Error::Execution { source, .. },
        ) => {
            for place in places(source) {
                teller.place(place);
            }
        }
        Error::Schema(error) => teller.schema(&error.to_string()),
        Error::Dependencies(error) | Error::Values(error) => {
            let path = [error.chart().to_owned()];
            teller.value(&[given.chart.name().to_owned()], &path);
        }
        Error::Manifest(error) => teller.template(&error.path),
        Error::NotText(path) => teller.template(path),
        _ => {}
    }
    teller.out
}

/// The places of a chain of failures, from the template that was run to the one that failed.
fn places(error: &ExecuteError) -> Vec<&Place> {
    let mut places = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        places.extend(&error.place);
        next = match error.failure.as_deref() {
            Some(Failure::Template { source, .. }) => Some(source),
            _ => None,
        };
    }
    places
}

/// One source of values.
struct Layer {
    what: String,
    is_file: bool,
    values: Map,
    text: Vec<u8>,
}

/// Reads the sources one by one, the strongest first.
fn layers(sources: &Sources, read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>) -> Vec<Layer> {
    let mut layers = Vec::new();
    let mut add = |what: &str, source: &str, alone: Sources| {
        let text = if alone.files.is_empty() {
            Vec::new()
        } else {
            read(source).unwrap_or_default()
        };
        let mut again = |file: &str| {
            if file == source {
                Ok(text.clone())
            } else {
                Ok(Vec::new())
            }
        };
        // What cannot be read again, as standard input, is not told.
        if let Ok(values) = alone.merge(&mut again) {
            layers.push(Layer {
                what: what.to_owned(),
                is_file: !alone.files.is_empty(),
                values,
                text,
            });
        }
    };
    let one = |text: &String| vec![text.clone()];
    for text in &sources.files {
        add(
            text,
            text,
            Sources {
                files: one(text),
                ..Sources::default()
            },
        );
    }
    for text in &sources.json {
        add(
            "--set-json",
            text,
            Sources {
                json: one(text),
                ..Sources::default()
            },
        );
    }
    for text in &sources.typed {
        add(
            "--set",
            text,
            Sources {
                typed: one(text),
                ..Sources::default()
            },
        );
    }
    for text in &sources.strings {
        add(
            "--set-string",
            text,
            Sources {
                strings: one(text),
                ..Sources::default()
            },
        );
    }
    for text in &sources.contents {
        add(
            "--set-file",
            text,
            Sources {
                contents: one(text),
                ..Sources::default()
            },
        );
    }
    for text in &sources.literals {
        add(
            "--set-literal",
            text,
            Sources {
                literals: one(text),
                ..Sources::default()
            },
        );
    }
    layers.reverse();
    layers
}

struct Teller<'a> {
    layers: Vec<Layer>,
    chart: &'a Chart,
    file: &'a mut dyn FnMut(&str) -> Option<Vec<u8>>,
    out: String,
}

impl<'a> Teller<'a> {
    fn say(&mut self, text: &str) {
        if !self.out.contains(text) {
            self.out += text;
        }
    }

    /// The charts around a template (`shop/charts/db/templates/a.yaml`), as their names, and its name in the last.
    fn charts(&self, path: &str) -> Option<(Vec<String>, String)> {
        let mut rest = path.strip_prefix(self.chart.name())?.strip_prefix('/')?;
        let mut names = vec![self.chart.name().to_owned()];
        while let Some((name, after)) = rest
            .strip_prefix("charts/")
            .and_then(|below| below.split_once('/'))
        {
            names.push(name.to_owned());
            rest = after;
        }
        Some((names, rest.to_owned()))
    }

    /// The charts by their names, which may be aliases.
    fn chain(&self, names: &[String]) -> Vec<&'a Chart> {
        let mut chain = vec![self.chart];
        for name in names.iter().skip(1) {
            let Some(parent) = chain.last() else { break };
            let listed = parent.metadata.dependencies.iter().flatten();
            let aliased = listed.into_iter().find(|d| d.alias == *name);
            let real = aliased.map_or(name.as_str(), |dependency| &dependency.name);
            match parent.dependencies.iter().find(|c| c.name() == real) {
                Some(child) => chain.push(child),
                None => break,
            }
        }
        chain
    }

    fn text(&self, names: &[String], file: &str) -> Option<String> {
        let chain = self.chain(names);
        let chart = chain.get(names.len() - 1)?;
        let file = chart.templates.iter().find(|f| f.name == file)?;
        Some(String::from_utf8_lossy(&file.data).into_owned())
    }

    fn template(&mut self, path: &str) {
        if let Some((names, file)) = self.charts(path) {
            self.say(&format!("chart {}, {file}\n", names.join("/")));
        }
    }

    fn line(&mut self, path: &str, line: usize) {
        let Some((names, file)) = self.charts(path) else {
            return;
        };
        let text = self.text(&names, &file).unwrap_or_default();
        let text = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let head = format!("chart {}, {file}, line {line}: ", names.join("/"));
        self.say(&format!("{head}{}\n", text.trim()));
    }

    fn place(&mut self, place: &Place) {
        // The text that `tpl` was given has no file.
        let Some((names, file)) = self.charts(&place.file) else {
            return;
        };
        let Some(text) = self.text(&names, &file) else {
            return;
        };
        let (line, column) = (place.line, place.column);
        let shown = expression::shown(&text, line, column).unwrap_or_default();
        let head = format!("chart {}, {file}, line {line}: ", names.join("/"));
        self.say(&format!("{head}{shown}\n"));
        for path in expression::paths(&text, line, column, &place.node) {
            self.value(&names, &path);
        }
    }

    /// Tells who set the value at a path of a chart.
    fn value(&mut self, names: &[String], path: &[String]) {
        let of = if names.len() > 1 {
            format!(" of chart {}", names[1..].join("/"))
        } else {
            String::new()
        };
        let told = match self.setter(names, path) {
            None => format!(
                "  .Values.{}{of} is not set: no flag, no values file and no values.yaml has it\n",
                path.join(".")
            ),
            Some(setter) => format!(
                "  .Values.{}{of} is {}, set by {}\n",
                path[..setter.depth].join("."),
                setter.kind,
                setter.by
            ),
        };
        self.say(&told);
    }

    fn setter(&mut self, names: &[String], path: &[String]) -> Option<Setter> {
        // Globals are looked for in the tables of the parents too, which win.
        let is_global = path.first().is_some_and(|key| key == "global");
        let first = if is_global { 1 } else { names.len() };
        let full: Vec<Vec<String>> = (first..=names.len())
            .map(|count| [&names[1..count], path].concat())
            .collect();
        for layer in &self.layers {
            for full in &full {
                let Some(found) = Found::at(&layer.values, full) else {
                    continue;
                };
                let by = if layer.is_file {
                    let line = line_of(&layer.text, &full[..found.depth]);
                    format!("{}{}", layer.what, told(line))
                } else {
                    format!("{} {}", layer.what, full[..found.depth].join("."))
                };
                return Some(found.setter(by, full.len() - path.len()));
            }
        }
        let chain = self.chain(names);
        for (at, chart) in chain.iter().enumerate() {
            for full in &full {
                let Some(found) = full
                    .get(at..)
                    .and_then(|f| Found::at(&chart.values.to_map(), f))
                else {
                    continue;
                };
                let folder: String = names[1..=at]
                    .iter()
                    .map(|n| format!("charts/{n}/"))
                    .collect();
                let text = (self.file)(&format!("{folder}values.yaml")).unwrap_or_default();
                let line = told(line_of(&text, &full[at..at + found.depth]));
                let by = format!("values.yaml of chart {}{line}", names[..=at].join("/"));
                return Some(found.setter(by, (full.len() - path.len()).saturating_sub(at)));
            }
        }
        None
    }

    /// Tells who set what a schema refuses: its faults name charts and pointers.
    fn schema(&mut self, faults: &str) {
        let mut names = vec![self.chart.name().to_owned()];
        for line in faults.lines().skip(1) {
            if let Some(name) = line
                .strip_suffix(':')
                .filter(|name| !name.starts_with(['-', ' ']))
            {
                names = path_to(self.chart, name).unwrap_or(names);
                self.say(&format!("chart {}, values.schema.json\n", names.join("/")));
            }
            let Some((pointer, fault)) = line
                .trim_start()
                .strip_prefix("- at '")
                .and_then(|rest| rest.split_once("': "))
            else {
                continue;
            };
            let keys = pointer.split('/').skip(1);
            let keys: Vec<String> = keys
                .map(|k| k.replace("~1", "/").replace("~0", "~"))
                .collect();
            if let Some(more) = fault.strip_prefix("additional properties ") {
                for key in more.split('\'').skip(1).step_by(2) {
                    self.value(&names, &[keys.as_slice(), &[key.to_owned()]].concat());
                }
            } else if !keys.is_empty() {
                self.value(&names, &keys);
            }
        }
    }
}

/// Who set a value, of what kind it is, and how much of the path that is.
struct Setter {
    by: String,
    kind: &'static str,
    depth: usize,
}

/// What lies at a path, or on the way to it where that is no table.
struct Found {
    depth: usize,
    kind: &'static str,
}

impl Found {
    fn at(values: &Map, path: &[String]) -> Option<Self> {
        let mut table = values;
        for (index, key) in path.iter().enumerate() {
            let value = table.get(key)?;
            let depth = index + 1;
            match value {
                Value::Object(below) if depth < path.len() => table = below,
                value => {
                    let kind = kind(value);
                    return Some(Self { depth, kind });
                }
            }
        }
        None
    }

    fn setter(&self, by: String, before: usize) -> Setter {
        Setter {
            by,
            kind: self.kind,
            depth: self.depth.saturating_sub(before),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null, which deletes it",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number (a float64, as every one of a file)",
        Value::Number(_) => "a number (an int64, as every whole one of --set)",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

fn told(line: Option<u32>) -> String {
    line.map(|line| format!(", line {line}"))
        .unwrap_or_default()
}

/// Finds the line of the key at a path; of several documents the last that has it counts.
fn line_of(text: &[u8], path: &[String]) -> Option<u32> {
    let documents = parse_all(text, Merge::V2, &Limits::default()).ok()?;
    documents.iter().rev().find_map(|document| {
        let mut node = document;
        let mut line = None;
        for key in path {
            let Node::Map(map) = node else { return line };
            let entry = map.entries.iter().rev().find(|(k, _)| k.value == *key)?;
            line = Some(entry.0.line).filter(|line| *line > 0);
            node = &entry.1;
        }
        line
    })
}

/// The names of the charts down to the first of a name, which may be an alias.
fn path_to(chart: &Chart, name: &str) -> Option<Vec<String>> {
    if chart.name() == name {
        return Some(vec![name.to_owned()]);
    }
    let own = [chart.name().to_owned()];
    let listed = chart.metadata.dependencies.iter().flatten();
    if listed
        .into_iter()
        .any(|dependency| dependency.alias == name)
    {
        return Some([own.as_slice(), &[name.to_owned()]].concat());
    }
    chart
        .dependencies
        .iter()
        .find_map(|below| Some([own.as_slice(), &path_to(below, name)?].concat()))
}
