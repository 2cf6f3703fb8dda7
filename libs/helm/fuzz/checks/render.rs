//! Any text as a template of a chart: it renders or fails, within the limits, the same way twice.

use fjord_gotemplate::{Limits, Nowhere};
use fjord_helm::capabilities::Capabilities;
use fjord_helm::render::{Context, Release};
use fjord_helm::template::{Options, template};
use fjord_helm::{Chart, File, Notices, values};

const CHART: &str = "apiVersion: v2\nname: c\nversion: 1.0.0\n";
const VALUES: &str = "a: 1\nb: {c: [x, 2, null, {d: e}]}\nt: \"{{ .Values.a }}\"\n";

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let release = Release {
        name: "r".to_owned(),
        namespace: "n".to_owned(),
        revision: 1,
        is_upgrade: false,
    };
    let capabilities = Capabilities::default();
    let context = Context {
        release: &release,
        capabilities: &capabilities,
        host: &Nowhere,
        limits: Limits {
            steps: 20_000,
            output: 1 << 20,
            ..Limits::default()
        },
        strict: false,
        cache: None,
    };
    let run = || {
        let mut notices = Notices::default();
        let files = vec![
            File::new("Chart.yaml", CHART),
            File::new("values.yaml", VALUES),
            File::new("templates/t.yaml", text),
        ];
        let limits = fjord_helm::Limits::default();
        let mut chart = Chart::from_files(files, &limits, &mut notices).ok()?;
        let given = values::Map::new();
        let done = template(
            &mut chart,
            &given,
            &context,
            Options::default(),
            &mut notices,
        );
        Some(match done {
            Ok(rendered) => rendered.stream(true, true),
            Err((error, _)) => error.to_string(),
        })
    };
    assert_eq!(run(), run(), "a render is not repeatable");
}
