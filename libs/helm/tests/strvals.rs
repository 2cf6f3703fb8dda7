//! `--set` and its kin against what the real Helm made of the same expressions.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use fjord_helm::values::{self, Map, Value, strvals};

mod corpus;

#[test]
fn every_set_expression_gives_what_helm_gives() {
    let Some(rows) = corpus::rows("strvals/shared.jsonl") else {
        return;
    };
    let mut wrong = Vec::new();
    for row in &rows {
        let mut tree = values::parse(row["base"].to_string().as_bytes()).unwrap();
        let error = apply(row, &mut tree).err();
        let same = match (row["error"].as_str(), &error) {
            (Some(want), Some(got)) => want == got,
            (None, None) => same(&Value::Object(tree.clone()), &row["result"]) && types(row, &tree),
            _ => false,
        };
        if !same {
            wrong.push(format!(
                "{}\n    got {error:?} {}",
                row,
                Value::Object(tree)
            ));
        }
    }
    println!(
        "strvals: {} of {} as Helm",
        rows.len() - wrong.len(),
        rows.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn apply(row: &Value, tree: &mut Map) -> Result<(), String> {
    for expression in row["exprs"].as_array().into_iter().flatten() {
        let text = expression[1].as_str().unwrap();
        let mut file = |name: &str| {
            let text = row["files"][name].as_str();
            text.map(str::to_owned)
                .ok_or_else(|| format!("no file {name:?}"))
        };
        match expression[0].as_str().unwrap() {
            "set" => strvals::parse_into(text, tree),
            "set-string" => strvals::parse_string_into(text, tree),
            "set-json" => strvals::parse_json_into(text, tree),
            "set-file" => strvals::parse_file_into(text, tree, &mut file),
            "set-literal" => values::parse_literal_into(text, tree),
            other => panic!("unknown flag {other}"),
        }
        .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Compares trees by what their numbers are worth; their types are compared apart.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Compares the Go types of numbers, which JSON equality does not see.
fn types(row: &Value, tree: &Map) -> bool {
    let tree = Value::Object(tree.clone());
    row["types"]
        .as_object()
        .into_iter()
        .flatten()
        .all(|(pointer, want)| {
            let is_float = tree.pointer(pointer).is_some_and(Value::is_f64);
            is_float == (want == "float64")
        })
}
