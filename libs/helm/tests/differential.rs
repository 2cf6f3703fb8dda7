//! Templates and values at random, rendered and merged here and by the real Helm, compared byte for byte.
//!
//! Needs the oracle (`make oracle`); skips loudly without it. `FJORD_TEMPLATES` and `FJORD_MERGES` say how many,
//! `FJORD_SEED` where to start.

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
}
mod machine;
mod one_template;

use differential::functions::{FUNCTIONS, UNSTABLE};
use differential::grammar::{Generated, NODES};
use differential::merges::Merge;
use differential::oracle::Oracle;
use fjord_helm::values;
use std::collections::{BTreeMap, BTreeSet};

/// Where ours may differ, each for a reason: what the template or either answer contains, and why.
const RULES: [(&str, &str); 8] = [
    (
        "or holds itself",
        "Go overflows its stack where a value holds itself, never ends, or prints nothing; ours is an error",
    ),
    (
        "Go crashed",
        "the same, where ours never came to print the value",
    ),
    (
        "invalid memory address",
        "Go reports where its own memory was wrong; ours names the same failure in most cases",
    ),
    (
        "error parsing regexp",
        "what a malformed regular expression is called",
    ),
    (
        "complex constants are not supported",
        "imaginary and complex constants are refused by name",
    ),
    (
        "slice index out of bounds",
        "past the end of a list Go gives what its memory was made to hold; ours is an error",
    ),
    ("0xc0", "an address of Go's memory"),
    ("toml: ", "what a malformed TOML document is called"),
];

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn generated_templates_render_as_helm_renders_them() {
    let Some(mut oracle) = Oracle::start() else {
        return;
    };
    let (first, count) = (number("FJORD_SEED", 1), number("FJORD_TEMPLATES", 1500));
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ruled: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut rendered, mut different) = (0, 0);
    for seed in first..first + count {
        let generated = Generated::new(seed);
        for (what, times) in &generated.used {
            *used.entry(what).or_default() += times;
        }
        if std::env::var_os("FJORD_PROGRESS").is_some() {
            eprintln!("seed {seed}: {}", generated.template);
        }
        let question = serde_json::json!({
            "template": generated.template, "values": generated.values,
        });
        let want = oracle.ask(&question);
        let got = one_template::render(&generated.template, &generated.values);
        rendered += u64::from(want.is_ok());
        if want == got {
            continue;
        }
        let texts = [&want, &got].map(|answer| match answer {
            Ok(text) | Err(text) => text.clone(),
        });
        let marked = |mark: &str| texts.iter().any(|text| text.contains(mark));
        let rule = RULES
            .iter()
            .find(|(mark, _)| marked(mark))
            .map(|(_, why)| *why);
        let rule = rule
            .or_else(|| is_now(&generated.template, &texts).then_some(NOW))
            .or_else(|| is_chance(&mut oracle, &question, &got).then_some(CHANCE));
        if let Some(why) = rule {
            *ruled.entry(why).or_default() += 1;
            continue;
        }
        different += 1;
        if different <= 40 {
            println!(
                "SEED {seed}: {}\n  want {want:?}\n   got {got:?}",
                generated.template
            );
        }
    }
    println!(
        "templates: {count} from seed {first}, {rendered} render, {} under the rules, {different} differ",
        ruled.values().sum::<usize>()
    );
    for (why, times) in &ruled {
        println!("{times:>8}  {why}");
    }
    if count >= 5_000 {
        table(&used, count);
        assert!(
            rendered * 2 >= count,
            "fewer than half of the templates render"
        );
    }
    assert_eq!(different, 0, "templates differ; the first are above");
}

const NOW: &str = "what is no time means now, and now is not the same for both";
const CHANCE: &str = "Helm answers in several ways, and ours is one of them";

/// A rule more: Helm's own answer depends on the order of a map, and ours is one of its answers.
fn is_chance(
    oracle: &mut Oracle,
    question: &serde_json::Value,
    got: &Result<String, String>,
) -> bool {
    (0..30).any(|_| oracle.ask(question) == *got)
}

/// And one: what is no time means now to functions of dates, and now is not the same for both.
fn is_now(template: &str, [want, got]: &[String; 2]) -> bool {
    let shape = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    ["date", "Date"].iter().any(|word| template.contains(word)) && shape(want) == shape(got)
}

/// Prints how often each node and function was used; with enough templates none may be rare.
fn table(used: &BTreeMap<&str, usize>, count: u64) {
    for (what, times) in used {
        println!("{times:>8}  {what}");
    }
    let functions = fjord_gotemplate::functions::helm().names();
    let of_go = FUNCTIONS.iter().map(|(name, ..)| *name);
    let all: BTreeSet<&str> = functions
        .into_iter()
        .chain(of_go)
        .chain(NODES.iter().copied())
        .collect();
    let rare: Vec<&str> = all
        .into_iter()
        .filter(|what| {
            (used.get(what).copied().unwrap_or(0) as u64) < (200 * count).div_ceil(50_000)
        })
        .collect();
    assert!(
        rare.is_empty(),
        "used fewer than 200 times in 50,000 templates: {rare:?}"
    );
}

#[test]
fn every_function_is_called_by_generated_templates() {
    let called: BTreeSet<&str> = FUNCTIONS
        .iter()
        .map(|(name, ..)| *name)
        .chain(UNSTABLE.iter().map(|(name, _)| *name))
        .collect();
    let missing: Vec<&str> = fjord_gotemplate::functions::helm()
        .names()
        .into_iter()
        .filter(|name| !called.contains(name))
        .collect();
    assert!(missing.is_empty(), "never called: {missing:?}");
}

#[test]
fn generated_values_coalesce_as_helm_coalesces_them() {
    let Some(mut oracle) = Oracle::start() else {
        return;
    };
    let (first, count) = (number("FJORD_SEED", 1), number("FJORD_MERGES", 1500));
    let (mut different, mut ruled) = (0, 0);
    for seed in first..first + count {
        let merge = Merge::new(seed);
        let want = oracle.ask(&merge.question());
        let got = merge.ours();
        let alike = match (&want, &got) {
            (Ok(want), Ok(got)) => {
                // Both print numbers in their own way.
                let parse = |text: &str| values::parse(text.as_bytes()).unwrap();
                parse(want) == parse(got)
            }
            (Err(want), Err(got)) => want == got,
            _ => false,
        };
        if !alike && is_chance(&mut oracle, &merge.question(), &got) {
            ruled += 1;
        } else if !alike {
            different += 1;
            println!(
                "SEED {seed}: {}\n  want {want:?}\n   got {got:?}",
                merge.question()
            );
        }
    }
    println!(
        "merges: {count} from seed {first}, {ruled} of several answers of Helm, {different} differ"
    );
    assert_eq!(different, 0, "values differ; see above");
}
