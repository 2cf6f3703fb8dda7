//! The chart that a command line names: a folder or an archive on this machine.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use fjord_helm::chart::{Directory as _, Package, read_archive};
use fjord_helm::{Chart, Notices};

use super::folder::{self, Folder};

/// A chart that is there: what is read, not yet what it means.
pub(super) enum Located {
    Archive(Arc<OnDisk>),
    Folder(Folder),
}

/// An archive that is read from its file, once for the chart and once more if a template asks for more.
pub(super) struct OnDisk(File);

impl Package for OnDisk {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let mut file = &self.0;
        file.rewind()?;
        Ok(Box::new(file))
    }
}

impl Located {
    /// Reads the chart.
    pub(super) fn load(&self, notices: &mut Notices) -> Result<Chart> {
        let limits = fjord_helm::Limits::default();
        Ok(match self {
            Self::Archive(file) => Chart::from_package(file.clone(), &limits, notices)?,
            Self::Folder(folder) => Chart::from_directory(folder, &limits, notices)?,
        })
    }

    /// Reads a file of the chart.
    pub(super) fn file(&self, path: &str) -> Option<Vec<u8>> {
        match self {
            Self::Folder(folder) => folder.read(path).ok(),
            Self::Archive(file) => {
                let files = read_archive(&**file, &fjord_helm::Limits::default()).ok()?;
                let file = files.into_iter().find(|file| file.name == path)?;
                Some(file.data.to_vec())
            }
        }
    }
}

/// Finds a chart by the name that the user gave.
pub(super) fn locate(name: &str) -> Result<Located> {
    if name.starts_with("oci://") {
        bail!("oci: charts are not fetched here yet; download the chart and name its archive");
    }
    let path = Path::new(name);
    let Ok(metadata) = path.metadata() else {
        if path.is_absolute() || name.starts_with('.') {
            bail!("path {name:?} not found");
        }
        bail!(
            "chart {name:?} not found: name a folder or an archive; repositories are not asked here yet"
        );
    };
    if metadata.is_dir() {
        return Ok(Located::Folder(Folder::new(path)));
    }
    let file = folder::open(path).map_err(|reason| anyhow!("{reason}"))?;
    let mut head = Vec::new();
    let read = (&file).take(HEAD).read_to_end(&mut head);
    read.with_context(|| format!("reading {}", path.display()))?;
    if !head.starts_with(&[0x1f, 0x8b, 0x08]) {
        let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        bail!("{}", no_archive(&absolute, &head));
    }
    Ok(Located::Archive(Arc::new(OnDisk(file))))
}

/// How much of a file tells what it is.
const HEAD: u64 = 512;

/// Says what a file is that is no archive, in Helm's words.
fn no_archive(path: &Path, head: &[u8]) -> String {
    let is_control = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    let kind = if head.starts_with(b"PK\x03\x04") {
        "application/zip"
    } else if head.iter().any(is_control) {
        "application/octet-stream"
    } else {
        "text/plain; charset=utf-8"
    };
    let is_yaml = path
        .extension()
        .is_some_and(|end| end == "yaml" || end == "yml");
    let path = path.display();
    if is_yaml && kind.starts_with("text/plain") {
        return format!("file '{path}' seems to be a YAML file, but expected a gzipped archive");
    }
    format!("file '{path}' does not appear to be a gzipped archive; got '{kind}'")
}
