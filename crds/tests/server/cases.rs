//! The tables of objects: reading, expanding, comparing.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};

/// The objects of one kind.
pub(crate) struct Table {
    folder: PathBuf,
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) cases: Vec<Case>,
}

/// One object to create, and perhaps a status to write afterwards.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) spec: Option<Value>,
    pub(crate) status: Option<Value>,
}

/// Reads every table under `tests/cases`.
pub(crate) fn all() -> anyhow::Result<Vec<Table>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<PathBuf> = fs::read_dir(root)?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    folders.sort();
    folders.into_iter().map(Table::read).collect()
}

impl Table {
    fn read(folder: PathBuf) -> anyhow::Result<Self> {
        let value = read_yaml(&folder.join("objects.yaml"))?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let mut cases = Vec::new();
        for case in value["cases"].as_array().context("cases")? {
            expand(case, &mut cases)
                .with_context(|| format!("{} {}", folder.display(), case["name"]))?;
        }
        Ok(Self {
            folder,
            api_version: text("apiVersion"),
            kind: text("kind"),
            cases,
        })
    }

    /// Returns the file with the recorded outcomes.
    pub(crate) fn expected_path(&self) -> PathBuf {
        self.folder.join("expected.yaml")
    }

    /// Reads the recorded outcomes.
    pub(crate) fn expected(&self) -> anyhow::Result<Value> {
        read_yaml(&self.expected_path()).context("run with UPDATE_EXPECT=1 to record")
    }
}

/// Lists where two outcomes of a table differ.
pub(crate) fn differences(table: &Table, than: &str, ours: &Value, theirs: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let empty = Map::new();
    for part in ["objects", "columns", "names"] {
        let ours = ours[part].as_object().unwrap_or(&empty);
        let theirs = theirs[part].as_object().unwrap_or(&empty);
        for key in ours
            .keys()
            .chain(theirs.keys().filter(|key| !ours.contains_key(*key)))
        {
            let (ours, theirs) = (ours.get(key), theirs.get(key));
            if ours != theirs {
                found.push(format!(
                    "{} {part} {key} differs from {than}:\n  ours:  {}\n  other: {}",
                    table.kind,
                    ours.unwrap_or(&Value::Null),
                    theirs.unwrap_or(&Value::Null),
                ));
            }
        }
    }
    found
}

/// Shortens long texts to the form that the tables use, so that outcomes stay readable.
pub(crate) fn shorten(value: Value) -> Value {
    match value {
        Value::String(text) => shorten_text(&text).into(),
        Value::Array(items) => items.into_iter().map(shorten).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| (key, shorten(value)))
            .collect(),
        other => other,
    }
}

fn shorten_text(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let mut count = 1;
        while chars.next_if_eq(&char).is_some() {
            count += 1;
        }
        if count > 40 {
            out.push_str(&format!("<{char}*{count}>"));
        } else {
            out.extend(std::iter::repeat_n(char, count));
        }
    }
    out
}

fn read_yaml(path: &Path) -> anyhow::Result<Value> {
    let text = fs::read(path).with_context(|| path.display().to_string())?;
    Ok(fjord_yaml::to_json(&text, &fjord_yaml::Limits::default())?)
}

/// Turns a case with `each` into one per value.
fn expand(case: &Value, cases: &mut Vec<Case>) -> anyhow::Result<()> {
    let name = case["name"].as_str().context("name")?;
    let make = |name: String, object: &Value| Case {
        name,
        spec: object.get("spec").map(lengthen),
        status: object.get("status").map(lengthen),
    };
    let Some(each) = case.get("each") else {
        cases.push(make(name.to_owned(), case));
        return Ok(());
    };
    let path = each["path"].as_str().context("each.path")?;
    for (index, value) in each["values"]
        .as_array()
        .context("each.values")?
        .iter()
        .enumerate()
    {
        let mut object = case.clone();
        set(&mut object, path, value.clone())?;
        cases.push(make(format!("{name}-{index}"), &object));
    }
    Ok(())
}

fn set(object: &mut Value, path: &str, value: Value) -> anyhow::Result<()> {
    let mut target = object;
    for step in path.split('.') {
        target = match (target, step.parse::<usize>()) {
            (Value::Array(items), Ok(index)) => items.get_mut(index).context("no such item")?,
            (Value::Object(fields), _) => fields.entry(step).or_insert_with(|| json!({})),
            _ => bail!("{path} leads nowhere"),
        };
    }
    *target = value;
    Ok(())
}

/// Writes out `<x*9>` as nine times x.
fn lengthen(value: &Value) -> Value {
    match value {
        Value::String(text) => repeated(text).unwrap_or_else(|| text.clone()).into(),
        Value::Array(items) => items.iter().map(lengthen).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), lengthen(value)))
            .collect(),
        other => other.clone(),
    }
}

fn repeated(text: &str) -> Option<String> {
    let (what, count) = text.strip_prefix('<')?.strip_suffix('>')?.split_once('*')?;
    Some(what.repeat(count.parse().ok()?))
}
