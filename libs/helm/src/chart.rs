//! A chart in memory: what its files say, before any values are applied.
//!
//! Charts come from [`Chart::from_files`], [`Chart::from_archive`] or [`Chart::from_directory`]; none of
//! them touches a disk by itself. Subcharts are kept in the order of their folders' names, where Helm
//! keeps them in a random one.

use std::sync::Arc;

use crate::values::frozen::Frozen;

mod archive;
mod content;
mod directory;
mod ignore;
mod load;
mod metadata;
mod pattern;

pub use archive::{Error as ArchiveError, Limits, Package, read as read_archive};
pub use content::{Content, Reader};
pub use directory::{Directory, Entry, Error as DirectoryError, Kind};
pub use ignore::{Error as IgnoreError, Ignore};
pub use load::Error;
pub use metadata::{Dependency, Invalid, Maintainer, Metadata};
pub use pattern::{BadPattern, matches};

/// A chart with its subcharts.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Chart {
    /// What `Chart.yaml` says.
    pub metadata: Metadata,
    /// The defaults of `values.yaml`.
    pub values: Frozen,
    /// The text of `values.schema.json`.
    pub schema: Option<Arc<[u8]>>,
    /// The files below `templates/`.
    pub templates: Arc<Vec<File>>,
    /// All other files that templates can read.
    pub files: Arc<Vec<File>>,
    /// The charts below `charts/`.
    pub dependencies: Vec<Self>,
}

/// A file of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The path below the chart's folder.
    pub name: String,
    /// What is in it.
    pub data: Content,
}

/// A CustomResourceDefinition file, which is applied as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomResourceDefinition {
    /// The path below the root chart's parent: `chart/charts/sub/crds/a.yaml`.
    pub path: String,
    /// What is in it.
    pub data: Content,
}

impl File {
    /// Makes a file.
    pub fn new(name: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            data: data.into().into(),
        }
    }
}

impl Chart {
    /// Names the chart; of a subchart under an alias, the alias.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Lists the definitions below `crds/` of the chart and, after them, of its subcharts.
    pub fn custom_resource_definitions(&self) -> Vec<CustomResourceDefinition> {
        let mut found = Vec::new();
        self.collect_definitions(self.name(), &mut found);
        found
    }

    /// Names a file that was asked for and could no longer be read, and says why.
    pub fn unread(&self) -> Option<(&str, &str)> {
        let own = self.files.iter();
        let unread = own.filter_map(|file| Some((file.name.as_str(), file.data.unread()?)));
        let below = self.dependencies.iter().filter_map(Self::unread);
        unread.chain(below).next()
    }

    fn collect_definitions(&self, path: &str, found: &mut Vec<CustomResourceDefinition>) {
        for file in self.files.iter().filter(|file| is_definition(&file.name)) {
            let path = format!("{path}/{}", file.name);
            found.push(CustomResourceDefinition {
                path,
                data: file.data.clone(),
            });
        }
        for dependency in &self.dependencies {
            dependency.collect_definitions(&format!("{path}/charts/{}", dependency.name()), found);
        }
    }
}

fn is_definition(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    name.starts_with("crds/")
        && ["yaml", "yml", "json"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
}
