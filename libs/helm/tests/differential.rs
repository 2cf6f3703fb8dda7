//! Templates and values at random, rendered and merged here and by the real Helm, compared byte for byte.
//!
//! Needs the oracle (`make oracle`); skips loudly without it. `FJORD_TEMPLATES` and `FJORD_MERGES` say how many,
//! `FJORD_SEED` where to start, `FJORD_FIRST` to end with what differs first, `FJORD_ANSWERS` names a file for what the
//! real Helm answers. What may differ stands in `differential/rules.rs`, what was run in `differential/RUNS.md`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

mod differential {
    pub(crate) mod functions;
    pub(crate) mod grammar;
    pub(crate) mod merges;
    pub(crate) mod oracle;
    pub(crate) mod random;
    pub(crate) mod rules;
    pub(crate) mod table;
}
mod machine;
mod one_template;

use differential::functions::{FUNCTIONS, SLOW, UNSTABLE};
use differential::grammar::{Generated, NODES};
use differential::merges::{FEATURES, Merge};
use differential::oracle::Oracle;
use differential::rules::Difference;
use differential::table::{Table, WHOLE};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

type Answer = Result<String, String>;

/// What is asked at once.
const BATCH: usize = 200;

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The seeds of a run.
fn seeds(count: &str) -> Range<u64> {
    let first = number("FJORD_SEED", 1);
    first..first + number(count, 1500)
}

/// A question for both, by its seed.
struct Asked {
    question: Value,
    used: BTreeMap<&'static str, usize>,
    ours: Box<dyn Fn() -> Answer>,
}

/// Asks both, counts and prints; fails where answers differ under no rule, or where few are no errors.
fn compare(what: &str, seeds: Range<u64>, ask: impl Fn(u64) -> Asked) -> Option<Table> {
    let mut oracle = Oracle::start()?;
    println!("{what}: seeds {} to {}", seeds.start, seeds.end - 1);
    let mut table = Table::default();
    let mut ruled: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut rendered, mut different) = (0, 0);
    let all: Vec<u64> = seeds.collect();
    let only_first = std::env::var_os("FJORD_FIRST").is_some();
    'batches: for batch in all.chunks(BATCH) {
        let asked: Vec<Asked> = batch.iter().map(|seed| ask(*seed)).collect();
        for one in &asked {
            oracle.hand(&one.question);
        }
        let ours: Vec<Answer> = asked.iter().map(|one| (one.ours)()).collect();
        let wants: Vec<Answer> = asked.iter().map(|_| oracle.answer()).collect();
        for (((seed, one), got), want) in batch.iter().zip(&asked).zip(&ours).zip(&wants) {
            table.add(&one.used, want.is_ok());
            rendered += usize::from(want.is_ok());
            if want == got {
                continue;
            }
            let question = &one.question;
            let difference = Difference {
                question,
                want,
                got,
            };
            if let Some(why) = difference.rule(&mut oracle) {
                *ruled.entry(why).or_default() += 1;
                continue;
            }
            different += 1;
            if different <= 40 {
                let shown = question["template"]
                    .as_str()
                    .map_or_else(|| question.to_string(), str::to_owned);
                println!("SEED {seed}: {shown}\n  want {want:?}\n   got {got:?}");
            }
            if only_first {
                break 'batches;
            }
        }
    }
    println!(
        "{what}: {} asked, {rendered} without an error, {} under the rules, {different} differ",
        all.len(),
        ruled.values().sum::<u64>()
    );
    for (why, times) in &ruled {
        println!("{times:>8}  {why}");
    }
    assert_eq!(different, 0, "{what} differ; the first are above");
    assert!(
        rendered * 2 >= all.len(),
        "fewer than half are without an error"
    );
    Some(table)
}

#[test]
fn generated_templates_render_as_helm_renders_them() {
    let seeds = seeds("FJORD_TEMPLATES");
    let table = compare("templates", seeds.clone(), |seed| {
        let Generated {
            template,
            values,
            typed,
            used,
        } = Generated::new(seed);
        if std::env::var_os("FJORD_PROGRESS").is_some() {
            eprintln!("seed {seed}: {template}");
        }
        Asked {
            question: serde_json::json!({"template": template, "values": values, "typed": typed}),
            used,
            ours: Box::new(move || one_template::render_typed(&template, &values, typed)),
        }
    });
    if let Some(table) = table {
        table.check(&nodes_and_functions(), seeds.end - seeds.start);
    }
}

#[test]
fn generated_values_merge_as_helm_merges_them() {
    let seeds = seeds("FJORD_MERGES");
    let table = compare("merges", seeds.clone(), |seed| {
        let merge = Merge::new(seed);
        Asked {
            question: merge.question(),
            used: merge.used(),
            ours: Box::new(move || merge.ours()),
        }
    });
    if let Some(table) = table {
        let features = FEATURES.iter().copied().collect();
        table.check(&features, seeds.end - seeds.start);
    }
}

/// Every node of the language, every function of sprig and of Helm, and Go's own.
fn nodes_and_functions() -> BTreeSet<&'static str> {
    let functions = fjord_gotemplate::functions::helm().names();
    let of_go = FUNCTIONS.iter().map(|(name, ..)| *name);
    let nodes = NODES.iter().copied();
    functions.into_iter().chain(of_go).chain(nodes).collect()
}

#[test]
fn a_whole_run_uses_every_node_function_and_feature_often_enough() {
    let (mut templates, mut merges) = (Table::default(), Table::default());
    for seed in 1..=WHOLE {
        templates.add(&Generated::new(seed).used, false);
        merges.add(&Merge::new(seed).used(), false);
    }
    templates.check(&nodes_and_functions(), WHOLE);
    merges.check(&FEATURES.iter().copied().collect(), WHOLE);
}

#[test]
fn every_function_is_called_by_generated_templates() {
    let called: BTreeSet<&str> = FUNCTIONS
        .iter()
        .map(|(name, ..)| *name)
        .chain(UNSTABLE.iter().chain(SLOW).map(|(name, _)| *name))
        .collect();
    let missing: Vec<&str> = fjord_gotemplate::functions::helm()
        .names()
        .into_iter()
        .filter(|name| !called.contains(name))
        .collect();
    assert!(missing.is_empty(), "never called: {missing:?}");
}
