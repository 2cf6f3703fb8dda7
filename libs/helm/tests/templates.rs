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
fn every_function_is_called_by_an_own_template_that_renders() {
    // `fail` never renders, and Helm hands templates nothing that `call` could call.
    const FAILS: [&str; 2] = ["call", "fail"];
    let mut called = BTreeSet::new();
    for row in rows() {
        let text = row["template"].as_str().unwrap();
        let renders = row["output"].is_string();
        called.extend(
            calls(text)
                .into_iter()
                .filter(|name| renders || FAILS.contains(&name.as_str())),
        );
    }
    let mut names = fjord_gotemplate::functions::helm().names();
    names.extend([
        "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not",
        "or", "print", "printf", "println", "slice", "urlquery",
    ]);
    names.retain(|name| !called.contains(*name));
    assert!(
        names.is_empty(),
        "called by no own template that renders: {names:?}"
    );
}

/// The words that stand where a function is called: at the beginning of an action, a pipe or parentheses.
fn calls(template: &str) -> Vec<String> {
    let mut outside = String::new();
    let mut quote = None;
    let mut characters = template.chars();
    while let Some(c) = characters.next() {
        match quote {
            None if c == '"' || c == '`' => {
                quote = Some(c);
                outside.push(' ');
            }
            None => outside.push(c),
            Some('"') if c == '\\' => {
                characters.next();
            }
            Some(end) if c == end => quote = None,
            Some(_) => {}
        }
    }
    let words = ["if", "with", "range", "else", "template", "block"];
    let starts = outside.split(['{', '(', '|', '=']);
    let word_of = |text: &str| {
        let mut words_of = text.trim_start_matches(['-', ' ']).split_whitespace();
        let first = words_of.by_ref().find(|word| !words.contains(word))?;
        let name: String = first
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        (!name.is_empty()).then_some(name)
    };
    starts.filter_map(word_of).collect()
}
