//! A folder on disk that nothing read through it can leave, symlinks included.
//!
//! Flux builds on such a file system rooted at the artifact: every path is resolved before it is used,
//! and one that lands outside is an error and not a miss (Flux pkg/kustomize, `fs_secure`).

use super::{Error, FileSystem, Place, clean, within};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A confined folder, given by its real path.
///
/// ```
/// use fjord_kustomize::{Options, RootedFs, build};
///
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("pod.yaml"), "kind: Pod\nmetadata: {name: a}\n")?;
/// std::fs::write(folder.path().join("kustomization.yaml"), "resources: [pod.yaml]\n")?;
/// let fs = RootedFs::new(folder.path())?;
/// assert_eq!(build(&fs, fs.root(), &Options::default())?.resources.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RootedFs {
    root: String,
}

impl RootedFs {
    /// Confines to `root`, whose own symlinks are followed first.
    ///
    /// # Errors
    /// The folder does not exist or its path is not UTF-8.
    pub fn new(root: impl AsRef<Path>) -> Result<Self, Error> {
        let given = root.as_ref().display().to_string();
        let real = root
            .as_ref()
            .canonicalize()
            .map_err(|error| io("open", &given, &error))?;
        Ok(Self { root: utf8(real)? })
    }

    /// Returns the real path of the folder.
    pub fn root(&self) -> &str {
        &self.root
    }

    fn real(&self, op: &'static str, path: &str) -> Result<PathBuf, Error> {
        let cleaned = clean(path);
        let real = match Path::new(&cleaned).canonicalize() {
            Ok(real) => real,
            Err(error) => {
                // What is outside must not be told apart from what is missing there.
                if !within(&cleaned, &self.root) {
                    return Err(self.outside(op, path));
                }
                if error.kind() != ErrorKind::NotFound {
                    return Err(io(op, path, &error));
                }
                let missing = missing(Path::new(&cleaned), LINKS);
                return Err(match missing.to_str() {
                    Some(missing) if within(missing, &self.root) => Error::NotFound {
                        path: path.to_owned(),
                        missing: missing.to_owned(),
                    },
                    _ => self.outside(op, path),
                });
            }
        };
        match real.to_str() {
            Some(text) if within(text, &self.root) => Ok(real),
            _ => Err(self.outside(op, path)),
        }
    }

    fn outside(&self, op: &'static str, path: &str) -> Error {
        Error::Outside {
            op,
            path: path.to_owned(),
            root: self.root.clone(),
        }
    }
}

impl FileSystem for RootedFs {
    fn resolve(&self, path: &str) -> Result<Place, Error> {
        let real = self.real("open", path)?;
        if real.is_dir() {
            return utf8(real).map(Place::Dir);
        }
        let real = utf8(real)?;
        let (dir, name) = real.rsplit_once('/').unwrap_or(("", &real));
        Ok(Place::File(
            if dir.is_empty() { "/" } else { dir }.to_owned(),
            name.to_owned(),
        ))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        let real = self.real("open", path)?;
        if real.is_dir() {
            return Err(Error::IsDirectory {
                path: path.to_owned(),
            });
        }
        // A FIFO or a device would block or never end.
        if !real.is_file() {
            return Err(Error::Io {
                op: "open",
                path: path.to_owned(),
                message: "not a regular file".to_owned(),
            });
        }
        std::fs::read(&real).map_err(|error| io("open", path, &error))
    }
}

/// How many links that lead nowhere are followed to see where they end.
const LINKS: usize = 40;

/// Finds what is not there on the way to a path, as Go's `filepath.EvalSymlinks` names it.
fn missing(path: &Path, links: usize) -> PathBuf {
    // From the end: mostly it is the file alone.
    let mut above = path.ancestors().skip(1);
    let there = above.find_map(|above| Some((above, above.canonicalize().ok()?)));
    let Some((above, real)) = there else {
        return path.to_owned();
    };
    let below = path.strip_prefix(above).unwrap_or(path);
    let Some(part) = below.components().next() else {
        return real;
    };
    let next = real.join(part);
    match next.read_link() {
        Ok(target) if links > 0 => missing(&real.join(target), links - 1),
        _ => next,
    }
}

fn utf8(path: PathBuf) -> Result<String, Error> {
    path.into_os_string()
        .into_string()
        .map_err(|path| Error::Io {
            op: "open",
            path: path.to_string_lossy().into_owned(),
            message: "path is not valid UTF-8".to_owned(),
        })
}

fn io(op: &'static str, path: &str, error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => Error::NotFound {
            path: path.to_owned(),
            missing: path.to_owned(),
        },
        ErrorKind::NotADirectory => Error::NotDirectory {
            path: path.to_owned(),
        },
        _ => Error::Io {
            op,
            path: path.to_owned(),
            message: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symlink_out_of_the_root_is_refused_by_name() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("root");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(outer.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret"), root.join("link")).unwrap();
        let fs = RootedFs::new(&root).unwrap();
        let link = format!("{}/link", fs.root());
        assert!(matches!(fs.read(&link), Err(Error::Outside { .. })));
        assert!(matches!(
            fs.read(&format!("{}/none", fs.root())),
            Err(Error::NotFound { .. })
        ));
        // Nor is it told what is missing there.
        std::os::unix::fs::symlink(outer.path().join("none"), root.join("broken")).unwrap();
        let broken = format!("{}/broken", fs.root());
        assert!(matches!(fs.read(&broken), Err(Error::Outside { .. })));
    }

    #[test]
    fn the_first_part_that_is_missing_is_named_behind_its_links() {
        let outer = tempfile::tempdir().unwrap();
        let fs = RootedFs::new(outer.path()).unwrap();
        let root = fs.root().to_owned();
        std::fs::create_dir(outer.path().join("real")).unwrap();
        std::fs::write(outer.path().join("real/file"), "").unwrap();
        std::os::unix::fs::symlink("real", outer.path().join("link")).unwrap();
        std::os::unix::fs::symlink("link/a/b", outer.path().join("broken")).unwrap();
        for (path, missing) in [
            ("none/x", "none"),
            ("link/a/b", "real/a"),
            ("broken", "real/a"),
        ] {
            let error = fs.resolve(&format!("{root}/{path}")).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "evalsymlink failure on '{root}/{path}' : lstat {root}/{missing}: no such file or directory"
                )
            );
        }
        let error = fs.resolve(&format!("{root}/link/file/x")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("evalsymlink failure on '{root}/link/file/x' : not a directory")
        );
    }
}
