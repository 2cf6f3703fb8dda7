//! The files of one artifact as a build sees them: read-only, confined, with one file put over it.
//!
//! The artifact lies in a shared, content-addressed folder; error texts show it as Flux would have
//! unpacked it, `<TMPDIR>/kustomization-<number>/…`. The number is derived from the object and the
//! artifact, so that a repeated failure repeats its text. Archives are unpacked without symbolic
//! links, so a lexical path is a real one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fjord_artifact::SafePath;
use fjord_kustomize::{FileSystem, fs as engine_fs};
use sha2::{Digest as _, Sha256};

/// Bytes a single file of a build may have.
const MAX_FILE: u64 = 64 << 20;

/// One artifact under the path that messages show.
#[derive(Debug)]
pub(crate) struct Checkout {
    real: PathBuf,
    shown: String,
    overlay: BTreeMap<String, Vec<u8>>,
}

impl Checkout {
    /// Shows the unpacked artifact in `real` to the build of one object.
    pub(crate) fn new(real: &Path, uid: &str, digest: &str) -> Self {
        let hash = Sha256::digest(format!("{uid} {digest}"));
        let number = hash
            .iter()
            .take(4)
            .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        let parent = std::env::temp_dir();
        let shown = engine_fs::clean(&format!("{}/kustomization-{number:010}", parent.display()));
        Self {
            real: real.to_owned(),
            shown,
            overlay: BTreeMap::new(),
        }
    }

    /// Joins a path of the specification so that it cannot leave the root.
    pub(crate) fn join(&self, path: &str) -> String {
        // Parity: `..` at the root stays at the root, as in filepath-securejoin.
        engine_fs::join(&self.shown, &engine_fs::clean(&format!("/{path}")))
    }

    /// Puts a file over what the artifact has at the shown path.
    pub(crate) fn put(&mut self, path: &str, content: Vec<u8>) {
        self.overlay.insert(engine_fs::clean(path), content);
    }

    /// Takes a path that messages show back to one inside the artifact.
    pub(crate) fn inside(&self, path: &str) -> Option<SafePath> {
        let path = engine_fs::clean(path);
        if !engine_fs::within(&path, &self.shown) {
            return None;
        }
        SafePath::parse(path[self.shown.len()..].trim_start_matches('/')).ok()
    }

    /// Whether the shown path is a file.
    pub(crate) fn is_file(&self, path: &str) -> bool {
        matches!(self.resolve(path), Ok(engine_fs::Place::File(..)))
    }

    /// Whether the shown path exists.
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.resolve(path).is_ok()
    }

    /// Lists a folder by name, folders marked.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<(String, bool)>, engine_fs::Error> {
        let real = self.real("open", path)?;
        let io = |error: std::io::Error| self.failed("open", path, &error);
        let mut entries = Vec::new();
        for entry in fs::read_dir(real).map_err(io)? {
            let entry = entry.map_err(io)?;
            let is_dir = entry.file_type().map_err(io)?.is_dir();
            // A name that is no UTF-8 cannot be named in a kustomization either.
            if let Ok(name) = entry.file_name().into_string() {
                entries.push((name, is_dir));
            }
        }
        entries.sort();
        Ok(entries)
    }

    fn real(&self, op: &'static str, path: &str) -> Result<PathBuf, engine_fs::Error> {
        let inside = self.inside(path).ok_or_else(|| engine_fs::Error::Outside {
            op,
            path: path.to_owned(),
            root: self.shown.clone(),
        })?;
        Ok(inside.under(&self.real))
    }

    fn failed(&self, op: &'static str, path: &str, error: &std::io::Error) -> engine_fs::Error {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => {
                engine_fs::not_found(path, |part| match self.inside(part) {
                    Some(inside) => {
                        let found = fs::symlink_metadata(inside.under(&self.real)).ok();
                        found.map(|found| found.is_dir())
                    }
                    // What the shown path leads through.
                    None => Some(true),
                })
            }
            _ => engine_fs::Error::Io {
                op,
                path: path.to_owned(),
                message: error.to_string(),
            },
        }
    }
}

impl FileSystem for Checkout {
    fn resolve(&self, path: &str) -> Result<engine_fs::Place, engine_fs::Error> {
        let path = engine_fs::clean(path);
        let file = || {
            let (dir, name) = path.rsplit_once('/').unwrap_or(("", &path));
            engine_fs::Place::File(dir.to_owned(), name.to_owned())
        };
        if self.overlay.contains_key(&path) {
            return Ok(file());
        }
        let real = self.real("open", &path)?;
        let found =
            fs::symlink_metadata(real).map_err(|error| self.failed("open", &path, &error))?;
        Ok(if found.is_dir() {
            engine_fs::Place::Dir(path)
        } else {
            file()
        })
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, engine_fs::Error> {
        let path = engine_fs::clean(path);
        if let Some(content) = self.overlay.get(&path) {
            return Ok(content.clone());
        }
        let real = self.real("open", &path)?;
        let io = |error: std::io::Error| self.failed("open", &path, &error);
        let found = fs::symlink_metadata(&real).map_err(io)?;
        if found.is_dir() {
            return Err(engine_fs::Error::IsDirectory { path });
        }
        if !found.is_file() || found.len() > MAX_FILE {
            let message = format!("not a regular file of at most {MAX_FILE} bytes");
            return Err(engine_fs::Error::Io {
                op: "open",
                path,
                message,
            });
        }
        fs::read(real).map_err(io)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout() -> (tempfile::TempDir, Checkout) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("app")).unwrap();
        fs::write(folder.path().join("app/a.yaml"), "a: 1\n").unwrap();
        let checkout = Checkout::new(folder.path(), "uid", "sha256:00");
        (folder, checkout)
    }

    #[test]
    fn files_are_read_under_the_shown_path_and_the_overlay_wins() {
        let (_folder, mut checkout) = checkout();
        let path = checkout.join("./app/../app/a.yaml");
        assert_eq!(path, format!("{}/app/a.yaml", checkout.shown));
        assert_eq!(checkout.read(&path).unwrap(), b"a: 1\n");
        checkout.put(&path, b"b: 2\n".to_vec());
        assert_eq!(checkout.read(&path).unwrap(), b"b: 2\n");
        assert!(checkout.is_file(&path) && !checkout.is_file(&checkout.join("app")));
    }

    #[test]
    fn a_path_of_the_specification_cannot_leave_the_root() {
        let (_folder, checkout) = checkout();
        assert_eq!(
            checkout.join("../../app"),
            format!("{}/app", checkout.shown)
        );
        assert_eq!(checkout.join("/app/.."), checkout.shown);
    }

    #[test]
    fn a_path_outside_is_refused_by_name() {
        let (_folder, checkout) = checkout();
        let outside = format!("{}/../x", checkout.shown);
        assert!(matches!(
            checkout.read(&outside),
            Err(engine_fs::Error::Outside { .. })
        ));
        let missing = checkout.join("none");
        assert!(matches!(
            checkout.read(&missing),
            Err(engine_fs::Error::NotFound { .. })
        ));
    }

    #[test]
    fn the_shown_path_is_the_same_for_the_same_object_and_artifact() {
        let shown = |uid, digest| Checkout::new(Path::new("/x"), uid, digest).shown;
        assert_eq!(shown("a", "d"), shown("a", "d"));
        assert_ne!(shown("a", "d"), shown("b", "d"));
    }
}
