//! Template functions and the template language against the real Helm: one line per case.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use std::collections::BTreeMap;

mod corpus;
mod machine;
mod one_template;

/// How many of the shared cases are alike; it only rises.
const ALIKE: usize = 2378;

#[test]
fn every_shared_template_gives_what_helm_gives() {
    let Some(rows) = corpus::rows("functions/shared.jsonl") else {
        return;
    };
    let mut wrong = Vec::new();
    let mut groups: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for row in &rows {
        let got = one_template::render(row["template"].as_str().unwrap(), &row["values"]);
        let alike = match (&got, row["output"].as_str(), row["error"].as_str()) {
            (Ok(got), Some(want), _) | (Err(got), _, Some(want)) => got == want,
            (Ok(_), None, None) => true,
            _ => false,
        };
        let group = groups
            .entry(row["group"].as_str().unwrap().into())
            .or_default();
        group.1 += 1;
        if alike {
            group.0 += 1;
        } else {
            let want = row["output"].as_str().map_or_else(
                || format!("ERROR {}", row["error"].as_str().unwrap_or_default()),
                |output| format!("{output:?}"),
            );
            wrong.push(format!(
                "[{}] {} {}\n   want {want}\n    got {got:?}",
                row["group"].as_str().unwrap(),
                row["template"],
                row["values"]
            ));
        }
    }
    for (group, (alike, all)) in &groups {
        println!("{group}: {alike} of {all}");
    }
    let alike = rows.len() - wrong.len();
    println!("{}", wrong.join("\n"));
    println!("functions: {alike} of {} as Helm", rows.len());
    assert!(alike >= ALIKE, "{alike} alike, {ALIKE} before");
}
