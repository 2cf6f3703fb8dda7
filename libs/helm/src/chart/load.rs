//! Files to a chart: which file goes where, and the charts below `charts/`.

use std::{collections::BTreeMap, sync::Arc};

use super::{ArchiveError, Chart, DirectoryError, File, Invalid, Limits, Package, archive};
use crate::{
    go::{Decode, Fault},
    notice::Notices,
    values,
};

/// A chart that cannot be loaded, in Helm's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no `Chart.yaml`.
    #[error("Chart.yaml file is missing")]
    NoMetadata,
    /// A file does not say what a file of its name must.
    #[error("cannot load {file}: {source}")]
    File {
        /// The name of the file.
        file: &'static str,
        /// Why not.
        source: Fault,
    },
    /// The defaults are no YAML mapping.
    #[error("cannot load values.yaml: {0}")]
    Values(values::ParseError),
    /// `Chart.yaml` says what no chart may say.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The chart is of a format that is not for this engine.
    #[error("unsupported chart version")]
    UnsupportedVersion,
    /// The chart is of the coming format, which Helm 4 reads but does not install.
    #[error("invalid chart apiVersion")]
    InstallableVersion,
    /// The archive cannot be unpacked.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The folder cannot be read.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// What lies below `charts/` is no chart.
    #[error("error unpacking subchart {name} in {parent}: {source}")]
    Subchart {
        /// The name of the folder or archive.
        name: String,
        /// The chart it lies in.
        parent: String,
        /// Why not.
        source: Box<Self>,
    },
    /// A folder has a name that only an archive has.
    #[error("error unpacking subchart tar in {parent}: expected {name}, got {got}")]
    NotAnArchive {
        /// The chart it lies in.
        parent: String,
        /// The name of the folder.
        name: String,
        /// The first file in it.
        got: String,
    },
    /// Charts lie in charts lie in charts.
    #[error("charts are nested deeper than the maximum of {0}")]
    TooDeep(usize),
}

impl Chart {
    /// Makes a chart of its files.
    ///
    /// ```
    /// use fjord_helm::{Chart, File, Notices, Limits};
    ///
    /// let files = vec![
    ///     File::new("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
    ///     File::new("values.yaml", "replicas: 2\n"),
    /// ];
    /// let chart = Chart::from_files(files, &Limits::default(), &mut Notices::default())?;
    /// assert_eq!((chart.name(), &chart.values.to_map()["replicas"]), ("web", &serde_json::json!(2.0)));
    /// # Ok::<(), fjord_helm::chart::Error>(())
    /// ```
    ///
    /// # Errors
    /// The files are no chart, or one of the subcharts is none.
    pub fn from_files(
        files: Vec<File>,
        limits: &Limits,
        notices: &mut Notices,
    ) -> Result<Self, Error> {
        Self::load(files, limits, notices, 0)
    }

    /// Makes a chart of a packaged one, which it keeps for the large files that only templates ask for.
    ///
    /// # Errors
    /// As for [`Chart::from_files`], or the archive is broken, too large or reaches outside itself.
    pub fn from_archive(
        bytes: impl Into<Arc<[u8]>>,
        limits: &Limits,
        notices: &mut Notices,
    ) -> Result<Self, Error> {
        let bytes: Arc<[u8]> = bytes.into();
        Self::from_package(Arc::new(bytes), limits, notices)
    }

    /// Makes a chart of a packaged one that need not be in memory.
    ///
    /// # Errors
    /// As for [`Chart::from_archive`], or it cannot be opened.
    pub fn from_package(
        package: Arc<dyn Package>,
        limits: &Limits,
        notices: &mut Notices,
    ) -> Result<Self, Error> {
        let files = archive::read_lazily(package, limits)?;
        let format = match files.iter().find(|file| file.name == "Chart.yaml") {
            Some(file) => check_version(&file.data)?,
            None => Format::Installable,
        };
        format.installable(Self::load(files, limits, notices, 0)?)
    }

    fn load(
        files: Vec<File>,
        limits: &Limits,
        notices: &mut Notices,
        depth: usize,
    ) -> Result<Self, Error> {
        if depth > limits.depth {
            return Err(Error::TooDeep(limits.depth));
        }
        let mut chart = Self::default();
        let mut has_metadata = false;
        for file in files.iter().filter(|file| file.name == "Chart.yaml") {
            has_metadata = true;
            chart
                .metadata
                .decode_over(&file.data)
                .map_err(in_file("Chart.yaml"))?;
            if chart.metadata.api_version.is_empty() {
                "v1".clone_into(&mut chart.metadata.api_version);
            }
        }
        let mut subcharts: BTreeMap<String, Vec<File>> = BTreeMap::new();
        for file in files {
            has_metadata |= chart.place(file, &mut subcharts, notices)?;
        }
        if !has_metadata {
            return Err(Error::NoMetadata);
        }
        chart.metadata.validate()?;
        for (name, files) in subcharts {
            if name.starts_with(['_', '.']) {
                continue;
            }
            let dependency = chart.subchart(&name, files, limits, notices, depth + 1)?;
            chart.dependencies.push(dependency);
        }
        Ok(chart)
    }

    /// Puts a file where it belongs; says whether it carries metadata.
    fn place(
        &mut self,
        file: File,
        subcharts: &mut BTreeMap<String, Vec<File>>,
        notices: &mut Notices,
    ) -> Result<bool, Error> {
        let is_v1 = self.metadata.api_version == "v1";
        match file.name.as_str() {
            "Chart.yaml" => {}
            "Chart.lock" => read_lock(&file.data).map_err(in_file("Chart.lock"))?,
            "values.yaml" => {
                self.values = values::parse(&file.data).map_err(Error::Values)?.into();
            }
            "values.schema.json" => self.schema = Some(file.data.bytes().clone()),
            "requirements.yaml" => {
                if !is_v1 {
                    notices.info(
                        "Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". We recommend migrating dependencies to Chart.yaml.",
                    );
                }
                self.metadata
                    .decode_over(&file.data)
                    .map_err(in_file("requirements.yaml"))?;
                if self.metadata.api_version == "v1" {
                    Arc::make_mut(&mut self.files).push(file);
                }
                return Ok(true);
            }
            "requirements.lock" => {
                read_lock(&file.data).map_err(in_file("requirements.lock"))?;
                if is_v1 {
                    Arc::make_mut(&mut self.files).push(file);
                } else {
                    notices.info(
                        "Warning: Dependency locking is handled in Chart.lock since apiVersion \"v2\". We recommend migrating to Chart.lock.",
                    );
                }
                return Ok(true);
            }
            name if name.starts_with("templates/") => Arc::make_mut(&mut self.templates).push(file),
            name => match name.strip_prefix("charts/") {
                Some(below) if !name.ends_with(".prov") => {
                    let top = below.split('/').next().unwrap_or_default().to_owned();
                    let name = below.to_owned();
                    subcharts.entry(top).or_default().push(File {
                        name,
                        data: file.data,
                    });
                }
                _ => Arc::make_mut(&mut self.files).push(file),
            },
        }
        Ok(false)
    }

    fn subchart(
        &self,
        name: &str,
        files: Vec<File>,
        limits: &Limits,
        notices: &mut Notices,
        depth: usize,
    ) -> Result<Self, Error> {
        let parent = || self.name().to_owned();
        let loaded = if name.ends_with(".tgz") {
            let Some(file) = files.into_iter().next() else {
                return Err(Error::NoMetadata);
            };
            if file.name != name {
                let (name, got) = (name.to_owned(), file.name);
                return Err(Error::NotAnArchive {
                    parent: parent(),
                    name,
                    got,
                });
            }
            archive::read(file.data.bytes(), limits)
                .map_err(Error::from)
                .and_then(|files| Self::load(files, limits, notices, depth))
        } else {
            let below = files.into_iter().filter_map(|file| {
                let (_, name) = file.name.split_once('/')?;
                Some(File {
                    name: name.to_owned(),
                    data: file.data,
                })
            });
            Self::load(below.collect(), limits, notices, depth)
        };
        loaded.map_err(|source| Error::Subchart {
            name: name.to_owned(),
            parent: parent(),
            source: Box::new(source),
        })
    }
}

fn in_file(file: &'static str) -> impl FnOnce(Fault) -> Error {
    move |source| Error::File { file, source }
}

/// The formats of charts that Helm 4 reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// v1 and v2.
    Installable,
    /// v3, which is read and then not installed.
    Coming,
}

impl Format {
    /// Refuses a chart of the coming format, once it was found to be a chart.
    pub(super) fn installable(self, chart: Chart) -> Result<Chart, Error> {
        match self {
            Self::Installable => Ok(chart),
            Self::Coming => Err(Error::InstallableVersion),
        }
    }
}

/// Refuses charts of other formats before anything else of them is read.
pub(super) fn check_version(text: &[u8]) -> Result<Format, Error> {
    let version = Decode::yaml(text, "loader.chartBase", "chartBase", |decode, fields| {
        fields.text(decode, "apiVersion")
    });
    match version.map_err(in_file("Chart.yaml"))?.as_str() {
        "" | "v1" | "v2" => Ok(Format::Installable),
        "v3" => Ok(Format::Coming),
        _ => Err(Error::UnsupportedVersion),
    }
}

/// Refuses a lock file that does not decode; nothing in it matters for rendering.
fn read_lock(text: &[u8]) -> Result<(), Fault> {
    Decode::yaml(text, "v2.Lock", "Lock", |decode, fields| {
        fields.structs(decode, "dependencies", "v2.Dependency", |decode, fields| {
            fields.text(decode, "name");
            fields.text(decode, "repository");
            fields.text(decode, "version");
        });
        fields.text(decode, "digest");
        fields.text(decode, "generated");
    })
}
