//! Rendered files to manifests and hooks: splitting into documents, reading their heads, sorting.
//!
//! The surprise is how little is read: a document without a kind, or with a key twice, is a manifest.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    go::{Decode, Fault},
    notice::{Level, Notices},
};

mod excerpt;
mod hook;
mod kinds;
mod split;

pub use excerpt::Excerpt;
pub use hook::{Event, Hook};
pub use kinds::{INSTALL_ORDER, Order, UNINSTALL_ORDER};
pub use split::{Rule as SplitRule, split};

/// A rendered document that is no hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The path of its template: `chart/templates/web.yaml`.
    pub path: String,
    /// Its kind, or nothing.
    pub kind: String,
    /// Its apiVersion, or nothing.
    pub api_version: String,
    /// Its text, with the line ends behind it.
    pub content: Excerpt,
}

/// A document that cannot be read, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("YAML parse error on {path}: {source}")]
pub struct Error {
    /// The path of its template.
    pub path: String,
    /// What is wrong.
    pub source: Fault,
}

/// Hooks and manifests, each in the order they are applied in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// The hooks, by kind; their weights count when they are run.
    pub hooks: Vec<Hook>,
    /// The manifests, by kind.
    pub manifests: Vec<Manifest>,
}

/// Splits rendered files and sorts what is in them.
///
/// ```
/// use std::collections::BTreeMap;
/// use fjord_helm::manifest::{INSTALL_ORDER, SplitRule, sort};
///
/// let files = BTreeMap::from([(
///     "c/templates/a.yaml".to_owned(),
///     "kind: Pod\n---\nkind: Secret\n".into(),
/// )]);
/// let sorted = sort(&files, INSTALL_ORDER, SplitRule::default(), &mut Default::default()).unwrap();
/// let kinds: Vec<_> = sorted.manifests.iter().map(|manifest| &*manifest.kind).collect();
/// assert_eq!(kinds, ["Secret", "Pod"]);
/// ```
///
/// # Errors
/// A document is no YAML, or its head is not of the types it must be of; what was read before it.
pub fn sort(
    files: &BTreeMap<String, Arc<str>>,
    order: Order,
    rule: SplitRule,
    notices: &mut Notices,
) -> Result<Sorted, (Error, Sorted)> {
    let mut sorted = Sorted::default();
    for (path, content) in files {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.starts_with('_') || content.trim().is_empty() {
            continue;
        }
        for document in split(content, rule) {
            let start = document.as_ptr().addr() - content.as_ptr().addr();
            let document = Excerpt::new(content, start..start + document.len());
            if let Err(source) = place(path, document, &mut sorted, notices) {
                return Err((
                    Error {
                        path: path.clone(),
                        source,
                    },
                    sorted,
                ));
            }
        }
    }
    sorted.hooks.sort_by(|a, b| order.compare(&a.kind, &b.kind));
    sorted
        .manifests
        .sort_by(|a, b| order.compare(&a.kind, &b.kind));
    Ok(sorted)
}

fn place(
    path: &str,
    content: Excerpt,
    sorted: &mut Sorted,
    notices: &mut Notices,
) -> Result<(), Fault> {
    let head = Head::read(&content)?;
    let Some(events) = head.annotations.get(hook::EVENTS) else {
        let (kind, api_version) = (head.kind, head.api_version);
        sorted.manifests.push(Manifest {
            path: path.to_owned(),
            kind,
            api_version,
            content,
        });
        return Ok(());
    };
    match Hook::new(path, &head, content, events) {
        Some(hook) => sorted.hooks.push(hook),
        None => {
            let fields = vec![("hookTypes", events.clone())];
            notices.push(Level::Info, "skipping unknown hooks", fields);
        }
    }
    Ok(())
}

/// What is read of a document.
struct Head {
    api_version: String,
    kind: String,
    name: String,
    annotations: BTreeMap<String, String>,
}

impl Head {
    fn read(text: &str) -> Result<Self, Fault> {
        const METADATA: &str = r#"struct { Name string "json:\"name\""; Annotations map[string]string "json:\"annotations\"" }"#;
        Decode::yaml(
            text.as_bytes(),
            "util.SimpleHead",
            "SimpleHead",
            |decode, fields| {
                let api_version = fields.text(decode, "apiVersion");
                let kind = fields.text(decode, "kind");
                let metadata = fields.fields(decode, "metadata", METADATA);
                let annotations = metadata
                    .as_ref()
                    .map(|metadata| metadata.text_map(decode, "annotations"));
                let name = metadata
                    .as_ref()
                    .map(|metadata| metadata.text(decode, "name"));
                Self {
                    api_version,
                    kind,
                    name: name.unwrap_or_default(),
                    annotations: annotations.unwrap_or_default(),
                }
            },
        )
    }
}
