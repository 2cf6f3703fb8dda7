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

use differential::functions::FUNCTIONS;
use differential::grammar::Generated;
use differential::merges::Merge;
use differential::oracle::Oracle;
use fjord_helm::values;
use std::collections::BTreeMap;

/// Where ours may differ, each for a reason: what the template or either answer contains, and why.
const RULES: [(&str, &str); 4] = [
    (
        "Go crashed",
        "Go overflows its stack where a value holds itself; ours is an error",
    ),
    (
        "invalid memory address",
        "Go reports where its own memory was wrong; ours names the same failure in most cases",
    ),
    (
        "error parsing regexp",
        "what a malformed regular expression is called",
    ),
    ("0xc0", "an address of Go's memory"),
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
    let (mut rendered, mut ruled) = (0, 0);
    let mut different = 0;
    for seed in first..first + count {
        let generated = Generated::new(seed);
        for (what, times) in &generated.used {
            *used.entry(what).or_default() += times;
        }
        if std::env::var_os("FJORD_PROGRESS").is_some() {
            eprintln!("seed {seed}: {}", generated.template);
        }
        let want = oracle.ask(&serde_json::json!({
            "template": generated.template, "values": generated.values,
        }));
        let got = one_template::render(&generated.template, &generated.values);
        rendered += u64::from(want.is_ok());
        if want == got {
            continue;
        }
        let texts = [&want, &got].map(|answer| match answer {
            Ok(text) | Err(text) => text.clone(),
        });
        let marked = |mark: &str| texts.iter().any(|text| text.contains(mark));
        if RULES.iter().any(|(mark, _)| marked(mark)) || is_now(&generated.template, &texts) {
            ruled += 1;
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
        "templates: {count} from seed {first}, {rendered} render, {ruled} under the rules, {different} differ"
    );
    if count >= 20_000 {
        table(&used);
        assert!(
            rendered * 2 >= count,
            "fewer than half of the templates render"
        );
    }
    assert_eq!(different, 0, "templates differ; the first are above");
}

/// One rule more: what is no time means now to functions of dates, and now is not the same for both.
fn is_now(template: &str, [want, got]: &[String; 2]) -> bool {
    let shape = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    ["date", "Date"].iter().any(|word| template.contains(word)) && shape(want) == shape(got)
}

/// Prints how often each node and function was used; none may be rare.
fn table(used: &BTreeMap<&str, usize>) {
    for (what, times) in used {
        println!("{times:>8}  {what}");
    }
    let rare: Vec<&str> = FUNCTIONS
        .iter()
        .map(|(name, ..)| *name)
        .filter(|name| used.get(name).copied().unwrap_or(0) < 200)
        .collect();
    assert!(rare.is_empty(), "used fewer than 200 times: {rare:?}");
}

#[test]
fn generated_values_coalesce_as_helm_coalesces_them() {
    let Some(mut oracle) = Oracle::start() else {
        return;
    };
    let (first, count) = (number("FJORD_SEED", 1), number("FJORD_MERGES", 1500));
    let mut different = 0;
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
        if !alike {
            different += 1;
            println!(
                "SEED {seed}: {}\n  want {want:?}\n   got {got:?}",
                merge.question()
            );
        }
    }
    println!("merges: {count} from seed {first}, {different} differ");
    assert_eq!(different, 0, "values differ; see above");
}
