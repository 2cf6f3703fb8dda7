//! `buildMetadata`: where objects come from and what ran over them, as annotations.

use crate::fs::join;
use crate::remote;
use crate::resource::{ORIGIN, Resource, TRANSFORMATIONS};
use fjord_yaml::{Limits, Map, Merge, Node, parse_first, to_v3, v3_string};

/// Where the build is: the path from its root, or from the root of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) path: String,
    pub(crate) repo: String,
    pub(crate) reference: String,
    pub(crate) configured_in: String,
    /// apiVersion, kind, name and namespace of the configuration.
    pub(crate) configured_by: [String; 4],
}

impl Origin {
    /// Goes to what a kustomization names.
    pub(crate) fn append(&self, path: &str) -> Self {
        let mut out = self.clone();
        if remote::is_repository(path) {
            let (url, query) = path.split_once('?').unwrap_or((path, ""));
            let reference = query.split('&').find_map(|pair| pair.strip_prefix("ref="));
            out.reference = reference.unwrap_or_default().to_owned();
            let below = url.split_once("://").map_or(url, |(_, rest)| rest);
            let (repo, sub) = match below.find("//") {
                Some(at) => {
                    let at = at + url.len() - below.len();
                    (&url[..at], &url[at + 2..])
                }
                None => (url, ""),
            };
            out.repo = repo.to_owned();
            out.path = if sub.is_empty() {
                String::new()
            } else {
                join("", sub)[1..].to_owned()
            };
            return out;
        }
        out.path = crate::fs::clean(&if out.path.is_empty() {
            path.to_owned()
        } else {
            format!("{}/{path}", out.path)
        });
        out
    }

    /// Returns the origin of what a builtin configured in this kustomization does.
    pub(crate) fn of_builtin(&self, file: &str, kind: &str) -> Self {
        let in_file = if self.path.is_empty() {
            file.to_owned()
        } else {
            format!("{}/{file}", self.path)
        };
        Self {
            path: String::new(),
            configured_in: crate::fs::clean(&in_file),
            configured_by: ["builtin", kind, "", ""].map(str::to_owned),
            ..self.clone()
        }
    }

    fn node(&self) -> Node {
        let mut map = Map::default();
        let add = |map: &mut Map, key: &str, value: &str| {
            if !value.is_empty() {
                map.push(key, Node::Scalar(v3_string(value)));
            }
        };
        add(&mut map, "path", &self.path);
        add(&mut map, "repo", &self.repo);
        add(&mut map, "ref", &self.reference);
        add(&mut map, "configuredIn", &self.configured_in);
        let mut by = Map::default();
        for (key, value) in ["apiVersion", "kind", "name", "namespace"]
            .iter()
            .zip(&self.configured_by)
        {
            add(&mut by, key, value);
        }
        if !by.entries.is_empty() {
            map.push("configuredBy", Node::Map(by));
        }
        Node::Map(map)
    }

    /// Prints the origin as the annotation holds it.
    pub(crate) fn text(&self) -> String {
        to_v3(&self.node()).unwrap_or_default()
    }
}

/// Records a transformer's run on an object; one without an origin was made by it.
pub(crate) fn record(object: &mut Resource, origin: &Origin) {
    if object.annotation(ORIGIN).is_none() {
        object.set_annotation(ORIGIN, Some(origin.text()));
        return;
    }
    let before = object.annotation(TRANSFORMATIONS).unwrap_or_default();
    let parsed = parse_first(before.as_bytes(), Merge::Keep, &Limits::default());
    let mut items = match parsed {
        Ok(Some(Node::Seq(seq))) => seq.items,
        _ => Vec::new(),
    };
    items.push(origin.node());
    let text = to_v3(&Node::Seq(fjord_yaml::Seq { items, flow: false })).unwrap_or_default();
    object.set_annotation(TRANSFORMATIONS, Some(text));
}

/// Returns the origin of what a plugin configured by an object does.
pub(crate) fn of_plugin(config: &Resource) -> Option<Origin> {
    let text = config.annotation(ORIGIN)?;
    let parsed = parse_first(text.as_bytes(), Merge::Keep, &Limits::default()).ok()??;
    let field = |key: &str| {
        parsed
            .get(key)
            .and_then(Node::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Some(Origin {
        path: String::new(),
        repo: field("repo"),
        reference: field("ref"),
        configured_in: field("path"),
        configured_by: [
            config.api_version().to_owned(),
            config.kind().to_owned(),
            config.name().to_owned(),
            config.namespace().to_owned(),
        ],
    })
}
