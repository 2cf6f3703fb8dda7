//! Where the control plane's programs come from.
//!
//! `KUBEBUILDER_ASSETS` is asked first, the ecosystem's convention; what it
//! lacks is built once from the Go module in `tests/controlplane` into the
//! user's cache, keyed by the module's content. The module's sources are part
//! of this crate, so that an installed `fjord` needs no clone.

pub(crate) mod build;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The files of the Go module, by name.
const MODULE: [(&str, &str); 3] = [
    ("go.mod", include_str!("../../../tests/controlplane/go.mod")),
    ("go.sum", include_str!("../../../tests/controlplane/go.sum")),
    (
        "main.go",
        include_str!("../../../tests/controlplane/main.go"),
    ),
];

/// One program of the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// The store.
    Etcd,
    /// The API server.
    ApiServer,
    /// The built-in controllers.
    ControllerManager,
    /// The scheduler.
    Scheduler,
    /// The command line client.
    Kubectl,
    /// Plays nodes and pods without a container runtime.
    Kwok,
}

impl Program {
    /// Every program.
    pub const ALL: [Self; 6] = [
        Self::Etcd,
        Self::ApiServer,
        Self::ControllerManager,
        Self::Scheduler,
        Self::Kubectl,
        Self::Kwok,
    ];

    /// Returns the file name it is known by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kubectl => "kubectl",
            Self::Kwok => "kwok",
        }
    }
}

/// The programs of the control plane, each found or built.
#[derive(Debug, Clone)]
pub struct Programs {
    paths: BTreeMap<Program, PathBuf>,
}

impl Programs {
    /// Finds every program, building the missing ones; `progress` hears a line
    /// about each slow step.
    ///
    /// Blocks for the minutes that a first build takes: call it outside of
    /// async code, or through `spawn_blocking`.
    pub fn ready(progress: impl FnMut(&str)) -> Result<Self, Error> {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
        let mut paths = BTreeMap::new();
        if let Some(assets) = assets.filter(|path| !path.as_os_str().is_empty()) {
            let assets = assets.canonicalize().map_err(|source| Error::Assets {
                path: assets,
                source,
            })?;
            for program in Program::ALL {
                let path = assets.join(program.name());
                if path.is_file() {
                    paths.insert(program, path);
                }
            }
        }
        if paths.len() < Program::ALL.len() {
            let built = build::ensure(&cache()?, &key(), progress)?;
            for program in Program::ALL {
                paths
                    .entry(program)
                    .or_insert_with(|| built.join(program.name()));
            }
        }
        Ok(Self { paths })
    }

    /// Returns where `program` is.
    pub fn path(&self, program: Program) -> &Path {
        // `ready` has put every program in.
        self.paths
            .get(&program)
            .map_or(Path::new(program.name()), PathBuf::as_path)
    }
}

/// The folder of all built control planes.
fn cache() -> Result<PathBuf, Error> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir().ok_or(Error::NoHome)?.join(".cache"),
    };
    Ok(base.join("fjord/controlplane"))
}

/// The first 16 hex digits of the SHA-256 of the module's files in a row.
fn key() -> String {
    let mut hash = Sha256::new();
    for (_, content) in MODULE {
        hash.update(content.as_bytes());
    }
    let mut key = hex::encode(hash.finalize());
    key.truncate(16);
    key
}

/// Why a program is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `KUBEBUILDER_ASSETS` names no folder.
    #[error("KUBEBUILDER_ASSETS names {path}, which cannot be read")]
    Assets {
        /// What it names.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no place for a cache.
    #[error("neither XDG_CACHE_HOME nor HOME is set: no place to keep the control plane")]
    NoHome,
    /// The build went wrong.
    #[error(transparent)]
    Build(#[from] build::Error),
}
