//! The chart that the tables of templates were rendered in.

use fjord_gotemplate::Limits;
use fjord_helm::capabilities::Capabilities;
use fjord_helm::render::{Context, Release, render as render_chart};
use fjord_helm::values::coalesce::{Nulls, coalesce};
use fjord_helm::values::{self, Value};
use fjord_helm::{Chart, File, Notices};

/// Renders a template as the one of a small chart, with values as if read from a file.
#[allow(dead_code, reason = "not every test has values without their types")]
pub(crate) fn render(template: &str, given: &Value) -> Result<String, String> {
    render_typed(template, given, false)
}

/// The same, with whole numbers as integers where the values are typed, as those of `--set` are.
pub(crate) fn render_typed(template: &str, given: &Value, typed: bool) -> Result<String, String> {
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
        // Of what is empty Helm's loaders keep nil in archives and no bytes in folders; JSON tells the two apart.
        File::new("empty.txt", ""),
        File::new("uni.txt", "héllo ✓ \"q\" <&>\n"),
        File::new("nonl.txt", "no newline"),
    ];
    let mut notices = Notices::default();
    let mut chart = Chart::from_files(files, &fjord_helm::Limits::default(), &mut notices).unwrap();
    let values = match given {
        Value::Object(map) if typed => map.clone(),
        _ => values::parse(given.to_string().as_bytes()).unwrap(),
    };
    chart.values = values.clone().into();
    let coalesced = coalesce(&chart, &values::Map::new(), Nulls::Keep, &mut notices).unwrap();
    for (key, value) in &values {
        coalesced.set(key.as_str(), fjord_helm::values::tree::Tree::of(value));
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
        host: &crate::machine::Machine,
        // Where Helm counts to a million millions, we do not wait either.
        limits: Limits {
            steps: 50_000_000,
            ..Limits::default()
        },
        strict: false,
        cache: None,
    };
    match render_chart(&chart, &coalesced, &context) {
        Ok(mut files) => Ok(crate::machine::text(
            &files.remove("t/templates/t.yaml").unwrap(),
        )),
        Err(error) => Err(error.to_string()),
    }
}
