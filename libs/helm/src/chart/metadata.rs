//! `Chart.yaml`: what it may say, how it is decoded, cleaned and checked.
//!
//! Decoding is lenient as Helm's is (unknown keys pass, numbers become text); checking is not.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::go::{self, Decode, Fault, Fields};
use crate::versions;

/// What `Chart.yaml` says, with `requirements.yaml` for a chart of apiVersion v1.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Metadata {
    /// The name of the chart.
    pub name: String,
    /// The page of the project.
    pub home: String,
    /// Where its source is.
    pub sources: Vec<String>,
    /// The version of the chart.
    pub version: String,
    /// One sentence about it.
    pub description: String,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// Who maintains it; `None` stands for an empty entry, which is refused.
    pub maintainers: Vec<Option<Maintainer>>,
    /// The URL of a picture.
    pub icon: String,
    /// `v1` or `v2`.
    pub api_version: String,
    /// The condition that enables the chart, of old charts.
    pub condition: String,
    /// The tags that enable the chart, of old charts.
    pub tags: String,
    /// The version of what the chart installs.
    pub app_version: String,
    /// Whether the chart should no longer be used.
    pub deprecated: bool,
    /// Anything else.
    pub annotations: BTreeMap<String, String>,
    /// The Kubernetes versions it can be installed on.
    pub kube_version: String,
    /// The charts it needs; `None` stands for an empty entry, which is refused.
    pub dependencies: Vec<Option<Dependency>>,
    /// Whether the list of these is there and empty, which is not the same as its absence.
    pub empty_dependencies: bool,
    /// Empty, `application` or `library`.
    pub kind: String,
}

/// Somebody who maintains a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Maintainer {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// A page.
    pub url: String,
}

/// A chart that another needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependency {
    /// The name of the chart; once dependencies are processed, the alias.
    pub name: String,
    /// The range its version must be in.
    pub version: String,
    /// Where it is had from.
    pub repository: String,
    /// Paths of values, separated by commas; the first boolean decides.
    pub condition: String,
    /// Names in the table `tags` of the values.
    pub tags: Vec<String>,
    /// Whether it is part of the release, once dependencies are processed.
    pub enabled: bool,
    /// Which of its values its parent takes over.
    pub import_values: Vec<Value>,
    /// The name it goes by in this parent.
    pub alias: String,
}

impl Metadata {
    /// Decodes what a text sets over what is set already, as Helm does for `requirements.yaml`.
    pub(crate) fn decode_over(&mut self, text: &[u8]) -> Result<(), Fault> {
        let decoded = Decode::yaml(text, "v2.Metadata", "Metadata", Self::read)?;
        let (decoded, set) = decoded;
        *self = set.merge(std::mem::take(self), decoded);
        Ok(())
    }

    /// Reads the fields in the order of Go's JSON keys, so that the first fault is Go's.
    fn read(decode: &mut Decode, fields: &Fields<'_>) -> (Self, Set) {
        let metadata = Self {
            annotations: fields.text_map(decode, "annotations"),
            api_version: fields.text(decode, "apiVersion"),
            app_version: fields.text(decode, "appVersion"),
            condition: fields.text(decode, "condition"),
            dependencies: fields.structs(decode, "dependencies", "v2.Dependency", Dependency::read),
            empty_dependencies: fields
                .raw("dependencies")
                .and_then(Value::as_array)
                .is_some_and(Vec::is_empty),
            deprecated: fields.flag(decode, "deprecated"),
            description: fields.text(decode, "description"),
            home: fields.text(decode, "home"),
            icon: fields.text(decode, "icon"),
            keywords: fields.texts(decode, "keywords"),
            kube_version: fields.text(decode, "kubeVersion"),
            maintainers: fields.structs(
                decode,
                "maintainers",
                "v2.Maintainer",
                |decode, fields| Maintainer {
                    email: fields.text(decode, "email"),
                    name: fields.text(decode, "name"),
                    url: fields.text(decode, "url"),
                },
            ),
            name: fields.text(decode, "name"),
            sources: fields.texts(decode, "sources"),
            tags: fields.text(decode, "tags"),
            kind: fields.text(decode, "type"),
            version: fields.text(decode, "version"),
        };
        (metadata, Set::of(fields))
    }

    /// Decodes the fields of a struct that has all of a chart's and others.
    pub(crate) fn of_fields(decode: &mut Decode, fields: &Fields<'_>) -> Self {
        Self::read(decode, fields).0
    }

    /// Cleans the texts and refuses what Helm refuses.
    ///
    /// # Errors
    /// The first rule that is broken, in Helm's words.
    pub fn validate(&mut self) -> Result<(), Invalid> {
        let texts = [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ];
        texts
            .into_iter()
            .chain(&mut self.sources)
            .chain(&mut self.keywords)
            .for_each(clean);
        if self.api_version.is_empty() {
            return refuse("chart.metadata.apiVersion is required");
        }
        if self.name.is_empty() {
            return refuse("chart.metadata.name is required");
        }
        if self.name == "." || self.name == ".." {
            return refuse(format!(
                "chart.metadata.name {} is not allowed",
                go::quote(&self.name)
            ));
        }
        if self.name.contains('/') {
            return refuse(format!(
                "chart.metadata.name {} is invalid",
                go::quote(&self.name)
            ));
        }
        if self.version.is_empty() {
            return refuse("chart.metadata.version is required");
        }
        if !versions::is_version(&self.version) {
            return refuse(format!(
                "chart.metadata.version {} is invalid",
                go::quote(&self.version)
            ));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return refuse("chart.metadata.type must be application or library");
        }
        for maintainer in &mut self.maintainers {
            let Some(maintainer) = maintainer else {
                return refuse("maintainers must not contain empty or null nodes");
            };
            [
                &mut maintainer.name,
                &mut maintainer.email,
                &mut maintainer.url,
            ]
            .into_iter()
            .for_each(clean);
        }
        self.validate_dependencies()
    }

    fn validate_dependencies(&mut self) -> Result<(), Invalid> {
        let mut names = std::collections::BTreeSet::new();
        for dependency in &mut self.dependencies {
            let Some(dependency) = dependency else {
                return refuse("dependencies must not contain empty or null nodes");
            };
            dependency.validate()?;
            let key = if dependency.alias.is_empty() {
                &dependency.name
            } else {
                &dependency.alias
            };
            if !names.insert(key.clone()) {
                let key = go::quote(key);
                return refuse(format!("more than one dependency with name or alias {key}"));
            }
        }
        Ok(())
    }

    /// Says whether dependencies are listed, be it none of them.
    pub(crate) fn lists_dependencies(&self) -> bool {
        self.empty_dependencies || !self.dependencies.is_empty()
    }

    /// Says whether the chart only lends templates to others.
    pub fn is_library(&self) -> bool {
        self.kind == "library"
    }
}

impl Dependency {
    fn read(decode: &mut Decode, fields: &Fields<'_>) -> Self {
        Self {
            alias: fields.text(decode, "alias"),
            condition: fields.text(decode, "condition"),
            enabled: fields.flag(decode, "enabled"),
            import_values: fields.list(decode, "import-values", "[]interface {}", |_, value| {
                value.clone()
            }),
            name: fields.text(decode, "name"),
            repository: fields.text(decode, "repository"),
            tags: fields.texts(decode, "tags"),
            version: fields.text(decode, "version"),
        }
    }

    fn validate(&mut self) -> Result<(), Invalid> {
        [
            &mut self.name,
            &mut self.version,
            &mut self.repository,
            &mut self.condition,
        ]
        .into_iter()
        .chain(&mut self.tags)
        .for_each(clean);
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !self.alias.chars().all(is_allowed) {
            let name = go::quote(&self.name);
            return refuse(format!(
                "dependency {name} has disallowed characters in the alias"
            ));
        }
        Ok(())
    }
}

/// Which fields a text set, where one text is decoded over another.
struct Set(Vec<String>);

impl Set {
    fn of(fields: &Fields<'_>) -> Self {
        let names = [
            "annotations",
            "apiVersion",
            "appVersion",
            "condition",
            "dependencies",
            "deprecated",
            "description",
            "home",
            "icon",
            "keywords",
            "kubeVersion",
            "maintainers",
            "name",
            "sources",
            "tags",
            "type",
            "version",
        ];
        let is_set = |name: &&str| fields.raw(name).is_some_and(|value| !value.is_null());
        Self(
            names
                .iter()
                .copied()
                .filter(is_set)
                .map(str::to_owned)
                .collect(),
        )
    }

    fn merge(&self, base: Metadata, over: Metadata) -> Metadata {
        let mut merged = base;
        for name in &self.0 {
            match name.as_str() {
                "annotations" => merged.annotations.extend(over.annotations.clone()),
                "apiVersion" => merged.api_version.clone_from(&over.api_version),
                "appVersion" => merged.app_version.clone_from(&over.app_version),
                "condition" => merged.condition.clone_from(&over.condition),
                "dependencies" => {
                    merged.dependencies.clone_from(&over.dependencies);
                    merged.empty_dependencies = over.empty_dependencies;
                }
                "deprecated" => merged.deprecated = over.deprecated,
                "description" => merged.description.clone_from(&over.description),
                "home" => merged.home.clone_from(&over.home),
                "icon" => merged.icon.clone_from(&over.icon),
                "keywords" => merged.keywords.clone_from(&over.keywords),
                "kubeVersion" => merged.kube_version.clone_from(&over.kube_version),
                "maintainers" => merged.maintainers.clone_from(&over.maintainers),
                "name" => merged.name.clone_from(&over.name),
                "sources" => merged.sources.clone_from(&over.sources),
                "tags" => merged.tags.clone_from(&over.tags),
                "type" => merged.kind.clone_from(&over.kind),
                _ => merged.version.clone_from(&over.version),
            }
        }
        merged
    }
}

/// A chart that says what no chart may say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("validation: {0}")]
pub struct Invalid(String);

impl Invalid {
    /// Says whether the only fault is a dependency's name that is there twice.
    pub(crate) fn is_repeated_dependency(&self) -> bool {
        self.0
            .starts_with("more than one dependency with name or alias")
    }
}

fn refuse(message: impl Into<String>) -> Result<(), Invalid> {
    Err(Invalid(message.into()))
}

/// Turns every kind of space into a plain one and drops what cannot be printed.
fn clean(text: &mut String) {
    let is_clean = |c: char| c == ' ' || (!go::is_space(c) && go::is_print(c));
    if text.chars().all(is_clean) {
        return;
    }
    *text = text
        .chars()
        .filter_map(|c| {
            if go::is_space(c) {
                Some(' ')
            } else {
                Some(c).filter(|c| go::is_print(*c))
            }
        })
        .collect();
}
