//! Template functions and the template language against the real Helm: one line per case.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail at any line"
)]

use fjord_gotemplate::Limits;
use fjord_helm::capabilities::Capabilities;
use fjord_helm::render::{Context, Release, render};
use fjord_helm::values::coalesce::{Nulls, coalesce};
use fjord_helm::values::{self, Value};
use fjord_helm::{Chart, File, Notices};
use std::collections::BTreeMap;

mod corpus;
mod machine;

/// How many of the shared cases are alike; it only rises.
const ALIKE: usize = 2374;

#[test]
fn every_shared_template_gives_what_helm_gives() {
    let Some(rows) = corpus::rows("functions/shared.jsonl") else {
        return;
    };
    let mut wrong = Vec::new();
    let mut groups: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for row in &rows {
        let got = evaluate(row["template"].as_str().unwrap(), &row["values"]);
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

fn evaluate(template: &str, given: &Value) -> Result<String, String> {
    let helpers = "{{- define \"t.name\" -}}{{ .Chart.Name }}-{{ .Release.Name }}{{- end -}}\n{{- define \"t.dot\" -}}[{{ . }}]{{- end -}}\n{{- define \"t.yaml\" -}}\na: 1\nb: [x, y]\n{{- end -}}\n{{- define \"t.rec\" -}}{{ if gt (int .) 0 }}{{ . }},{{ include \"t.rec\" (sub (int .) 1) }}{{ end }}{{- end -}}\n";
    let metadata = "name: t\nversion: 1.2.3\nappVersion: \"4.5\"\napiVersion: v2\ndescription: A chart\ntype: application\nkeywords: [a, b]\nannotations: {k: v}\nkubeVersion: \">=1.20.0-0\"\nmaintainers: [{name: Ann, email: ann@example.com}]\n";
    let files = vec![
        File::new("Chart.yaml", metadata),
        File::new("templates/t.yaml", template),
        File::new("templates/_helpers.tpl", helpers),
        File::new("config/a.txt", "alpha\n"),
        File::new("config/b.yaml", "b: 1\nc: [x]\n"),
        File::new("config/sub/c.txt", "line1\nline2\n"),
        File::new("bin.dat", [0u8, 1, 2, 250, 255]),
        File::new("empty.txt", ""),
        File::new("uni.txt", "héllo ✓ \"q\" <&>\n"),
        File::new("nonl.txt", "no newline"),
    ];
    let mut notices = Notices::default();
    let mut chart = Chart::from_files(files, &fjord_helm::Limits::default(), &mut notices).unwrap();
    let values = values::parse(given.to_string().as_bytes()).unwrap();
    chart.values = values.clone().into();
    let coalesced = coalesce(&chart, &values::Map::new(), Nulls::Keep, &mut notices).unwrap();
    for (key, value) in &values {
        coalesced.set(key, fjord_helm::values::tree::Tree::of(value));
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
