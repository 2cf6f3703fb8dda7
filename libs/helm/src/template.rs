//! `helm template`: a chart and values to what would be installed, without a cluster.
//!
//! Owns the order of the steps and the shape of the output. The surprise: where a rendered file is no YAML, what was
//! rendered is still there, for `--debug` to show.

mod show;

pub use show::NotFound;

use crate::chart::Chart;
use crate::manifest::{self, Hook, INSTALL_ORDER, Manifest, SplitRule};
use crate::notice::{Level, Notices};
use crate::render::{self, Context};
use crate::values::Map;
use crate::values::coalesce::{Mismatch, Nulls, coalesce};
use crate::{dependencies, schema, versions};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is rendered besides the templates, and what is not checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The values are not checked against schemas.
    pub skip_schema_validation: bool,
    /// The files below `crds/` come first in the output.
    pub include_crds: bool,
    /// The notes of subcharts are kept too.
    pub subchart_notes: bool,
}

/// What would be installed.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The CRDs, path and text, where they were asked for.
    pub crds: Vec<(String, String)>,
    /// The objects, in the order they are applied in.
    pub manifests: Vec<Manifest>,
    /// The hooks, by kind.
    pub hooks: Vec<Hook>,
    /// What is said to the user after an installation.
    pub notes: String,
    /// Instead of all that: the rendered files, where they are no manifests.
    pub raw: Option<BTreeMap<String, Arc<str>>>,
}

/// Why nothing can be installed, in Helm's words.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A library chart.
    #[error("{0} charts are not installable")]
    NotInstallable(String),
    /// A name that no release can have.
    #[error("release name check failed: {0}")]
    ReleaseName(String),
    /// A dependency is not there.
    #[error(
        "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies: {0}"
    )]
    MissingDependency(#[from] dependencies::Missing),
    /// The name of a subchart holds what is no table, seen while dependencies were worked out.
    #[error("chart dependencies processing failed: {0}")]
    Dependencies(Mismatch),
    /// The same, seen later.
    #[error(transparent)]
    Values(Mismatch),
    /// The values are not those that the schemas allow.
    #[error(transparent)]
    Schema(#[from] schema::Error),
    /// The chart is for other versions of Kubernetes.
    #[error("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {found}")]
    KubeVersion {
        /// The chart's range.
        wanted: String,
        /// The version.
        found: String,
    },
    /// A template does not parse or fails.
    #[error(transparent)]
    Render(#[from] render::Error),
    /// A file of the chart vanished while the chart was rendered.
    #[error("error reading {path}: {reason}")]
    Unreadable {
        /// The path below the chart.
        path: String,
        /// The words of the system.
        reason: String,
    },
    /// A rendered file is no text.
    #[error(
        "YAML parse error on {0}: error converting YAML to JSON: yaml: invalid UTF-8; a string was cut in the middle of a character"
    )]
    NotText(String),
    /// A rendered file is no YAML.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
}

impl Error {
    /// Says whether Helm had made a release by then, which makes it advise `--debug`.
    pub fn has_release(&self) -> bool {
        matches!(
            self,
            Self::KubeVersion { .. } | Self::Render(_) | Self::NotText(_) | Self::Manifest(_)
        )
    }
}

/// Renders a chart as `helm template` does. What went well before an error is returned beside it.
///
/// # Errors
/// See [`Error`].
pub fn template(
    chart: &mut Chart,
    values: &Map,
    context: &Context<'_>,
    options: Options,
    notices: &mut Notices,
) -> Result<Rendered, (Error, Box<Rendered>)> {
    let nothing = |error: Error| (error, Box::new(Rendered::default()));
    check(chart, notices).map_err(nothing)?;
    check_name(&context.release.name).map_err(|reason| {
        let fields = vec![("error", reason.clone())];
        notices.push(Level::Error, "release name check failed", fields);
        nothing(Error::ReleaseName(reason))
    })?;
    dependencies::process(chart, values, notices).map_err(|error| {
        let fields = vec![("error", error.to_string())];
        notices.push(Level::Error, "chart dependencies processing failed", fields);
        nothing(Error::Dependencies(error))
    })?;
    let coalesced = coalesce(chart, values, Nulls::Delete, notices)
        .map_err(|error| nothing(Error::Values(error)))?;
    if !options.skip_schema_validation {
        schema::validate(chart, &coalesced, notices).map_err(|error| nothing(error.into()))?;
    }
    let range = &chart.metadata.kube_version;
    let version = &context.capabilities.kube_version;
    if !range.is_empty() && !versions::is_in_range(range, &version.to_string()) {
        return Err(nothing(Error::KubeVersion {
            wanted: range.clone(),
            found: version.version.clone(),
        }));
    }
    let mut files =
        render::render(chart, &coalesced, context).map_err(|error| nothing(error.into()))?;
    is_read(chart).map_err(nothing)?;
    let notes = take_notes(chart, &mut files, options.subchart_notes);
    let files = texts(files).map_err(nothing)?;
    let sorted = match manifest::sort(&files, INSTALL_ORDER, SplitRule::default(), notices) {
        Ok(sorted) => sorted,
        Err((error, sorted)) => {
            let rendered = Rendered {
                hooks: sorted.hooks,
                raw: Some(files),
                ..Rendered::default()
            };
            return Err((error.into(), Box::new(rendered)));
        }
    };
    let crds = if options.include_crds {
        let found = chart.custom_resource_definitions().into_iter();
        found
            .map(|crd| (crd.path, String::from_utf8_lossy(&crd.data).into_owned()))
            .collect()
    } else {
        Vec::new()
    };
    is_read(chart).map_err(nothing)?;
    Ok(Rendered {
        crds,
        manifests: sorted.manifests,
        hooks: sorted.hooks,
        notes,
        raw: None,
    })
}

/// Refuses what was rendered without a file that was asked for.
fn is_read(chart: &Chart) -> Result<(), Error> {
    match chart.unread() {
        None => Ok(()),
        Some((path, reason)) => Err(Error::Unreadable {
            path: path.to_owned(),
            reason: reason.to_owned(),
        }),
    }
}

/// Refuses libraries and charts whose dependencies are missing.
fn check(chart: &Chart, notices: &mut Notices) -> Result<(), Error> {
    if !matches!(chart.metadata.kind.as_str(), "" | "application") {
        return Err(Error::NotInstallable(chart.metadata.kind.clone()));
    }
    if chart.metadata.deprecated {
        notices.push(Level::Warn, "this chart is deprecated", Vec::new());
    }
    dependencies::check(chart)?;
    Ok(())
}

/// Refuses names that are no DNS names of at most 53 characters.
fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("no name provided".to_owned());
    }
    let is_part = |part: &str| {
        let alphanumeric = |byte: Option<&u8>| {
            byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let bytes = part.as_bytes();
        let inner = |byte: &u8| alphanumeric(Some(byte)) || *byte == b'-';
        alphanumeric(bytes.first()) && alphanumeric(bytes.last()) && bytes.iter().all(inner)
    };
    if name.len() <= 53 && name.split('.').all(is_part) {
        return Ok(());
    }
    Err(format!(
        "release name {}: invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53",
        crate::go::quote(name)
    ))
}

/// Takes rendered files for the texts that manifests are.
fn texts(files: BTreeMap<String, Vec<u8>>) -> Result<BTreeMap<String, Arc<str>>, Error> {
    let mut texts = BTreeMap::new();
    for (path, bytes) in files {
        let text = String::from_utf8(bytes).map_err(|_| Error::NotText(path.clone()))?;
        texts.insert(path, text.into());
    }
    Ok(texts)
}

/// Takes the notes out of the rendered files.
fn take_notes(chart: &Chart, files: &mut BTreeMap<String, Vec<u8>>, subcharts: bool) -> String {
    const NOTES: &str = "NOTES.txt";
    let own = format!("{}/templates/{NOTES}", chart.name());
    let mut notes = String::new();
    files.retain(|path, text| {
        let is_notes = path.ends_with(NOTES);
        if is_notes && (subcharts || *path == own) {
            if !notes.is_empty() {
                notes.push('\n');
            }
            notes += &String::from_utf8_lossy(text);
        }
        !is_notes
    });
    notes
}
