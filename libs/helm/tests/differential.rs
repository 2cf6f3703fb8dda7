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

use differential::functions::FUNCTIONS;
use differential::grammar::Generated;
use differential::merges::Merge;
use differential::oracle::Oracle;
use fjord_gotemplate::Limits;
use fjord_helm::capabilities::Capabilities;
use fjord_helm::render::{Context, Release, render};
use fjord_helm::values::coalesce::{Nulls, coalesce};
use fjord_helm::values::tree::Tree;
use fjord_helm::values::{self, Map, Value};
use fjord_helm::{Chart, File, Notices};
use std::collections::BTreeMap;

/// Where ours may differ, each for a reason: what the template or either answer contains, and why.
const RULES: [(&str, &str); 3] = [
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
        let want = oracle.ask(&serde_json::json!({
            "template": generated.template, "values": generated.values,
        }));
        let got = ours(&generated.template, &generated.values);
        rendered += u64::from(want.is_ok());
        if want == got {
            continue;
        }
        let texts = [&want, &got].map(|answer| match answer {
            Ok(text) | Err(text) => text.clone(),
        });
        if RULES
            .iter()
            .any(|(mark, _)| texts.iter().any(|text| text.contains(mark)))
        {
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
                serde_json::from_str::<Value>(want).unwrap()
                    == serde_json::from_str::<Value>(got).unwrap()
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

fn ours(template: &str, given: &Value) -> Result<String, String> {
    let helpers = "{{- define \"t.name\" -}}{{ .Chart.Name }}-{{ .Release.Name }}{{- end -}}\n{{- define \"t.dot\" -}}[{{ . }}]{{- end -}}\n{{- define \"t.yaml\" -}}\na: 1\nb: [x, y]\n{{- end -}}\n{{- define \"t.rec\" -}}{{ if gt (int .) 0 }}{{ . }},{{ include \"t.rec\" (sub (int .) 1) }}{{ end }}{{- end -}}\n";
    let metadata = "name: t\nversion: 1.2.3\nappVersion: \"4.5\"\napiVersion: v2\ndescription: A chart\ntype: application\nkeywords: [a, b]\nannotations: {k: v}\nkubeVersion: \">=1.20.0-0\"\nmaintainers: [{name: Ann, email: ann@example.com}]\n";
    let files = vec![
        File::new("Chart.yaml", metadata),
        File::new("templates/t.yaml", template),
        File::new("templates/_helpers.tpl", helpers),
    ];
    let mut notices = Notices::default();
    let chart = Chart::from_files(files, &fjord_helm::Limits::default(), &mut notices).unwrap();
    let values = values::parse(given.to_string().as_bytes()).unwrap();
    let coalesced = coalesce(&chart, &Map::new(), Nulls::Keep, &mut notices).unwrap();
    for (key, value) in &values {
        coalesced.set(key, Tree::of(value));
    }
    let release = Release {
        name: "rel".into(),
        namespace: "ns".into(),
        revision: 1,
        is_upgrade: false,
    };
    let capabilities = Capabilities::default();
    let context = Context {
        release: &release,
        capabilities: &capabilities,
        host: &machine::Machine,
        limits: Limits::default(),
        strict: false,
    };
    match render(&chart, &coalesced, &context) {
        Ok(mut files) => Ok(files.remove("t/templates/t.yaml").unwrap()),
        Err(error) => Err(error.to_string()),
    }
}
