//! Own templates of one line, each function among them: what the real Helm printed for each (`make oracle`) comes out
//! here, byte for byte.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use serde_json::Value;
use std::collections::BTreeSet;

mod machine;
mod one_template;

fn rows() -> Vec<Value> {
    let text = include_str!("templates.jsonl");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn own_templates_give_what_helm_gives() {
    let (rows, mut alike) = (rows(), 0);
    for row in &rows {
        let none = serde_json::json!({});
        let values = row.get("values").unwrap_or(&none);
        let got = one_template::render(row["template"].as_str().unwrap(), values);
        let same = match &got {
            Ok(output) => row["output"].as_str() == Some(output),
            Err(error) => row["error"].as_str() == Some(error),
        };
        alike += usize::from(same);
        if !same {
            println!("DIFFERS {row}\n  got {got:?}");
        }
    }
    println!("own templates: {alike} of {} as Helm", rows.len());
    assert_eq!(alike, rows.len(), "templates differ; they are above");
}

#[test]
fn every_function_is_in_an_own_template() {
    let mut words = BTreeSet::new();
    for row in rows() {
        let text = row["template"].as_str().unwrap();
        let pieces = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.extend(pieces.map(str::to_owned));
    }
    let mut names = fjord_gotemplate::functions::helm().names();
    names.extend([
        "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not",
        "or", "print", "printf", "println", "slice", "urlquery",
    ]);
    names.retain(|name| !words.contains(*name));
    assert!(names.is_empty(), "in no own template: {names:?}");
}
