//! Rendering: a chart with its values to files.
//!
//! Owns what templates see and in which order they run; the language is `fjord-gotemplate`'s. The surprises: all
//! files of all charts are one set of templates, of equal names the one of the shallowest path wins, and what a
//! template changes in a map stays changed for those that run after it.

mod cache;
mod dot;
mod error;
mod objects;

pub use cache::Cache;
pub use error::Error;

use crate::capabilities::Capabilities;
use crate::chart::Chart;
use crate::values::tree::Table;
use dot::{Renderable, Scopes};
use fjord_gotemplate::functions::{helm, without_no_value};
use fjord_gotemplate::{Host, Limits, MissingKey, Session, Set, Value};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is known about the release that a chart is rendered for: `.Release`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// The namespace it goes to.
    pub namespace: String,
    /// Its number, from 1.
    pub revision: i64,
    /// Whether it replaces an earlier one.
    pub is_upgrade: bool,
}

/// What is the same for every template of a render.
pub struct Context<'a> {
    /// The release.
    pub release: &'a Release,
    /// What the cluster offers.
    pub capabilities: &'a Capabilities,
    /// Time, chance and the cluster.
    pub host: &'a dyn Host,
    /// What the templates may not exceed.
    pub limits: Limits,
    /// Whether a missing key is an error, as `helm lint --strict` has it.
    pub strict: bool,
    /// Where parsed templates are kept from one render to the next.
    pub cache: Option<&'a Cache>,
}

/// Renders all templates of a chart whose dependencies were processed; partials are run by others only.
///
/// Returns the files by path (`chart/templates/web.yaml`), those that came out empty too.
///
/// # Errors
/// The first template that does not parse or fails, in Helm's words.
pub fn render(
    chart: &Chart,
    values: &Table,
    context: &Context<'_>,
) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let templates = Scopes::new(context).collect(chart, values);
    let mut paths: Vec<&String> = templates.keys().collect();
    // Deeper paths first, then backwards by name.
    paths.sort_by_cached_key(|path| Reverse((path.matches('/').count(), *path)));
    let parse = || {
        let missing_key = if context.strict {
            MissingKey::Error
        } else {
            MissingKey::Zero
        };
        let mut set = Set::new("gotpl", helm()).missing_key(missing_key);
        for path in &paths {
            let text = templates[*path].data.clone().into();
            set.parse_text(path, text, &context.limits)
                .map_err(|error| Error::parse(&error))?;
        }
        Ok(set)
    };
    let set = match context.cache {
        Some(cache) => {
            let files: Vec<_> = paths
                .iter()
                .map(|path| (*path, &templates[*path].data))
                .collect();
            cache.get(&files, context.strict, parse)?
        }
        None => Arc::new(parse()?),
    };
    let session = Session::new(context.host, context.limits.clone());
    let mut rendered = BTreeMap::new();
    for path in &paths {
        let path = *path;
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.starts_with('_') {
            continue;
        }
        let template = &templates[path];
        let mut text = run(&session, &set, path, template)?;
        // All are held until the last one is there.
        text.shrink_to_fit();
        rendered.insert(path.clone(), text);
    }
    Ok(rendered)
}

fn run(
    session: &Session<'_>,
    set: &Set,
    path: &str,
    template: &Renderable,
) -> Result<Vec<u8>, Error> {
    // The dot is one map for all templates of a chart; only this entry differs.
    let of_template = dot::values_map([
        ("Name", Value::from(path)),
        ("BasePath", Value::from(template.base_path.as_str())),
    ]);
    let _ = template.dot.insert("Template", Value::Map(of_template));
    let out = session
        .execute(
            set,
            path,
            Value::Map(template.dot.with_type(&objects::VALUES)),
        )
        .map_err(|error| Error::execution(path, error))?;
    let changed = match without_no_value(&out) {
        Cow::Owned(kept) => Some(kept),
        Cow::Borrowed(_) => None,
    };
    Ok(changed.unwrap_or(out))
}
