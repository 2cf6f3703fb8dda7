//! Which files and folders one kustomization may name, and how they are read.
//!
//! Each kustomization has its own loader; the chain of those that led to it forbids cycles. URLs go to the
//! [`crate::RemoteSource`], if there is one.

use crate::build::Cx;
use crate::error::{Error, Wrap, invalid};
use crate::fs::{self, FileSystem as _, Place, join, within};
use crate::{LoadRestrictor, remote};
use std::sync::Arc;

/// Reads on behalf of the kustomization in one folder.
#[derive(Clone, Debug)]
pub(crate) struct Loader {
    visited: Arc<Visited>,
    restrictor: LoadRestrictor,
    /// The URL and folder of the checkout this loader stands in.
    checkout: Option<(String, String)>,
}

/// A folder with a kustomization, and those of the kustomizations that led there.
#[derive(Debug)]
struct Visited {
    folder: String,
    depth: usize,
    from: Option<Arc<Self>>,
}

impl Visited {
    /// Goes from this folder back to where the build started.
    fn back(&self) -> impl Iterator<Item = &str> {
        let chain = std::iter::successors(Some(self), |visited| visited.from.as_deref());
        chain.map(|visited| visited.folder.as_str())
    }
}

impl Loader {
    /// Makes the loader of the folder a build starts in.
    pub(crate) fn new(cx: &Cx<'_>, path: &str) -> Result<Self, Error> {
        let folder = folder(cx, path).wrap(|| "must build at directory".to_owned())?;
        let visited = Visited {
            folder,
            depth: 1,
            from: None,
        };
        Ok(Self {
            visited: Arc::new(visited),
            restrictor: cx.options.load_restrictor,
            checkout: None,
        })
    }

    pub(crate) fn root(&self) -> &str {
        &self.visited.folder
    }

    /// Makes the loader of a folder or repository this kustomization names.
    pub(crate) fn child(&self, cx: &Cx<'_>, path: &str) -> Result<Self, Error> {
        if path.is_empty() {
            return Err(invalid("new root cannot be empty"));
        }
        if remote::is_repository(path) {
            return self.remote(cx, path);
        }
        if path.starts_with('/') {
            return Err(invalid(format!("new root '{path}' cannot be absolute")));
        }
        let root =
            folder(cx, &join(self.root(), path)).wrap(|| "must build at directory".to_owned())?;
        if let Some((_, clone)) = &self.checkout
            && !within(&root, clone)
        {
            return Err(invalid(format!(
                "security; bases in kustomizations found in cloned git repos must be within the repo, but base '{root}' is outside '{clone}'"
            )));
        }
        if let Some(seen) = self.visited.back().find(|seen| within(seen, &root)) {
            return Err(invalid(format!(
                "cycle detected: candidate root '{root}' contains visited root '{seen}'"
            )));
        }
        self.below(cx, root, self.restrictor, self.checkout.clone())
    }

    fn below(
        &self,
        cx: &Cx<'_>,
        root: String,
        restrictor: LoadRestrictor,
        checkout: Option<(String, String)>,
    ) -> Result<Self, Error> {
        let depth = cx.options.limits.depth;
        if self.visited.depth >= depth {
            return Err(Error::Limit(format!(
                "kustomizations nest deeper than {depth}"
            )));
        }
        let visited = Visited {
            folder: root,
            depth: self.visited.depth + 1,
            from: Some(self.visited.clone()),
        };
        Ok(Self {
            visited: Arc::new(visited),
            restrictor,
            checkout,
        })
    }

    fn remote(&self, cx: &Cx<'_>, url: &str) -> Result<Self, Error> {
        if let Some((seen, _)) = &self.checkout
            && seen.starts_with(url)
        {
            return Err(invalid(format!(
                "cycle detected: URI '{url}' referenced by previous URI '{seen}'"
            )));
        }
        let source = cx
            .options
            .remote
            .ok_or_else(|| refused("remote base", url))?;
        let checkout = source.repository(url).map_err(invalid)?;
        if !within(&checkout.root, &checkout.clone_dir) {
            return Err(invalid(format!(
                "{:?} refers to directory outside of repo {:?}",
                checkout.root, checkout.clone_dir
            )));
        }
        let place = Some((url.to_owned(), checkout.clone_dir));
        self.below(cx, checkout.root, LoadRestrictor::RootOnly, place)
    }

    /// Reads a file this kustomization names.
    pub(crate) fn load(&self, cx: &Cx<'_>, path: &str) -> Result<Vec<u8>, Error> {
        if remote::is_url(path) {
            let source = cx
                .options
                .remote
                .ok_or_else(|| refused("remote file", path))?;
            let bytes = source.file(path).map_err(Error::Http)?;
            return cx.count_bytes(bytes);
        }
        let absolute = if path.starts_with('/') {
            path.to_owned()
        } else {
            join(self.root(), path)
        };
        let real = match self.restrictor {
            LoadRestrictor::None => absolute,
            LoadRestrictor::RootOnly => match cx.fs.resolve(&absolute)? {
                Place::Dir(_) => {
                    return Err(invalid(format!("'{absolute}' must resolve to a file")));
                }
                Place::File(dir, _) if !within(&dir, self.root()) => {
                    return Err(invalid(format!(
                        "security; file '{absolute}' is not in or below '{}'",
                        self.root()
                    )));
                }
                place => place.path(),
            },
        };
        cx.count_bytes(cx.fs.read(&real)?)
    }
}

fn refused(what: &str, url: &str) -> Error {
    Error::Refused(format!(
        "{what} '{url}' is not allowed: remote bases and files are disabled"
    ))
}

fn folder(cx: &Cx<'_>, path: &str) -> Result<String, Error> {
    match cx.fs.resolve(path) {
        Ok(Place::Dir(dir)) => Ok(dir),
        Ok(Place::File(..)) => Err(invalid(format!("'{path}': file is not directory"))),
        Err(error @ (fs::Error::NotFound { .. } | fs::Error::NotDirectory { .. })) => {
            Err(Error::from(error).context("not a valid directory"))
        }
        Err(error) => Err(error.into()),
    }
}
