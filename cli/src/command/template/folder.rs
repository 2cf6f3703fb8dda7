//! A chart's folder on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fjord_helm::chart::{Directory, Entry, Kind, Reader};

/// A folder with a chart in it; links are followed.
pub(super) struct Folder {
    path: PathBuf,
    name: String,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Self {
            name: absolute.to_string_lossy().into_owned(),
            path: path.to_owned(),
        }
    }
}

impl Directory for Folder {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, String> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.path.join(path)).map_err(|error| words(&error))? {
            let entry = entry.map_err(|error| words(&error))?;
            let metadata = fs::metadata(entry.path()).map_err(|error| words(&error))?;
            entries.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                kind: if metadata.is_dir() {
                    Kind::Directory
                } else if metadata.is_file() {
                    Kind::File(metadata.len())
                } else {
                    Kind::Irregular
                },
            });
        }
        Ok(entries)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        read_file(&self.path.join(path)).map_err(|error| words(&error))
    }

    fn defer(&self, path: &str) -> Result<Option<Reader>, String> {
        let path = self.path.join(path);
        fs::File::open(&path).map_err(|error| words(&error))?;
        Ok(Some(Box::new(move || {
            read_file(&path).map_err(|error| words(&error))
        })))
    }
}

/// Reads a file, `-` being standard input; the error is in the words of Go.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    if path.as_os_str() == "-" {
        let mut text = Vec::new();
        io::Read::read_to_end(&mut io::stdin(), &mut text).map_err(|error| words(&error))?;
        return Ok(text);
    }
    read_file(path).map_err(|error| unopened(path, &error))
}

/// Opens a file; the error is that of [`read`].
pub(super) fn open(path: &Path) -> Result<fs::File, String> {
    fs::File::open(path).map_err(|error| unopened(path, &error))
}

fn unopened(path: &Path, error: &io::Error) -> String {
    format!("open {}: {}", path.display(), words(error))
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}
