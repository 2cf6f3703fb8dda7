//! Three YAML texts as the values of a chart, of its subchart and of the user: they merge the same way twice.
//!
//! The input is cut at lines that are `@`.

use fjord_helm::values::coalesce::{Nulls, coalesce};
use fjord_helm::{Chart, File, Limits, Notices, dependencies, values};

const PARENT: &str = "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies: [{name: child, version: 1.x.x, condition: child.on, tags: [t], import-values: [data, {child: a, parent: b}]}]\n";
const CHILD: &str = "apiVersion: v2\nname: child\nversion: 1.0.0\n";

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut texts = text.split("\n@\n");
    let mut next = || texts.next().unwrap_or_default();
    let (parent, child, user) = (next(), next(), next());
    let Ok(user) = values::parse(user.as_bytes()) else {
        return;
    };
    let merged = |keep: Nulls| {
        let mut notices = Notices::default();
        let files = vec![
            File::new("Chart.yaml", PARENT),
            File::new("values.yaml", parent),
            File::new("charts/child/Chart.yaml", CHILD),
            File::new("charts/child/values.yaml", child),
        ];
        let mut chart = Chart::from_files(files, &Limits::default(), &mut notices).ok()?;
        dependencies::process(&mut chart, &user, &mut notices).ok()?;
        Some(coalesce(&chart, &user, keep, &mut notices).ok()?.to_map())
    };
    assert_eq!(
        merged(Nulls::Delete),
        merged(Nulls::Delete),
        "a merge is not repeatable"
    );
    let _ = merged(Nulls::Keep);
}
